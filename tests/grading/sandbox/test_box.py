import os
import signal
from contextlib import suppress
from time import sleep

import pytest
from support.sandboxed import needs_sandbox

from cvgen_course.errors import CourseError
from cvgen_course.grading.sandbox import box
from cvgen_course.grading.sandbox.bubblewrap import environment
from cvgen_course.grading.sandbox.limits import SandboxLimits

pytestmark = needs_sandbox
DAEMON = "setsid sleep 1000 & setsid setsid sleep 1000 & echo > /tmp/begun; wait"


TRAP = "trap 'echo > /tmp/heard' INT; echo > /tmp/begun; while :; do sleep 0.05; done"


def processes(namespace):
    """Return the processes of a pid namespace."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                found.append(int(name))
    return found


def namespace_of(sandbox):
    return os.readlink(f"/proc/{sandbox.pid}/ns/pid")


def wait_until(condition):
    while not condition():
        sleep(0.02)


def test_files_are_put_into_the_working_folder(make_sandbox):
    sandbox = make_sandbox("sh", "-c", "cat data/a.txt > /tmp/seen; sleep 1000")
    sandbox.put({"data/a.txt": b"hello"})
    sandbox.start_cold()
    seen = sandbox.root / "tmp/seen"
    wait_until(lambda: seen.exists() and seen.read_bytes() == b"hello")


def test_daemons_end_with_their_sandbox(make_sandbox):
    sandbox = make_sandbox("sh", "-c", DAEMON)
    namespace = namespace_of(sandbox)
    assert namespace != os.readlink("/proc/self/ns/pid")
    sandbox.start_cold()
    wait_until(lambda: (sandbox.root / "tmp/begun").exists())
    assert len(processes(namespace)) >= 4
    sandbox.kill()
    wait_until(lambda: not processes(namespace))
    assert not sandbox.is_alive()


def test_a_closed_sandbox_leaves_no_descriptor_and_no_process(make_sandbox):
    before = set(os.listdir("/proc/self/fd"))
    sandbox = box.Sandbox(["sh", "-c", DAEMON], environment(), SandboxLimits())
    namespace = namespace_of(sandbox)
    sandbox.start_cold()
    wait_until(lambda: (sandbox.root / "tmp/begun").exists())
    sandbox.close()
    assert processes(namespace) == []
    assert set(os.listdir("/proc/self/fd")) == before
    sandbox.kill()  # of nobody who has its number now


def test_a_signal_reaches_the_command(make_sandbox):
    sandbox = make_sandbox("sh", "-c", TRAP)
    sandbox.start_cold()
    wait_until(lambda: (sandbox.root / "tmp/begun").exists())
    sandbox.send(signal.SIGINT)
    wait_until(lambda: (sandbox.root / "tmp/heard").exists())


def test_limits_are_set_before_the_command_starts(make_sandbox):
    limits = SandboxLimits(cpu_seconds=77, files=99)
    sandbox = make_sandbox(
        "sh", "-c", "ulimit -t > /tmp/a; ulimit -n >> /tmp/a; sleep 9", limits=limits
    )
    sandbox.start_cold()
    seen = sandbox.root / "tmp/a"
    wait_until(lambda: seen.exists() and seen.read_text() == "77\n99\n")


def test_bubblewrap_that_makes_no_sandbox_is_an_error(monkeypatch):
    monkeypatch.setattr(box, "command", lambda *_: ["false"])
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(CourseError, match="made no sandbox"):
        box.Sandbox(["true"], {}, SandboxLimits())
    assert set(os.listdir("/proc/self/fd")) == before
