"""`cvgen release`: lectures for students, made from the authored chapters."""

from __future__ import annotations

import copy
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException

from cvgen_course.errors import ReleaseError
from cvgen_course.files import is_content, replacing, write
from cvgen_course.grading import gradebook
from cvgen_course.grading.course import ChapterFiles, Course
from cvgen_course.grading.leaks import find_leaks
from cvgen_course.grading.lint import lint
from cvgen_course.grading.lock import alone
from cvgen_course.grading.logs import captured
from cvgen_course.notebooks.pairing import read_source, tidied, to_json, to_markdown

NOT_COPIED = shutil.ignore_patterns(
    ".*", "*.md", "*.pyc", "__pycache__", "__MACOSX", "Thumbs.db", "desktop.ini"
)


@dataclass(frozen=True)
class Release:
    """What `release` did with one chapter.

    Attributes:
        chapter: its name.
        changed: the files that changed, relative to the course.
        graded: number of graded cells.
        points: full points.
        remark: a sentence for the teacher, or an empty text.
    """

    chapter: str
    changed: tuple[str, ...]
    graded: int
    points: float
    remark: str = ""


def release(root: Path | str, chapters: Iterable[str] | None = None) -> list[Release]:
    """Make the lectures of some chapters, or of all.

    Each is built elsewhere, checked, and only then put in place: a failure leaves the lecture as it
    was. The result depends on the authored files only, and running it again changes nothing.

    Args:
        root: the course's folder, or one inside it.
        chapters: names such as ``"01_segmentation"``; None for all.

    Raises:
        CourseError: there is no such course or chapter.
        ReleaseError: a source is wrong, or the release would give away an answer.
    """
    course = Course.find(root)
    chosen = course.chapters() if chapters is None else [course.chapter(c) for c in chapters]
    if not chosen:
        raise ReleaseError(
            f"{course.tree('source')}: expected chapters such as 01_name/name.md, got none"
        )
    with alone(course):
        return [_release_chapter(chapter) for chapter in chosen]


def _release_chapter(chapter: ChapterFiles) -> Release:
    """Make one lecture, put it in place, and tell nbgrader's gradebook."""
    with built(chapter) as build:
        changed = _put(contents(build.folder), chapter.release_folder)
        pair = chapter.source.with_suffix(".ipynb")
        if write(pair, to_json(build.source)):
            changed.append(pair)
    released = nbformat.read(chapter.released, as_version=4)
    try:
        gradebook.register(chapter, released)
        remark = ""
    except ReleaseError as error:
        remark = str(error)
    columns = gradebook.columns(released)
    return Release(
        chapter.name,
        tuple(path.relative_to(chapter.course.root).as_posix() for path in sorted(changed)),
        len(columns),
        sum(column.points for column in columns),
        remark,
    )


def check_release(root: Path | str, chapters: Iterable[str] | None = None) -> list[str]:
    """Return in what the committed lectures differ from what `release` would make; changes nothing.

    Args:
        root: the course's folder, or one inside it.
        chapters: names; None for all.

    Returns:
        One sentence per file; empty where the lectures are up to date.
    """
    course = Course.find(root)
    names = [c.name for c in course.chapters()] if chapters is None else list(chapters)
    problems = []
    for chapter in map(course.chapter, names):
        with built(chapter) as build:
            there, wanted = contents(chapter.release_folder), contents(build.folder)
            for path in sorted({*there, *wanted}):
                if there.get(path) != wanted.get(path):
                    place = (chapter.release_folder / path).relative_to(course.root)
                    problems.append(f"{place.as_posix()} is out of date")
            pair = chapter.source.with_suffix(".ipynb")
            if not pair.is_file() or pair.read_bytes() != to_json(build.source).encode():
                place = pair.relative_to(course.root)
                problems.append(f"{place.as_posix()} does not follow {chapter.source.name}")
    return [f"{problem}; run: cvgen release" for problem in problems]


@dataclass(frozen=True)
class Build:
    """A lecture that is made and checked, but not yet in place.

    Attributes:
        source: the authored notebook.
        folder: a temporary folder that holds the lecture's files.
    """

    source: NotebookNode
    folder: Path


