"""Tests whose result follows from things that have not changed since they passed: left out.

A test says so by ``@pytest.mark.follows_from(*things)``: it follows from its own file, all that
this imports, what is installed, and the things. A thing is a module of the package (with all that
it imports), a notebook (with all that its cells import), or another file or folder of the project.
The tests of chapters, of checks, training and experiments follow from code alone, unless they look
at real data.

What passes is noted in pytest's cache. Whatever is missing there, or damaged, runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from cvgen_course.chapters import CHAPTERS
from cvgen_course.provenance import PACKAGE, code_hash

SUPPORT = Path(__file__).parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
CODE = ("checks", "experiments", "training")
PASSED = "cvgen/passed"
HASH = "follows_from"


def mark_tests_of_code(items: list[pytest.Item]) -> None:
    """Mark what lies in a chapter's folder, or one of CODE; elsewhere, tests have marks."""
    folders = [TESTS / name for name in (*(chapter.name for chapter in CHAPTERS), *CODE)]
    for item in items:
        of_code = any(folder in item.path.parents for folder in folders)
        if of_code and item.get_closest_marker("data") is None:
            item.add_marker("follows_from")


def follows_from(item: pytest.Item) -> str | None:
    """Return a hash of what a test's result follows from; None where it always runs."""
    markers = list(item.iter_markers("follows_from"))
    if not markers:
        return None
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    exercise = parameters.get("exercise")
    things = {thing for marker in markers for thing in marker.args}
    if exercise:
        things.add(exercise.probe.__module__)
    return _hash(item.path, frozenset(things))


@cache
def _hash(path: Path, things: frozenset[str]) -> str:
    """Return a hash of a test's file, the conftest files around it, and some things."""
    folders = [folder for folder in path.parents if TESTS in (folder, *folder.parents)]
    around = [folder / "conftest.py" for folder in folders]
    parts = [_file(file) for file in (path, *around, ROOT / "requirements.lock") if file.is_file()]
    return _joined([*parts, *map(_thing, sorted(things))])


@cache
def _thing(name: str) -> str:
    """Return a hash of what has this name.

    Raises:
        FileNotFoundError: there is nothing of that name.
    """
    if name.startswith(f"{PACKAGE.name}."):
        return code_hash(name)
    place = ROOT / name
    if not place.exists():
        raise FileNotFoundError(f"follows_from: expected a module, file or folder, got {name!r}")
    return _file(place) if place.is_file() else _joined(map(_content, _files(place)))


def name_of(file: Path) -> str:
    """Return the name by which a file of the project is a thing."""
    return file.relative_to(ROOT).as_posix()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those in it; not what was built there."""
    for place in sorted(folder.iterdir()):
        if place.is_file():
            yield place
        elif not place.name.startswith((".", "_build", "__pycache__")):
            yield from _files(place)


@cache
def _file(file: Path) -> str:
    """Return a hash of one file; of a program, of its code and all that it imports."""
    if file.suffix != ".py":
        return _content(file)
    return code_hash(sources=[file.read_text(encoding="utf-8")], roots={"support": SUPPORT})


@cache
def _content(file: Path) -> str:
    """Return a hash of a file as it is; of a notebook, of all that its cells import, too."""
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    if file.suffix != ".ipynb":
        return content
    import nbformat

    from cvgen_course.book.page_key import python_of

    return _joined([content, code_hash(sources=[python_of(nbformat.read(file, as_version=4))])])


def _joined(parts: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def note_hashes(items: list[pytest.Item]) -> None:
    """Let each test's report carry its hash; and its name, to which xdist adds that of a group."""
    for item in items:
        if found := follows_from(item):
            item.user_properties.append((HASH, [item.nodeid, found]))


def leave_out_unchanged(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what passed before with the same hash; of a notebook, all cells or none."""
    passed = known(config)
    changed = {id(item) for item in items if passed.get(item.nodeid, "") != follows_from(item)}
    halfway = {item.path for item in items if id(item) in changed and item.path.suffix == ".ipynb"}
    unchanged = [item for item in items if id(item) not in changed and item.path not in halfway]
    if unchanged:
        left_out = set(map(id, unchanged))
        items[:] = [item for item in items if id(item) not in left_out]
        config.hook.pytest_deselected(items=unchanged)
    config.stash[left_out_key] = len(unchanged)


left_out_key = pytest.StashKey[int]()


def known(config: pytest.Config) -> dict[str, str]:
    """Return the hashes with which tests passed, by the tests' names."""
    noted = config.cache.get(PASSED, {}) if hasattr(config, "cache") else {}
    return noted if isinstance(noted, dict) else {}


class Notes:
    """Notes which tests pass, in the process that sees all reports."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.passed: dict[str, str] = {}
        self.bad: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for key, value in report.user_properties:
            if key == HASH and report.when == "call" and report.passed:
                self.passed.update([value])
            if key == HASH and report.failed:
                self.bad.add(value[0])

    def pytest_testnodedown(self, node) -> None:
        """Take over what one of several processes left out; all leave out the same."""
        self.config.stash[left_out_key] = getattr(node, "workeroutput", {}).get("left_out", 0)

    def pytest_sessionfinish(self) -> None:
        if not hasattr(self.config, "cache"):  # -p no:cacheprovider
            return
        noted = {**known(self.config), **self.passed}
        good = {name: value for name, value in noted.items() if name not in self.bad}
        self.config.cache.set(PASSED, good)

    def pytest_terminal_summary(self, terminalreporter) -> None:
        count = self.config.stash.get(left_out_key, 0)
        if count:
            terminalreporter.write_line(
                f"{count} tests were left out: they passed before, and what they follow from has "
                "not changed (make test ALL=1 runs them)"
            )
