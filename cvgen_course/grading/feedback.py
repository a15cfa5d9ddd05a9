"""A step of nbgrader's generate_feedback: what the page says beside scores."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from cvgen_course.grading.gradebook import name_of
from cvgen_course.notebooks.cells import exercise_name, is_graded


class NameAndUnread(NbGraderPreprocessor):
    """Gives graded cells their exercise's name, and says which of them nobody has read yet.

    The page's head gets the student's name, where the gradebook knows it, and code cells get the
    numbers by which the notes from grading call them.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with ``title`` and ``unread`` among the flags of graded cells."""
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as book:
            where["student_name"] = str(name_of(book.find_student(where["student"])))
            for cell in filter(is_graded, nb.cells):
                flags = cell.metadata.nbgrader
                grade = book.find_grade(
                    flags.grade_id, where["notebook"], where["assignment"], where["student"]
                )
                flags.title = exercise_name(cell)
                flags.unread = grade.auto_score is None and grade.manual_score is None
        code = [cell for cell in nb.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, start=1):
            cell.metadata.cvgen_number = number
        return nb, resources