@contextmanager
def built(chapter: ChapterFiles) -> Iterator[Build]:
    """Make a lecture in a temporary course, and check it.

    Raises:
        ReleaseError: the source is wrong, nbgrader refuses it, or an answer would leak.
    """
    source = read_source(chapter.source, chapter.source.with_suffix(".ipynb"))
    _refuse(chapter, "can't be released", lint(source))
    with tempfile.TemporaryDirectory(dir=chapter.course.private, prefix="release-") as temporary:
        workshop = Path(temporary)
        folder = workshop / chapter.source_folder.relative_to(chapter.course.root)
        shutil.copytree(chapter.source_folder, folder, ignore=NOT_COPIED)
        (folder / f"{chapter.notebook}.ipynb").write_text(to_json(source), encoding="utf-8")
        _generate_assignment(chapter, workshop)
        made = workshop / chapter.release_folder.relative_to(chapter.course.root)
        notebook = made / f"{chapter.notebook}.ipynb"
        released = tidied(nbformat.read(notebook, as_version=4), keep_ids=True)
        notebook.write_text(to_json(released), encoding="utf-8")
        notebook.with_suffix(".md").write_text(to_markdown(released), encoding="utf-8")
        _refuse(chapter, "has what students must not get", find_leaks(source, made))
        yield Build(source, made)


class _OneChapter(GenerateAssignment):
    """nbgrader's generate_assignment for one chapter.

    nbgrader looks for its folder by a glob pattern, in which ``[`` means something else.
    """

    def init_notebooks(self) -> None:
        """Choose the folder's notebooks, without a pattern for the folder."""
        folder = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        names = sorted(path.name for path in Path(folder).glob("*.ipynb"))
        self.assignments = {folder: [os.path.join(folder, name) for name in names]}


def _generate_assignment(chapter: ChapterFiles, root: Path) -> None:
    """Run nbgrader's own generate_assignment in another root, without a gradebook.

    Raises:
        ReleaseError: nbgrader refuses; its last complaint is in the message.
    """
    config = copy.deepcopy(chapter.course.config)
    config.SaveCells.enabled = False
    directory = chapter.course.directory(root=str(root), assignment_id=chapter.name)
    with captured(logging.WARNING) as log:
        converter = _OneChapter(
            coursedir=directory, config=config, no_database=True, force=True, log=log.logger
        )
        try:
            converter.start()
        except NbGraderException as error:
            raise ReleaseError(f"{chapter.name}: nbgrader refuses it: {log.complaint}") from error


def _refuse(chapter: ChapterFiles, what: str, problems: list[str]) -> None:
    """Raise where there are problems.

    Raises:
        ReleaseError: lists them.
    """
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise ReleaseError(f"{chapter.source.name} {what}:\n{listed}")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for hidden ones and those that systems leave."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and is_content(path.relative_to(folder))
    }


def _put(files: dict[str, bytes], place: Path) -> list[Path]:
    """Make a folder hold these files; when anything fails, it holds what it held before.

    No folder is renamed: it may be a link to another disk, or belong to a container's image.

    Returns:
        The files that changed.

    Raises:
        ReleaseError: the folder can't be written.
    """
    before = contents(place)
    try:
        _replace(before, files, place)
    except OSError as error:
        with suppress(OSError):
            _replace(contents(place), before, place)
        raise ReleaseError(
            f"{place} can't be written ({error}). It is as it was; make room there, or look who "
            "may write, and release again."
        ) from error
    return [place / name for name in {*before, *files} if before.get(name) != files.get(name)]


def _replace(before: dict[str, bytes], after: dict[str, bytes], place: Path) -> None:
    """Write what is new in a folder, and delete what is old."""
    with ExitStack() as together:  # all lie beside their places before one takes its place
        for name in sorted(after):
            if before.get(name) != after[name]:
                file = together.enter_context(replacing(place / name))
                file.write(after[name])
                file.flush()
        for old in sorted(before.keys() - after.keys()):
            (place / old).unlink()
            for folder in Path(old).parents[:-1]:
                with suppress(OSError):  # something else is in it
                    (place / folder).rmdir()
