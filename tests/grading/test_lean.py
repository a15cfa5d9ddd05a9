"""What may be left out when a submission is graded; a check must never see the difference."""

import copy
import os
from textwrap import dedent

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support.notebooks import LECTURES, name_of

from cvgen_course.grading.lean import needed
from cvgen_course.notebooks.cells import is_check, is_solution

STUB = "def answer():\n    raise NotImplementedError()"
LECTURE = {
    "imports": "import math\nfrom collections import Counter\n\nfrom cvgen_course import profile",
    "parameters": "SEED = 3\nUSE_MY_CODE = False",
    "train": "TRAIN = profile.trains()\nSIZE = 10 if TRAIN else 2",
    "helper": "def square(x):\n    return x * x * scale",
    "scale": "numbers = [1, 2]\nscale = len(numbers)",
    "box": "class Box:\n    def value(self):\n        return square(5)",
    "demo": "total = sum(square(x) for x in numbers)\nprint(total)",
    "shared": "rows = numbers\nrows.append(4)",
    "again": "total = max(numbers)",
    "mixed": "import json\nprint(json.dumps(total))\nlimit = 7",
    "answer": STUB,
    "example": "x = 3\nprint(answer())",
    "check": "from cvgen_course.toys import check\n\ncheck('answer', globals())",
    "after": "x = total\nprint(x)",
    "trained": "if TRAIN:\n    result = answer()\nelse:\n    result = 5",
    "mine": "step = answer if USE_MY_CODE else len\nprint(step(numbers))",
    "late": "late = [9]",
}
ALWAYS = {"imports", "parameters", "helper", "box", "answer", "example", "check"}


def notebook(sources):
    """Return a notebook with a cell for each source; the keys are the cells' ids."""
    cells = []
    for name, source in sources.items():
        cell = new_code_cell(source, id=name)
        if name in ("answer", "check"):
            flags = {"grade_id": name, "grade": name == "check", "solution": name == "answer"}
            cell.metadata["nbgrader"] = {**flags, "locked": name == "check", "points": 1}
        if name == "parameters":
            cell.metadata["tags"] = ["parameters"]
        cells.append(cell)
    return new_notebook(cells=[new_markdown_cell("# A chapter"), *cells])


RELEASED = notebook(LECTURE)


def submitted(answer=STUB, **extra):
    """Return the lecture with an answer; each extra cell stands above the answer, or replaces."""
    sources = {}
    for name, source in LECTURE.items():
        if name == "answer":
            sources |= {key: text for key, text in extra.items() if key not in LECTURE}
        sources[name] = answer if name == "answer" else extra.get(name, source)
    return notebook(sources)


def names(submission):
    return {submission.cells[i].id for i in needed(submission, RELEASED)}


def everything(submission):
    return {cell.id for cell in submission.cells if cell.cell_type == "code"}


def outcome(submission, positions, monkeypatch):
    """Return what an answer returns where a check stands, after some cells ran."""
    monkeypatch.setitem(os.environ, "NBGRADER_EXECUTION", "autograde")
    space = {"__name__": "__main__", "print": lambda *_: None}
    for i in sorted(positions):
        cell = submission.cells[i]
        if cell.id == "check":
            break
        try:
            exec(compile(dedent(cell.source), cell.id, "exec"), space)
        except Exception:
            continue
    try:
        return space["answer"]()
    except Exception as error:
        return repr(error)


def assert_graded_alike(submission, monkeypatch):
    code = {i for i, cell in enumerate(submission.cells) if cell.cell_type == "code"}
    lean = needed(submission, RELEASED)
    full = outcome(submission, code, monkeypatch)
    assert outcome(submission, lean, monkeypatch) == full
    return full


def test_needed_leaves_out_what_says_nothing_about_a_student():
    assert names(submitted()) == ALWAYS
    assert names(submitted("def answer():\n    return math.pi")) == ALWAYS


@pytest.mark.parametrize(
    ("body", "fed_by", "result"),
    [
        ("return square(3)", {"scale", "shared"}, 18),
        ("return Box().value()", {"scale", "shared"}, 50),
        ("return numbers[-1]", {"scale", "shared", "demo"}, 4),
        ("return sum(n for n in numbers)", {"shared"}, 7),
        ("return (lambda: numbers[-1])()", {"shared"}, 4),
        ("def inner():\n        return rows[-1]\n    return inner()", {"shared", "scale"}, 4),
        ("return total", {"demo", "again"}, 4),
        ("return f'{total:g}'", {"again"}, "4"),
        ("return limit", {"mixed", "again", "demo"}, 7),
        ("return json.dumps(1)", {"mixed"}, "1"),
        ("return SIZE", {"train"}, 2),
        ("return late if SEED > 3 else SEED", {"late"}, 3),
        (
            "global total\n    total += 1\n    return total",
            {"again"},
            6,
        ),  # the example calls it, too
    ],
)
def test_needed_runs_what_feeds_an_answer(body, fed_by, result, monkeypatch):
    submission = submitted(f"def answer():\n    {body}")
    assert names(submission) >= ALWAYS | fed_by
    assert assert_graded_alike(submission, monkeypatch) == result


