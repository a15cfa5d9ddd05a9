"""The real book in profile smoke, built from a copy of the course."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import cvgen

from cvgen_course.book.execute import executed_folder

ROOT = Path(__file__).parents[2]
MADE_OF = (
    "solutions",
    "lectures",
    "jupyter_book",
    "benchmarks",
    "pyproject.toml",
    "requirements.lock",
)


def smoke_book(course: Path) -> Path:
    """Build the book in a new folder, its notebooks executed once for all; return its pages."""
    for name in MADE_OF:
        source = ROOT / name
        if source.is_dir():
            unwanted = shutil.ignore_patterns("_build", "__pycache__", ".*")
            shutil.copytree(source, course / name, ignore=unwanted)
        elif source.exists():
            shutil.copyfile(source, course / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CVGEN_EXECUTED", str(executed_folder(ROOT)))
        cvgen("book", folder=course)
    return course / "jupyter_book" / "_build" / "html"
