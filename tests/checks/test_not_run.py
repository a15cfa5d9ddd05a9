import pytest

from cvgen_course.checks.not_run import not_run

RUN_IT = "run the cell above that defines it, then this one."
BROKEN = "import torch\ndef box_iou(a, b)\n    return a"
MESSAGE = (
    "the cell above has an error in line 2, `def box_iou(a, b)` (expected ':'). "
    "Mend it, run that cell, then this one."
)


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (["", BROKEN], MESSAGE),
        (["", BROKEN, "check('box_iou', globals())", "1 / 0", "def other(:"], MESSAGE),
        (["", "def box_iou(a, b):\n    return a", "x ="], RUN_IT),
        (["", BROKEN, "del box_iou\ndef box_iou(a): pass"], RUN_IT),  # the last one counts
        (["", "def box_iou_of_all(:"], RUN_IT),
        (["", "x = ("], RUN_IT),
        ([], RUN_IT),
        ("def box_iou(:", RUN_IT),
        ([None, 3], RUN_IT),
    ],
)
def test_not_run_names_an_error_in_the_cell_that_defines_it(cells, text):
    assert not_run("box_iou", {"In": cells}) == text


def test_not_run_needs_no_notebook():
    assert not_run("box_iou", {}) == RUN_IT


@pytest.mark.parametrize("body", ["\n" * 9, "`" * 500, "    " * 300 + "x"])
def test_not_run_is_short_whatever_stands_there(body):
    text = not_run("f", {"In": [f"def f(x):{body}\n  ("]})
    assert "has an error in line" in text
    assert len(text) < 400
