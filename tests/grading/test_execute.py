import os
from time import sleep

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cvgen_course.grading.execute import Execution, Limits, plain_environment
from cvgen_course.grading.kernel import Kernel

QUICK = Limits(cell_seconds=4, total_seconds=200, output_characters=5000)


def run(folder, *sources, limits=QUICK, environment=()):
    cells = [s if isinstance(s, NotebookNode) else new_code_cell(s) for s in sources]
    cells.insert(0, new_markdown_cell("# Text"))
    done = executed(folder, new_notebook(cells=cells), limits, dict(environment))
    outputs = [cell.outputs for cell in done.notebook.cells if cell.cell_type == "code"]
    return outputs, [(event.status, event.message) for event in done.events]


def executed(folder, notebook, limits, environment=None):
    def make_kernel(copied):
        variables = plain_environment() | (environment or {})
        return Kernel(copied, limits.output_characters, folder, variables)

    return Execution(notebook, make_kernel, limits).run()


def answer(name, source):
    flags = {"grade_id": name, "solution": True, "grade": False}
    return new_code_cell(source, metadata={"nbgrader": flags})


def check(name, source):
    """A grade cell of an exercise; ``source`` takes the place of the check's own work."""
    flags = {"grade_id": f"test_{name}", "solution": False, "grade": True}
    call = f"check = lambda name: ({source})\ncheck({name!r})"
    return new_code_cell(call, metadata={"nbgrader": flags})


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
    assert events == [("timeout", "Code cell 2 did not end within 4 seconds.")]


def test_execute_runs_the_rest_without_a_cell_that_ends_the_process(tmp_path):
    sources = ["a = 1\na", "import os; b = 2; os._exit(3)", "a", "b"]
    outputs, events = run(tmp_path, *sources)
    assert [texts(o) for o in outputs] == [["1"], ["NotRun"], ["1"], ["NameError"]]
    message = "Code cell 2 ended the Python process; the rest was run without it."
    assert events == [("kernel died", message)]


def test_execute_leaves_out_an_answer_whose_check_ends_the_process(tmp_path):
    cells = [
        answer("double", "print('once'); import os\ndef double(x): os._exit(3)"),
        check("double", "double(1)"),
        answer("square", "def square(x): return x * x"),
        check("square", "'double' in globals(), square(3)"),
    ]
    outputs, events = run(tmp_path, *cells)
    assert [texts(o) for o in outputs] == [["once\n"], ["NotRun"], [], ["(False, 9)"]]
    message = (
        "The check of double (code cell 2) ended the Python process; "
        "the rest was run without the answer."
    )
    assert events == [("kernel died", message)]


def test_execute_names_the_exercise_that_a_cell_belongs_to(tmp_path):
    cells = [answer("double", "def double(x): return x"), "import os; os._exit(3)"]
    _, ((_, message),) = run(tmp_path, *cells)
    assert message.startswith("Code cell 2, after the answer double, ended the Python process;")


def test_execute_keeps_what_a_check_gave_when_a_later_cell_ends_the_process(tmp_path):
    runs = "open('runs', 'a').write('x') * 2.0"
    outputs, _ = run(tmp_path, check("double", runs), "import os; os.abort()", "3")
    assert [texts(o) for o in outputs] == [["2.0"], ["NotRun"], ["3"]]
    assert (tmp_path / "runs").read_text() == "x"  # nothing needs it to run again


@pytest.mark.parametrize("end", ["exit()", "import os, atexit; get_ipython().ask_exit()"])
def test_execute_blames_the_cell_that_called_exit(tmp_path, end):
    outputs, events = run(tmp_path, end, "2", "import time; time.sleep(0.2); 3")
    assert [texts(o) for o in outputs[1:]] == [["2"], ["3"]]
    message = "Code cell 1 ended the Python process; the rest was run without it."
    assert events == [("kernel died", message)]


def test_execute_blames_the_cell_behind_which_the_process_ended(tmp_path, monkeypatch):
    def wait_for_the_end(kernel):
        for _ in range(100):
            real(kernel)
            sleep(0.1)

    real = Kernel.check_alive
    monkeypatch.setattr(Kernel, "check_alive", wait_for_the_end)
    killer = "import os, subprocess\nsubprocess.Popen(['kill', '-9', str(os.getpid())])"
    outputs, events = run(tmp_path, killer, "2")
    assert texts(outputs[1]) == ["2"]
    message = "Code cell 1 ended the Python process; the rest was run without it."
    assert events == [("kernel died", message)]


