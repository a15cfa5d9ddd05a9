"""A class graded by several processes: whatever dies, the next run ends as if nothing had."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext

import psutil
import pytest
from support.command import SMOKE
from support.tiny_course import CHAPTER

from cvgen_course.errors import CourseError
from cvgen_course.grading import grader as grader_module
from cvgen_course.grading.cluster import MOST_DEATHS, Cluster
from cvgen_course.grading.cohort import grade
from cvgen_course.grading.course import Course
from cvgen_course.grading.gradebook import opened
from cvgen_course.grading.grader import Grader
from cvgen_course.grading.runner import InTurn
from cvgen_course.grading.sandbox.bubblewrap import why_not
from cvgen_course.grading.workers import Workers

# One cluster for all of them, so all in one process.
pytestmark = [
    pytest.mark.notebook,
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("cluster"),
    pytest.mark.follows_from("nbgrader_config.py", "cvgen_course.checks"),
]
ISOLATED = not why_not()
STUDENTS = ("ada", "bob", "cem")
KILLS_ITS_WORKER = "import os\nos.kill(os.getppid(), 9)\ndef double(x): return 2 * x"
HALF = {"double": "def double(x): return x", "square": "def square(x): return x * x"}

GRADE = """
import os, signal, sys
from cvgen_course.grading.cohort import grade
from cvgen_course.grading.workers import Workers
if __name__ == "__main__":
    try:
        grade(".", "01_tiny", isolated=sys.argv[1] == "isolated", workers=Workers(2),
              progress=lambda done, total, result: print("done", done, flush=True))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture(scope="module")
def cluster():
    with Cluster(2) as cluster:
        yield cluster


@pytest.fixture
def workers(cluster):
    """The module's cluster, for any number of submissions."""

    class Running(Workers):
        def ready_for(self, count):
            return nullcontext(cluster)

    return Running(2)


@pytest.fixture
def small_class(ready, submit):
    """Three submissions: two are right, one is half right."""
    for student in STUDENTS:
        submit(ready, student, **({"answers": HALF} if student == "bob" else {}))
    return ready


@pytest.fixture(scope="module")
def undisturbed(released_course, submit, tmp_path_factory):
    """What comes of the same class in this process, one after the other."""
    import shutil

    root = tmp_path_factory.mktemp("undisturbed") / "course"
    shutil.copytree(released_course, root)
    for student in STUDENTS:
        submit(root, student, **({"answers": HALF} if student == "bob" else {}))
    grade(root, CHAPTER, isolated=ISOLATED)
    return everything(root)


def everything(root):
    """What a teacher sees and the gradebook holds; times left out."""
    kept = grade(root, CHAPTER, isolated=ISOLATED)
    assert not any(result.fresh for result in kept.results)
    results = {r.student: (r.status, r.remarks, r.points, r.reports) for r in kept.results}
    with opened(Course.find(root)) as book:
        rows = sorted(
            (
                mark.student.id,
                mark.name,
                mark.auto_score,
                mark.manual_score,
                mark.needs_manual_grade,
            )
            for submission in book.assignment_submissions(CHAPTER)
            for notebook in submission.notebooks
            for mark in notebook.grades
        )
    return results, rows


def wait_until(condition):
    """Wait for a state; the time limit of the test is the only one."""
    while not condition():
        time.sleep(0.05)


def alive(processes):
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def coordinator(root):
    """A coordinator with two workers of its own, and what belongs to it."""
    process = subprocess.Popen(
        [sys.executable, "-c", GRADE, "isolated" if ISOLATED else "plain"],
        cwd=root,
        env=os.environ | SMOKE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def family(process):
    return psutil.Process(process.pid).children(recursive=True)


def test_cluster_gives_what_one_process_gives(small_class, workers, undisturbed):
    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert everything(small_class) == undisturbed


def test_workers_are_as_many_as_there_is_work_for():
    def made(most, count, scheduler=None):
        runner = Workers(most, scheduler).ready_for(count)
        return runner._workers if isinstance(runner, Cluster) else runner.__enter__()

    assert isinstance(made(8, 1), InTurn)
    assert isinstance(made(1, 200), InTurn)
    assert isinstance(made(8, 0, "tcp://nowhere:1"), InTurn)
    assert made(8, 3) == 3
    assert made(2, 200) == 2


def test_submissions_of_a_killed_worker_are_run_again(small_class, workers, cluster, undisturbed):
    killed = []

    def kill(done, total, result):
        if not killed:
            killed.extend(cluster.processes)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers, progress=kill)
    assert len(killed) == 2
    assert everything(small_class) == undisturbed
    assert not set(killed) & set(cluster.processes)


