import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvgen_course.grading.leaks import answers_in, find_leaks, stray_content

ANSWER = "twice_the_argument = x + x\nreturn twice_the_argument"
SOURCE = new_notebook(
    cells=[
        new_markdown_cell("Compute `y = a + b`.\n\n    shown_outside_too = 1"),
        new_code_cell(
            f"def f(x):\n    ### BEGIN SOLUTION\n    {ANSWER}\n    shown_outside_too = 1\n"
            "    ### END SOLUTION"
        ),
    ]
)


def test_answers_in_finds_nothing_in_a_clean_text():
    assert (
        answers_in("def f(x):\n    raise NotImplementedError()\nshown_outside_too = 1", SOURCE)
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "twice_the_argument = x + x",
        "    twice_the_argument  =  x + x   ",
        "shown_outside_too = 1\nshown_outside_too = 1",
        "### BEGIN SOLUTION",
        "### END HIDDEN TESTS",
        "### BEGIN MARK SCHEME",
    ],
)
def test_answers_in_finds_an_answer(text):
    assert answers_in(text, SOURCE)


def test_stray_content_names_outputs_and_metadata():
    cell = new_code_cell("1", metadata={"ExecuteTime": 1, "tags": ["x"]})
    cell.outputs = [new_output("stream", text="1")]
    notebook = new_notebook(cells=[cell], metadata={"widgets": {}})
    assert stray_content(notebook) == [
        "metadata 'widgets'",
        "cell 1 has outputs",
        "cell 1 has metadata 'ExecuteTime'",
    ]


def test_find_leaks_reads_every_text_file(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "helper.py").write_text(ANSWER)
    (tmp_path / "picture.png").write_text(ANSWER)
    nbformat.write(SOURCE, tmp_path / "f.ipynb")
    files = {problem.partition(":")[0] for problem in find_leaks(SOURCE, tmp_path)}
    assert files == {"data/helper.py", "f.ipynb"}
