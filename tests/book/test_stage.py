"""Solution notebooks become pages: answers folded, figures described, downloads linked."""

import copy

import jupytext
import nbformat
import pytest

from cvgen_course.book.markdown import Numbers, Translator
from cvgen_course.book.references import read_references
from cvgen_course.book.stage import Download, fold_answer, numbered_figures, stage
from cvgen_course.errors import BookError

PNG = {
    "output_type": "display_data",
    "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"},
    "metadata": {},
}


@pytest.fixture
def notebook(sample):
    made = jupytext.reads(sample, fmt="md:myst")
    for cell in made.cells:
        if "axes.legend" in cell.source:
            cell.outputs = [nbformat.from_dict(PNG)]
    return made


@pytest.fixture
def staged(notebook, course):
    return stage(
        notebook,
        translator(notebook, course),
        downloads=(Download("Notebook", "lectures/a.ipynb"),),
        note="Quick.",
    )


def translator(notebook, course):
    numbers = Numbers()
    numbers.collect("sample", [c.source for c in notebook.cells if c.cell_type == "markdown"])
    references = read_references(course / "jupyter_book" / "references.bib")
    return Translator("solutions/01_sample/sample.md", numbers, references)


def find(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


@pytest.mark.parametrize("text", ["### BEGIN SOLUTION\nx", "x\n### END SOLUTION"])
def test_stage_refuses_a_marker_without_its_counterpart(notebook, course, text):
    notebook.cells[3].source = text
    with pytest.raises(BookError, match=r"cell 4: .* got ### .* without"):
        stage(notebook, translator(notebook, course))


def test_fold_answer_keeps_the_text_around_the_answer():
    text = fold_answer("Why?\n\n### BEGIN SOLUTION\n\nBecause.\n\n### END SOLUTION\nEnd")
    assert text == "Why?\n\n::::::{dropdown} Model answer\nBecause.\n::::::\n\nEnd"


def test_stage_leaves_no_marker_and_no_nbgrader_metadata(staged):
    assert "SOLUTION" not in nbformat.writes(staged)
    assert all("nbgrader" not in cell.metadata for cell in staged.cells)


def test_stage_shows_the_stub_and_folds_the_solution(staged):
    stub, solution = find(staged, "YOUR CODE HERE"), find(staged, "union = a | b")
    assert stub.cell_type == "markdown"
    assert "Return the overlap of two sets" in stub.source
    assert "hide-input" in solution.metadata["tags"]
    assert solution.metadata["mystnb"]["code_prompt_show"] == "Solution"
    assert staged.cells.index(solution) == staged.cells.index(stub) + 1


def test_stage_gives_a_figure_its_text_and_caption(staged):
    options = find(staged, "axes.legend").metadata["mystnb"]
    assert options["image"]["alt"].startswith("Two curves over the intersection")
    assert options["figure"]["name"] == "fig-1-1"
    assert options["figure"]["caption"].startswith("**Figure 1.1.** Dice against IoU")
    assert "[(1.2)](#eq-1-2)" in options["figure"]["caption"]


def test_numbered_figures_gives_a_captioned_figure_as_a_file(staged):
    assert list(numbered_figures(staged)) == [("fig-1-1", b"\x89PNG\r\n\x1a\n")]


def test_stage_links_downloads_under_the_title(staged):
    title, _, rest = staged.cells[0].source.partition("\n")
    assert title == "# Overlap"
    assert '<a href="lectures/a.ipynb" download>Notebook</a>' in rest
    assert "Quick." in rest


def test_stage_ends_with_the_papers_that_the_page_cites(staged):
    assert "{cite:t}`long2015`" in find(staged, "Intersection over union, as in").source
    assert staged.cells[-1].source.startswith("## References\n\n```{bibliography}")


def test_stage_does_not_change_its_input(notebook, course):
    before = copy.deepcopy(notebook)
    stage(notebook, translator(notebook, course))
    assert notebook == before


def test_stage_refuses_a_figure_without_caption(notebook, course):
    place = next(i for i, cell in enumerate(notebook.cells) if "axes.legend" in cell.source)
    notebook.cells.insert(place + 1, nbformat.v4.new_markdown_cell("A text between."))
    with pytest.raises(BookError, match="makes a figure without caption"):
        stage(notebook, translator(notebook, course))


def test_stage_refuses_a_figure_without_alternative_text(notebook, course):
    del find(notebook, "axes.legend").metadata["alt"]
    with pytest.raises(BookError, match="without alternative text"):
        stage(notebook, translator(notebook, course))


def test_stage_refuses_a_figure_that_is_shown_twice(notebook, course):
    find(notebook, "axes.legend").outputs *= 2
    with pytest.raises(BookError, match="shows one figure twice"):
        stage(notebook, translator(notebook, course))


def test_stage_refuses_a_caption_without_a_figure(notebook, course):
    find(notebook, "axes.legend").outputs = []
    with pytest.raises(BookError, match="caption of a figure, but no figure"):
        stage(notebook, translator(notebook, course))


def test_stage_refuses_a_page_without_a_title(notebook, course):
    notebook.cells[0].source = "No title"
    with pytest.raises(BookError, match="begin with the title"):
        stage(notebook, translator(notebook, course), downloads=(Download("a", "b"),))