@pytest.mark.parametrize(
    "answer",
    [
        "answer = lambda: numbers[-1]",
        "def answer(x=numbers):\n    return x[-1]",
        "def answer(*, x: 'int' = total):\n    return x",
        "class Answer(Box):\n    last = numbers[-1]\n    def __call__(self): return self.last\n"
        "answer = Answer()",
        "import functools\n@functools.lru_cache\ndef answer():\n    return numbers[-1]",
        "import functools\nanswer = functools.partial(square, 4)",
        "answer = square.__get__(total)",
        "answer = [x for x in rows if x > scale].pop",
        "if (n := numbers[-1]) > 3:\n    def answer():\n        return n",
        "try:\n    first = missing\nexcept NameError:\n    first = rows[-1]\n"
        "def answer():\n    return first",
        "match numbers:\n    case [*_, last]:\n        def answer():\n            return last",
        "for last in numbers:\n    pass\ndef answer():\n    return last",
        "with open('/dev/null') as f:\n    kept = total\ndef answer():\n    return kept",
        "del numbers[0]\ndef answer():\n    return rows[0]",
        "numbers += [11]\ndef answer():\n    return rows",
        "a, *b = numbers\ndef answer():\n    return b",
        "def answer():\n    return globals()['total']",
        "def answer():\n    return eval('total')",
        "def answer():\n    import __main__\n    return __main__.__dict__['total']",
        "def answer():\n    return square.__globals__['numbers']",
        "from operator import attrgetter\nget = attrgetter('__globals__')\n"
        "def answer():\n    return get(square)['total']",
        "import inspect\ndef answer():\n    return inspect.currentframe().f_globals['total']",
        "def answer():\n    return getattr(square, '__glo' + 'bals__')['total']",
        "def answer():\n    return 1\n    return (",
        "return 3",
        "    first = total\n    def answer():\n        return first",
    ],
)
def test_needed_does_not_change_what_an_answer_returns(answer, monkeypatch):
    assert_graded_alike(submitted(answer), monkeypatch)


@pytest.mark.parametrize(
    "extra",
    [
        "numbers.append(8)",
        "rows = list(rows)",
        "mine = numbers\nmine.append(12)",
        "scale = 100",
        "def square(x):\n    return total",
        "names = ['total', 'numbers']\nkept = dict(a=total)",
        "Box.value = lambda self: total",
    ],
)
def test_needed_does_not_change_what_extra_cells_do(extra, monkeypatch):
    for answer in ("return numbers, rows", "return square(2)", "return Box().value(), total"):
        submission = submitted(f"def answer():\n    {answer}", extra=extra)
        assert "extra" in names(submission)
        assert_graded_alike(submission, monkeypatch)


@pytest.mark.parametrize(
    ("holder", "answer"),
    [
        ("held = lambda: scale", "held()"),
        ("held = Box()", "held.value()"),
        ("held = [Box()]\nheld2 = held[0]", "held2.value()"),
        ("held = (scale for _ in 'a')", "list(held)"),
        ("from functools import partial\nheld = partial(square, 2)", "held()"),
    ],
)
def test_needed_follows_code_that_objects_hold(holder, answer, monkeypatch):
    """What is bound anew between the making of an object and its use is read by its code."""
    sources = {"parameters": "", "helper": LECTURE["helper"], "scale": "scale = 2 * 1"}
    sources |= {"box": LECTURE["box"], "held": holder, "again": "scale = 10 * 1"}
    released = notebook(sources | {"answer": STUB, "check": LECTURE["check"]})
    submission = notebook(sources | {"answer": f"def answer():\n    return {answer}", "check": ""})
    submission.cells[-1].source = LECTURE["check"]
    run = needed(submission, released)
    full = outcome(submission, range(1, len(submission.cells)), monkeypatch)
    assert outcome(submission, run, monkeypatch) == full
    assert "10" in str(full) or full in (40, 250)


def test_needed_reads_a_lambda_when_it_is_called(monkeypatch):
    late = "answer = lambda: numbers"
    submission = submitted(late, example="numbers = [77]")
    assert assert_graded_alike(submission, monkeypatch) == [77]


