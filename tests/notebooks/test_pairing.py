import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support.tiny_course import write_course

from cvgen_course.errors import ReleaseError
from cvgen_course.notebooks.pairing import read_source, tidied, to_json, to_markdown


@pytest.fixture
def pair(tmp_path):
    folder = write_course(tmp_path) / "solutions/01_tiny"
    return folder / "tiny.md", folder / "tiny.ipynb"


def test_read_source_makes_the_same_ids_again(pair):
    first, second = read_source(*pair), read_source(*pair)
    assert [c.id for c in first.cells] == [c.id for c in second.cells]
    assert len({c.id for c in first.cells}) == len(first.cells)
    assert "test_double" in {c.id for c in first.cells}


def test_read_source_keeps_ids_of_edited_and_moved_cells(pair):
    markdown, notebook = pair
    first = read_source(*pair)
    first.cells[0].id = "chosen-by-hand"
    notebook.write_text(to_json(first), encoding="utf-8")
    text = markdown.read_text().replace(
        "Two exercises and a question.", "Two exercises.\n\n+++\n\nNew."
    )
    markdown.write_text(text)
    second = read_source(*pair)
    assert len(second.cells) == len(first.cells) + 1
    assert {c.id for c in first.cells[1:]} <= {c.id for c in second.cells}
    assert "x_times_itself" in second.cells[[c.id for c in second.cells].index("square")].source


@pytest.mark.parametrize("start", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_read_source_does_not_see_the_editor(pair, start, end):
    wanted = to_json(read_source(*pair))
    text = pair[0].read_text(encoding="utf-8")
    pair[0].write_bytes((start + text.replace("\n", end)).encode())
    source = read_source(*pair)
    assert to_json(source) == wanted
    assert source.cells[0].source == "# Tiny\n\nTwo exercises and a question."


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"nbformat": 3}', '{"nbformat": 4}'])
def test_read_source_ignores_a_pair_that_is_none(pair, content):
    wanted = to_json(read_source(*pair))
    pair[1].write_text(content)
    assert to_json(read_source(*pair)) == wanted


def test_read_source_says_which_file_is_wrong(tmp_path):
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReleaseError, match=r"bad\.md: expected a Jupytext MyST notebook"):
        read_source(tmp_path / "bad.md", tmp_path / "bad.ipynb")


def test_tidied_drops_outputs_and_metadata_of_the_notebook():
    cell = new_code_cell("1 + 1", execution_count=3)
    cell.outputs = [nbformat.v4.new_output("stream", text="2")]
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}, "toc": 1})
    clean = tidied(notebook)
    assert (clean.cells[0].outputs, clean.cells[0].execution_count) == ([], None)
    assert set(clean.metadata) == {"jupytext", "kernelspec"}
    assert cell.outputs


def test_tidied_gives_equal_cells_different_ids():
    clean = tidied(new_notebook(cells=[new_code_cell("x"), new_code_cell("x")]))
    assert clean.cells[1].id == f"{clean.cells[0].id}-2"


def test_to_markdown_names_no_version_of_jupytext(pair):
    text = to_markdown(read_source(*pair))
    assert "jupytext_version" not in text
    assert text.endswith("\n")


@pytest.mark.parametrize("source", ["above\n\n+++\n\nbelow", "", "\n\nblank lines first"])
def test_to_markdown_refuses_what_would_not_come_back(source):
    flagged = new_markdown_cell(source, metadata={"tags": ["kept"]})
    notebook = tidied(new_notebook(cells=[flagged, new_markdown_cell("# End")]))
    with pytest.raises(ReleaseError, match=r"does not survive Markdown|expected 2 cells"):
        to_markdown(notebook)
