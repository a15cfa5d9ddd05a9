"""A course in a folder whose name has characters that patterns, addresses and shells read."""

import nbformat
import pytest
from support.sandboxed import grade
from support.tiny_course import CHAPTER, write_course

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course
from cvgen_course.grading.release import check_release, release

NAMES = ("CV [2026] #1 50% ö", "{x} it's a&b; $HOME (c)")


@pytest.mark.parametrize("name", NAMES)
def test_release_and_grade_take_the_folders_name_as_it_is(tmp_path, name, submit):
    root = write_course(tmp_path / name)
    (made,) = release(root)
    assert (made.graded, made.points, made.remark) == (3, 6.0, "")
    assert check_release(root) == []
    submit(root, "Mü [1]")
    for _ in range(2):
        (result,) = grade(root, CHAPTER).results
        assert (result.student, result.status) == ("Mü [1]", "graded")
        assert result.points == {"test_double": 2.0, "test_square": 3.0, "written": None}
    assert (root / "gradebook.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    nbformat.read(root / "autograded" / "Mü [1]" / CHAPTER / "tiny.ipynb", as_version=4)


def test_find_refuses_a_folder_at_whose_name_the_gradebooks_address_would_end(tmp_path):
    root = write_course(tmp_path / "what?")
    with pytest.raises(CourseError, match=r"what\?: the address .* end at the '\?'; rename"):
        Course.find(root / "solutions")