def test_needed_expects_a_cell_to_fail_that_reads_what_a_student_may_have_changed(monkeypatch):
    """`again` binds `total` anew, but not where the student's `numbers` are empty."""
    sources = {"parameters": "", "numbers": "numbers = [1]", "demo": "total = len('ab')"}
    spoil = {"extra": "empty = list.clear\nempty(numbers)"}
    again = {"again": "total = max(numbers)", "answer": STUB, "check": LECTURE["check"]}
    submission = notebook(sources | spoil | again)
    submission.cells[-2].source = "def answer():\n    return total"
    assert len(needed(submission, notebook(sources | again))) == 7
    assert outcome(submission, range(1, 8), monkeypatch) == 2


def test_needed_follows_objects_that_cells_share(monkeypatch):
    """What cells above may have changed runs: `rows` is `numbers`, and no answer names `rows`."""
    submission = submitted("def answer():\n    return len(numbers)")
    assert "shared" in names(submission)
    assert assert_graded_alike(submission, monkeypatch) == 3


@pytest.mark.parametrize(
    "line",
    [
        "exec('total = 5')",
        "print(vars())",
        "%time total",
        "!ls",
        "square?",
        "reset -f",
        "print(_)",
        "print(Out)",
        "from helpers import *",
        "import sys\nprint(sys.modules['__main__'].total)",
        "from sys import modules",
        "import importlib",
        "import doctest\ndoctest.testmod()",
        "import os\ndel os.environ['NBGRADER_EXECUTION']",
        "get_ipython().user_ns",
        "print(unknown_name)",
    ],
)
def test_needed_runs_every_cell_where_names_can_be_looked_up_by_other_means(line):
    submission = submitted(extra=line)
    assert names(submission) == everything(submission)


def test_needed_runs_an_edited_cell_and_what_shows_it():
    submission = submitted(demo="total = 100", mixed=LECTURE["mixed"])
    assert names(submission) >= ALWAYS | {"demo"}
    submission = submitted(again="total = square(9)")
    assert names(submission) >= {"again", "mixed", "after", "scale"}


def test_needed_knows_a_cell_of_the_lecture_by_its_source():
    submission = submitted()
    for number, cell in enumerate(submission.cells):
        if cell.id not in ("answer", "check"):
            cell.id = f"extra-{number}"
            cell.source = cell.source.replace("\n", "  \r\n") + "\n"
    assert len(needed(submission, RELEASED)) == len(ALWAYS)


def test_needed_takes_what_is_false_for_false_only_where_the_lecture_says_it():
    assert not {"trained", "mine"} & names(submitted())
    parameters = LECTURE["parameters"].replace("False", "True")
    assert "mine" in names(submitted(parameters=parameters))
    assert "trained" in names(submitted(extra="TRAIN = True"))
    assert "trained" in names(submitted(extra="profile.trains = lambda: True"))


def test_needed_ignores_docstrings_and_imports_what_the_lecture_does():
    answer = 'def answer():\n    """total"""\n    import math\n    return math.pi'
    assert names(submitted("import math\n" + answer)) == ALWAYS
    assert "again" in names(submitted("KEY = 'total'\n" + answer))


@pytest.mark.parametrize(
    "setting",
    ["math.pi = 3", "profile.set_x(1)", "setattr(profile, 'x', 1)", "from os import *"],
)
def test_needed_runs_what_changes_more_than_names(setting):
    sources = {**LECTURE, "setting": f"{setting}\nprint(1)"}
    submission = released = notebook(sources)
    assert submission.cells[-1].id == "setting"
    assert len(submission.cells) - 1 in needed(submission, released)


def test_needed_runs_callers_of_functions_that_change_settings():
    sources = {"imports": "import math", "set": "def thin():\n    math.rc = 1", "call": "thin()\n1"}
    released = notebook(sources)
    assert needed(released, released) == {1, 2, 3}


@pytest.mark.parametrize("path", LECTURES, ids=name_of)
def test_needed_leaves_out_most_of_a_chapter(path):
    """A solved chapter runs its checks, its answers, worked examples and setup, and less."""
    lecture = nbformat.read(path, as_version=4)
    submission = copy.deepcopy(lecture)
    solution = nbformat.read(str(path).replace("/lectures/", "/solutions/"), as_version=4)
    answers = {c.metadata.nbgrader.grade_id: c.source for c in solution.cells if is_solution(c)}
    for cell in submission.cells:
        if is_solution(cell):
            cell.source = answers[cell.metadata.nbgrader.grade_id]
    code = [i for i, cell in enumerate(submission.cells) if cell.cell_type == "code"]
    named = {i for i in code if is_check(submission.cells[i]) or is_solution(submission.cells[i])}
    run = needed(submission, lecture)
    assert named <= run
    assert len(run - named) < len(code) / 2
