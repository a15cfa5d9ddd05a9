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


def configured(course, *lines):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("\n".join(["", *lines, ""]))
    return Course.find(course)


@pytest.mark.parametrize(
    ("value", "seconds"), [("None", None), ("-1", None), ("0", None), ("2.5", 2.5), ("90", 90)]
)
def test_cell_seconds_mean_what_they_mean_in_nbgrader(course, value, seconds):
    assert configured(course, f"c.Execute.timeout = {value}").cell_seconds == seconds


def test_cell_seconds_come_from_the_most_special_class_that_has_them(course):
    assert configured(course, "del c.Execute.timeout").cell_seconds == 30
    assert configured(course, "c.NotebookClient.timeout = 6").cell_seconds == 6
    assert configured(course, "c.ExecutePreprocessor.timeout = 7").cell_seconds == 7
    assert configured(course, "c.Execute.timeout = 8").cell_seconds == 8


@pytest.mark.parametrize("value", ["'long'", "True", "[3]", "float('nan')"])
def test_cell_seconds_that_are_no_number_are_refused(course, value):
    with pytest.raises(CourseError, match=r"timeout: expected a number of seconds or None, got"):
        _ = configured(course, f"c.Execute.timeout = {value}").cell_seconds


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c.Execute.timeout = (", "SyntaxError"),
        ("no_such_name", "NameError: name 'no_such_name' is not defined"),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("c.CourseDirectory.source_directory = 3", "source_directory"),
    ],
)
def test_a_broken_configuration_is_named(course, line, message):
    with pytest.raises(CourseError, match=rf"nbgrader_config\.py: .*{message}.*mend it there"):
        configured(course, line).directory()
