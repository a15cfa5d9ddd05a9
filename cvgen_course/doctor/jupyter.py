"""What JupyterLab needs for the course: nbgrader's and Jupytext's extensions, and the kernel."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from cvgen_course.doctor.child import ask
from cvgen_course.doctor.commands import install_course, pip_install, python
from cvgen_course.doctor.course import checkout_of_package
from cvgen_course.doctor.finding import Finding, Status

PROGRAM = """
import json, os
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_core.paths import jupyter_config_dir, jupyter_config_path, jupyter_path
from jupyter_server.extension.config import ExtensionConfigManager
from jupyterlab_server.config import (
    get_federated_extensions, get_page_config, get_static_page_config
)

folders = jupyter_path("labextensions")
off = get_page_config(folders).get("disabledExtensions", [])
lab = {name: name not in off for name in get_federated_extensions(folders)}
by_user = get_static_page_config(level="user").get("disabledExtensions", {})
level = dict.fromkeys(by_user, "user")
server = {}
for folder in reversed(jupyter_config_path()):
    found = ExtensionConfigManager(read_config_path=[folder]).get_jpserver_extensions()
    server |= found
    level |= dict.fromkeys(found, "user" if folder == jupyter_config_dir() else "sys-prefix")
try:
    spec = KernelSpecManager().get_kernel_spec("python3")
    kernel = [spec.argv[0], spec.resource_dir]
except NoSuchKernel:
    kernel = None
print(json.dumps({"lab": lab, "server": server, "level": level, "kernel": kernel}))
"""
VALIDATE = "nbgrader.server_extensions.validate_assignment"
LAB: dict[str, tuple[Status, str, str]] = {
    "@jupyter/nbgrader": ("wrong", "nbgrader", "Validate button"),
    "jupyterlab-jupytext": ("optional", "jupytext", "chapter's .md opens as a notebook"),
}
"""JupyterLab's extensions: what their absence is, their package, and what there is none of then."""
SERVER: dict[str, tuple[Status, str, str]] = {
    VALIDATE: ("wrong", "nbgrader", "Validate button"),
    "nbgrader.server_extensions.assignment_list": ("optional", "nbgrader", "Assignment List"),
    "nbgrader.server_extensions.formgrader": ("optional", "nbgrader", "Formgrader"),
    "jupyterlab_jupytext": ("optional", "jupytext", "pairing of .ipynb and .md"),
}
"""The server's extensions, likewise."""


def check_jupyter() -> list[Finding]:
    """Look whether JupyterLab has the course's extensions and starts this Python."""
    answer = ask(PROGRAM)
    if answer.error:
        mend = install_course(checkout_of_package(), "", ["jupyterlab", "nbgrader", "jupytext"])
        return [Finding("wrong", f"Jupyter can't be asked: {answer.error}", mend)]
    said: dict[str, Any] = answer.value
    problems = [
        *_problems(LAB, said["lab"], said["level"], "JupyterLab", "labextension enable --level="),
        *_problems(SERVER, said["server"], said["level"], "server", "server extension enable --"),
    ]
    extensions = Finding("ok", "Jupyter's extensions of nbgrader and Jupytext: all there, all on")
    return [*(problems or [extensions]), kernel(said["kernel"])]


def _problems(
    wanted: dict[str, tuple[Status, str, str]],
    found: dict[str, bool],
    level: dict[str, str],
    where: str,
    enable: str,
) -> list[Finding]:
    """Return what is wrong with extensions of one kind; ``level`` says who switched them off."""
    findings = []
    for name, (status, package, use) in wanted.items():
        if name not in found:
            mend = pip_install("--force-reinstall --no-deps", package)
            findings.append(Finding(status, f"{where}: {name} is missing, so no {use}", mend))
        elif not found[name]:
            mend = f"{python()} -m jupyter {enable}{level.get(name, 'sys_prefix')} {name}"
            findings.append(Finding(status, f"{where}: {name} is off, so no {use}", mend))
    return findings


def kernel(spec: list[str] | None) -> Finding:
    """Look whether the kernel ``python3`` of all notebooks is this Python.

    Args:
        spec: the program that the kernel starts and the kernel's folder; None where there is no
            such kernel.
    """
    install = f"{python()} -m ipykernel install --sys-prefix"
    if spec is None:
        return Finding("wrong", "there is no kernel python3, which all notebooks use", install)
    program, folder = spec
    # Jupyter starts itself where a kernel says only "python".
    own = re.fullmatch(r"python(3(\.\d+)?)?", program) or _same_folder(program, sys.executable)
    if own:
        return Finding("ok", "notebooks run in this Python (kernel python3)")
    what = f"notebooks run in another Python, {program}: {folder} says so"
    return Finding("wrong", what, f"{python()} -m jupyter kernelspec remove -f python3")


def _same_folder(one: str, other: str) -> bool:
    folders = (os.path.normcase(Path(path).absolute().parent) for path in (one, other))
    return len(set(folders)) == 1
