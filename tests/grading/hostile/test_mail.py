"""Bytes of a student's making in the place of answers: the oracle reads them and gives nothing."""

import json
import struct

import pytest
import torch
from safetensors.torch import save
from support.hostile_course import ALL, RIGHT

from cvgen_course.checks.codec import encode
from cvgen_course.checks.sides import answer_bytes, encode_outcomes
from cvgen_course.grading.oracle import Oracle
from cvgen_course.segmentation.exercises import EXERCISES

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("mail"),
    pytest.mark.follows_from("cvgen_course.grading", "cvgen_course.checks"),
]
WRONG = "def mean_iou(confusion):\n    return 0.123\n"
NOTHING = ALL | {"mean_iou": 0.0}
EXERCISE = EXERCISES["mean_iou"]
NUM_CASES = len(Oracle(EXERCISE, "a").cases)


def raw(tree, **tensors):
    """Return bytes that hold a tree of tags, whatever it is."""
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return b"CVG1" + struct.pack("<I", len(text)) + text + save(tensors)


def outcomes(value):
    """Return answers that give one value for every case."""
    return encode([["value", value, "", "", []]] * NUM_CASES)


def recorded(seed):
    """Return a right student's answers to the questions of a seed."""
    space = {"torch": torch}
    exec(RIGHT["mean_iou"], space)
    return answer_bytes(EXERCISE, space, Oracle(EXERCISE, seed).questions)


PAYLOADS = {
    "nothing": b"",
    "noise": bytes(range(256)) * 100,
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch /tmp/unpickled'\ntR.",
    "a length that is too long": b"CVG1\xff\xff\xff\xff{}",
    "no tensors": b"CVG1" + struct.pack("<I", 2) + b"[]",
    "a deep tree": raw(b"[" * 10**6),
    "a deep list": raw(b'["list",[' * 10**5 + b"]]" * 10**5),
    "a wide list": raw(b'["list",[' + b'["none",0],' * 500_000 + b'["none",0]]]'),
    "numbers without end": raw(b'["int",' + b"9" * 10**6 + b"]"),
    "NaN": raw(b'["float",NaN]'),
    "invalid UTF-8": raw(b'["str","\xff\xfe"]'),
    "half a character": raw(b'["str","\\ud800"]'),
    "a tag that is a method": raw(["_require", 0]),
    "a tensor that is too large": raw(["tensor", "0"]) + b"x" * 1000,
    "a header that lies": b"CVG1"
    + struct.pack("<I", 14)
    + b'["tensor","0"]'
    + struct.pack("<Q", 2**62),
    "too few outcomes": encode([]),
    "too many outcomes": encode([["value", 0.123, "", "", []]] * 10_000),
    "outcomes of another kind": encode([["passed", None, "", "", []]] * NUM_CASES),
    "equal to everything": outcomes(True),
    "an infinite value": outcomes(float("inf")),
    "not a number": outcomes({"the mean IoU": float("nan")}),
    "nothing in each": outcomes(None),
    "a tensor of another shape": outcomes(torch.zeros(3, 0, 2**40)),
    "large tensors": outcomes(torch.zeros(1000, 1000)),
    "a nested dictionary": outcomes({"a": {"b": [{"c": (1, 2.0, "x", None)}]}}),
    "long texts": outcomes("x" * 10_000),
    "markup": encode([["raised", None, "<script>alert(1)</script>", "<b>", ["</td>"]]] * NUM_CASES),
    "another student's answers": recorded("another student"),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_oracle_reads_anything_and_gives_nothing_for_it(name):
    report = Oracle(EXERCISE, "a").decide(PAYLOADS[name])

    assert report.points < 1  # a case that is the same for everybody may be passed
    assert report.max_points == EXERCISE.points


def test_the_oracle_gives_all_for_right_answers_to_its_own_questions():
    assert Oracle(EXERCISE, "a").decide(recorded("a")).points == EXERCISE.points


def test_an_outcome_of_a_passed_case_alone_is_not_enough():
    assert Oracle(EXERCISE, "a").decide(encode_outcomes([])).points == 0


POST = """
import os, pathlib, threading, time
def post():
    place = pathlib.Path("/run/mail/mean_iou.answers")
    while True:
        try:
            {act}
        except OSError:
            pass
        time.sleep(0.001)
threading.Thread(target=post, daemon=True).start()
"""
POSTED = {
    "recorded answers of another student": """
            place.write_bytes(pathlib.Path("recorded").read_bytes())""",
    "answers of another exercise": """
            other = pathlib.Path("/run/mail/confusion_matrix.answers").read_bytes()
            place.write_bytes(other)""",
    "noise": "place.write_bytes(os.urandom(1000))",
    "more than fits": "place.write_bytes(bytes(60 * 2**20))",
    "a link to the teacher's secret": """
            place.unlink(missing_ok=True)
            place.symlink_to(SECRET)""",
    "a link to memory": """
            place.unlink(missing_ok=True)
            place.symlink_to("/proc/self/mem")""",
    "a pipe": """
            place.unlink(missing_ok=True)
            os.mkfifo(place)""",
    "a folder": """
            place.unlink(missing_ok=True)
            place.mkdir()""",
    "links in the place of questions": """
            for name in ("mean_iou", "bilinear_kernel"):
                questions = pathlib.Path(f"/run/mail/{name}.questions")
                if not questions.exists() and not questions.is_symlink():
                    questions.symlink_to(VICTIM)""",
}


@pytest.fixture(scope="module")
def graded(hostile_class):
    """The class, graded once."""
    victim = hostile_class.root / "victim"
    victim.write_text("untouched")
    for name, act in POSTED.items():
        code = f"SECRET = {str(hostile_class.root / 'private')!r}\nVICTIM = {str(victim)!r}\n"
        code += POST.replace("{act}", act)
        folder = hostile_class.attack(name, code, answer=WRONG)
        (folder / "recorded").write_bytes(recorded("another student"))
    return hostile_class.grade()


@pytest.mark.parametrize("name", POSTED)
def test_what_is_put_into_the_mailbox_earns_nothing(graded, name):
    points = graded.points(name)
    assert points["mean_iou"] < 1  # cases that are the same for everybody
    assert points["confusion_matrix"] == 2


@pytest.mark.parametrize("name", POSTED)
def test_a_thread_that_posts_one_exercise_leaves_the_next_one_alone(graded, name):
    assert graded.points(name)["bilinear_kernel"] == 2


def test_no_link_is_followed(graded):
    assert (graded.root / "victim").read_text() == "untouched"


@pytest.mark.parametrize("name", ["aa honest", "zz honest"])
def test_honest_students_get_all_points_without_a_remark(graded, name):
    assert graded.points(name) == ALL
    assert graded.result(name).remarks == ()
