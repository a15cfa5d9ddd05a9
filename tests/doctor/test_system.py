from types import SimpleNamespace

import pytest

from cvgen_course.doctor import system
from cvgen_course.doctor.system import (
    GIB,
    allow_namespaces,
    check_browser,
    check_disk,
    check_sandbox,
)
from cvgen_course.grading.sandbox.bubblewrap import why_not


@pytest.mark.parametrize(
    ("free", "status"), [(0.5, "wrong"), (3, "optional"), (7.9, "optional"), (8, "ok")]
)
def test_check_disk_says_what_is_too_little(monkeypatch, free, status):
    usage = SimpleNamespace(free=int(free * GIB))
    monkeypatch.setattr(system.shutil, "disk_usage", lambda path: usage)
    (finding,) = check_disk()
    assert finding.status == status
    assert finding.mend.endswith("-m pip cache purge") == (status != "ok")


def test_check_browser_finds_the_systems_own(programs):
    programs("google-chrome")
    assert check_browser()[0].what.endswith("/bin/google-chrome")


@pytest.mark.usefixtures("activated")
def test_check_browser_finds_playwrights(programs, monkeypatch, tmp_path):
    programs()
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    (finding,) = check_browser()
    assert finding.status == "optional"
    assert finding.mend.endswith("-m playwright install chromium")
    (tmp_path / "chromium-1200").mkdir()
    assert check_browser()[0].status == "ok"


@pytest.fixture
def tried(monkeypatch):
    """Pretend what comes of a try to make a sandbox: what bubblewrap says, or an error."""

    def tried(outcome):
        def run(*args, **kwargs):
            if isinstance(outcome, Exception):
                raise outcome
            return SimpleNamespace(returncode=int(bool(outcome)), stdout="", stderr=outcome)

        why_not.cache_clear()
        monkeypatch.setattr("subprocess.run", run)

    yield tried
    why_not.cache_clear()


def test_check_sandbox_wants_bubblewrap(on, programs, tried):
    on("linux")
    programs("apt-get")
    tried(FileNotFoundError())
    (finding,) = check_sandbox()
    assert finding.status == "optional"
    assert "bubblewrap is missing" in finding.what
    assert finding.mend == "sudo apt-get install bubblewrap"


def test_check_sandbox_tries_it(on, programs, tried):
    on("linux")
    programs("bwrap")
    tried("")
    assert check_sandbox()[0].status == "ok"
    tried("bwrap: setting up uid map: Permission denied\n")
    (finding,) = check_sandbox()
    assert finding.status == "optional"
    assert "uid map: Permission denied" in finding.what


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_check_sandbox_asks_for_none_outside_of_linux(on, platform, tried):
    on(platform)
    tried(FileNotFoundError())
    (finding,) = check_sandbox()
    assert (finding.status, finding.mend) == ("optional", "")
    assert "it is for Linux" in finding.what


def test_allow_namespaces_names_the_switch_that_forbids_them(tmp_path):
    assert allow_namespaces(tmp_path) == ""
    (tmp_path / "apparmor_restrict_unprivileged_userns").write_text("1\n")
    assert allow_namespaces(tmp_path) == (
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    )
    (tmp_path / "apparmor_restrict_unprivileged_userns").write_text("0\n")
    (tmp_path / "unprivileged_userns_clone").write_text("0\n")
    assert allow_namespaces(tmp_path) == "sudo sysctl -w kernel.unprivileged_userns_clone=1"
