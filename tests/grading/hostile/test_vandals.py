"""Code that destroys what it can reach: it costs its author an answer, and nobody else anything."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest
from support.hostile_course import ALL

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("vandals"),
    pytest.mark.follows_from("cvgen_course.grading"),
]
LOST = ALL | {"mean_iou": 0.0}
SYSTEM = "import ctypes, os, pathlib, signal, subprocess, sys, threading, time\n"
FILL = """
def fill(folder):
    try:
        for number in range(10**6):
            with open(f"{folder}/vandal_{number}", "wb") as file:
                file.write(bytes(2**20))
    except OSError:
        pass
"""

COSTLY = {
    "ends its process": "os._exit(0)",
    "kills all that it sees": "os.kill(-1, signal.SIGKILL)",
    "kills its parent": "os.kill(os.getppid(), signal.SIGKILL)",
    "kills the sandbox's process": "os.kill(2, signal.SIGKILL)\ntime.sleep(60)",
    "crashes": "ctypes.string_at(0)",
    "closes all files": "os.closerange(3, 256)\ntime.sleep(60)",
    "fork bomb": "while True:\n    os.fork()",
    "hidden fork bomb": """
libc = ctypes.CDLL(None)
libc.prctl(4, 0, 0, 0, 0)
while True:
    os.fork()
    os.setsid() if os.getpid() != os.getsid(0) else None
    libc.prctl(4, 0, 0, 0, 0)
""",
    "thread bomb": """
threading.stack_size(65536)
while True:
    threading.Thread(target=time.sleep, args=(60,)).start()
""",
    "100 GB": "bytearray(100 * 2**30)",
    "endless memory": "held = []\nwhile True:\n    held.append(b'x' * 2**26)",
    "memory of many processes": """
for _ in range(6):
    if os.fork() == 0:
        held = b"x" * (400 * 2**20)
        time.sleep(60)
time.sleep(60)
""",
    "hidden memory": """
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
held = []
while True:
    held.append(b"x" * 2**26)
""",
    "endless loop in C": """
import collections, itertools
signal.signal(signal.SIGINT, signal.SIG_IGN)
collections.deque(itertools.repeat(0), maxlen=0)
""",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
}
"""What costs the answer it stands in."""

FREE = {
    "kills the first process": "os.kill(1, signal.SIGKILL)",
    "endless output": """
begin = time.monotonic()
while time.monotonic() < begin + 2:
    print("x" * 1000)
""",
    "huge messages": """
for size in (10, 10, 25, 40, 10):
    display({"text/plain": "x" * (size * 2**20)}, raw=True)
""",
    "fills the disk": FILL
    + """
for folder in ("/tmp", "/home/student", "/run", "/dev/shm", "/run/mail"):
    fill(folder)
""",
    "many files": """
for number in range(20000):
    pathlib.Path(f"/tmp/vandal_{number}").touch()
""",
    "a process that runs on": """
subprocess.Popen([sys.executable, "-c", "while True: pass  # vandal_runs_on"],
                 start_new_session=True)
""",
    "renames the sockets": """
for number in range(1, 6):
    os.rename(f"/run/kernel/socket-{number}", f"/run/kernel/gone-{number}")
    os.symlink("/proc/self/mem", f"/run/kernel/socket-{number}")
""",
    "removes the mailbox": "import shutil\nshutil.rmtree('/run/mail', ignore_errors=True)",
    "takes the right to write": "os.chmod('/run/mail', 0o500)\nos.chmod('/run/mail', 0o700)",
    "wakes the waiting process": """
try:
    os.write(os.open("/proc/2/fd/0", os.O_WRONLY), b"\\n")
except OSError:
    pass
""",
}
"""What costs nothing."""


@pytest.fixture(scope="module")
def graded(hostile_class):
    """The class, graded once, with a folder for temporary files that nothing else uses."""
    for name, code in (COSTLY | FREE).items():
        hostile_class.attack(name, SYSTEM + code)
    hostile_class.free = shutil.disk_usage(hostile_class.root).free
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        hostile_class.grade()
        hostile_class.temporary = os.listdir(folder)
    return hostile_class


@pytest.mark.parametrize("name", COSTLY)
def test_a_vandal_loses_the_answer_that_destroys_and_keeps_the_rest(graded, name):
    assert graded.points(name) == LOST


@pytest.mark.parametrize("name", FREE)
def test_a_vandal_who_destroys_nothing_loses_nothing(graded, name):
    assert graded.points(name) == ALL


@pytest.mark.parametrize("name", ["aa honest", "zz honest"])
def test_honest_students_get_all_points_without_a_remark(graded, name):
    assert graded.points(name) == ALL
    assert graded.result(name).remarks == ()


@pytest.mark.parametrize("name", ["fork bomb", "hidden fork bomb", "thread bomb"])
def test_a_limit_that_was_passed_is_named(graded, name):
    assert any("started more than" in remark for remark in graded.result(name).remarks)


@pytest.mark.parametrize("name", ["endless memory", "memory of many processes"])
def test_too_much_memory_is_named_or_refused(graded, name):
    remarks = " ".join(graded.result(name).remarks)
    assert "GiB of memory" in remarks or "MemoryError" in remarks


def test_nothing_is_left_on_the_machine(graded):
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if "vandal_runs_on" in line]
    assert graded.temporary == []
    for folder in ("/tmp", "/run", "/dev/shm"):
        assert not list(Path(folder).glob("vandal_*"))
    assert shutil.disk_usage(graded.root).free > graded.free - 2**30
