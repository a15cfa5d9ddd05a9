"""`cvgen demo`: eight submissions, made, graded, shown, and a page of the book."""

from __future__ import annotations

import shutil
from pathlib import Path

from rich.console import Console

from ..book import build
from ..errors import CourseError
from ..grading.cohort import grade
from ..grading.course import CONFIG, Course
from ..grading.execute import Limits
from ..grading.results import ClassResult
from ..grading.table import progress_bar, show
from .cohort import CHAPTER, NOTEBOOK, make_class

TREES = ("solutions", "lectures")
LIMITS = Limits(cell_seconds=20)  # one of the eight never ends


def show_demo(start: Path) -> None:
    """Grade the demonstration class in a course of its own, and name the pages to look at.

    Args:
        start: the course's folder, or one inside it. Its submissions and marks are not touched.
    """
    console = Console()
    root = Course.find(start).root
    course = copy_course(root, root / ".cvgen" / "demo")
    console.print("A class of eight answers the lecture, each in their own way.", highlight=False)
    with progress_bar(console, CHAPTER) as progress:
        make_class(course)
        outcome = grade(course, CHAPTER, limits=LIMITS, progress=progress)
    show(outcome, console)
    console.print("Now the page of the book (a first look: a few steps of training each) …")
    page = book_page(root)
    console.print("\nOpen in a browser:")
    console.print(f"  class report   {outcome.report.as_uri()}", soft_wrap=True)
    console.print(f"  book           {page.as_uri()}", soft_wrap=True)


def copy_course(root: Path, place: Path) -> Path:
    """Copy what grading needs into a fresh folder: configuration, solutions, lectures."""
    shutil.rmtree(place, ignore_errors=True)
    for tree in TREES:
        if not (root / tree / CHAPTER / NOTEBOOK).is_file():
            raise CourseError(f"{root / tree / CHAPTER / NOTEBOOK} is missing; run: cvgen release")
        shutil.copytree(root / tree / CHAPTER, place / tree / CHAPTER)
    shutil.copy(root / CONFIG, place / CONFIG)
    return place


def graded_class(root: Path, place: Path) -> ClassResult:
    """Make and grade the class in a fresh course at ``place``, without a word."""
    course = copy_course(root, place)
    make_class(course)
    return grade(course, CHAPTER, limits=LIMITS)


def book_page(root: Path) -> Path:
    """Return the chapter's page of the book; one that stands already is taken as it is."""
    page = root / "jupyter_book/_build/html" / CHAPTER / NOTEBOOK.replace(".ipynb", ".html")
    if not page.is_file():
        build(root, "smoke")
    return page.resolve()
