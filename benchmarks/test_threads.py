"""How long a training step takes, alone and beside a program that keeps a core busy."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

PROGRAM = Path(__file__).parent / "training_step.py"
ROUNDS = 5
SETTINGS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
measured: list[float] = []


@contextlib.contextmanager
def busy_loop():
    """Keep a core busy while the block runs."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def seconds_of_a_step(which):
    """Return a step's seconds in a fresh process."""
    environment = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    command = [sys.executable, PROGRAM, which]
    return float(subprocess.check_output(command, env=environment, text=True))


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.skipif(sys.platform != "linux", reason="GOMP_SPINCOUNT is for Linux's OpenMP")
@pytest.mark.benchmark(
    group="Threads that wait: U-Net of chapter 01, a training step with 16 scenes on two threads; "
    "GOMP_SPINCOUNT as the course sets it, and unset",
    timer=lambda: sum(measured),
)
@pytest.mark.parametrize("beside", ["alone", "beside a busy program"])
def test_training_step(benchmark, beside):
    """Compare in turn, since a machine's speed drifts."""
    ratios, others = [], []

    def step():
        other = seconds_of_a_step("as_openmp_sets_it")
        ours = seconds_of_a_step("as_the_course_sets_it")
        measured.append(ours)
        others.append(other)
        ratios.append(ours / other)

    rounds = ROUNDS if benchmark.enabled else 1
    with busy_loop() if beside != "alone" else contextlib.nullcontext():
        benchmark.pedantic(step, rounds=rounds)
    benchmark.extra_info["what"] = f"a training step, {beside}"
    benchmark.extra_info["other"] = {"library": "unset", "median": median(others)}
    benchmark.extra_info["ratio"] = median(ratios)
