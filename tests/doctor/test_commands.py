import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cvgen_course.doctor import commands
from cvgen_course.doctor.commands import (
    assign,
    change_folder,
    checkout,
    install_course,
    install_program,
    python,
    quoted,
    unset,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="expects POSIX paths")


def test_quoted_protects_spaces_as_the_platform_does(on):
    on("linux")
    assert quoted("my folder") == "'my folder'"
    on("win32")
    assert quoted(r"C:\my folder") == r'"C:\my folder"'
    assert quoted(r"C:\folder") == r"C:\folder"


def test_python_is_short_where_it_is_the_active_one(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: str(Path(sys.executable).with_name(name)))
    assert python() == "python"


def test_python_is_named_by_its_path_where_another_one_is_active(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: "/elsewhere/bin/python")
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    assert python() == str(tmp_path / ".venv" / "bin" / "python")
    monkeypatch.chdir(tmp_path)
    assert python() == ".venv/bin/python"


@pytest.mark.usefixtures("activated")
def test_install_course_pins_and_takes_the_extra(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pip = "python -m pip install"
    assert install_course(tmp_path, "", ["x"]) == f"{pip} -c requirements.lock -e ."
    assert install_course(tmp_path, "book", ["x"]) == f'{pip} -c requirements.lock -e ".[book]"'
    other = tmp_path / "other"
    expected = f'{pip} -c {other}/requirements.lock -e "{other}[book]"'
    assert install_course(other, "book", ["x"]) == expected
    assert install_course(None, "", ["x>=1,<2", "y"]) == f'{pip} "x>=1,<2" "y"'


PARSED = """
import json, sys
from pip._internal.req.constructors import parse_editable
_, url, extras = parse_editable(sys.argv[1])[:3]
print(json.dumps([url, sorted(extras)]))
"""


def as_pip_reads(word):
    """Return the address and the extras that pip takes from what follows ``-e``.

    In a process of its own, since pip and what tests import don't bear each other.
    """
    command = [sys.executable, "-c", PARSED, word]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("extra", ["", "book"])
@pytest.mark.parametrize("name", ["CV [2026]", "CV [2026] #1 50% ö", "$HOME", "it's `x`", "plain"])
def test_checkout_is_what_pip_takes_it_for(tmp_path, name, extra):
    (tmp_path / name).mkdir()
    (tmp_path / name / "pyproject.toml").touch()
    (word,) = shlex.split(checkout(tmp_path / name, extra))
    assert "`" not in name or checkout(tmp_path / name, extra).startswith("'")
    assert as_pip_reads(word) == [(tmp_path / name).as_uri(), [extra] if extra else []]


def test_install_program_uses_the_package_manager_that_is_there(programs):
    programs("dnf")
    assert install_program("bubblewrap") == "sudo dnf install bubblewrap"
    programs()
    assert install_program("bubblewrap") == ""


def test_variables_are_set_and_removed_in_the_platforms_shell(on):
    on("linux")
    assert unset("A") == "unset A"
    assert assign("A", "my folder") == "export A='my folder'"
    on("win32")
    assert unset("A").startswith("set A= ")
    assert '$env:A = "b"' in assign("A", "b")


def test_change_folder_crosses_drives_on_windows(monkeypatch):
    assert change_folder(Path("a b")) == "cd 'a b'"
    monkeypatch.setattr(commands.sys, "platform", "win32")
    assert change_folder(Path("b")) == "cd /d b"
