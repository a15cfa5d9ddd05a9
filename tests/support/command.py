"""The course's commands, run as a user runs them: in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

SMOKE = {"CVGEN_PROFILE": "smoke", "OMP_NUM_THREADS": "1"}


def cvgen(*words: str, folder: Path) -> str:
    """Run a command of `cvgen` in a folder, in profile smoke; return what it printed."""
    program = "from cvgen_course.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder,
        env=os.environ | SMOKE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
