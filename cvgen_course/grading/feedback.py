"""A step of nbgrader's generate_feedback: what the page says beside scores."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from cvgen_course.notebooks.cells import exercise_name, is_graded


class NameAndUnread(NbGraderPreprocessor):
    """Gives graded cells their exercise's name, and says which of them nobody has read yet."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with ``title`` and ``unread`` among the flags of graded cells."""
        where = resources["nbgrader"]
        with Gradebook(where["db_url"]) as book:
            for cell in filter(is_graded, nb.cells):
                flags = cell.metadata.nbgrader
                grade = book.find_grade(
                    flags.grade_id, where["notebook"], where["assignment"], where["student"]
                )
                flags.title = exercise_name(cell)
                flags.unread = grade.auto_score is None and grade.manual_score is None
        return nb, resources
