import dataclasses
from pathlib import Path

import pytest

from cvgen_course.grading.gradebook import Column
from cvgen_course.grading.results import ClassResult, Result
from cvgen_course.grading.statistics import exercise_statistics, histogram, median, totals
from cvgen_course.reports import Report, Row

COLUMN = Column("test_a", "a_thing", 2.0, False)


def class_of(*results, columns=(COLUMN,)):
    return ClassResult("01_x", columns, results, (), Path("r.html"), Path("g.csv"))


def student(name, points, passed=(), diagnosis="", claimed=None):
    rows = tuple(Row(f"case {i}", ok, 1.0) for i, ok in enumerate(passed))
    shown = points if claimed is None else claimed
    mistakes = (diagnosis,) if diagnosis else ()
    report = Report("a_thing", "A thing", shown, 2.0, rows, mistakes=mistakes)
    reports = {"test_a": report} if rows else {}
    pending = ("a_thing",) if points is None else ()
    return Result(name, "graded", (), {"test_a": points}, pending, reports)


def test_histogram_counts_everyone_once_and_full_points_in_the_last_bin():
    outcome = class_of(
        *(student(str(p), p) for p in (0, 2.9, 3, 29.99, 30)),
        columns=(Column("test_a", "a", 30.0, False),),
    )
    bins = histogram(outcome)
    assert [b.students for b in bins] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[1].low, bins[1].high) == (3, 6)


def test_histogram_has_no_bins_finer_than_a_point():
    assert [b.students for b in histogram(class_of(student("a", 1.0)))] == [0, 1]
    assert [b.students for b in histogram(class_of())] == [0, 0]


def test_totals_and_median_leave_out_who_has_none():
    outcome = class_of(student("a", 2.0), student("b", None), student("c", 0.5), student("d", 1.0))
    assert totals(outcome) == [0.5, 1.0, 2.0]
    assert median([0.5, 1.0, 2.0]) == 1.0
    assert median([1.0, 2.0]) == 1.5
    assert median([]) is None


def test_exercise_statistics_counts_missed_cases_of_answers_that_pass_some():
    (found,) = exercise_statistics(
        class_of(
            student("a", 2.0, (True, True, True)),
            student("b", 0.66, (True, False, False), "rows are columns"),
            student("c", 1.33, (True, True, False), "rows are columns"),
            student("blank", 0.0, (False, False, False)),
            student("by_hand", None),
        )
    )
    assert found.title == "A thing"
    assert (found.mean, found.full, found.graded) == (pytest.approx(3.99 / 4), 1, 4)
    assert (found.nothing, found.contradicted) == (1, 0)
    assert found.pending == 1
    assert found.missed == (("case 2", 2, 3), ("case 1", 1, 3))
    assert found.mistakes == (("rows are columns", 2),)


def test_exercise_statistics_of_nobody():
    (found,) = exercise_statistics(class_of())
    assert (found.title, found.mean, found.missed) == ("a thing", None, ())


@pytest.mark.parametrize("passed", [True, False])
def test_exercise_statistics_lists_equal_counts_by_name(passed):
    results = [
        student("a", 1.33, (passed, not passed, True)),
        student("b", 1.33, (not passed, passed, True)),
    ]
    (found,) = exercise_statistics(class_of(*results))
    assert [m.title for m in found.missed] == ["case 0", "case 1"]


@pytest.mark.parametrize(
    ("points", "passed", "claimed"),
    [
        (2.0, (False, False), 0.0),
        (2.0, (False, False), 2.0),
        (2.0, (True, False), None),
        (0.0, (True, True), None),
        (2.0, (True, True), 1.0),
    ],
)
def test_exercise_statistics_count_no_table_that_differs_from_its_points(points, passed, claimed):
    (found,) = exercise_statistics(class_of(student("a", points, passed, "d", claimed)))
    assert (found.contradicted, found.nothing, found.missed, found.mistakes) == (1, 0, (), ())


def test_exercise_statistics_hold_a_table_to_the_checks_points_not_to_a_teachers():
    result = dataclasses.replace(student("a", 2.0, (True, False), "d", 1.0), auto={"test_a": 1.0})
    (found,) = exercise_statistics(class_of(result))
    assert (found.contradicted, found.full, found.mistakes) == (0, 1, (("d", 1),))
