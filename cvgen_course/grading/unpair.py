"""A step of nbgrader's generate_assignment: a student's lecture is a notebook and nothing else."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor


class Unpair(NbGraderPreprocessor):
    """Takes Jupytext's pairing out of a notebook.

    Paired, JupyterLab would keep a student's notebook in step with a text file, as it does for an
    author; and Markdown loses an answer cell that is emptied, and splits one at ``+++``.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook without the formats that it is kept in."""
        nb.metadata.get("jupytext", {}).pop("formats", None)
        return nb, resources
