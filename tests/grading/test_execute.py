import os
from time import monotonic, sleep

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cvgen_course.grading.execute import Limits, LocalExecutor, plain_environment

QUICK = Limits(cell_seconds=1, total_seconds=30, output_characters=5000)


def run(folder, *sources, limits=QUICK, environment=()):
    cells = [new_markdown_cell("# Text"), *map(new_code_cell, sources)]
    notebook, events = LocalExecutor().execute(
        new_notebook(cells=cells), folder, dict(environment), limits
    )
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    return outputs, [(event.status, event.message) for event in events]


def texts(outputs):
    return [o.get("text") or o.get("data", {}).get("text/plain") or o.get("ename") for o in outputs]


def test_execute_gives_the_kernel_its_environment_and_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_SEED", "of the teacher's own shell")
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    names = ("CVGEN_SEED", "NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "OMP_NUM_THREADS")
    code = f"import os; print(*(os.environ.get(n) for n in {names})); os.getcwd()"
    outputs, events = run(tmp_path, code, environment={"CVGEN_SEED": "abc"})
    assert texts(outputs[0]) == ["abc autograde None 1\n", repr(str(tmp_path))]
    assert events == []


def test_execute_goes_on_after_an_error_and_a_loop(tmp_path):
    loop = "import time\nwhile True: time.sleep(0.01)"
    outputs, events = run(tmp_path, "1 / 0", loop, "'still here'")
    assert texts(outputs[0]) == ["ZeroDivisionError"]
    assert "CellTimeoutError" in texts(outputs[1])
    assert texts(outputs[2]) == ["'still here'"]
    assert events == [("timeout", "Code cell 2 did not end within 1 seconds.")]


def test_execute_marks_what_comes_after_a_dead_kernel(tmp_path):
    outputs, events = run(tmp_path, "1", "import os; os._exit(3)", "2")
    assert [texts(o) for o in outputs] == [["1"], ["NotRun"], ["NotRun"]]
    assert events == [("kernel died", "Code cell 2 ended the Python process.")]


def test_execute_ends_a_loop_that_refuses_to_be_interrupted(tmp_path):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    start = monotonic()
    outputs, events = run(tmp_path, stubborn, "2")
    assert monotonic() - start < 25
    assert texts(outputs[1]) == ["NotRun"]
    message = "Code cell 1 did not end within 1 seconds and could not be interrupted."
    assert events == [("timeout", message)]


def test_execute_stops_when_the_time_is_over(tmp_path):
    sleeps = ["import time; time.sleep(0.8)"] * 4
    outputs, events = run(tmp_path, *sleeps, "5", limits=Limits(2, 2, 1000))
    assert texts(outputs[-1]) == ["NotRun"]
    assert events[-1] == ("timeout", "The notebook took more than 2 seconds.")


def test_execute_cuts_a_flood_and_keeps_later_outputs(tmp_path):
    flood = "print('x' * 3_000_000)\nfor _ in range(1000): print('y' * 100)"
    outputs, events = run(tmp_path, flood, "2", limits=Limits(20, 60, 5000))
    assert sum(map(len, texts(outputs[0]))) < 6000
    assert "cut" in texts(outputs[0])[-1]
    assert texts(outputs[1]) == ["2"]
    assert events == [("output cut", "Code cell 1 wrote too much; its output was cut.")]


def test_execute_leaves_no_process_behind(tmp_path):
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    outputs, _ = run(tmp_path, code, limits=Limits(10, 20, 1000))
    pid = int(texts(outputs[0])[0])
    for _ in range(50):
        try:
            with open(f"/proc/{pid}/stat") as file:
                gone = file.read().split()[2] == "Z"
        except FileNotFoundError:
            gone = True
        if gone:
            return
        sleep(0.1)
    os.kill(pid, 9)
    pytest.fail("a process that the notebook started still runs")


def test_plain_environment_keeps_a_chosen_profile(monkeypatch):
    monkeypatch.delenv("CVGEN_PROFILE", raising=False)
    assert plain_environment()["CVGEN_PROFILE"] == "smoke"
    monkeypatch.setenv("CVGEN_PROFILE", "cpu")
    assert plain_environment()["CVGEN_PROFILE"] == "cpu"
