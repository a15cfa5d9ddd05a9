"""Notebooks run once, in the right profile, and failures name the cell."""

import subprocess
import sys
import time

import nbformat
import pytest
from nbclient.output_widget import OutputWidget

from cvgen_course.book.execute import execute
from cvgen_course.errors import BookError
from cvgen_course.machine import describe

pytestmark = pytest.mark.notebook


def notebook(*sources, tags=(), text="text"):
    cells = [nbformat.v4.new_markdown_cell(text)]
    for source in sources:
        cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}))
    return nbformat.v4.new_notebook(cells=cells)


@pytest.fixture
def run(tmp_path):
    def run(made, profile="smoke", progress=None):
        return execute(made, tmp_path / "a.md", tmp_path / "cache", profile, progress)

    return run


def test_execute_takes_the_outputs_from_the_cache_the_second_time(run):
    source = "import time; print(time.time_ns())"
    first, second = run(notebook(source)), run(notebook(source, text="other text"))
    assert (first.cached, second.cached) == (False, True)
    assert first.notebook.cells[1].outputs == second.notebook.cells[1].outputs
    assert second.notebook.cells[0].source == "other text"
    assert second.seconds == pytest.approx(first.seconds)
    assert first.machine == second.machine == describe()


def test_execute_sets_the_profile_and_reports_progress(run, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    calls = []
    source = "import os; print(os.environ['CVGEN_PROFILE'], 'NBGRADER_EXECUTION' in os.environ)"
    executed = run(notebook(source), "gpu", lambda done, total: calls.append((done, total)))
    assert executed.notebook.cells[1].outputs[0].text == "gpu False\n"
    assert calls == [(0, 1), (1, 1)]


def test_execute_names_the_failing_cell(run):
    with pytest.raises(BookError, match=r"a\.md: code cell 2 fails with ZeroDivisionError"):
        run(notebook("x = 1", "\nx / 0"))


def test_execute_goes_on_after_a_cell_that_may_raise(run):
    executed = run(notebook("1 / 0", "print('on')", tags=["raises-exception"]))
    assert executed.notebook.cells[2].outputs[0].text == "on\n"


ASK = """
import sys
from pathlib import Path
import nbformat
from cvgen_course.book.execute import execute
cells = [nbformat.v4.new_code_cell("import time; time.sleep(1); print(time.time_ns())")]
path = Path(sys.argv[1])
done = execute(nbformat.v4.new_notebook(cells=cells), path / "a.md", path / "cache", "smoke")
print(done.cached, done.notebook.cells[0].outputs[0].text.strip())
"""


def test_execute_runs_once_for_several_who_ask_at_a_time(tmp_path):
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    pipe = subprocess.PIPE
    asking = [subprocess.Popen(command, stdout=pipe, text=True) for _ in range(2)]
    said = [process.communicate()[0].split() for process in asking]
    assert {cached for cached, _ in said} == {"False", "True"}
    assert len({printed for _, printed in said}) == 1


@pytest.mark.parametrize("damage", ["half", "another output", "empty", "gone"])
def test_execute_runs_again_what_is_damaged(run, tmp_path, damage):
    made = notebook("import time; print('nanoseconds', time.time_ns())")
    before = run(made).notebook.cells[1].outputs[0].text
    (path,) = (tmp_path / "cache").rglob("*.ipynb")
    text = path.read_text(encoding="utf-8")
    assert "nanoseconds" in text
    if damage == "gone":
        path.unlink()
    else:
        whole = {"half": text[: len(text) // 2], "empty": ""}
        path.write_text(whole.get(damage, text.replace("nanoseconds", "microseconds")))
    again = run(made)
    assert not again.cached
    assert again.notebook.cells[1].outputs[0].text != before
    assert "nanoseconds" in again.notebook.cells[1].outputs[0].text
    assert run(made).cached


def test_execute_refuses_a_folder_that_is_no_address(tmp_path):
    with pytest.raises(BookError, match=r"what\?: the address .* end at the '\?'; rename"):
        execute(notebook("1"), tmp_path / "a.md", tmp_path / "what?", "smoke")
    assert list(tmp_path.iterdir()) == []


KNOB = """
import ipywidgets

def knob(level=1):
    print("level", level)

slider = ipywidgets.IntSlider(1)
ipywidgets.VBox([slider, ipywidgets.interactive_output(knob, {"level": slider})])
"""


@pytest.mark.timeout(300)
def test_an_end_that_arrives_while_a_widget_is_told_something_is_heard(run, monkeypatch):
    tell, told = OutputWidget.send, []

    def tell_late(self, *args, **kwargs):
        time.sleep(0.5)  # the cell has ended meanwhile; if not, the test has only asked for less
        told.append(tell(self, *args, **kwargs))

    monkeypatch.setattr(OutputWidget, "send", tell_late)
    cell = run(notebook(KNOB)).notebook.cells[1]
    assert told
    assert "widget-view" in str(cell.outputs)
