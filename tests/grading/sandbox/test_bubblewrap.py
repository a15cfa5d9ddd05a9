import os
from pathlib import Path

import pytest
from support.sandboxed import needs_sandbox

import cvgen_course
from cvgen_course.grading.sandbox import bubblewrap

ROOT = Path(cvgen_course.__file__).parents[1]


def mounted():
    command = bubblewrap.command(3, None, 1000, {}, ["true"])
    return [command[i + 1] for i, part in enumerate(command) if part == "--ro-bind"]


def test_command_shows_nothing_of_the_course_but_its_package():
    inside = [place for place in mounted() if Path(place).is_relative_to(ROOT)]
    environments = [place for place in inside if Path(place, "pyvenv.cfg").exists()]
    assert set(inside) - set(environments) == {str(ROOT / "cvgen_course")}
    assert not any(ROOT.is_relative_to(place) for place in mounted())


def test_command_mounts_all_that_it_mounts_for_reading_only():
    command = bubblewrap.command(3, None, 1000, {}, ["true"])
    assert not {"--bind", "--dev-bind", "--bind-try", "--share-net"} & set(command)
    assert {"--unshare-all", "--clearenv", "--die-with-parent", "--new-session"} <= set(command)


def test_environment_holds_nothing_of_the_callers(monkeypatch):
    monkeypatch.setenv("CVGEN_SEED", "precious")
    monkeypatch.setenv("AWS_SECRET", "precious")
    monkeypatch.setenv("HOME", "/home/precious")
    environment = bubblewrap.environment()
    assert "precious" not in repr(environment)
    assert environment["HOME"] == "/home/student"


@pytest.fixture
def fresh():
    bubblewrap.why_not.cache_clear()
    yield
    bubblewrap.why_not.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_why_not_says_how_to_get_bubblewrap(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install bubblewrap" in bubblewrap.why_not()


@pytest.mark.usefixtures("fresh")
def test_why_not_repeats_what_bubblewrap_says(monkeypatch, tmp_path):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho bwrap: No permissions to create a new namespace >&2\nexit 1"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
    assert "(bwrap: No permissions to create a new namespace)" in bubblewrap.why_not()


@needs_sandbox
@pytest.mark.usefixtures("fresh")
def test_why_not_says_nothing_where_a_sandbox_can_be_made():
    assert bubblewrap.why_not() == ""
