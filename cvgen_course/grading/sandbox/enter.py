"""How a process that runs already gets into a sandbox, and gives up every right on its way.

It is what ``nsenter`` does. The process must be one whose memory holds no secret.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
from collections.abc import Callable, Mapping

from cvgen_course.grading.sandbox.bubblewrap import WORK
from cvgen_course.grading.sandbox.syscalls import install

NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "cgroup")
NEW_USER = 0x10000000
GET_PARENT = 0xB702
SET_DUMPABLE, DROP_BOUND, NO_NEW_PRIVILEGES, AMBIENT = 4, 24, 38, 47
CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def enter(holder: int, limits: Mapping[str, int], inside: Callable[[], None]) -> int:
    """Join the namespaces of a process, and run a function there in a process of its own.

    This process has to have one thread, and can do nothing else afterwards.

    Args:
        holder: a process in the sandbox; a child's child of this user.
        limits: resource limits by their names in ``resource``, e.g. ``{"RLIMIT_CPU": 60}``.
        inside: never returns to anybody: the process ends with it.

    Returns:
        The new process's number, as seen from here.

    Raises:
        OSError: the sandbox can't be joined.
    """
    with open("/proc/self/oom_score_adj", "w") as file:  # memory runs out: this one goes first
        file.write("1000")
    user = _namespace(holder, "user")
    parent = fcntl.ioctl(user, GET_PARENT)  # bwrap's own; the other namespaces belong to it
    others = [_namespace(holder, name) for name in NAMESPACES]
    for limit, value in limits.items():
        resource.setrlimit(getattr(resource, limit), (value, value))
    joining = [(parent, NEW_USER), *((other, 0) for other in others), (user, NEW_USER)]
    ours = [os.stat("/proc/self/ns/user").st_ino]
    for namespace, kind in joining:
        number = os.fstat(namespace).st_ino
        if number not in ours:
            _checked(_libc.setns(namespace, kind), "setns")
        ours.append(number)  # whoever is in a namespace can't join it
    pid = os.fork()
    if pid == 0:
        try:
            _begin_anew()
            inside()
        finally:
            os._exit(1)
    return pid


def _begin_anew() -> None:
    """Be a process like any other in the sandbox: no descriptor, right or signal from before."""
    os.setsid()
    os.chdir(WORK)
    os.closerange(0, 65536)
    for _ in range(3):
        os.open("/dev/null", os.O_RDWR)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for capability in range(64):
        _libc.prctl(DROP_BOUND, capability, 0, 0, 0)
    _libc.prctl(AMBIENT, 4, 0, 0, 0)  # all of them off
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")
    _checked(_libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "prctl")
    install(_libc)
    _libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)


def _namespace(process: int, name: str) -> int:
    return os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)


def _checked(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
