"""What every class of attackers needs: a sandbox, a course, and honest students around them."""

import pytest
from support.hostile_course import Class

from cvgen_course.grading.sandbox.bubblewrap import why_not


@pytest.fixture(scope="module")
def hostile_class(tmp_path_factory):
    """A class with an honest student before all others and one after them."""
    if reason := why_not():
        pytest.skip(f"no sandbox: {reason}")
    made = Class(tmp_path_factory.mktemp("class") / "course")
    made.submit("aa honest")
    made.submit("zz honest")
    return made
