"""What an exercise is, and how an answer to it is checked. It knows no chapter.

A check has two sides that need not share a process: ``run`` lets an implementation answer cases and
returns plain data; ``make_cases``, ``expected`` and ``judge`` ask, know the right answer and
decide. What they find is a report (``cvgen_course.reports``).
"""

from cvgen_course.checks.check import Exercises, PointsMissing, check_by_name, report_by_name
from cvgen_course.checks.codec import decode, encode
from cvgen_course.checks.compare import compare
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.expected import expected
from cvgen_course.checks.grade import answer, grade, make_cases
from cvgen_course.checks.judge import judge
from cvgen_course.checks.mistakes import Mistake, Mistakes
from cvgen_course.checks.outcome import Outcome, WrongAnswer
from cvgen_course.checks.plain import as_tensor, to_plain
from cvgen_course.checks.run import run
from cvgen_course.checks.seed import PUBLIC_SEED, current_seed
from cvgen_course.checks.sides import answer_bytes, encode_questions, judge_bytes
from cvgen_course.checks.tensor_memory import TensorMemory

__all__ = [
    "PUBLIC_SEED",
    "Case",
    "Exercise",
    "Exercises",
    "Mistake",
    "Mistakes",
    "Outcome",
    "PointsMissing",
    "TensorMemory",
    "WrongAnswer",
    "answer",
    "answer_bytes",
    "as_tensor",
    "check_by_name",
    "compare",
    "current_seed",
    "decode",
    "encode",
    "encode_questions",
    "expected",
    "grade",
    "judge",
    "judge_bytes",
    "make_cases",
    "report_by_name",
    "run",
    "to_plain",
]
