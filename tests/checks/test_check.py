from __future__ import annotations

import builtins
import sys
from types import SimpleNamespace

import pytest
from support.toy_exercises import EXERCISES, nearest

from cvgen_course.checks import Exercises, PointsMissing, check_by_name, current_seed, make_cases
from cvgen_course.checks.check import show
from cvgen_course.reports import MIME, Report, html_table, text_table


def right(x):
    return x.repeat_interleave(2, dim=3).repeat_interleave(2, dim=2)


def check(namespace, name="nearest"):
    points = check_by_name(EXERCISES, name, namespace)
    assert type(points) is float
    assert 0.0 <= points <= EXERCISES[name].points
    return points


def test_check_by_name_returns_points_and_prints_a_table(capsys):
    assert check({"nearest": right}) == 3.0
    captured = capsys.readouterr()
    assert "3 of 3 points" in captured.out
    assert captured.out.count("✓") == 3
    assert captured.err == ""


@pytest.mark.parametrize(
    ("namespace", "words"),
    [
        ({}, "does not exist yet"),
        ({"nearest": 3}, "is of type int, which can't be called"),
        ({"nearest": nearest}, "own solution"),
        ({"nearest": None}, "is of type NoneType"),
        ({"nearest": lambda x: exec("raise NotImplementedError")}, "Not solved yet"),
        ({"nearest": lambda: None}, "TypeError"),
        ({"nearest": lambda x: sys.exit()}, "exit()"),
    ],
)
def test_check_by_name_says_why_there_are_no_points(namespace, words, capsys):
    assert check(namespace) == 0.0
    assert words in " ".join(capsys.readouterr().out.split())


def test_check_by_name_knows_the_exercises(capsys):
    assert check_by_name(EXERCISES, "nerest", {}) == 0.0
    assert "there are: weighted_mean, nearest, Affine" in capsys.readouterr().out


def test_exercises_keep_the_order_of_their_modules_and_check_by_name(capsys):
    modules = [SimpleNamespace(EXERCISE=EXERCISES[name]) for name in ("nearest", "Affine")]
    exercises = Exercises(*modules)
    assert list(exercises) == ["nearest", "Affine"]
    assert exercises["nearest"] is EXERCISES["nearest"]
    assert exercises.check("nearest", {"nearest": right}) == 3.0
    assert "3 of 3 points" in capsys.readouterr().out


def test_check_by_name_does_not_mind_shadowed_builtins(capsys):
    namespace = {"nearest": right, "len": None, "float": None, "print": None, "sum": 3}
    assert check(namespace) == 3.0


def test_check_by_name_survives_a_broken_check(monkeypatch, capsys):
    monkeypatch.setattr(builtins, "sorted", None)
    monkeypatch.setattr("torch.Tensor.clone", None)
    assert check({"nearest": right}) == 0.0
    monkeypatch.undo()
    assert "The check itself could not run" in capsys.readouterr().out


def test_check_by_name_raises_its_table_while_validating(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    with pytest.raises(PointsMissing, match="0 of 3 points") as error:
        check({"nearest": lambda x: x})
    assert "✗ one image" in str(error.value)
    assert error.value._render_traceback_() == [str(error.value)]
    assert check({"nearest": right}) == 3.0


def test_check_by_name_takes_the_grading_seed(monkeypatch):
    public = make_cases(EXERCISES["nearest"], current_seed())[0].inputs["x"]
    memory = {tuple(public.flatten().tolist()): right(public)}
    namespace = {"nearest": lambda x: memory.get(tuple(x.flatten().tolist()))}
    assert check(namespace) == 0.75
    monkeypatch.setenv("CVGEN_SEED", "of a student")
    assert check(namespace) == 0.0
    monkeypatch.setenv("CVGEN_SEED", "")
    assert check(namespace) == 0.75


def test_show_survives_a_terminal_without_ticks(monkeypatch, capsys):
    class Ascii:
        encoding = "ascii"

        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text.encode("ascii").decode()

        def flush(self):
            pass

    stream = Ascii()
    monkeypatch.setattr(sys, "stdout", stream)
    check({"nearest": right})
    assert "? one image" in stream.text


def test_show_displays_a_bundle_in_a_kernel(monkeypatch):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": 1})())
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append((data, raw)))
    report = Report("e", "t", 1.0, 1.0, ())
    show(report)
    ((bundle, raw),) = shown
    assert raw
    assert bundle == {
        "text/plain": text_table(report),
        "text/html": html_table(report),
        MIME: report.to_json(),
    }


def test_show_never_raises(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    show(Report("e", "t", 1.0, 1.0, ()))
