"""What every class of attackers needs: a sandbox, a course, and honest students around them."""

from pathlib import Path

import pytest
from support.hostile_course import Class

from cvgen_course.grading.sandbox.bubblewrap import why_not

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """The first test of a class waits for its grading, which takes minutes on a busy machine."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(1500))


@pytest.fixture(scope="module")
def hostile_class(tmp_path_factory):
    """A class with an honest student before all others and one after them."""
    if reason := why_not():
        pytest.skip(f"no sandbox: {reason}")
    made = Class(tmp_path_factory.mktemp("class") / "course")
    made.submit("aa honest")
    made.submit("zz honest")
    return made
