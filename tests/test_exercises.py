"""The tests of the tests: what must hold for every exercise of every chapter."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import itertools
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.exercises import (
    SEEDS,
    Memorised,
    all_exercises,
    assert_full_points,
    assert_points_lost,
    every_exercise,
    graded,
    questions,
)
from support.mutants import EndlessLoopError, mutants, rebuilt, without_docstring
from support.two_processes import grade_in_one_process, grade_in_two_processes

from cvgen_course.checks import (
    PUBLIC_SEED,
    Exercise,
    check_by_name,
    encode_questions,
    expected,
    make_cases,
    report_by_name,
)
from cvgen_course.checks.sides import encode_outcomes
from cvgen_course.checks.time_limit import PATIENCE, SECONDS, TimeLimit
from cvgen_course.grading.course import Course

ROOT = Path(__file__).parents[1]
SOLUTIONS = ROOT / "solutions"
EXERCISES = all_exercises()
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{key}-{mistake.name}")
    for key, exercise in EXERCISES.items()
    for mistake in exercise.mistakes
]


def source_of(function: Callable) -> str:
    """Return a function's module without docstrings: executed, it is code of its own."""
    tree = ast.parse(inspect.getsource(sys.modules[function.__module__]))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            without_docstring(node)
    return ast.unparse(tree)


def path_of(exercise: Exercise) -> str:
    """Return where another process finds the exercise's dictionary."""
    return f"{exercise.probe.__module__.rpartition('.')[0]}:EXERCISES"


def lecture_of(chapter: str) -> dict:
    """Return a chapter's notebook, as its author wrote it."""
    (path,) = SOLUTIONS.glob(f"*_{chapter}/{chapter}.ipynb")
    return json.loads(path.read_text(encoding="utf-8"))


def points_of(exercise: Exercise, source: str) -> float:
    """Return what the notebook's check gives for a student's source."""
    namespace = {"__name__": "__main__"}
    with contextlib.suppress(SyntaxError):  # then the cell fails, and the name is missing
        exec(compile(source, "<student>", "exec"), namespace)
    return check_by_name({exercise.name: exercise}, exercise.name, namespace)


def test_mutants_change_one_thing_each():
    found = list(mutants(EXERCISES["segmentation.bilinear_kernel"].reference))
    changes = [mutant.change for mutant in found]
    assert "bilinear_kernel: 2 -> 3" in changes
    assert "bilinear_kernel: size = 2 * factor - factor % 2 -> pass" in changes
    assert not any("raise" in change for change in changes)
    assert len({mutant.build() for mutant in found}) == len(found) > 20


def test_rebuilt_stops_an_endless_loop(tmp_path, monkeypatch):
    (tmp_path / "endless.py").write_text("def endless():\n    while True:\n        pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    endless = rebuilt(importlib.import_module("endless").endless)
    with pytest.raises(EndlessLoopError, match="turns"):
        endless()


def test_all_exercises_finds_those_of_segmentation():
    assert "segmentation.mean_iou" in EXERCISES


@every_exercise
def test_exercise_is_named_after_its_reference(exercise):
    assert exercise.name == exercise.reference.__name__
    assert exercise.title
    assert exercise.read
    assert math.isfinite(exercise.points)
    assert exercise.points > 0


@every_exercise
def test_an_answer_that_never_ends_is_stopped_before_its_cell_is(exercise, monkeypatch):
    limit = TimeLimit(SECONDS)
    all_that_is_allowed = "cvgen_course.checks.time_limit._stopwatch"
    monkeypatch.setattr(all_that_is_allowed, lambda thread: lambda: limit._allowed)
    for _ in make_cases(exercise, PUBLIC_SEED):
        with limit.one_call():
            pass
    longest = PATIENCE * (SECONDS - limit.left)
    assert longest + 10 < Course.find(ROOT).cell_seconds  # it begins and reports, too


@pytest.mark.parametrize(("key", "exercise"), EXERCISES.items(), ids=list(EXERCISES))
def test_lecture_has_the_section_and_the_points_that_the_exercise_names(key, exercise):
    cells = lecture_of(key.partition(".")[0])["cells"]
    text = "".join(line for cell in cells for line in cell["source"] if line.startswith("#"))
    assert f" {exercise.read}\n" in text + "\n"
    metadata = [cell["metadata"].get("nbgrader", {}) for cell in cells]
    points = [m["points"] for m in metadata if m.get("grade_id") == f"test_{exercise.name}"]
    assert points == [exercise.points]


@every_exercise
def test_cases_have_titles_hints_and_weights(exercise):
    cases = make_cases(exercise, PUBLIC_SEED)
    assert len(cases) >= 5
    assert len({case.title for case in cases}) == len(cases)
    for case in cases:
        assert case.weight > 0
        assert case.hint.endswith((".", ")")), case.title
        assert len(case.title) <= 60
        assert len(case.hint) <= 160


@every_exercise
def test_cases_follow_from_the_seed(exercise):
    first, again, other = (
        encode_questions(make_cases(exercise, seed)) for seed in ("one", "one", "two")
    )
    assert first == again
    assert first != other


@every_exercise
def test_questions_that_tests_share_stay_as_they_are(exercise):
    def spoils(*args, **kwargs):
        for tensor in filter(torch.is_tensor, (*args, *kwargs.values())):
            tensor.detach().zero_()
        return exercise.reference(*args, **kwargs)

    graded(exercise, spoils, "spoilt")
    cases = make_cases(exercise, "spoilt")
    shared, right = zip(*questions(exercise, "spoilt"), strict=True)
    assert encode_questions(shared) == encode_questions(cases)
    assert encode_outcomes(right) == encode_outcomes(expected(exercise, cases))


@every_exercise
def test_cases_keep_titles_and_weights_whatever_the_seed(exercise):
    weights = [[case.weight for case in make_cases(exercise, seed)] for seed in SEEDS]
    assert all(each == weights[0] for each in weights)


@every_exercise
def test_reference_rebuilt_from_its_source_gets_full_points(exercise):
    assert_full_points(exercise, rebuilt(exercise.reference), (*SEEDS, *map(str, range(8))))


MODES = [
    lambda: torch.device("meta"),
    torch.inference_mode,
    torch.no_grad,
    lambda: torch.autocast("cpu", dtype=torch.bfloat16),
]


@every_exercise
def test_right_answer_gets_full_points_in_whatever_mode_the_notebook_left(exercise):
    namespace = {exercise.name: rebuilt(exercise.reference)}
    for mode in MODES:
        with mode():
            report = report_by_name({exercise.name: exercise}, exercise.name, namespace)
        assert report.points == exercise.points, report.note


@every_exercise
def test_helpers_begin_with_an_underscore(exercise):  # then students may not call them
    module = sys.modules[exercise.probe.__module__]
    functions = {name for name, item in vars(module).items() if inspect.isfunction(item)}
    own = {name for name in functions if vars(module)[name].__module__ == module.__name__}
    assert {name for name in own if not name.startswith("_")} <= {"cases", "probe"}


@every_exercise
def test_exercise_has_at_least_three_mistakes(exercise):
    assert len(exercise.mistakes) >= 3
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes)
    for mistake in exercise.mistakes:
        assert mistake.diagnosis.endswith(".")
        assert "\n" not in mistake.diagnosis


