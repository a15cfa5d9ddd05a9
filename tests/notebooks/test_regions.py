"""What stands between the markers of an authored cell."""

import subprocess
import sys

import pytest

from cvgen_course.notebooks.regions import regions, split_solution

SOLUTION = (
    "def f(x):\n    '''Twice.'''\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
)


def test_split_solution_gives_the_stub_and_the_solution():
    stub, solution = split_solution(SOLUTION)
    assert stub == (
        "def f(x):\n    '''Twice.'''\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert solution == "def f(x):\n    '''Twice.'''\n    return 2 * x"


@pytest.mark.parametrize(
    "text",
    [
        "### BEGIN SOLUTION\nx",
        "x\n### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
    ],
)
def test_split_solution_refuses_a_marker_without_its_counterpart(text):
    with pytest.raises(ValueError, match=r"got ### .* without its counterpart"):
        split_solution(text)


def test_regions_take_for_a_marker_what_nbgrader_does():
    text = "a\n# BEGIN SOLUTION (two lines)\nb\nc\n  END SOLUTION\nd"
    assert list(regions(text)) == [(False, ["a"]), (True, ["b", "c"]), (False, ["d"])]


def test_regions_load_nothing_large():
    program = (
        "import sys, cvgen_course.notebooks.regions; "
        "sys.exit(bool({'torch', 'numpy', 'nbformat', 'nbgrader'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
