"""What students handed in, as it lies on disk: nothing in it is trusted."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cvgen_course.errors import SubmissionError
from cvgen_course.grading.companions import IGNORED, regular_files
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.remarks import bounded, printable

LARGEST_NOTEBOOK = 300_000_000
MOST_PARTS = 5_000_000
"""Of the JSON: a part takes a hundred times more memory than the three bytes that it may have."""


class UnreadableError(SubmissionError):
    """A submission that can't be graded.

    Attributes:
        status: one or two words for the table.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Submission:
    """One student's folder for one chapter.

    Attributes:
        student: the folder's name.
        folder: ``submitted/<student>/<chapter>``; it may be missing.
    """

    student: str
    folder: Path


def find_submissions(chapter: ChapterFiles) -> tuple[list[Submission], list[str]]:
    """Return the submissions, sorted by name, and a sentence on each stray thing among them."""
    submitted = chapter.course.tree("submitted")
    found, strays = [], []
    for path in sorted(submitted.iterdir()) if submitted.is_dir() else []:
        if path.name.startswith(".") or path.name in IGNORED:
            continue
        if path.is_dir() and not path.is_symlink():
            found.append(Submission(path.name, path / chapter.name))
        else:
            strays.append(
                f"{printable(path.name)} in submitted/ is no student's folder; it was left out."
            )
    return found, bounded(strays)


def read_submission(
    submission: Submission, chapter: ChapterFiles
) -> tuple[NotebookNode, Path, list[str]]:
    """Return a submitted notebook, its file, and remarks on how it was found.

    Raises:
        UnreadableError: there is nothing that can be graded.
    """
    if printable(submission.student) != submission.student:
        raise UnreadableError(
            "bad name", "The folder's name has characters that can't be shown; rename it."
        )
    folder = submission.folder
    if not folder.exists():
        raise UnreadableError("not submitted", f"There is no folder {chapter.name}.")
    if folder.is_symlink() or not folder.is_dir():
        raise UnreadableError("no notebook", f"{chapter.name} is not a folder.")
    path, remarks = _find_notebook(folder, f"{chapter.notebook}.ipynb")
    return parse_notebook(read_bytes(path)), path, remarks


def _find_notebook(folder: Path, name: str) -> tuple[Path, list[str]]:
    """Return the notebook of a submission: the one with the right name, else the only one there is.

    Raises:
        UnreadableError: there is none, or none of several has the right name.
    """
    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        return path, []
    others = [p for p in regular_files(folder) if p.suffix.lower() == ".ipynb"]
    if len(others) == 1:
        shown = printable(str(others[0].relative_to(folder)))
        return others[0], [f"The notebook was named {shown} instead of {name}."]
    if others:
        raise UnreadableError("no notebook", f"None of {len(others)} notebooks is named {name}.")
    raise UnreadableError("no notebook", f"The folder holds no notebook {name}.")


def read_bytes(path: Path) -> bytes:
    """Return a notebook's bytes.

    Raises:
        UnreadableError: it is no plain file, or too large.
    """
    name = printable(path.name)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("unreadable", f"{name} is a link or a folder, not a file.")
        if status.st_size > LARGEST_NOTEBOOK:
            raise UnreadableError("unreadable", f"{name} has {status.st_size / 1e6:.0f} MB.")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError("unreadable", f"{name} can't be read: {error.strerror}.") from error


def parse_notebook(content: bytes) -> NotebookNode:
    """Return the notebook that a file's bytes hold; its cells are not validated.

    Raises:
        UnreadableError: they hold none.
    """
    if not content.strip():
        raise UnreadableError("unreadable", "The notebook's file is empty.")
    if sum(map(content.count, (b"[", b"{", b","))) > MOST_PARTS:
        raise UnreadableError("unreadable", "The notebook has millions of parts.")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError("unreadable", "The notebook is not a text file.") from error
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        merged = ": it holds marks of a merge conflict" if b"<<<<<<< " in content else ""
        raise UnreadableError(
            "unreadable", f"The notebook is not valid JSON{where}{merged}."
        ) from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise UnreadableError("unreadable", "The file is JSON, but not a notebook.")
    if notebook["nbformat"] < 4:
        try:
            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        except Exception as error:
            raise UnreadableError(
                "unreadable", "The notebook's old format can't be read."
            ) from error
    if not isinstance(notebook.get("cells"), list):
        raise UnreadableError(
            "unreadable", "The file is JSON, but not a notebook: it has no cells."
        )
    return nbformat.from_dict(notebook)
