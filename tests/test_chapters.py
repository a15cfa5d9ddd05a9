"""The one list of chapters: what it says is true, and whoever repeats it says the same."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from cvgen_course.chapters import CHAPTERS, PICTURED, READY, fill, find, numbers, table
from cvgen_course.errors import CourseError
from cvgen_course.notebooks.pairing import read_markdown

ROOT = Path(__file__).parent.parent
MINUTES = re.compile(r"(?:takes|runs) (?:in )?(?:about|a few) ?(\d*) (minutes|seconds)")


def test_chapters_are_numbered_and_each_has_a_name_of_its_own():
    assert [chapter.number for chapter in CHAPTERS] == list(range(len(CHAPTERS)))
    assert len({chapter.name for chapter in CHAPTERS}) == len(CHAPTERS)


def test_ready_are_the_chapters_that_are_written():
    written = sorted(path.relative_to(ROOT / "solutions") for path in ROOT.glob("solutions/*/*.md"))
    assert [chapter.page for chapter in READY] == [p.with_suffix("").as_posix() for p in written]


@pytest.mark.parametrize("chapter", READY, ids=lambda chapter: chapter.name)
def test_lecture_has_the_title_and_the_minutes_of_the_list(chapter):
    text = (ROOT / "solutions" / f"{chapter.page}.md").read_text(encoding="utf-8")
    assert f"\n# {chapter.title}\n" in text
    number, unit = MINUTES.search(text).groups()
    assert chapter.minutes == (int(number) if unit == "minutes" else 1)


def test_minutes_of_the_list_are_those_that_were_measured():
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    measured = [entry for entry in results["benchmarks"] if entry["group"] == "Chapters"]
    assert measured
    for entry in measured:
        minutes = max(1, entry["seconds"]["median"] / 60)  # the list knows no less
        assert find(entry["what"]).minutes == pytest.approx(minutes, rel=0.25, abs=0.6), entry


def test_gigabytes_of_the_list_are_those_that_were_measured():
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    for entry in (entry for entry in results["benchmarks"] if entry["group"] == "Chapters"):
        measured = entry["peak_memory"] / 1e9
        assert find(entry["what"]).gigabytes == pytest.approx(measured, abs=0.1), entry


@pytest.mark.parametrize("chapter", READY, ids=lambda chapter: chapter.name)
def test_exercises_and_points_of_the_list_are_those_of_the_lecture(chapter):
    notebook = read_markdown(ROOT / "solutions" / f"{chapter.page}.md")
    graded = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade", False)
    ]
    points = [cell.metadata.nbgrader.points for cell in graded if cell.cell_type == "code"]
    written = [cell.metadata.nbgrader.points for cell in graded if cell.cell_type == "markdown"]
    assert (chapter.exercises, chapter.points) == (len(points), sum(points))
    assert chapter.written == sum(written)


@pytest.mark.parametrize(
    "chapter", [chapter for chapter in READY if chapter.result], ids=lambda chapter: chapter.name
)
def test_figures_of_the_list_are_in_the_lecture(chapter):
    text = (ROOT / "solutions" / f"{chapter.page}.md").read_text(encoding="utf-8")
    named = re.findall(rf"(Table )?\b({chapter.number}\.\d+)\b", chapter.result)
    assert named
    for kind, number in named:
        assert f"**{kind or 'Figure '}{number}.**" in text


@pytest.mark.parametrize("chapter", PICTURED, ids=lambda chapter: chapter.name)
def test_pictures_have_one_size_and_a_text_for_who_cannot_see_them(chapter):
    with Image.open(chapter.picture) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (192, 192))
        assert picture.getcolors(9) is None  # more colours than nine: something is on it
    assert chapter.picture.stat().st_size < 100_000
    assert len(chapter.shown) > 20


@pytest.mark.parametrize("name", ["detection", "02_detection"])
def test_find_takes_a_name_or_a_folder(name):
    assert find(name).page == "02_detection/detection"


def test_find_names_the_chapters_where_there_is_no_such_one():
    with pytest.raises(CourseError, match=r"one of introduction, .*, flows, got '3_detection'"):
        find("3_detection")


def test_table_links_what_is_ready_and_says_what_is_to_come():
    rows = table("lectures/{page}.ipynb").splitlines()
    assert len(rows) == 2 + len(CHAPTERS)
    assert rows[4].startswith(
        "| 02 [Object detection](lectures/02_detection/detection.ipynb) | boxes"
    )
    for chapter, row in zip(CHAPTERS, rows[2:], strict=True):
        assert ("to come" in row) == (chapter not in READY)


def test_fill_replaces_what_is_between_the_marks_and_nothing_else():
    empty = "a\n\n<!-- chapters -->\n\n<!-- /chapters -->\n\nb \\1\n"
    filled = fill(empty, "| \\1 |")
    assert filled == "a\n\n<!-- chapters -->\n\n| \\1 |\n\n<!-- /chapters -->\n\nb \\1\n"
    assert fill(filled, "| \\1 |") == filled
    assert fill("no marks", "| 1 |") == "no marks"
    assert fill(empty, "| 1 |", "numbers") == empty


def test_numbers_have_a_row_for_each_written_chapter_and_their_sums():
    rows = numbers("{page}.ipynb").splitlines()
    assert len(rows) == 2 + len(READY) + 1
    assert rows[3].startswith(
        "| [01 Semantic segmentation](01_segmentation/segmentation.ipynb) | 2 | 1.5 | 10 | 24 + 6 |"
    )
    assert f"| {sum(chapter.exercises for chapter in READY)} |" in rows[-1]


def test_readme_has_the_table_of_the_list():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for rows in (table, numbers):
        expected = rows("lectures/{page}.ipynb")
        assert expected in readme, f"README.md: run `cvgen release`, or paste this:\n{expected}"
