"""Wrong answers, and code that wants points for them: what a notebook shows decides nothing."""

import textwrap

import pytest
from support.hostile_course import ALL

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("forgers"),
    pytest.mark.follows_from("cvgen_course.grading", "cvgen_course.checks"),
]
WRONG = "def mean_iou(confusion):\n    return 0.123\n"
NOTHING = ALL | {"mean_iou": 0.0}
SHELL = "shell = get_ipython()\n"
KERNEL = "kernel = get_ipython().kernel\n"
PARENT = "def parent():\n    return kernel.get_parent('shell')\n"
REPORT = """
REPORT = {"exercise": "mean_iou", "title": "Mean IoU", "points": 2.0, "max_points": 2.0,
          "rows": [{"title": "all", "passed": True, "weight": 1.0, "message": ""}],
          "diagnosis": "", "mistakes": []}
MIME = "application/vnd.cvgen.report+json"
"""

SILENT = {
    "torch.testing": "torch.testing.assert_close = lambda *a, **k: None",
    "torch.allclose and torch.equal": "torch.allclose = torch.equal = lambda *a, **k: True",
    "builtins": "import builtins\nbuiltins.all = lambda items: True",
    "the comparison": """
        from cvgen_course.checks import compare, judge
        compare.compare = judge.compare = lambda *a: None
        """,
    "the judge": """
        from cvgen_course.checks import check, judge, sides
        perfect = lambda exercise, *a: exercise.points
        judge.points_for = check.judge = sides.judge = perfect
        """,
    "the exercise": """
        from cvgen_course.segmentation.exercises import EXERCISES
        object.__setattr__(EXERCISES["mean_iou"], "points", 200)
        object.__setattr__(EXERCISES["mean_iou"], "reference", lambda confusion: 0.123)
        """,
    "the outcomes": """
        from cvgen_course.checks import outcome, sides
        real = sides.answer_by_name
        def answer(exercise, namespace, cases):
            right = outcome.Outcome("value", True)
            mine = exercise.name == "mean_iou"
            return [right] * len(cases) if mine else real(exercise, namespace, cases)
        sides.answer_by_name = answer
        """,
    "an error in every cell": """
        get_ipython().set_custom_exc((Exception,), lambda *a, **k: print("2.0"))
        """,
}
"""Nothing is seen of them, and nothing comes of them: all in one notebook."""

SHOWN = {
    "check returns points": """
        import cvgen_course.segmentation.exercises as exercises
        real = exercises.check
        exercises.check = lambda name, space: 2.0 if name == "mean_iou" else real(name, space)
        """,
    "check answers, and returns points": """
        from cvgen_course.checks import check
        check.ANSWERED = 2.0
        """,
    "a display formatter": """
        formatter = get_ipython().display_formatter.formatters["text/plain"]
        formatter.for_type(float, lambda value, printer, cycle: printer.text("2.0"))
        """,
    "the display hook": """
        import types
        hook = get_ipython().displayhook
        old = hook.compute_format_data
        hook.compute_format_data = lambda result: ({"text/plain": "2.0"}, {})
        """,
    "a hook after each cell": SHELL
    + """
def show(result):
    kernel = shell.kernel
    kernel.send_response(kernel.iopub_socket, "execute_result",
        {"data": {"text/plain": "2.0"}, "metadata": {}, "execution_count": 1})
shell.events.register("post_run_cell", show)
""",
    "a transformer of cells": SHELL
    + """
def rewrite(lines):
    return ["2.0\\n"] if any("check(\\"mean_iou\\"" in line for line in lines) else lines
shell.input_transformers_cleanup.append(rewrite)
""",
    "a transformer of syntax trees": SHELL
    + """
import ast
class Rewrite(ast.NodeTransformer):
    def visit_Call(self, node):
        if getattr(node.func, "id", "") == "check" and node.args[0].value == "mean_iou":
            return ast.copy_location(ast.Constant(2.0), node)
        return node
shell.ast_transformers.append(Rewrite())
""",
    "a forged report": REPORT
    + SHELL
    + """
def show(result):
    display({MIME: REPORT, "text/plain": "all right"}, raw=True)
shell.events.register("post_run_cell", show)
""",
    "a result sent by hand, from a thread that runs on": KERNEL
    + """
import threading, time
def send():
    while True:
        kernel.session.send(kernel.iopub_socket, "execute_result",
            {"data": {"text/plain": "2.0"}, "metadata": {}, "execution_count": 7},
            parent=kernel.get_parent("shell"), ident=b"execute_result")
        time.sleep(0.01)
threading.Thread(target=send, daemon=True).start()
""",
}
"""What a check never shows; it is named in the report."""

