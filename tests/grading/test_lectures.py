"""The committed lectures are what the authored chapters make, and give nothing away."""

from pathlib import Path

import pytest

from cvgen_course.grading.course import Course
from cvgen_course.grading.leaks import find_leaks
from cvgen_course.grading.pairing import read_source
from cvgen_course.grading.release import check_release

CHAPTERS = Course.find(Path(__file__)).chapters()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_lecture_is_what_release_makes(chapter):
    assert check_release(chapter.course.root, [chapter.name]) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_lecture_holds_no_answer(chapter):
    source = read_source(chapter.source, chapter.source.with_suffix(".ipynb"))
    assert chapter.released.is_file()
    assert find_leaks(source, chapter.release_folder) == []
