"""Through the exchange: what is not collected is named, and feedback reaches all whom it can."""

import pytest

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.exchange import give_back, uncollected
from cvgen_course.grading.steps import folder_of

CHAPTER = "01_tiny"


@pytest.fixture(autouse=True)
def exchange(tmp_path, monkeypatch):
    """The exchange's folder, which the configuration names."""
    folder = tmp_path / "exchange"
    (folder / "cvgen" / "inbound").mkdir(parents=True)
    monkeypatch.setenv("CVGEN_EXCHANGE", str(folder))
    return folder


@pytest.fixture
def chapter(ready, exchange):
    return Course.find(ready).chapter(CHAPTER)


def hand_in(exchange, student, time, chapter=CHAPTER):
    (exchange / "cvgen/inbound" / f"{student}+{chapter}+{time} UTC+abc").mkdir()


def test_uncollected_names_newer_work_only(chapter, exchange, submit):
    early, late = "2027-03-01 10:00:00.5", "2027-03-02 11:30:00.5"
    for student, collected in (("ada", early), ("bob", late), ("by_hand", None)):
        folder = submit(chapter.course.root, student)
        if collected:
            (folder / "timestamp.txt").write_text(f"{collected} UTC")
        hand_in(exchange, student, early)
        hand_in(exchange, student, late)
    hand_in(exchange, "new", late)
    hand_in(exchange, "elsewhere", late, "02_other")
    assert uncollected(chapter) == [
        "Newer work lies in the exchange, of ada (2027-03-02 11:30 UTC), by_hand (2027-03-02 "
        "11:30 UTC), new (2027-03-02 11:30 UTC). Take it in with: nbgrader collect 01_tiny --update"
    ]


def test_uncollected_says_nothing_without_an_exchange(chapter, monkeypatch):
    monkeypatch.setenv("CVGEN_EXCHANGE", "/nowhere")
    assert uncollected(chapter) == []


@pytest.fixture
def graded(chapter, submit):
    """A class that is graded without a kernel; only ada came through the exchange."""
    from support.runners import Standing
    from support.sandboxed import grade

    for student in ("ada", "bob", "zoe [x]"):
        folder = submit(chapter.course.root, student)
    folder = folder.parents[1] / "ada" / CHAPTER
    (folder / "timestamp.txt").write_text("2027-03-01 10:00:00.5 UTC")
    (folder / "submission_secret.txt").write_text("abc")
    grade(chapter.course.root, CHAPTER, workers=Standing())
    return chapter


def test_give_back_reaches_all_whom_it_can_and_names_the_others(graded, exchange):
    page = folder_of(graded, "bob", "feedback") / "tiny.html"
    page.unlink()
    done = give_back(graded, send=True)
    assert (done.made, done.failed) == (("ada", "bob", "zoe [x]"), ())
    assert (done.sent, done.by_hand) == (("ada",), ("bob", "zoe [x]"))
    assert page.is_file()
    (sent,) = (exchange / "cvgen/feedback").iterdir()
    assert "tiny: " in sent.read_text(encoding="utf-8")


def test_give_back_needs_no_exchange_unless_it_sends(graded, monkeypatch):
    monkeypatch.setenv("CVGEN_EXCHANGE", "/nowhere")
    assert give_back(graded, send=False).made == ("ada", "bob", "zoe [x]")
    graded.course.__dict__.pop("config", None)
    with pytest.raises(CourseError, match="set CVGEN_EXCHANGE"):
        give_back(graded, send=True)


def test_give_back_says_that_nobody_is_graded(chapter):
    with pytest.raises(CourseError, match="run: cvgen grade 01_tiny"):
        give_back(chapter, send=False)
