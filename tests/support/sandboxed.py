"""Whether tests use the sandbox: where one can be made, as `cvgen grade` does."""

from __future__ import annotations

from functools import partial

import pytest

from cvgen_course.grading import cohort
from cvgen_course.grading.sandbox.bubblewrap import why_not

ISOLATED = not why_not()
grade = partial(cohort.grade, isolated=ISOLATED)


def code_counts_as_unchanged(patch: pytest.MonkeyPatch) -> None:
    """Let nothing follow from the package's code, whoever works on it while the tests run."""
    patch.setattr("cvgen_course.grading.grader.code_of", lambda checks: "")
    patch.setattr("cvgen_course.grading.task._own_code", lambda modules: "")


needs_sandbox = pytest.mark.skipif(not ISOLATED, reason=f"no sandbox here: {why_not()}")
