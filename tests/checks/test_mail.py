"""Answers by mail: what comes back is what the same check would have said by itself."""

import pytest
from support.toy_exercises import EXERCISES, nearest

from cvgen_course.checks import check_by_name, encode_questions, expected, judge_bytes, make_cases
from cvgen_course.checks.check import report_by_name
from cvgen_course.checks.mail import ANSWERED, MAIL, answer_by_mail, answers_file, questions_file

SEED = "a student's own"
CASES = make_cases(EXERCISES["nearest"], SEED)
ANSWERS = {
    "right": lambda x: x.repeat_interleave(2, -1).repeat_interleave(2, -2),
    "wrong": lambda x: x,
    "right for numbers": lambda x: nearest(x) if x.is_floating_point() else x,
    "an error": lambda x: x[100],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(MAIL, str(tmp_path))
    return tmp_path


@pytest.fixture
def asked(folder):
    (folder / questions_file("nearest")).write_bytes(encode_questions(CASES))
    return folder


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_by_mail_get_the_same_report_as_the_check_itself(asked, answer, monkeypatch):
    space = {"nearest": ANSWERS[answer]}
    assert answer_by_mail(EXERCISES, "nearest", space)
    answers = (asked / answers_file("nearest")).read_bytes()
    right = expected(EXERCISES["nearest"], CASES)
    monkeypatch.setenv("CVGEN_SEED", SEED)
    alone = report_by_name(EXERCISES, "nearest", space)
    assert judge_bytes(EXERCISES["nearest"], CASES, answers, right) == alone


def test_a_check_that_answers_by_mail_shows_nothing_and_returns_no_points(asked, capsys):
    space = {"nearest": ANSWERS["right"]}
    assert check_by_name(EXERCISES, "nearest", space) == ANSWERED == 0.0
    assert capsys.readouterr() == ("", "")
    assert {path.suffix for path in asked.iterdir()} == {".questions", ".answers"}


def test_a_missing_answer_is_answered_as_missing(asked):
    assert check_by_name(EXERCISES, "nearest", {}) == ANSWERED
    answers = (asked / answers_file("nearest")).read_bytes()
    right = expected(EXERCISES["nearest"], CASES)
    assert judge_bytes(EXERCISES["nearest"], CASES, answers, right).points == 0


@pytest.mark.parametrize("name", ["nearest", "no_such_exercise"])
def test_without_questions_the_check_decides_by_itself(folder, name):
    assert not answer_by_mail(EXERCISES, name, {"nearest": ANSWERS["right"]})
    assert list(folder.iterdir()) == []


def test_without_a_folder_the_check_decides_by_itself(monkeypatch):
    monkeypatch.delenv(MAIL, raising=False)
    assert check_by_name(EXERCISES, "nearest", {"nearest": ANSWERS["right"]}) == 3.0
