"""Kernels in sandboxes, warm and cold: what they can't do, and what none leaves for the next."""

import ast

import pytest
from support.sandboxed import needs_sandbox

from cvgen_course.grading.sandbox import provisioner
from cvgen_course.grading.sandbox.limits import SandboxLimits

pytestmark = [needs_sandbox, pytest.mark.notebook, pytest.mark.xdist_group("sandbox")]
STATUS = (
    "fields = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
    "[fields[n].strip().lstrip('0') for n in ('CapEff', 'CapPrm', 'CapInh', 'CapBnd', 'CapAmb')] + "
    "[fields['NoNewPrivs'].strip()]"
)
DESCRIPTORS = (
    "import os\n"
    "found = [(int(n), os.readlink(f'/proc/self/fd/{n}')) for n in os.listdir('/proc/self/fd')\n"
    "         if os.path.lexists(f'/proc/self/fd/{n}')]\n"
    "own = ('socket:', 'anon_inode:', 'pipe:', '/dev/null', '/tmp/ipython/')\n"
    "[place for _, place in found if not place.startswith(own)]"
)
OTHERS = (
    "names = [open(f'/proc/{n}/cmdline').read() for n in os.listdir('/proc') if n.isdigit()]\n"
    "[n for n in names if 'pytest' in n]"
)
NAMESPACE = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    "[libc.unshare(kind) for kind in (0x10000000, 0x20000, 0x40000000)]"
)
NETWORK = (
    "import socket\ns = socket.socket()\ns.settimeout(1)\n"
    "try: s.connect(('127.0.0.1', 22)); found = 'connected'\n"
    "except OSError as error: found = type(error).__name__\n"
    "found, os.listdir('/sys/class/net') if os.path.exists('/sys/class/net') else []"
)


def test_a_kernel_has_no_right_and_sees_nobody(run, start):
    cells = (STATUS, DESCRIPTORS, OTHERS, NAMESPACE, NETWORK, "os.getcwd(), os.getuid()")
    rights, files, others, made, network, place = map(ast.literal_eval, run(*cells))
    assert rights == ["", "", "", "", "", "1"]
    assert files == []
    assert others == []
    assert made == [-1, -1, -1]
    assert network[0] != "connected"
    assert place == ("/home/student", 65534)


def test_a_kernel_reads_its_files_and_writes_nowhere_else(run, start):
    program = (
        "import os\nwritten = []\n"
        "for place in ('/', '/usr', '/etc', '/proc/sys/kernel', os.path.dirname(os.__file__)):\n"
        "    try: open(f'{place}/x', 'w'); written.append(place)\n"
        "    except OSError: pass\n"
        "written, open('data/a.txt').read(), sorted(os.listdir())"
    )
    (shown,) = run(program, files={"data/a.txt": b"hello"})
    assert ast.literal_eval(shown) == ([], "hello", ["data"])


def test_a_loop_is_interrupted_and_the_kernel_goes_on(run, start):
    shown = run("a = 7", "while True: pass", "a", seconds=2)
    assert "CellTimeoutError" in shown[1]
    assert shown[2] == "7"


def test_two_kernels_share_nothing(run):
    leave = (
        "import os, math\nopen('mine', 'w'); open('/tmp/mine', 'w'); open('/dev/shm/mine', 'w')\n"
        "os.environ['MINE'] = '1'\nmath.pi = 3\nimport cvgen_course\ncvgen_course.mine = 1\n"
        "pid = os.fork()\nif pid == 0: import time; time.sleep(1000)"
    )
    look = (
        "import os, math, cvgen_course\n"
        "[p for p in ('mine', '/tmp/mine', '/dev/shm/mine') if os.path.exists(p)], "
        "'MINE' in os.environ, math.pi == 3, hasattr(cvgen_course, 'mine')"
    )
    run(leave)
    (shown,) = run(look)
    assert ast.literal_eval(shown) == ([], False, False, False)


def test_two_kernels_draw_different_numbers(run):
    draw = "import random, numpy; random.random(), float(numpy.random.rand())"
    (one,), (other,) = run(draw), run(draw)
    one, other = ast.literal_eval(one), ast.literal_eval(other)
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_a_kernel_that_takes_too_much_memory_ends_alone(run):
    limits = SandboxLimits(memory_bytes=2**29)
    shown = run("1", "a = [b'x' * 10**7 for _ in range(10**4)]", "a = 3", limits=limits)
    assert shown[0] == "1"
    assert shown[1] in ("died", "MemoryError")


def test_a_warm_process_that_ended_is_replaced(run):
    run("1")
    ended = provisioner.warm_process(())
    ended.close()
    assert run("1 + 1") == ["2"]
    assert provisioner.warm_process(()) is not ended
    assert provisioner.warm_process(()).is_alive()
