"""What every test needs: one thread each, Ctrl-C as in a terminal; and which tests are run."""

import os
import signal

import pytest
from support import parts, unchanged

# Tests that run beside one another would slow each other down.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LATER = ("slow", "nbgrader", "notebook", "browser")
"""What takes longer, by its marker; it comes after the fast tests."""


def pytest_addoption(parser):
    group = parser.getgroup("course")
    group.addoption(
        "--changed",
        action="store_true",
        help="leave out what passed before, where nothing that it follows from has changed",
    )
    group.addoption("--chapter", help="only this chapter's own tests, e.g. detection; or: common")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the one process that sees the reports of all
        config.pluginmanager.register(unchanged.Notes(config))
        config.pluginmanager.register(parts.Times())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    items[:] = [item for item in items if not is_long_benchmark(item)]
    for item in items:
        if item.path.suffix == ".ipynb":  # nbval's: the cells of a notebook need each other
            item.add_marker("notebook")
            item.add_marker(pytest.mark.follows_from(unchanged.name_of(item.path)))
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    unchanged.mark_tests_of_code(items)
    if config.option.chapter:
        parts.choose_chapter(config, items, config.option.chapter)
    unchanged.note_hashes(items)
    if config.option.changed:
        unchanged.leave_out_unchanged(config, items)
    items.sort(key=place)


def is_long_benchmark(item):
    """Return whether `make bench` alone runs it."""
    return item.path.parent.name == "benchmarks" and item.get_closest_marker("slow") is not None


def place(item):
    """Return a test's place: fast ones first, then what one process does in a row."""
    later = any(map(item.get_closest_marker, LATER))
    return later, later and item.get_closest_marker("xdist_group") is None


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        left_out = session.config.stash.get(unchanged.left_out_key, 0)
        session.config.workeroutput["left_out"] = left_out