def test_a_submission_that_keeps_killing_workers_costs_nobody_else_anything(
    small_class, submit, workers, undisturbed
):
    submit(small_class, "aaa", {"double": KILLS_ITS_WORKER})
    outcome = grade(small_class, CHAPTER, isolated=False, workers=workers)
    first, *others = outcome.results
    assert (first.student, first.status) == ("aaa", "not graded")
    assert f"{MOST_DEATHS} workers ended" in first.remarks[0]
    assert "human" in first.remarks[0]
    points = {result.student: result.points for result in others}
    assert points == {name: part[2] for name, part in undisturbed[0].items()}


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


@pytest.mark.parametrize("point", ["before anything is saved", "before the result is kept"])
def test_a_killed_coordinator_goes_on_where_it_was(
    small_class, workers, undisturbed, monkeypatch, point
):
    calls = []

    def die_the_second_time(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return unpatched(*args, **kwargs)

    where, name = (
        (Grader, "saved") if point.startswith("before anything") else (grader_module, "save_result")
    )
    unpatched = getattr(where, name)
    with monkeypatch.context() as patch:
        patch.setattr(where, name, die_the_second_time)
        with pytest.raises(Killed):
            grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    outcome = grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert sum(result.fresh for result in outcome.results) == 2
    assert everything(small_class) == undisturbed


def test_a_full_disk_stops_the_grading_and_the_next_run_goes_on(
    small_class, workers, undisturbed, monkeypatch
):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(grader_module, "save_result", full)
        with pytest.raises(CourseError, match=r"the disk is full.*make room"):
            grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert everything(small_class) == undisturbed


def test_a_locked_gradebook_stops_the_grading_and_the_next_run_goes_on(
    small_class, workers, undisturbed
):
    holder = sqlite3.connect(small_class / "gradebook.db", isolation_level=None)

    def lock(done, total, result):
        if done == 1:
            holder.execute("BEGIN EXCLUSIVE")

    with pytest.raises(CourseError, match="in use by another program"):
        grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers, progress=lock)
    holder.execute("ROLLBACK")
    holder.close()
    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert everything(small_class) == undisturbed


def test_a_coordinator_that_gets_sigkill_leaves_no_process_and_a_usable_state(
    small_class, workers, undisturbed
):
    with coordinator(small_class) as process:
        assert process.stdout.readline() == "done 1\n"
        processes = family(process)
        process.kill()
        wait_until(lambda: not alive(processes))
    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert everything(small_class) == undisturbed


def test_ctrl_c_ends_everything_quietly(small_class, workers, undisturbed):
    with coordinator(small_class) as process:
        assert process.stdout.readline() == "done 1\n"
        processes = family(process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.communicate()[1] == ""
        wait_until(lambda: not alive(processes))
    assert process.returncode == 130
    grade(small_class, CHAPTER, isolated=ISOLATED, workers=workers)
    assert everything(small_class) == undisturbed


@pytest.mark.skipif(bool(why_not()), reason=f"no sandbox: {why_not()}")
def test_a_killed_worker_takes_its_warm_process_along(small_class, cluster, workers):
    families = []

    def kill(done, total, result):
        if not families:
            for pid in cluster.processes:
                families.extend(psutil.Process(pid).children(recursive=True))
                os.kill(pid, signal.SIGKILL)

    grade(small_class, CHAPTER, workers=workers, progress=kill)
    assert families
    wait_until(lambda: not alive(families))


def test_a_cluster_that_ends_leaves_no_process(small_class, undisturbed):
    before = set(psutil.Process().children(recursive=True))
    with Cluster(1) as cluster:

        class Running(Workers):
            def ready_for(self, count):
                return nullcontext(cluster)

        grade(small_class, CHAPTER, students=["ada"], isolated=ISOLATED, workers=Running(1))
        after = set(psutil.Process().children(recursive=True)) - before
        assert {psutil.Process(pid) for pid in cluster.processes} <= after
    wait_until(lambda: not alive(after))


def test_a_scheduler_that_is_not_there_is_one_clear_error(small_class, monkeypatch):
    monkeypatch.setattr("cvgen_course.grading.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(CourseError, match=r"running Dask scheduler.*tcp://127.0.0.1:1"):
        grade(small_class, CHAPTER, isolated=ISOLATED, workers=Workers(2, "tcp://127.0.0.1:1"))


def test_nobody_outside_this_machine_reaches_a_cluster(cluster):
    processes = [psutil.Process(), *map(psutil.Process, cluster.processes)]
    sockets = [s for p in processes for s in p.net_connections("tcp") if s.status == "LISTEN"]
    assert sockets
    assert {socket.laddr.ip for socket in sockets} == {"127.0.0.1"}