def test_execute_gives_up_when_too_many_cells_end_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr("cvgen_course.grading.execute.MOST_KERNELS", 2)
    outputs, events = run(tmp_path, "1", *["import os; os._exit(3)"] * 2, "4")
    assert [texts(o) for o in outputs] == [["1"], ["NotRun"], ["NotRun"], ["NotRun"]]
    assert events[-1] == ("kernel died", "After 2 Python processes, the rest was not run.")


def test_execute_ends_a_loop_that_refuses_to_be_interrupted(tmp_path):
    stubborn = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    outputs, events = run(tmp_path, stubborn, "2")
    assert [texts(o) for o in outputs] == [["NotRun"], ["2"]]
    message = (
        "Code cell 1 did not end within 4 seconds and could not be interrupted; "
        "the rest was run without it."
    )
    assert events == [("timeout", message)]


@pytest.mark.parametrize("seconds", [None, 9.5])
def test_execute_takes_any_limit_of_a_cell(tmp_path, seconds):
    outputs, events = run(tmp_path, "1", limits=Limits(cell_seconds=seconds))
    assert (texts(outputs[0]), events) == (["1"], [])


ODD = {
    "an unknown form": "display({'application/x.my-config': {'a': 1}}, raw=True)",
    "a number": "display({'text/plain': 3}, raw=True)",
    "no data": "class A:\n  def _repr_mimebundle_(self, **_): return {'text/plain': None}\nA()",
    "a traceback": (
        "class E(Exception):\n  def _render_traceback_(self): return 'all wrong'\nraise E('x')"
    ),
    "a nest": "x = []\nfor _ in range(500): x = [x]\ndisplay({'application/json': x}, raw=True)",
    "an update": "h = display('a', display_id='u'); h.update({'text/plain': None}, raw=True)",
    "a cleared output": (
        "from IPython.display import clear_output\n"
        "display(1); clear_output(wait=True); display({'text/html': 4}, raw=True)"
    ),
    "no message": "get_ipython().kernel.iopub_socket.send_multipart([b'a', b'b'])",
}
ODD |= {
    name: (
        "k = get_ipython().kernel\n"
        f"k.session.send(k.iopub_socket, {kind!r}, {content!r}, parent=k.get_parent())\n'after'"
    )
    for name, kind, content in [
        ("a stream", "stream", {"name": ["x"], "text": 3}),
        ("an error", "error", {"ename": 3, "evalue": None, "traceback": "a"}),
        ("a result", "execute_result", {"data": [], "execution_count": "x"}),
        ("an input", "execute_input", {"code": 3, "execution_count": "x"}),
        ("a status", "status", {"data": 3}),
        ("a comm", "comm_open", {"data": 3}),
        ("an unknown message", "no_such", None),
    ]
}


def test_execute_survives_whatever_a_kernel_sends(tmp_path):
    notebook = new_notebook(cells=[*map(new_code_cell, ODD.values()), new_code_cell("'here'")])
    done = executed(tmp_path, notebook, Limits(output_characters=50_000))
    ran, events = done.notebook, done.events
    nbformat.validate(ran)
    assert texts(ran.cells[-1].outputs) == ["'here'"]
    assert [event.status for event in events] == ["output cut"]  # the nest
    by_name = dict(zip(ODD, (cell.outputs for cell in ran.cells), strict=False))
    assert texts(by_name["a traceback"]) == ["E"]
    assert texts(by_name["a number"]) == ["[An output that can't be kept: text/plain]"]
    assert texts(by_name["a stream"]) == ["3", "'after'"]


def test_execute_stops_when_the_time_is_over(tmp_path):
    sleeps = ["import time; time.sleep(0.8)"] * 4
    outputs, events = run(tmp_path, *sleeps, "5", limits=Limits(2, 2, 1000))
    assert texts(outputs[-1]) == ["NotRun"]
    assert events[-1] == ("timeout", "The notebook took more than 2 seconds.")


def test_execute_cuts_a_flood_and_keeps_later_outputs(tmp_path):
    flood = "print('x' * 3_000_000)\nfor _ in range(1000): print('y' * 100)"
    outputs, events = run(tmp_path, flood, "2", limits=Limits(output_characters=5000))
    assert sum(map(len, texts(outputs[0]))) < 6000
    assert "cut" in texts(outputs[0])[-1]
    assert texts(outputs[1]) == ["2"]
    assert events == [("output cut", "Code cell 1 wrote too much; its output was cut.")]


@pytest.mark.parametrize("end", ["None", "__import__('os')._exit(3)"])
def test_execute_leaves_no_process_behind(tmp_path, end):
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    outputs, _ = run(tmp_path, code, end, limits=Limits())
    pid = int(texts(outputs[0])[0])
    for _ in range(600):
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
