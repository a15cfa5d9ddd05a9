import json
import math

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from cvgen_course.grading.outputs import WIDGET, lines, size, tidied

ODD = [None, 3, "text", [], {}, [1], {"a": 1}, {"data": 3, "metadata": [], "transient": "x"}]
KINDS = ["stream", "error", "display_data", "execute_result"]


def output(kind, content):
    """Return what nbformat makes of a message, after it was written and read."""
    out = output_from_msg({"header": {"msg_type": kind}, "content": tidied(kind, content)})
    notebook = new_notebook(cells=[new_code_cell("", outputs=[out])])
    nbformat.validate(notebook)
    return nbformat.reads(nbformat.writes(notebook), as_version=4).cells[0].outputs[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ODD, ids=repr)
def test_tidied_makes_a_valid_output_of_anything(kind, content):
    assert output(kind, content).output_type == kind


@pytest.mark.parametrize("content", ODD, ids=repr)
def test_tidied_keeps_other_messages_usable(content):
    assert isinstance(tidied("status", content), dict)


@pytest.mark.parametrize(
    "data",
    [
        {"application/x.my-config": {"a": 1}},
        {"text/plain": None},
        {"text/plain": 3},
        {"text/html": ["a", 3]},
        {"image/png": {"a": 1}},
    ],
    ids=repr,
)
def test_tidied_puts_a_note_where_no_part_of_an_output_is_valid(data):
    out = output("display_data", {"data": data, "metadata": {}})
    assert out.data == {"text/plain": f"[An output that can't be kept: {next(iter(data))}]"}


def test_tidied_makes_no_points_of_a_result_that_is_no_text():
    out = output("execute_result", {"data": {"text/plain": 2.0}, "metadata": {}})
    with pytest.raises(ValueError, match="could not convert"):
        float(out.data["text/plain"])


def test_tidied_keeps_the_valid_parts_of_an_output():
    data = {"text/html": None, "text/plain": "x", "application/json": [1], "image/png": "aGk="}
    kept = {kind: value for kind, value in data.items() if kind != "text/html"}
    assert output("display_data", {"data": data, "metadata": {}}).data == kept


def test_tidied_changes_nothing_of_a_valid_output():
    size_of_picture = {"image/png": {"width": 3}}
    content = {"data": {"text/plain": "2.0"}, "metadata": size_of_picture, "execution_count": 4}
    assert tidied("execute_result", content) == {**content, "transient": {}}
    stream = {"name": "stderr", "text": "careful"}
    assert tidied("stream", stream) == stream
    error = {"ename": "E", "evalue": "x", "traceback": ["a", "b"]}
    assert tidied("error", error) == error


def test_tidied_leaves_out_what_stops_the_feedback_page():
    data = {"text/plain": "x", "text/markdown": "![](attachment:x)", WIDGET: {"model_id": 1}}
    content = {"data": data, "metadata": {"filenames": 3, "image/png": None}}
    out = output("display_data", content)
    assert (out.data, out.metadata) == ({"text/plain": "x"}, {})


@pytest.mark.parametrize("count", ["x", -1, True, 2.5])
def test_tidied_keeps_no_odd_execution_count(count):
    assert tidied("execute_input", {"execution_count": count}) == {"execution_count": None}


@pytest.mark.parametrize(("name", "kept"), [("u", {"display_id": "u"}), ([1], {}), (3, {})])
def test_tidied_keeps_a_display_id_that_is_a_text(name, kept):
    content = {"transient": {"display_id": name}}
    assert tidied("display_data", content)["transient"] == kept


@pytest.mark.parametrize(
    ("traceback", "expected"),
    [(["a", "b"], ["a", "b"]), ("all wrong", ["all wrong"]), ([1, None], ["1", "None"])],
)
def test_lines_are_texts(traceback, expected):
    assert lines(traceback) == expected


def test_size_counts_names_and_values():
    assert size({"data": {"text/plain": ["ab", "c"]}}) == len("datatext/plainabc")
    deep = json.loads("[" * 200 + "]" * 200)
    assert size({"data": deep}) == math.inf
