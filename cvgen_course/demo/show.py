"""`cvgen demo`: eight submissions, made, graded, shown, and a page of the book."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from filecmp import cmp
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console

from cvgen_course.book import build
from cvgen_course.demo.cohort import CHAPTER, NOTEBOOK, make_class
from cvgen_course.errors import CourseError
from cvgen_course.grading.cohort import OnResult, grade
from cvgen_course.grading.course import CONFIG, Course
from cvgen_course.grading.progress import shown
from cvgen_course.grading.results import ClassResult
from cvgen_course.grading.sandbox.bubblewrap import why_not
from cvgen_course.grading.table import show

TREES = ("solutions", "lectures")
PAIR = (NOTEBOOK, NOTEBOOK.replace(".ipynb", ".md"))


def show_demo(start: Path) -> None:
    """Grade the demonstration class in a course of its own, and name the pages to look at.

    Args:
        start: the course's folder, or one inside it. Its submissions and marks are not touched.
    """
    console = Console()
    root = Course.find(start).root
    course = copy_course(root, root / ".cvgen" / "demo")
    console.print("A class of eight answers the lecture, each in their own way.", highlight=False)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        book = beside.submit(_book_page, root)
        with shown(console, CHAPTER) as progress:
            make_class(course)
            outcome = _graded(course, progress)
        show(outcome, console)
        with console.status("The page of the book, a first look: a few steps of training each …"):
            page = book.result()
    console.print("\nOpen in a browser:")
    console.print(f"  class report   {outcome.report.as_uri()}", soft_wrap=True)
    console.print(f"  book           {page.as_uri()}", soft_wrap=True)


def copy_course(root: Path, place: Path) -> Path:
    """Copy what grading needs: configuration, solution, lecture; a copy that is equal is kept."""
    files = [CONFIG, *(f"{tree}/{CHAPTER}/{name}" for tree in TREES for name in PAIR)]
    for name in files:
        if not (root / name).is_file():
            raise CourseError(f"{root / name} is missing; run: cvgen release")
    if not all(_same_content(root / name, place / name) for name in files):
        shutil.rmtree(place, ignore_errors=True)
        for name in files:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, place / name)
    return place


def _same_content(one: Path, other: Path) -> bool:
    """Return whether two files are there and equal."""
    return other.is_file() and cmp(one, other, shallow=False)


def graded_class(root: Path, place: Path) -> ClassResult:
    """Make and grade the class in a course at ``place``, without a word."""
    course = copy_course(root, place)
    make_class(course)
    return _graded(course)


def _graded(course: Path, progress: OnResult | None = None) -> ClassResult:
    """Grade the class; its code is the course's own, so it needs no sandbox."""
    return grade(course, CHAPTER, isolated=not why_not(), progress=progress)


def _book_page(root: Path) -> Path:
    """Return the chapter's page of the book; one that stands already is taken as it is.

    Runs in a process of its own, beside the grading, and leaves the other core to it.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    page = root / "jupyter_book/_build/html" / CHAPTER / NOTEBOOK.replace(".ipynb", ".html")
    if not page.is_file():
        build(root, "smoke", quiet=True)
    return page.resolve()
