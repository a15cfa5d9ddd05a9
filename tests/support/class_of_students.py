"""A class that handed in chapter 02: right, wrong, half done and blank, and a few of each."""

import copy
import json
import shutil
import sqlite3
from pathlib import Path

import nbformat

from cvgen_course.notebooks.cells import grade_id, is_solution
from cvgen_course.notebooks.regions import split_solution

ROOT = Path(__file__).parents[2]
CHAPTER, NOTEBOOK = "02_detection", "detection.ipynb"


def make_class(root: Path, size: int) -> None:
    """Write a course with the submissions of some students.

    Of eight students, five have solved everything, one has the first half, one has two answers
    wrong, and one handed in the lecture as it was.
    """
    root.mkdir(parents=True)
    shutil.copyfile(ROOT / "nbgrader_config.py", root / "nbgrader_config.py")
    for tree in ("solutions", "lectures"):
        shutil.copytree(ROOT / tree / CHAPTER, root / tree / CHAPTER)
    lecture = nbformat.read(root / "lectures" / CHAPTER / NOTEBOOK, as_version=4)
    solved = nbformat.read(root / "solutions" / CHAPTER / NOTEBOOK, as_version=4)
    right = {grade_id(c): split_solution(c.source)[1] for c in filter(is_solution, solved.cells)}
    code = [grade_id(c) for c in lecture.cells if is_solution(c) and c.cell_type == "code"]
    half = {name: right[name] for name in code[: len(code) // 2]}
    wrong = right | {name: f"{right[name]}\n{name} = lambda *_: 0.5" for name in code[:2]}
    kinds = [right] * 5 + [half, wrong, {}]
    for number in range(size):
        notebook = copy.deepcopy(lecture)
        for cell in filter(is_solution, notebook.cells):
            answer = kinds[number % len(kinds)].get(grade_id(cell), cell.source)
            own = f"# {number}\n{answer}" if cell.cell_type == "code" else answer
            cell.source = own
        folder = root / "submitted" / f"student{number:03d}" / CHAPTER
        folder.mkdir(parents=True)
        (folder / NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")


def points(root: Path) -> dict[tuple[str, str], float]:
    """Return the automatic points of a class by student and cell, as the gradebook has them."""
    query = """
        select student.id, base_cell.name, grade.auto_score from grade
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        join student on student.id = submitted_assignment.student_id
        join base_cell on base_cell.id = grade.cell_id
    """
    with sqlite3.connect(root / "gradebook.db") as book:
        return {(student, name): score for student, name, score in book.execute(query)}
