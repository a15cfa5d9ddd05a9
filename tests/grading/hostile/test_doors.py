"""The course's own solution called through every door: not prevented everywhere, flagged always.

What runs in a student's process can call all that is there. Points may come of it; a person is told
where to look.
"""

import inspect

import pytest
from support.hostile_course import ALL

from cvgen_course.segmentation import iou_per_class, mean_iou

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("doors"),
    pytest.mark.follows_from("cvgen_course.grading", "cvgen_course.checks"),
]
OTHERS = {name: points for name, points in ALL.items() if name != "mean_iou"}
IN_MAILBOX = """
import os, pathlib
from cvgen_course.checks import check
from cvgen_course.segmentation.exercises import EXERCISES
def post(exercises, name, space):
    if name == "mean_iou":
        space = {name: lambda confusion: exercises[name].reference(confusion)}
    return real(exercises, name, space)
real = check.answer_by_mail
check.answer_by_mail = post
def mean_iou(confusion):
    return 0.0
"""
COPIED = inspect.getsource(iou_per_class) + "\n\n" + inspect.getsource(mean_iou)
DOORS = {
    "alias": "from cvgen_course import segmentation as ref\nmean_iou = ref.mean_iou",
    "import": "from cvgen_course.segmentation import mean_iou",
    "wrapper": """
from cvgen_course import segmentation as ref
def mean_iou(confusion):
    return 1 * ref.mean_iou(confusion)
""",
    "another function that knows": """
from cvgen_course import segmentation as ref
def mean_iou(confusion):
    each = ref.iou_per_class(confusion)
    return each[~each.isnan()].mean().nan_to_num()
""",
    "thread": """
from concurrent.futures import ThreadPoolExecutor
from cvgen_course import segmentation as ref
def mean_iou(confusion):
    with ThreadPoolExecutor() as pool:
        return pool.submit(ref.mean_iou, confusion).result()
""",
    "subprocess": """
import subprocess, sys
def mean_iou(confusion):
    program = "import torch; from cvgen_course.segmentation import mean_iou;"
    program += f"print(float(mean_iou(torch.tensor({confusion.tolist()}))))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return torch.tensor(float(done.stdout))
""",
    "its source": """
import inspect
from cvgen_course.segmentation import metrics
exec(inspect.getsource(metrics))
""",
    "its file": """
from pathlib import Path
import cvgen_course
exec((Path(cvgen_course.__file__).parent / "segmentation/metrics.py").read_text())
""",
    "its code in another function": """
import types
from cvgen_course.segmentation import metrics
mean_iou = types.FunctionType(metrics.mean_iou.__code__, dict(vars(metrics)))
""",
    "the exercise": """
from cvgen_course.segmentation.exercises import EXERCISES
def mean_iou(confusion):
    return EXERCISES["mean_iou"].reference(confusion)
""",
    "frames": """
import sys
def mean_iou(confusion):
    frame = sys._getframe()
    while frame:
        if "exercise" in frame.f_locals:
            return frame.f_locals["exercise"].reference(confusion)
        frame = frame.f_back
""",
    "the garbage collector": """
import gc
def mean_iou(confusion):
    for item in gc.get_objects():
        if getattr(item, "__name__", "") == "mean_iou" and item is not mean_iou:
            return item(confusion)
""",
    "a name in pieces": """
import importlib
def mean_iou(confusion):
    module = importlib.import_module("cvgen_" + "course.segmentation")
    return getattr(module, "mean_" + "iou")(confusion)
""",
    "a watch that was switched off": """
import sys, threading
from cvgen_course import segmentation as ref
def mean_iou(confusion):
    sys.setprofile(None)
    return ref.mean_iou(confusion)
""",
    "answers made by the solution": IN_MAILBOX,
    "its text, copied": COPIED.replace("iou_per_class", "each").replace("confusion", "table"),
}


@pytest.fixture(scope="module")
def graded(hostile_class):
    """The class, graded once."""
    for name, code in DOORS.items():
        hostile_class.attack(name, "from torch import Tensor", answer=code)
    return hostile_class.grade()


@pytest.mark.parametrize("name", DOORS)
def test_the_solution_earns_nothing_or_a_person_is_told(graded, name):
    assert graded.points(name)["mean_iou"] == 0 or graded.result(name).flags


@pytest.mark.parametrize("name", DOORS)
def test_the_other_exercises_keep_their_points(graded, name):
    points = graded.points(name)
    assert {other: points[other] for other in OTHERS} == OTHERS


@pytest.mark.parametrize("name", ["aa honest", "zz honest"])
def test_honest_students_get_all_points_without_a_flag_on_the_course(graded, name):
    assert graded.points(name) == ALL
    assert not any("course" in flag for flag in graded.result(name).flags)
