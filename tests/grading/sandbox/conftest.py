"""Sandboxes for tests: one that waits, and code that is run in one's kernel."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cvgen_course.grading.kernel import SandboxKernel
from cvgen_course.grading.sandbox import provisioner
from cvgen_course.grading.sandbox.box import Sandbox
from cvgen_course.grading.sandbox.bubblewrap import environment
from cvgen_course.grading.sandbox.limits import SandboxLimits


@pytest.fixture
def make_sandbox():
    """Make sandboxes whose waiting process becomes some command; close them in the end."""
    made = []

    def make(*run, limits=SandboxLimits()):  # noqa: B008
        made.append(Sandbox(list(run), environment(), limits))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()


class NoWarmProcess:
    def __init__(self, modules):
        pass

    def is_alive(self):
        return True

    def fork(self, *_):
        raise OSError("none here")

    def close(self):
        pass


@pytest.fixture(params=["warm", "cold"])
def start(request, monkeypatch):
    """How a kernel starts."""
    if request.param == "cold":
        monkeypatch.setattr(provisioner, "_warm_processes", {})
        monkeypatch.setattr(provisioner, "WarmProcess", NoWarmProcess)
    return request.param


@pytest.fixture
def run():
    """Run cells in a kernel in a sandbox of their own; return what each one shows."""

    def run_cells(*sources, files=None, limits=SandboxLimits(), seconds=60):  # noqa: B008
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        kernel = SandboxKernel(notebook, 100_000, files or {}, {}, (), limits)
        with kernel.started():
            ends = [kernel.run_cell(index, seconds) for index in range(len(sources))]
        shown = [
            "".join(
                output.get("text") or output.get("ename") or output.data["text/plain"]
                for output in cell.outputs
            )
            for cell in notebook.cells
        ]
        return [text or end for text, end in zip(shown, ends, strict=True)]

    return run_cells
