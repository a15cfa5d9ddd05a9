"""The lecture's cells come back into their order, and every cell still runs."""

import random

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from cvgen_course.grading.order import Placed, put_in_order

LECTURE = [
    "import math",
    "NUM_CLASSES = 4",
    "def first(x):\n    return helper(x) + NUM_CLASSES",
    "check('first', globals())",
    "def second(x):\n    return math.floor(x) * FACTOR",
    "check('second', globals())",
    "LAST = second(2)",
]
HELPER, FACTOR = "def helper(x):\n    return x", "FACTOR = 2"
USES = "mine = first(3) + second(3)\nassert mine == 13"


def cell(source):
    made = new_code_cell(source)
    if source.startswith(("def first", "def second", "check")):
        made.metadata["nbgrader"] = {"grade_id": source[:15], "grade": True, "solution": False}
    return made


def placed(sources):
    place = {source: i for i, source in enumerate(LECTURE)}
    return [Placed(cell(source), place.get(source)) for source in sources]


def order(sources):
    """Return the sources in the order that they get, and the remarks."""
    remarks = []
    return [cell.source for cell, _ in put_in_order(placed(sources), remarks)], remarks


def failures(sources):
    """Run cells one after the other, as nbgrader does; return those that fail."""
    points, failed = [], []

    def check(name, namespace):
        points.append(namespace[name](1.5))

    namespace = {"check": check}
    for source in sources:
        try:
            exec(source, namespace)
        except Exception as error:
            failed.append((source, repr(error)))
    return failed


def with_own(sources):
    """Add the student's own cells where they work."""
    sources = list(sources)
    sources.insert(sources.index(LECTURE[2]), HELPER)
    sources.insert(sources.index(LECTURE[4]), FACTOR)
    after = max(sources.index(LECTURE[i]) for i in (1, 2, 4))
    needs = max(after, sources.index(HELPER), sources.index(FACTOR), sources.index(LECTURE[0]))
    sources.insert(needs + 1, USES)
    return sources


def test_put_in_order_leaves_a_right_order_alone():
    sources = with_own(LECTURE)
    assert failures(sources) == []
    assert order(sources) == (sources, [])


def test_put_in_order_names_what_was_moved():
    swapped = with_own([*LECTURE[:2], *LECTURE[4:6], *LECTURE[2:4], LECTURE[6]])
    assert order(swapped)[1] == ["Graded cells had changed places; their order was put back."]
    moved = with_own([*LECTURE[1:], LECTURE[0]])
    assert order(moved)[1] == ["Cells of the lecture had changed places; their order was put back."]


def test_put_in_order_leaves_text_alone():
    remarks = []
    cells = [Placed(new_markdown_cell("b"), 1), Placed(new_markdown_cell("a"), 0)]
    assert put_in_order(cells, remarks) == cells
    assert remarks == []


@pytest.mark.parametrize("seed", range(200))
def test_put_in_order_keeps_for_each_cell_what_it_needs(seed):
    rng = random.Random(seed)
    sources = rng.sample(LECTURE, len(LECTURE))
    mixed = with_own(sources)
    for _ in range(3):
        mixed.insert(rng.randrange(len(mixed) + 1), f"note_{rng.random()} = 1".replace("0.", ""))
    back, _ = order(mixed)
    assert [source for source in back if source in LECTURE] == LECTURE
    assert sorted(back) == sorted(mixed)
    assert failures(back) == []


def test_put_in_order_moves_as_little_as_it_can():
    sources = ["a = 1", *LECTURE[1:4], "b = 2", LECTURE[0], "c = 3", *LECTURE[4:], "d = 4"]
    back, _ = order(sources)
    assert back == ["a = 1", *LECTURE[:4], "b = 2", "c = 3", *LECTURE[4:], "d = 4"]


def test_put_in_order_takes_what_is_no_python():
    sources = ["%matplotlib inline", *LECTURE[::-1], "def (:", "!ls", "x = '\\d'"]
    back, _ = order(sources)
    assert [source for source in back if source in LECTURE] == LECTURE
    assert len(back) == len(sources)
