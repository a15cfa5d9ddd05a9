"""The course folder: its trees, its chapters, and nbgrader's configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from traitlets import TraitError
from traitlets.config.loader import Config, PyFileConfigLoader

from cvgen_course.errors import CourseError

CONFIG = "nbgrader_config.py"
CHAPTER_NAME = re.compile(r"\d\d_[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Course:
    """A course on disk. Folder names are the ones that nbgrader's configuration gives.

    Attributes:
        root: the folder that holds ``nbgrader_config.py``.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | str = ".") -> Course:
        """Return the course that a folder belongs to: the folder itself or one above it.

        Raises:
            CourseError: no folder above holds ``nbgrader_config.py``, or its path has a ``?``.
        """
        start = Path(start).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                if "?" in str(folder):
                    raise CourseError(
                        f"{folder}: the address of nbgrader's gradebook would end at the '?'; "
                        "rename that folder"
                    )
                return cls(folder)
        raise CourseError(
            f"{start} is in no course: no {CONFIG} here or above; go to the course's folder"
        )

    @cached_property
    def config(self) -> Config:
        """Return what ``nbgrader_config.py`` says.

        Raises:
            CourseError: it can't be run.
        """
        try:
            return PyFileConfigLoader(str(self.root / CONFIG), path=str(self.root)).load_config()
        except Exception as error:  # it is a program, and may fail in any way
            raise self._wrong_config(f"{type(error).__name__}: {error}") from error

    def _wrong_config(self, what: str) -> CourseError:
        """Return the error of a configuration that can't be used."""
        return CourseError(f"{self.root / CONFIG}: {what}; mend it there and run this again")

    def directory(self, **settings: str) -> CourseDirectory:
        """Return nbgrader's view of the course, e.g. ``directory(assignment_id="01_tiny")``."""
        settings.setdefault("root", str(self.root))
        try:
            return CourseDirectory(config=self.config, **settings)
        except TraitError as error:
            raise self._wrong_config(str(error)) from error

    @property
    def cell_seconds(self) -> float | None:
        """Return how long one cell may run, from the configuration; None for no limit of its own.

        As in nbgrader: its ``Execute`` reads ``c.Execute.timeout``, else that of the classes that
        it extends, and None, 0 and negative numbers mean no limit. Other than there, parts of a
        second will do.

        Raises:
            CourseError: it is no number.
        """
        seconds = Execute.class_traits()["timeout"].default()
        for section in Execute.section_names():  # its own name comes last
            seconds = self.config[section].get("timeout", seconds)
        if seconds is None:
            return None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or isnan(seconds):
            raise self._wrong_config(
                f"c.Execute.timeout: expected a number of seconds or None, got {seconds!r}"
            )
        return seconds if seconds > 0 else None

    @property
    def database(self) -> str:
        """Return the address of nbgrader's gradebook."""
        return self.directory().db_url

    @property
    def private(self) -> Path:
        """Return the teacher's private folder ``.cvgen``, made where it is missing."""
        folder = self.root / ".cvgen"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    def tree(self, step: str) -> Path:
        """Return a tree by nbgrader's word for it, e.g. ``tree("release")``: ``lectures/``."""
        return self.root / getattr(self.directory(), f"{step}_directory")

    def chapters(self) -> list[ChapterFiles]:
        """Return the authored chapters, in the course's order."""
        names = sorted(
            p.name for p in self.tree("source").glob("*") if CHAPTER_NAME.fullmatch(p.name)
        )
        return [c for c in (ChapterFiles(self, name) for name in names) if c.source.is_file()]

    def chapter(self, name: str) -> ChapterFiles:
        """Return the chapter of that name; a path such as ``lectures/01_tiny/`` will do too.

        Raises:
            CourseError: there is none.
        """
        chapters = {chapter.name: chapter for chapter in self.chapters()}
        wanted = Path(name).name
        if wanted not in chapters:
            raise CourseError(
                f"chapter: expected one of {', '.join(chapters) or '(none yet)'}, got {name!r}"
            )
        return chapters[wanted]


@dataclass(frozen=True)
class ChapterFiles:
    """One chapter in all trees; its name is nbgrader's assignment name.

    Attributes:
        course: the course that it belongs to.
        name: number and word, e.g. ``"01_segmentation"``.
    """

    course: Course
    name: str

    @property
    def notebook(self) -> str:
        """Return the notebook's name without its ending, e.g. ``"segmentation"``."""
        return self.name.partition("_")[2]

    @property
    def source_folder(self) -> Path:
        """Return the folder of the authored chapter."""
        return self.course.tree("source") / self.name

    @property
    def source(self) -> Path:
        """Return the authored text (MyST)."""
        return self.source_folder / f"{self.notebook}.md"

    @property
    def release_folder(self) -> Path:
        """Return the folder that students get."""
        return self.course.tree("release") / self.name

    @property
    def released(self) -> Path:
        """Return the notebook that students open."""
        return self.release_folder / f"{self.notebook}.ipynb"
