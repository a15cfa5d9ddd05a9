import json
import sys
from pathlib import Path

import pytest

from cvgen_course.doctor import jupyter
from cvgen_course.doctor.child import Answer
from cvgen_course.doctor.jupyter import LAB, SERVER, VALIDATE, check_jupyter, kernel


def write_json(path, content):
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))


def said(monkeypatch, **changes):
    """Pretend that Jupyter says this, and else that all is well."""
    well = {
        "lab": dict.fromkeys(LAB, True),
        "server": dict.fromkeys(SERVER, True),
        "level": dict.fromkeys(SERVER, "sys-prefix"),
        "kernel": ["python", "/share/kernels/python3"],
    }
    monkeypatch.setattr(jupyter, "ask", lambda program: Answer({**well, **changes}))


@pytest.mark.usefixtures("own_jupyter")
def test_check_jupyter_is_content_with_what_is_installed_here():
    findings = check_jupyter()
    assert [finding.status for finding in findings] == ["ok", "ok"]


@pytest.mark.usefixtures("activated")
def test_check_jupyter_finds_what_the_user_switched_off(own_jupyter):
    disabled = {"disabledExtensions": {"@jupyter/nbgrader": True}}
    write_json(own_jupyter / "config/labconfig/page_config.json", disabled)
    off = {"ServerApp": {"jpserver_extensions": {VALIDATE: False}}}
    write_json(own_jupyter / f"config/jupyter_server_config.d/{VALIDATE}.json", off)
    lab, server, _ = check_jupyter()
    assert (lab.status, server.status) == ("wrong", "wrong")
    assert lab.what == "JupyterLab: @jupyter/nbgrader is off, so no Validate button"
    assert lab.mend == "python -m jupyter labextension enable --level=user @jupyter/nbgrader"
    assert server.mend == f"python -m jupyter server extension enable --user {VALIDATE}"


@pytest.mark.usefixtures("activated")
def test_check_jupyter_finds_a_kernel_of_another_python(own_jupyter):
    spec = {"argv": ["/other/bin/python", "-m", "ipykernel_launcher"], "display_name": "Python 3"}
    write_json(own_jupyter / "data/kernels/python3/kernel.json", {**spec, "language": "python"})
    *_, found = check_jupyter()
    assert found.status == "wrong"
    assert "/other/bin/python" in found.what
    assert found.mend == "python -m jupyter kernelspec remove -f python3"


@pytest.mark.usefixtures("activated")
def test_check_jupyter_calls_what_only_teachers_miss_optional(monkeypatch):
    name = "nbgrader.server_extensions.formgrader"
    said(monkeypatch, server=dict.fromkeys(SERVER, True) | {name: False})
    finding, _ = check_jupyter()
    assert finding.status == "optional"
    assert finding.mend == f"python -m jupyter server extension enable --sys-prefix {name}"


@pytest.mark.usefixtures("activated")
def test_check_jupyter_finds_extensions_that_are_not_there(monkeypatch):
    said(monkeypatch, lab={"@jupyter/nbgrader": True}, server={})
    findings = check_jupyter()
    assert len(findings) == 1 + len(SERVER) + 1
    assert findings[0].what == (
        "JupyterLab: jupyterlab-jupytext is missing, so no chapter's .md opens as a notebook"
    )
    assert findings[0].mend == "python -m pip install --force-reinstall --no-deps jupytext"


def test_check_jupyter_says_when_jupyter_is_missing(monkeypatch):
    error = "ModuleNotFoundError: No module named 'jupyter_client'"
    monkeypatch.setattr(jupyter, "ask", lambda program: Answer(error=error))
    (finding,) = check_jupyter()
    assert finding.status == "wrong"
    assert finding.what == f"Jupyter can't be asked: {error}"
    assert "pip install" in finding.mend


@pytest.mark.parametrize(
    "program", ["python", "python3", "python3.11", sys.executable, str(Path(sys.executable))]
)
def test_kernel_of_this_python_is_right(program):
    assert kernel([program, "/share/kernels/python3"]).status == "ok"


@pytest.mark.parametrize("program", ["/usr/bin/python3", "pypy3", "python2"])
def test_kernel_of_another_python_is_wrong(program):
    assert kernel([program, "/share/kernels/python3"]).status == "wrong"


@pytest.mark.usefixtures("activated")
def test_kernel_that_is_missing_is_installed():
    assert kernel(None).mend == "python -m ipykernel install --sys-prefix"
