import os

import pytest

from cvgen_course.doctor.child import ask

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")


def test_ask_returns_the_last_line_of_output():
    assert ask("print('noise'); print('[1, \"ü\"]')").value == [1, "ü"]


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "exit code 3"),
        pytest.param("import os; os.abort()", "the process was ended by SIGABRT", marks=posix),
        ("print('all is well')", "an unexpected answer: 'all is well'"),
        ("pass", "an unexpected answer: ''"),
    ],
)
def test_ask_says_in_one_line_why_it_failed(program, error):
    answer = ask(program)
    assert answer.value is None
    assert answer.error == error


def test_ask_does_not_wait_for_ever():
    assert ask("import time; time.sleep(60)", seconds=0.5).error == "no answer within 0.5 s"


def test_ask_imports_nothing_from_the_folder_that_it_is_called_in(monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')\n")
    monkeypatch.chdir(tmp_path)
    assert ask("import json; print(json.dumps(1))").value == 1
