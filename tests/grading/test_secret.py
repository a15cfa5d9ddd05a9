import stat
import threading

import pytest

from cvgen_course.errors import CourseError
from cvgen_course.grading.secret import grading_seed, read_secret


def test_read_secret_is_made_once_for_its_owner_only(tmp_path):
    secret = read_secret(tmp_path)
    assert len(secret) == 32
    assert read_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_read_secret_is_the_same_for_all_who_make_it_at_once(tmp_path):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(read_secret(tmp_path))) for _ in "12345"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 5
    assert len(set(found)) == 1


@pytest.mark.parametrize("content", ["", "not hexadecimal", "abcd"])
def test_read_secret_refuses_a_damaged_file(tmp_path, content):
    (tmp_path / "secret").write_text(content)
    with pytest.raises(CourseError, match="expected 64 hexadecimal digits"):
        read_secret(tmp_path)
    assert (tmp_path / "secret").read_text() == content


def test_grading_seed_follows_from_student_and_chapter():
    seed = grading_seed(b"s" * 32, "ada", "01_tiny")
    assert len(seed) == 32
    assert seed == grading_seed(b"s" * 32, "ada", "01_tiny")
    others = {
        grading_seed(b"t" * 32, "ada", "01_tiny"),
        grading_seed(b"s" * 32, "bob", "01_tiny"),
        grading_seed(b"s" * 32, "ada", "02_tiny"),
        grading_seed(b"s" * 32, "ada0", "1_tiny"),
    }
    assert seed not in others
    assert len(others) == 4
