import pytest

from cvgen_course.errors import CourseError
from cvgen_course.grading.course import Course


def test_find_walks_up_to_the_configuration(course):
    assert Course.find(course / "solutions" / "01_tiny").root == course.resolve()


def test_find_says_what_is_missing(tmp_path):
    with pytest.raises(CourseError, match=r"no nbgrader_config\.py here or above"):
        Course.find(tmp_path)


def test_chapter_takes_a_path_too(course):
    chapter = Course.find(course).chapter("lectures/01_tiny/")
    assert (chapter.name, chapter.notebook) == ("01_tiny", "tiny")
    assert chapter.released == course.resolve() / "lectures/01_tiny/tiny.ipynb"


def test_chapter_names_those_that_exist(course):
    with pytest.raises(CourseError, match="expected one of 01_tiny, got '02_big'"):
        Course.find(course).chapter("02_big")


def test_chapters_leaves_other_folders_out(course):
    (course / "solutions" / "notes").mkdir()
    (course / "solutions" / "02_empty").mkdir()
    assert [chapter.name for chapter in Course.find(course).chapters()] == ["01_tiny"]
