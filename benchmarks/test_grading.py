"""A class that is graded: by plain nbgrader and by `cvgen grade`, and where the time goes."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
import pytest
from support.class_of_students import CHAPTER, make_class, points

from cvgen_course.grading.cluster import Cluster
from cvgen_course.grading.cohort import grade
from cvgen_course.grading.runner import InTurn
from cvgen_course.grading.sandbox import provisioner
from cvgen_course.grading.sandbox.bubblewrap import why_not

WORKERS = 2
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(0),
    pytest.mark.skipif(bool(why_not()), reason=f"no sandbox: {why_not()}"),
]


@pytest.fixture
def class_of(benchmark, tmp_path):
    """Make a class of some students: two where nothing is measured."""

    def make(size, name="course"):
        make_class(tmp_path / name, size if benchmark.enabled else 2)
        return tmp_path / name, size if benchmark.enabled else 2

    return make


def run(root, *command):
    """Run a command of this environment in a course, as a teacher does."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CVGEN_SEED", "CVGEN_PROFILE")}
    programs = str(Path(sys.executable).parent)  # nbgrader starts another one of them
    environment["PATH"] = os.pathsep.join([programs, environment.get("PATH", os.defpath)])
    done = subprocess.run(
        [Path(programs, command[0]), *command[1:]],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.benchmark(group="Grading")
def test_class_of_24(benchmark, class_of, capfd):
    """Grade the same class with nbgrader alone, then with two workers."""
    root, size = class_of(24)
    plain, _ = class_of(24, "plain")
    start = perf_counter()
    run(plain, "nbgrader", "generate_assignment", CHAPTER, "--force")
    run(plain, "nbgrader", "autograde", CHAPTER)
    seconds = perf_counter() - start
    benchmark.pedantic(run, (root, "cvgen", "grade", CHAPTER, "--workers", str(WORKERS)))
    ours, theirs = points(root), points(plain)
    assert ours.keys() == theirs.keys()
    assert all(ours[key] == pytest.approx(theirs[key], abs=0.2) for key in ours)  # other questions
    benchmark.extra_info["what"] = f"{size} submissions, {WORKERS} workers"
    if benchmark.enabled:
        other = {"min": seconds, "median": seconds, "iqr": 0.0, "rounds": 1}
        benchmark.extra_info["other"] = {"library": "nbgrader autograde", **other}
        benchmark.extra_info["ratio"] = benchmark.stats.stats.median / seconds


class Ready:
    """Workers that are there already."""

    most = WORKERS

    def __init__(self, runner):
        self.runner = runner

    def ready_for(self, count):
        """Return what runs submissions, however many."""
        return nullcontext(self.runner)


class Timed(InTurn):
    """Runs submissions in turn, and notes what each spent its time on."""

    def __init__(self):
        self.parts = []

    def run(self, tasks):
        """Run tasks; see `Runner`."""
        begin = perf_counter()
        for position, finished in super().run(tasks):
            ran = perf_counter()
            yield position, finished
            here = perf_counter()
            self.parts.append(finished.seconds | {"saving": here - ran, "all": here - begin})
            begin = here


@pytest.mark.benchmark(group="Grading, one submission")
@pytest.mark.parametrize(
    ("what", "isolated", "warm"),
    [
        ("in a sandbox, from a warm process", True, True),
        ("in a sandbox, from a cold start", True, False),
        ("without a sandbox", False, False),
    ],
)
def test_one_submission(benchmark, class_of, monkeypatch, what, isolated, warm):
    """Grade one submission after the other: where the time goes, and what sandbox and fork do."""
    root, size = class_of(6)
    monkeypatch.delenv("CVGEN_SEED", raising=False)
    monkeypatch.setattr(provisioner.SandboxProvisioner, "warm", warm)
    timed = Timed()
    outcome = grade(root, CHAPTER, isolated=isolated, workers=Ready(timed))
    assert [result.ending for result in outcome.results] == ["graded"] * size
    later = timed.parts[1:]  # the first one waits for the imports
    split = {name: median(part[name] for part in later) for name in later[0]}
    benchmark.pedantic(lambda: None)
    whole = split.pop("all")
    parts = ", ".join(f"{name} {value:.2g} s" for name, value in split.items())
    benchmark.extra_info |= {"what": what, "parts": parts}
    assert 0 < sum(split.values()) <= whole * 1.2
    if benchmark.enabled:
        benchmark.stats.stats.data = [part["all"] for part in later]


@contextmanager
def memory_watched():
    """Yield a list; its last entry is the most memory that this process's children held."""
    most, over = [0], threading.Event()

    def held(process):
        try:
            return process.memory_full_info().pss
        except (psutil.Error, AttributeError):
            return 0

    def look():
        while not over.wait(1):
            most.append(max(most[-1], sum(map(held, psutil.Process().children(recursive=True)))))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


@pytest.mark.benchmark(group="Grading, a large class")
def test_class_of_200(benchmark, class_of):
    """Grade a large class: its rate, its memory, and whether the last ones take longer."""
    root, size = class_of(200)
    times, memory = [], []

    def graded():
        with memory_watched() as most, Cluster(WORKERS) as cluster:
            begin = perf_counter()
            grade(
                root,
                CHAPTER,
                workers=Ready(cluster),
                progress=lambda *_: times.append(perf_counter() - begin),
            )
            times.append(perf_counter() - begin)
        memory.append(most[-1] / WORKERS / 1e9)

    benchmark.pedantic(graded)
    quarter = size // 4
    benchmark.extra_info["what"] = f"{size} submissions, {WORKERS} workers"
    if benchmark.enabled:
        first = (times[quarter] - times[4]) / (quarter - 4)
        last = (times[size - 1] - times[size - 1 - quarter]) / quarter
        benchmark.extra_info["besides"] = (
            f"{60 * size / times[-1]:.0f} a minute; {memory[0]:.2g} GB for each worker at most; "
            f"the last quarter took {last / first:.2f} times as long as the first, the report "
            f"{times[-1] - times[size - 1]:.1f} s"
        )


@pytest.mark.benchmark(group="Grading, a large class")
def test_workers_killed(benchmark, class_of):
    """Grade a class while a worker is killed every five seconds: nothing is lost."""
    (root, size), (calm, _) = class_of(24), class_of(24, "calm")
    with Cluster(WORKERS) as cluster:
        grade(calm, CHAPTER, workers=Ready(cluster))
    killed, over = [], threading.Event()

    def kill(cluster):
        while not over.wait(5):
            for process in cluster.processes[len(killed) % 2 :][:1]:
                killed.append(process)
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def graded():
        with Cluster(WORKERS) as cluster:
            killer = threading.Thread(target=kill, args=(cluster,), daemon=True)
            killer.start()
            outcome = grade(root, CHAPTER, workers=Ready(cluster))
            over.set()
            killer.join()
        assert [result.ending for result in outcome.results] == ["graded"] * size

    benchmark.pedantic(graded)
    assert points(root).keys() == points(calm).keys()
    benchmark.extra_info["what"] = f"{size} submissions, a worker killed every 5 s"
    benchmark.extra_info["besides"] = f"{len(killed)} workers killed; all graded"
