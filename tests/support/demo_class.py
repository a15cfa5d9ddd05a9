"""The demonstration class, graded once for all tests of one process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cvgen_course.demo.show import copy_course, graded_class
from cvgen_course.grading.results import ClassResult

ROOT = Path(__file__).parents[2]
SECRET = "5e" * 32  # so that the questions, and points for wrong answers, are the same each time
MADE_OF = ("solutions/01_segmentation", "lectures/01_segmentation", "nbgrader_config.py")


@cache
def demo_class(folder: Path) -> tuple[Path, ClassResult]:
    """Return the demonstration's course, in a folder, and its graded class; copy, then change it.

    Of the lecture's figures nothing is drawn: that takes a third of the time, and is no grade.
    """
    course = copy_course(ROOT, folder / "demo" / "course")
    (course / ".cvgen").mkdir()
    (course / ".cvgen" / "secret").write_text(SECRET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")
        return course, graded_class(ROOT, course)
