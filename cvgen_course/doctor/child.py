"""Ask another Python process, which may lack packages, crash or hang."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

PATIENCE = 120.0
"""Seconds until a silent process counts as hanging; PyTorch's first import can take a minute."""


@dataclass(frozen=True)
class Answer:
    """What a process said.

    Attributes:
        value: the JSON value that it printed last; None where it failed.
        error: why it failed, one line; an empty text where it did not.
    """

    value: Any = None
    error: str = ""


def ask(program: str, seconds: float = PATIENCE) -> Answer:
    """Run a program in this Python, with the folder it is called from off the import path.

    Args:
        program: Python code; its last line of output is JSON.
        seconds: how long it may take.
    """
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(error=f"no answer within {seconds:g} s")
    if done.returncode < 0:
        return Answer(error=f"the process was ended by {signal.Signals(-done.returncode).name}")
    if done.returncode:
        return Answer(error=_last_line(done.stderr) or f"exit code {done.returncode}")
    try:
        return Answer(json.loads(_last_line(done.stdout)))
    except ValueError:
        return Answer(error=f"an unexpected answer: {_last_line(done.stdout)!r}")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
