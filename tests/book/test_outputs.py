"""Progress bars, widgets and warnings stay away from the pages."""

import pytest

from cvgen_course.book.outputs import clean, images, overwrite
from cvgen_course.errors import BookError


def stream(name, text):
    return {"output_type": "stream", "name": name, "text": text}


def display(**data):
    named = {"png": "image/png", "html": "text/html", "plain": "text/plain"}
    report = "application/vnd.cvgen.report+json"
    widget = "application/vnd.jupyter.widget-view+json"
    named |= {"report": report, "widget": widget}
    bundle = {named[key]: value for key, value in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def test_clean_drops_progress_bars_on_stderr():
    assert clean([stream("stderr", " 30%|###   | 3/10 [00:01<00:02]\r")], where="cell 1") == []


def test_clean_refuses_a_warning():
    text = "/x/y.py:3: UserWarning: this is slow\n  warnings.warn(...)\n"
    with pytest.raises(BookError, match=r"cell 7 gives a warning: .*this is slow"):
        clean([stream("stderr", text)], where="cell 7")


def test_clean_drops_the_machine_readable_report_and_widgets():
    outputs = [display(html="<b>1</b>", plain="1", report={}), display(plain="w", widget={})]
    (only,) = clean(outputs, where="cell 1")
    assert set(only["data"]) == {"text/html", "text/plain"}


def test_clean_drops_the_points_of_a_grade_cell():
    value = {"output_type": "execute_result", "data": {"text/plain": "2.0"}, "metadata": {}}
    value["execution_count"] = 1
    assert clean([value], where="cell 1", drop_value=True) == []
    assert len(clean([value], where="cell 1")) == 1


def test_overwrite_shows_what_a_terminal_would_show():
    assert overwrite("a\rb\n10%|# | 1/10\rdone\n 50%|##  | 5/10 [00:01<00:01]\nend") == (
        "b\ndone\nend"
    )


def test_images_counts_each_picture_once():
    assert images([display(png="AAAA", plain="<Figure>"), display(plain="3")]) == ["AAAA"]
