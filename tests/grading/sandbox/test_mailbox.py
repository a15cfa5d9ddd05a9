import os

import pytest

from cvgen_course.grading.sandbox import mailbox as module
from cvgen_course.grading.sandbox.mailbox import Mailbox


@pytest.fixture
def outside(tmp_path):
    (tmp_path / "outside").write_bytes(b"precious")
    yield tmp_path / "outside"
    assert (tmp_path / "outside").read_bytes() == b"precious"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mail").mkdir()
    return tmp_path / "mail"


@pytest.fixture
def mailbox(folder):
    mailbox = Mailbox(folder)
    yield mailbox
    mailbox.close()


def test_what_is_put_can_be_taken(mailbox, folder):
    mailbox.put("a", b"one")
    mailbox.put("a", b"two")
    assert mailbox.take("a") == (folder / "a").read_bytes() == b"two"
    assert mailbox.take("b") is None


LURKING = {
    "link": lambda path, outside: path.symlink_to(outside),
    "dangling link": lambda path, outside: path.symlink_to(outside.parent / "none"),
    "directory": lambda path, outside: path.mkdir(),
    "pipe": lambda path, outside: os.mkfifo(path),
    "link to a device": lambda path, outside: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("lies", LURKING)
def test_take_opens_plain_files_only(mailbox, folder, outside, lies):
    LURKING[lies](folder / "a", outside)
    assert mailbox.take("a") is None


@pytest.mark.parametrize("lies", LURKING)
def test_put_replaces_what_lies_in_wait(mailbox, folder, outside, lies):
    LURKING[lies](folder / "a", outside)
    mailbox.put("a", b"new")
    assert not (folder / "a").is_symlink()
    assert (folder / "a").read_bytes() == b"new"
    assert not (outside.parent / "none").exists()


def test_put_replaces_a_hard_link_and_leaves_its_other_name_alone(mailbox, folder, outside):
    os.link(outside, folder / "a")
    mailbox.put("a", b"new")
    assert mailbox.take("a") == b"new"


def test_put_takes_away_all_that_was_there_and_follows_no_link(mailbox, folder, outside):
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "link").symlink_to(outside.parent)
    mailbox.put("a", b"new")
    assert os.listdir(folder) == ["a"]


def test_take_leaves_large_files(mailbox, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 3)
    mailbox.put("a", b"123")
    assert mailbox.take("a") == b"123"
    mailbox.put("a", b"1234")
    assert mailbox.take("a") is None


def test_a_replaced_folder_leads_nowhere(mailbox, folder, outside):
    mailbox.put("outside", b"mine")
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(outside.parent)
    assert mailbox.take("outside") == b"mine"
    mailbox.put("outside", b"still mine")
    assert (folder.with_name("moved") / "outside").read_bytes() == b"still mine"


def test_a_folder_that_is_a_link_is_no_mailbox(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(OSError, match=r"[Nn]ot a directory|symbolic"):
        Mailbox(tmp_path / "link")