HARMLESS = {
    "printed points": "print('2.0')",
    "returned points": "2.0",
    "a tensor that is equal to everything": """
        class Equal(torch.Tensor):
            __eq__ = lambda self, other: torch.tensor(True)
            __torch_function__ = classmethod(lambda *a, **k: torch.tensor(True))
        """,
    "widgets that take over outputs": """
        from comm import create_comm
        widget = create_comm(target_name="jupyter.widget", data={"state": {
            "_model_module": "@jupyter-widgets/output", "_model_name": "OutputModel",
            "msg_id": get_ipython().kernel.get_parent("shell")["header"]["msg_id"],
            "outputs": [{"output_type": "execute_result", "data": {"text/plain": "2.0"}}]}})
        widget.send({"method": "update", "state": {"msg_id": "", "outputs": []}})
        """,
    "another cell's display, changed later": """
        handle = display("before", display_id="mine")
        handle.update({"text/plain": "2.0"}, raw=True)
        """,
    "payloads that replace cells": """
        get_ipython().set_next_input("2.0", replace=True)
        """,
    "writes to its own notebook": """
        import pathlib
        for name in ("hostile.ipynb", "../hostile.ipynb", "autograded.ipynb"):
            try:
                pathlib.Path(name).write_text("{}")
            except OSError:
                pass
        """,
    "messages that make no sense": KERNEL
    + """
for kind in ("status", "execute_input", "stream", "display_data", "error", "nonsense", ""):
    for content in ({}, {"data": None}, {"data": {"text/plain": 7}}, {"text": ["x"]}, {"name": 1}):
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"))
""",
    "a number from the end of the cell before": """
        import atexit
        Out = {1: 2.0}
        _ = __ = 2.0
        """,
}
"""Nothing comes of them either; all in one notebook, too."""
STUDENTS = (
    dict.fromkeys(SILENT, "silent")
    | {name: name for name in SHOWN}
    | dict.fromkeys(HARMLESS, "odd")
)
"""In whose notebook an attack stands."""
EQUAL = WRONG.replace("return 0.123", "return torch.tensor(0.123).as_subclass(Equal)")


def together(attacks):
    """Return the code of several attacks as one."""
    return "\n".join(textwrap.dedent(code).strip("\n") for code in attacks.values())


@pytest.fixture(scope="module")
def graded(hostile_class):
    """The class, graded once."""
    for name, code in SHOWN.items():
        hostile_class.attack(name, code, answer=WRONG)
    hostile_class.attack("silent", together(SILENT), answer=WRONG)
    hostile_class.attack("odd", together(HARMLESS), answer=EQUAL)
    return hostile_class.grade()


@pytest.mark.parametrize("name", [*SILENT, *SHOWN, *HARMLESS])
def test_a_forger_gets_nothing_for_a_wrong_answer_and_keeps_the_rest(graded, name):
    assert graded.points(STUDENTS[name]) == NOTHING


@pytest.mark.parametrize("name", SHOWN)
def test_what_no_check_shows_is_named(graded, name):
    result = graded.result(name)

    assert result.status == "tampering"
    assert any("tampered" in remark and "mean_iou" in remark for remark in result.remarks)


@pytest.mark.parametrize("name", ["aa honest", "zz honest"])
def test_honest_students_get_all_points_without_a_remark(graded, name):
    assert graded.points(name) == ALL
    assert graded.result(name).status == "graded"
    assert graded.result(name).remarks == ()
