"""PyTorch and torchvision are released in pairs; a torn pair fails only when it is used."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from cvgen_course.doctor.child import Answer, ask
from cvgen_course.doctor.commands import install_course, pip_install
from cvgen_course.doctor.course import checkout_of_package
from cvgen_course.doctor.finding import Finding

PROGRAM = """
import json, torch, torchvision
boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]])
kept = torchvision.ops.nms(boxes, torch.tensor([0.5, 0.9]), 0.5)
assert kept.tolist() == [1], f"torchvision.ops.nms kept {kept.tolist()}, expected [1]"
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
print(json.dumps([torch.__version__, torchvision.__version__, gpu]))
"""


def check_torch() -> list[Finding]:
    """Look whether torch and torchvision are there and work together."""
    missing = [name for name in ("torch", "torchvision") if find_spec(name) is None]
    if missing:
        mend = install_course(checkout_of_package(), "", missing)
        return [Finding("wrong", f"{' and '.join(missing)}: missing, so no chapter runs", mend)]
    answer = ask(PROGRAM)
    if answer.error:
        return [Finding("wrong", f"torch and torchvision: {answer.error}", _mend(answer))]
    torch, torchvision, gpu = answer.value
    device = f"on {gpu}" if gpu else "on the CPU"
    return [Finding("ok", f"torch {torch} and torchvision {torchvision} work together, {device}")]


def _mend(answer: Answer) -> str:
    if sys.platform == "win32" and re.search(r"DLL load failed|WinError (126|1114)", answer.error):
        return "winget install Microsoft.VCRedist.2015+.x64"  # torch's DLLs need its runtime
    return pip_install("--force-reinstall", *pinned_pair(checkout_of_package()))


def pinned_pair(root: Path | None) -> list[str]:
    """Return the pinned pair of requirements.lock; without a lock, the names alone."""
    lock = root / "requirements.lock" if root else None
    if lock is None or not lock.is_file():
        return ["torch", "torchvision"]
    pins = re.findall(r"^torch(?:vision)?==[^\s;]+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return pins or ["torch", "torchvision"]
