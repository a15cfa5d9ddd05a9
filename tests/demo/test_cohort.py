"""The demonstration class gets its expected grades, exactly."""

import io
from pathlib import Path

import nbformat
import pytest
import torch
from rich.console import Console
from support.demo_class import MADE_OF, demo_class

from cvgen_course.demo.answers import differently, endless, mistaken
from cvgen_course.demo.cohort import CHAPTER, NOTEBOOK, answered, functions, memorised
from cvgen_course.demo.show import graded_class
from cvgen_course.errors import SubmissionError
from cvgen_course.grading.table import show
from cvgen_course.segmentation.exercises import EXERCISES

ROOT = Path(__file__).parent.parent.parent
FULL = {name: exercise.points for name, exercise in EXERCISES.items()}
NOTHING = dict.fromkeys(FULL, 0.0)
HALF = ("confusion_matrix", "mean_iou", "dice_loss", "max_unpool", "unet_down")
EXPECTED = {
    "all_blank": NOTHING,
    "all_right": FULL,
    "right_differently": FULL,
    "half_way": NOTHING | {name: FULL[name] for name in HALF},
    "endless_loop": FULL | {"max_unpool": None},  # how many cases it ends in time
    "import_error": NOTHING | {"mean_iou": 2.0},
    "memorised": NOTHING,
    "classic_mistakes": NOTHING
    | {
        "confusion_matrix": 0.4,
        "mean_iou": 0.54,
        "dice_loss": 0.05,
        "conv_transpose2d": 0.71,
        "bilinear_kernel": 1.04,
        "fuse_skips": 0.46,
        "unet_forward": 0.11,
    },
}
WITH_A_WRITTEN_ANSWER = {"all_right", "right_differently", "endless_loop", "import_error"}

pytestmark = [pytest.mark.xdist_group("demo class"), pytest.mark.follows_from(*MADE_OF)]


@pytest.fixture
def course(tmp_path_factory):
    return demo_class(tmp_path_factory.getbasetemp())[0]


@pytest.fixture
def outcome(tmp_path_factory):
    return demo_class(tmp_path_factory.getbasetemp())[1]


def points(result):
    return {name.removeprefix("test_"): value for name, value in result.points.items()}


@pytest.mark.slow
@pytest.mark.nbgrader
@pytest.mark.timeout(600)
def test_every_student_gets_exactly_the_expected_points(outcome):
    results = {result.student: points(result) for result in outcome.results}
    assert set(results) == set(EXPECTED)
    slow = results["endless_loop"]
    assert 0 <= slow.pop("max_unpool") <= 0.5 * FULL["max_unpool"]
    for student, expected in EXPECTED.items():
        known = {name: value for name, value in expected.items() if value is not None}
        found = {name: results[student].get(name) for name in known}
        assert found == pytest.approx(known), student


@pytest.mark.slow
@pytest.mark.nbgrader
def test_written_answers_wait_for_a_teacher(outcome):
    waiting = {result.student for result in outcome.results if result.pending}
    assert waiting == WITH_A_WRITTEN_ANSWER


@pytest.mark.slow
@pytest.mark.nbgrader
def test_classic_mistakes_lose_a_quarter_of_each_exercise_and_are_recognised(outcome):
    (result,) = [r for r in outcome.results if r.student == "classic_mistakes"]
    for name, value in points(result).items():
        if name in FULL:
            assert value <= 0.75 * FULL[name], name
    assert all(report.diagnosis for report in result.reports.values())


@pytest.mark.slow
@pytest.mark.nbgrader
def test_the_endless_loop_is_reported_and_stops_nobody(outcome):
    assert {result.status for result in outcome.results} == {"graded"}
    (slow,) = [r for r in outcome.results if r.student == "endless_loop"]
    messages = [row.message for row in slow.reports["test_max_unpool"].rows]
    assert sum("came to no end" in message for message in messages) >= 3
    (broken,) = [r for r in outcome.results if r.student == "import_error"]
    assert "ModuleNotFoundError" in broken.remarks[0]
    assert len(outcome.results) == 8


@pytest.mark.slow
@pytest.mark.nbgrader
def test_report_and_table_are_written(outcome):
    assert "endless_loop" in outcome.report.read_text(encoding="utf-8")
    lines = outcome.table.read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 9


@pytest.mark.slow
@pytest.mark.nbgrader
def test_names_are_whole_in_a_terminal_of_eighty_columns(outcome):
    console = Console(width=80, file=io.StringIO(), color_system=None)
    show(outcome, console)
    words = console.file.getvalue().split()
    assert {result.student for result in outcome.results} <= set(words)


@pytest.mark.slow
@pytest.mark.nbgrader
def test_a_second_demonstration_grades_nobody_again(outcome, course):
    again = graded_class(ROOT, course)
    assert not any(result.fresh for result in again.results)
    assert list(map(points, again.results)) == list(map(points, outcome.results))


def test_answers_are_functions_of_the_lecture():
    for module in (differently, mistaken):
        assert set(functions(module)) == set(FULL)
    assert set(functions(endless)) == {"max_unpool"}


def test_memorised_answer_knows_the_public_cases():
    source = memorised(("mean_iou",))["mean_iou"]
    namespace = {"torch": torch}
    exec(source, namespace)
    assert namespace["KNOWN_mean_iou"]


def test_answered_refuses_an_answer_without_a_cell():
    released = nbformat.read(ROOT / "lectures" / CHAPTER / NOTEBOOK, as_version=4)
    with pytest.raises(SubmissionError, match="no_such_exercise"):
        answered(released, {"no_such_exercise": "pass"})
