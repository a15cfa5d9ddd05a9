"""Points in a chapter's text are the points that its cells give."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cvgen_course.grading.course import Course
from cvgen_course.grading.lint import lint
from cvgen_course.grading.promised import BOX, QUESTION, SUM, broken_promises
from cvgen_course.notebooks.cells import is_graded
from cvgen_course.notebooks.pairing import read_source

CHAPTERS = [c for c in Course.find(Path(__file__)).chapters() if c.name != "00_introduction"]


def chapter(total="Two exercises, 5 points; one written question, 6 points.", box="2", hand="6"):
    """A chapter of two checks and a question, with what its text says."""

    def graded(name, points, solution=False):
        flags = {"grade": True, "solution": solution, "grade_id": name, "points": points}
        cell = new_markdown_cell("") if solution else new_code_cell("")
        cell.metadata["nbgrader"] = flags
        return cell

    return new_notebook(
        cells=[
            new_markdown_cell(f"> - {total}"),
            new_markdown_cell(f"> **Exercise 1a · A name ({box} points)**\n>\n> Half (1 points)."),
            new_code_cell("a = 1"),
            graded("test_a", 2),
            graded("test_b", 3),
            new_markdown_cell(f"> *({hand} points, graded by hand)* Why? (2 points)"),
            graded("written", 6, solution=True),
        ]
    )


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"box": "2.0"},
        {"total": "2 exercises, 5 points"},
        {"total": "No word of it."},
        {"box": "two"},
    ],
)
def test_broken_promises_finds_nothing_where_text_and_cells_agree(said):
    assert broken_promises(chapter(**said)) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"box": "3"}, "cell 4 (test_a): the text before it promises 3 points, it gives 2"),
        ({"hand": "5"}, "cell 7 (written): the text before it promises 5 points, it gives 6"),
        ({"total": "Three exercises, 5 points"}, "there are 2 exercises, 5 points, and 1 written"),
        ({"total": "Two exercises, 4 points"}, "the text says 'Two exercises, 4 points'"),
        ({"total": "Two exercises, 5 points; one written question, 5 points"}, "questions, 6 po"),
    ],
)
def test_broken_promises_names_each(said, message):
    (problem,) = broken_promises(chapter(**said))
    assert message in problem
    assert message in "\n".join(lint(chapter(**said)))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.name)
def test_each_chapter_promises_all_its_points(chapter):
    source = read_source(chapter.source, chapter.source.with_suffix(".ipynb"))
    text = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
    graded = sum(map(is_graded, source.cells))
    assert len(BOX.findall(text)) + len(QUESTION.findall(text)) == graded
    assert len(SUM.findall(text)) == 1
    assert broken_promises(source) == []
