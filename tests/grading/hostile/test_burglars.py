"""Code that looks for what it must not see, and writes where it must not write."""

import os
import socket

import nbformat
import psutil
import pytest
from support.hostile_course import ALL, CHAPTER, NOTEBOOK

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.xdist_group("burglars"),
    pytest.mark.follows_from("cvgen_course.grading"),
]
TOOLS = """
import ctypes, glob, os, pathlib, resource, signal, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def read(path):
    return pathlib.Path(path).read_bytes()
def write(path):
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, b"1")
    return "written"
def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
    return "done"
def connect(family, address):
    with socket.socket(family) as made:
        made.settimeout(1)
        made.connect(address)
    return "connected"
PLACES = [place for place in os.walk("/") if "site-packages" not in place[0]]
def found(*names):
    return [p for p, folders, files in PLACES for n in names if n in folders + files]
def attempt(name, theft):
    try:
        loot = theft()
    except BaseException as error:
        print(f"{name}: refused, {type(error).__name__} {error}")
        return
    print(f"{name}: {loot!r}" if loot else f"{name}: nothing")
"""
THEFTS = {
    "the teacher's secret": "found('secret', 'secret.txt', '.cvgen')",
    "the seed": "[v for v in os.environ if 'SEED' in v]",
    "the gradebook": "found('gradebook.db')",
    "solutions": "found('solutions', 'autograded')",
    "other submissions": "found('submitted', 'aa honest')",
    "the course": "read(COURSE + '/nbgrader_config.py')",
    "the teacher's variables": "[p for p in glob.glob('/proc/*/environ') if b'hunter2' in read(p)]",
    "variables of the first process": "b'hunter2' in read('/proc/1/environ')",
    "the teacher's home": "[n for n in os.listdir(HOME) if f'{HOME}/{n}' not in sys.base_prefix]",
    "passwords": "read('/etc/shadow')",
    "names of users": "b'root' in read('/etc/passwd')",
    "disks": "glob.glob('/dev/[shv]d*')",
    "processes of others": "[p for p in os.listdir('/proc') if p.isdigit() and int(p) > 9]",
    "a signal to the grader": "os.kill(GRADER, 0) or 'sent'",
    "a signal to the warm process": "os.getppid()",
    "the grader's memory": "open(f'/proc/{GRADER}/mem', 'r+b')",
    "ptrace": "call('ptrace', 16, 1, 0, 0)",
    "ptrace of itself": "call('ptrace', 0, 0, 0, 0)",
    "memory of others": "call('process_vm_readv', 1, 0, 0, 0, 0, 0)",
    "the network": "connect(socket.AF_INET, ('1.1.1.1', 53))",
    "services of this machine": "connect(socket.AF_INET, ('127.0.0.1', PORT))",
    "a socket of this machine": "connect(socket.AF_UNIX, COURSE + '/socket')",
    "an abstract socket of this machine": "connect(socket.AF_UNIX, ABSTRACT)",
    "a virtual machine's host": "connect(40, (2, 1234))",
    "packets": "socket.socket(17, 3)",
    "keys of the session": "call('syscall', 250, 0, -3, 0)",
    "memory without a process": "os.memfd_create('x')",
    "memory of System V": "call('shmget', 0, 2**30, 0o1600)",
    "a namespace of its own": "call('unshare', 0x10000000)",
    "clone with a namespace": "call('syscall', 56, 0x10000000 | 17, 0, 0, 0, 0)",
    "namespaces of others": "call('setns', os.open('/proc/1/ns/mnt', 0), 0)",
    "a mount": "call('mount', b'none', b'/tmp', b'tmpfs', 0, 0)",
    "a mount that can be written": "call('mount', b'', b'/usr', b'', 0x1000 | 0x20, 0)",
    "bpf": "call('syscall', 321, 0, 0, 0)",
    "io_uring": "call('syscall', 425, 8, ctypes.create_string_buffer(256))",
    "the clock": "time.clock_settime(time.CLOCK_REALTIME, 0) or 'set'",
    "higher limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) or 'raised'",
    "limits of the first process": "resource.prlimit(1, resource.RLIMIT_AS)[1] == -1",
    "limits of the waiting process": "resource.prlimit(2, resource.RLIMIT_NOFILE)[1] > 256",
    "another user": "os.setuid(0) or 'root'",
    "a program with more rights": "subprocess.run(['su', '-c', 'true']).returncode == 0",
    "capabilities": "[l for l in open('/proc/self/status') if 'Cap' in l and int(l[8:], 16)]",
    "the machine's core pattern": "write('/proc/sys/kernel/core_pattern')",
    "the machine's caches": "write('/proc/sys/vm/drop_caches')",
    "the machine's keys": "write('/proc/sysrq-trigger')",
    "/sys": "os.listdir('/sys')",
    "a lower place when memory runs out": "write_low()",
    "the course's package": "write(CHECKS)",
    "a file beside the course's package": "open(os.path.dirname(CHECKS) + '/x.py', 'w')",
    "site-packages": "open(torch.__path__[0] + '/x.py', 'w')",
    "a start-up file of Python": "open(sys.prefix + '/lib/sitecustomize.py', 'w')",
    "programs": "open('/usr/bin/x', 'w')",
    "devices": "os.mknod('/dev/x') or 'made'",
    "open files of the warm process": "[f for f in opened() if not f.startswith(OWN)]",
    "what the student before left": "glob.glob('/tmp/left*') + glob.glob('/dev/shm/left*')",
    "a start-up file that the student before left": "globals().get('LEFT')",
    "variables that the student before left": "os.environ.get('LD_PRELOAD')",
    "modules that the student before patched": "getattr(torch, 'LEFT', None)",
}
HELPERS = """
from cvgen_course.checks import check as checks
CHECKS = checks.__code__.co_filename if hasattr(checks, "__code__") else sys.modules[
    "cvgen_course.checks.check"].__file__
def write_low():
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    return "lowered"
OWN = ("/dev/", "/home/student", "/run/", "/tmp/", "/proc/", sys.prefix, sys.base_prefix)
def opened():
    for number in os.listdir("/proc/self/fd"):
        try:
            link = os.readlink("/proc/self/fd/" + number)
        except OSError:
            continue
        if link.startswith("/"):
            yield link
"""
LEFT_BEHIND = """
import os, pathlib, subprocess, sys
for folder in ("/tmp", "/dev/shm"):
    pathlib.Path(folder, "left").write_text("x")
startup = pathlib.Path.home() / ".ipython/profile_default/startup"
startup.mkdir(parents=True, exist_ok=True)
(startup / "00.py").write_text("LEFT = 1")
os.environ |= {"LD_PRELOAD": "/tmp/left", "PYTHONSTARTUP": "/tmp/left", "LEFT": "1"}
torch.LEFT = 1
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)  # outlives_its_kernel"],
                 start_new_session=True)
"""