@pytest.mark.follows_from
@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_mistake_costs_a_quarter_and_is_recognised(exercise, mistake):
    for seed in SEEDS[:2]:
        report = graded(exercise, rebuilt(mistake.implementation), seed)
        assert 0 <= report.points <= 0.75 * exercise.points
        assert report.diagnosis == f"This is what one gets when {mistake.diagnosis}"


@every_exercise
def test_memorised_public_answers_lose_half_with_a_grading_seed(exercise):
    cases = make_cases(exercise, PUBLIC_SEED)
    for seed in SEEDS[1:]:
        assert_points_lost(exercise, Memorised(exercise, cases), [seed], at_least=0.5)


@every_exercise
def test_blank_gets_nothing(exercise):
    source = f"def {exercise.name}(*args, **kwargs):\n    raise NotImplementedError()\n"
    assert points_of(exercise, source) == 0.0


@every_exercise
@pytest.mark.parametrize(
    "source",
    [
        "",
        "def {name}(*args:\n    return 0\n",
        "{name} = None",
        "{name} = 1",
        "def {name}():\n    return 0\n",
        "def {name}(*args, **kwargs):\n    pass\n",
        "def {name}(*args, **kwargs):\n    raise ValueError('no')\n",
        "def {name}(*args, **kwargs):\n    raise SystemExit(0)\n",
        "def {name}(*args, **kwargs):\n    return args[0]\n",
        "def {name}(*args, **kwargs):\n    return float('nan')\n",
        "def {name}(*args, **kwargs):\n    return '{name}'\n",
        "def {name}(*args, **kwargs):\n    yield 1\n",
        "class {name}:\n    def __init__(self, *args, **kwargs):\n        pass\n"
        "    def __eq__(self, other):\n        return True\n",
    ],
    ids=[
        *("missing", "syntax error", "None", "a number", "no arguments", "returns None"),
        *("raises", "exits", "echo", "NaN", "text", "generator", "always equal"),
    ],
)
def test_empty_answers_get_nothing(exercise, source):
    assert points_of(exercise, source.format(name=exercise.name)) == 0.0


@every_exercise
def test_check_in_two_processes_gives_the_same_points(exercise):
    wrong = [mistake.implementation for mistake in exercise.mistakes[:2]]
    sources = [
        source_of(exercise.reference),
        *(f"{source_of(each)}\n{exercise.name} = {each.__name__}\n" for each in wrong),
        f"from {exercise.reference.__module__} import {exercise.name}",
        f"def {exercise.name}(*args, **kwargs):\n    raise NotImplementedError()\n",
        "",
    ]
    for source, seed in zip(sources, itertools.cycle(SEEDS)):
        one = grade_in_one_process(path_of(exercise), exercise.name, source, seed)
        two = grade_in_two_processes(path_of(exercise), exercise.name, source, seed)
        assert (two.points, two.rows, two.diagnosis) == (one.points, one.rows, one.diagnosis)
    assert grade_in_two_processes(path_of(exercise), exercise.name, sources[0]).passed
