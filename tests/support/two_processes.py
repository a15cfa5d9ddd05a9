"""Grade with the student's code in another process, and nothing but bytes between the two."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from support.exercises import questions
from support.student_side import namespace_of, read_frame, write_frame

from cvgen_course.checks import (
    PUBLIC_SEED,
    Exercise,
    encode,
    encode_questions,
    judge_bytes,
    report_by_name,
)
from cvgen_course.reports import Report

_TESTS = Path(__file__).parents[1]
_processes: dict[str, subprocess.Popen] = {}


def grade_in_two_processes(
    exercise_path: str,
    name: str,
    student_source: str,
    seed: str = PUBLIC_SEED,
    timeout: float = 60,
) -> Report:
    """Grade a source: it and the probe run in a process of their own, all the rest in this one.

    Args:
        exercise_path: where the exercises are, e.g. ``"support.toy_exercises:EXERCISES"``.
        name: the exercise.
        student_source: Python source that defines an object of that name.
        seed: where the cases come from.
        timeout: seconds after which the student's process is killed and earns nothing.

    Returns:
        The report. The process is kept for the next call with the same path.
    """
    exercise = load(exercise_path)[name]
    cases, right = map(list, zip(*questions(exercise, seed), strict=True))
    answers = ask(exercise_path, name, student_source, encode_questions(cases), timeout)
    return judge_bytes(exercise, cases, answers, right)


def grade_in_one_process(
    exercise_path: str, name: str, student_source: str, seed: str = PUBLIC_SEED
) -> Report:
    """Grade the same source as a notebook's kernel does, all in this process.

    What only the notebook shows, the numbers of failed cases, is left out.
    """
    before = os.environ.get("CVGEN_SEED")
    os.environ["CVGEN_SEED"] = seed
    try:
        report = report_by_name(load(exercise_path), name, namespace_of(student_source))
        return replace(report, rows=tuple(replace(row, numbers="") for row in report.rows))
    finally:
        if before is None:
            del os.environ["CVGEN_SEED"]
        else:
            os.environ["CVGEN_SEED"] = before


def load(exercise_path: str) -> dict[str, Exercise]:
    """Return the dictionary that ``"module:NAME"`` names."""
    module, _, attribute = exercise_path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def ask(exercise_path: str, name: str, source: str, questions: bytes, timeout: float) -> bytes:
    """Return what the student's process answers; nothing where it dies or takes too long."""
    process = _process(exercise_path)
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    answers = b""
    try:
        write_frame(process.stdin, encode({"name": name, "source": source}))
        write_frame(process.stdin, questions)
        answers = read_frame(process.stdout)
    except OSError:
        pass
    finally:
        killer.cancel()
        if not answers:
            stop(exercise_path)
    return answers


def stop(exercise_path: str) -> None:
    """End the student's process, so that nothing that a student left in it reaches the next one."""
    process = _processes.pop(exercise_path, None)
    if process is not None:
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        process.wait()


def _process(exercise_path: str) -> subprocess.Popen:
    if exercise_path not in _processes:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("CVGEN_")
        }
        environment |= {"PYTHONPATH": str(_TESTS), "OMP_NUM_THREADS": "1"}
        _processes[exercise_path] = subprocess.Popen(
            [sys.executable, "-m", "support.student_side", exercise_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
    return _processes[exercise_path]


@atexit.register
def _stop_all() -> None:
    for exercise_path in list(_processes):
        stop(exercise_path)
