"""The command that makes a sandbox, and why there may be none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cvgen_course
from cvgen_course.grading.one_thread import ONE_THREAD

NOBODY = 65534
WORK = "/home/student"
"""The kernel's working folder: the student's files, in memory."""
MAIL = "/run/mail"
"""Where questions come in and answers go out; see `mailbox`."""
KERNEL = "/run/kernel"
"""Where the kernel's sockets are."""
FOLDERS = ("/tmp", "/run", MAIL, WORK, "/dev/shm")
"""Where files can be written, each with room of its own; they lie in memory."""
SYSTEM = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime")
MACHINE = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "driver", "tty")
"""What of /proc belongs to the machine: a process of root's could write there."""
LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
PASSWD = f"student:x:{NOBODY}:{NOBODY}:student:{WORK}:/bin/sh\n"
GROUP = f"student:x:{NOBODY}:\n"

HOLD = 'echo; read -r _ && exec "$@" >/dev/null 2>&1'
"""What runs in a sandbox first: it says that it is there, waits for a line, becomes the rest."""


def command(
    status: int,
    denied: int | None,
    disk_bytes: int,
    variables: Mapping[str, str],
    run: list[str],
) -> list[str]:
    """Return the command line of a sandbox.

    There is no network, no other process, no file but the system's and Python's, read-only, no
    variable of this process's environment, and no right that a user has elsewhere. What is written
    stays in memory, and is gone with the sandbox.

    Args:
        status: a file descriptor that gets the sandbox's process number, as JSON.
        denied: a file descriptor that has the filter of `syscalls`; None for none.
        disk_bytes: how much each of the folders for files may hold.
        variables: the environment, all of it.
        run: what runs in it, once a line is written to its standard input.
    """
    size = ["--size", str(disk_bytes)]
    machine = [f"/proc/{name}" for name in MACHINE]
    return [
        *("bwrap", "--unshare-all", "--unshare-user", "--new-session", "--die-with-parent"),
        *(("--disable-userns",) if _knows("--disable-userns") else ()),
        *("--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL"),
        *("--hostname", "sandbox", "--clearenv"),
        *_system(),
        *("--proc", "/proc", "--dev", "/dev"),
        *(part for place in machine for part in ("--ro-bind-try", place, place)),
        *(part for folder in FOLDERS for part in (*size, "--tmpfs", folder)),
        *("--dir", KERNEL),
        *(part for folder in _python() for part in ("--ro-bind", folder, folder)),
        *(part for pair in variables.items() for part in ("--setenv", *pair)),
        *("--remount-ro", "/", "--remount-ro", "/dev", "--chdir", WORK),
        *(() if denied is None else ("--seccomp", str(denied))),
        *("--json-status-fd", str(status), "--", "/bin/sh", "-c", HOLD, "sh", *run),
    ]


def environment() -> dict[str, str]:
    """Return the variables of a kernel in a sandbox: all of them."""
    folders = {
        "HOME": WORK,
        "CVGEN_CACHE": "/tmp/cache",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "IPYTHONDIR": "/tmp/ipython",
        "JUPYTER_RUNTIME_DIR": KERNEL,
    }
    return (
        {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        | {"PYTHONPATH": str(_package().parent), "PYTHONDONTWRITEBYTECODE": "1"}
        | {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "CVGEN_PROFILE": "smoke"}
        | {"NBGRADER_EXECUTION": "autograde"}
        | folders
        | ONE_THREAD
    )


@cache
def why_not() -> str:
    """Return why no sandbox can be made on this machine; empty where one can."""
    if sys.platform != "linux":
        return "there is no bubblewrap on this system; it is for Linux"
    run = command(1, None, 2**20, {}, ["true"])
    run[run.index("--json-status-fd") : run.index("--")] = []
    try:
        done = subprocess.run(run, input="\n", capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        return "bubblewrap is missing; on Debian and Ubuntu: apt install bubblewrap"
    except subprocess.TimeoutExpired:
        return "bubblewrap came to no end"
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return "" if done.returncode == 0 else f"bubblewrap may not make one here ({said})"


@cache
def _knows(option: str) -> bool:
    """Return whether this version of bubblewrap has an option."""
    try:
        done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return option in done.stdout + done.stderr


def _system() -> list[str]:
    """Return the options for the system's files: programs and libraries."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in LINKS:
        path = Path("/", name)
        if path.is_symlink():
            options += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for place in SYSTEM:
        options += ["--ro-bind-try", place, place]
    return options


def _python() -> list[str]:
    """Return the folders of this Python, of its environment, and of the course's package."""
    wanted = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    wanted |= {os.path.realpath(folder) for folder in wanted} | {str(_package())}
    kept: list[str] = []
    for folder in sorted(wanted):
        inside = any(Path(folder).is_relative_to(other) for other in [*kept, "/usr"])
        if not inside:
            kept.append(folder)
    return kept


def _package() -> Path:
    """Return the folder of the course's package."""
    return Path(cvgen_course.__file__).parent