@pytest.fixture(scope="module")
def graded(hostile_class, tmp_path_factory):
    """The class, graded once, by a teacher with a password in the environment."""
    root = hostile_class.root
    with (
        pytest.MonkeyPatch.context() as patch,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        patch.setenv("TEACHER_PASSWORD", "hunter2")
        patch.chdir(root)
        named.bind("socket")
        abstract.bind("\0cvgen hostile")
        named.listen()
        abstract.listen()
        names = {"COURSE": str(root), "HOME": os.path.expanduser("~"), "GRADER": os.getpid()}
        names |= {"PORT": server.getsockname()[1], "ABSTRACT": "\0cvgen hostile"}
        lines = [f"{name} = {value!r}" for name, value in names.items()]
        tries = [f"attempt({name!r}, lambda: {theft})" for name, theft in THEFTS.items()]
        hostile_class.attack("a messy student", LEFT_BEHIND)
        hostile_class.attack("burglar", "\n".join([TOOLS, HELPERS, *lines, *tries]))
        return hostile_class.grade()


@pytest.fixture(scope="module")
def loot(graded):
    """What each theft brought, by its name."""
    path = graded.root / "autograded" / "burglar" / CHAPTER / NOTEBOOK
    outputs = [o for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", [])]
    text = "".join(o.text for o in outputs if o.output_type == "stream")
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


@pytest.mark.parametrize("name", THEFTS)
def test_a_burglar_gets_nothing(loot, name):
    assert loot[name] in ("nothing", "False") or loot[name].startswith("refused")


@pytest.mark.parametrize("student", ["aa honest", "a messy student", "burglar", "zz honest"])
def test_everybody_keeps_the_points(graded, student):
    assert graded.points(student) == ALL


def test_no_process_outlives_its_kernel(graded):
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"]]
    assert not [p for p in left if "outlives_its_kernel" in " ".join(p.info["cmdline"])]
