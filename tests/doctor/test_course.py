from email.message import Message
from pathlib import Path

import pytest

import cvgen_course
from cvgen_course.doctor import course
from cvgen_course.doctor.commands import change_folder
from cvgen_course.doctor.course import (
    check_checkout,
    check_profile,
    checkout_of_folder,
    checkout_of_package,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def other_course(tmp_path):
    (tmp_path / "cvgen_course").mkdir()
    (tmp_path / "lectures" / "01_tiny").mkdir(parents=True)
    (tmp_path / "nbgrader_config.py").touch()
    return tmp_path


def test_checkout_of_package_is_none_for_a_copy(monkeypatch, tmp_path):
    assert checkout_of_package() == ROOT
    copy = tmp_path / "site-packages" / "cvgen_course" / "__init__.py"
    monkeypatch.setattr(cvgen_course, "__file__", str(copy))
    assert checkout_of_package() is None


def test_checkout_of_folder_looks_above(other_course):
    assert checkout_of_folder(other_course / "lectures" / "01_tiny") == other_course
    assert checkout_of_folder(Path(ROOT.anchor)) is None


def test_check_checkout_is_content_in_the_course_that_is_installed(monkeypatch):
    monkeypatch.chdir(ROOT / "lectures")
    (finding,) = check_checkout()
    assert finding.status == "ok"
    assert cvgen_course.__version__ in finding.what


@pytest.mark.usefixtures("activated")
def test_check_checkout_finds_another_library_than_this_folders(monkeypatch, other_course):
    monkeypatch.chdir(other_course)
    (finding,) = check_checkout()
    assert finding.status == "wrong"
    assert f"comes from {ROOT}, but this folder belongs to {other_course}" in finding.what
    assert finding.mend == "python -m pip install --no-deps -e ."


def test_check_checkout_outside_of_any_course_says_where_to_go(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (finding,) = check_checkout()
    assert finding.status == "optional"
    assert finding.mend == change_folder(ROOT)


def test_check_checkout_of_a_copy_says_how_to_get_the_course(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course, "checkout_of_package", lambda: None)
    published = Message()
    published["Project-URL"] = "Repository, https://example.org/course"
    monkeypatch.setattr(course.metadata, "metadata", lambda name: published)
    assert check_checkout()[0].mend == "git clone https://example.org/course"
    monkeypatch.setattr(course.metadata, "metadata", lambda name: Message())
    assert check_checkout()[0].mend == ""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("CV [2026]", "Formgrader and nbgrader's own commands find nothing"),
        ("what?", "release, grade and book need another name"),
        ("CV #1 50% ö", None),
    ],
)
def test_check_checkout_looks_at_the_folders_name(name, what, tmp_path, monkeypatch):
    (tmp_path / name / "cvgen_course").mkdir(parents=True)
    (tmp_path / name / "nbgrader_config.py").touch()
    monkeypatch.chdir(tmp_path / name)
    findings = check_checkout()[1:]
    assert [finding.status for finding in findings] == (["optional"] if what else [])
    assert all(name in f.what and what in f.what and "rename" in f.what for f in findings)


def test_check_profile_knows_the_profiles(monkeypatch, on):
    monkeypatch.delenv("CVGEN_PROFILE", raising=False)
    assert check_profile()[0].what == "profile cpu"
    monkeypatch.setenv("CVGEN_PROFILE", "fast")
    on("linux")
    (finding,) = check_profile()
    assert finding.status == "wrong"
    assert finding.what.endswith("got 'fast'")
    assert finding.mend == "unset CVGEN_PROFILE"
