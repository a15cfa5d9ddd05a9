"""Names that have no place in an answer, and what each of them does, as a sentence has it."""

from __future__ import annotations

import re

READS_SOURCE = "reads a program's source"
READS_FRAMES = "looks into code that runs or into its parts"
IN_IPYTHON = "reaches into IPython"
IN_CHECKS = "reaches into the checks"
IN_LIBRARY = "reaches into the course's library by a way around its names"
RUNS_SHELL = "runs a shell command"
RUNS_FILE = "writes or runs a file or another language"

_PATHS = {
    READS_SOURCE: "inspect.getsource inspect.getsourcelines inspect.getsourcefile inspect.getfile "
    "inspect.findsource inspect.getcomments linecache dis IPython.core.oinspect",
    "runs a text as code": "builtins.exec builtins.eval builtins.compile runpy code codeop marshal "
    "types.CodeType types.FunctionType torch.utils.cpp_extension",
    READS_FRAMES: "sys._getframe sys._current_frames sys.setprofile sys.settrace sys.monitoring "
    "inspect.currentframe inspect.stack inspect.trace inspect.getclosurevars traceback.walk_stack "
    "threading.setprofile threading.settrace",
    "searches the memory": "gc.get_objects gc.get_referrers gc.get_referents ctypes _ctypes cffi",
    "starts threads or processes": "threading _thread multiprocessing torch.multiprocessing "
    "concurrent.futures subprocess pty os.system os.popen os.fork os.forkpty os.posix_spawn "
    "os.posix_spawnp os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp "
    "os.execvpe os.spawnl os.spawnle os.spawnlp os.spawnlpe os.spawnv os.spawnve os.spawnvp "
    "os.spawnvpe asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.to_thread",
    "opens a connection": "socket socketserver zmq http.server xmlrpc asyncio.open_connection "
    "asyncio.start_server",
    "handles signals or ends the process": "signal faulthandler os.kill os.killpg os._exit "
    "os.abort",
    IN_IPYTHON: "IPython.core ipykernel jupyter_client nbclient nbgrader",
    IN_CHECKS: "cvgen_course.checks cvgen_course.grading cvgen_course.reports",
    "leaves code behind that runs later": "atexit weakref.finalize sys.meta_path sys.path_hooks",
    "changes what other code does": "unittest.mock torch.overrides torch.library "
    "torch.utils._python_dispatch",
}
_DOORS = {path: what for what, paths in _PATHS.items() for path in paths.split()}
_HARMLESS = ("multiprocessing.cpu_count", "IPython.core.display", "torch.multiprocessing.set_")
_EXERCISES = re.compile(r"cvgen_course\.\w+\.exercises(\.(?!check$).*)?$")

FRAMES = re.compile(
    r"__(code|globals|closure|wrapped|subclasses|builtins)__"
    r"|f_(back|globals|locals|code|builtins)|co_(code|consts)|(tb|gi|cr|ag)_frame"
)
"""Attributes through which a function or a frame shows what it is made of, whosever it is."""

HIDDEN = re.compile("__(dict|file|path|loader|spec|cached)__")
"""Attributes of a module that lead to its names or its files."""

_MAGICS = {
    RUNS_SHELL: "bash sh script system sx",
    RUNS_FILE: "run writefile file load loadpy python python2 python3 pypy perl ruby cython js "
    "javascript edit macro",
    READS_SOURCE: "pinfo2 psource pfile",
}
MAGIC_DOORS = {magic: what for what, magics in _MAGICS.items() for magic in magics.split()}
HARMLESS_SHELL = re.compile(r"\s*((python3? -m )?pip3? [^;&|<>`$]*|nvidia-smi)\s*")
COURSE_FILES = re.compile(r"cvgen_course|site-packages|^/proc\b|gradebook")


def door_of(path: str) -> str:
    """Return what a name does that has no place in an answer; an empty text for any other name.

    Args:
        path: a dotted path, e.g. ``"os.system"``.
    """
    if path.startswith(_HARMLESS):
        return ""
    if _EXERCISES.match(path):
        return IN_CHECKS
    parts = path.split(".")
    beginnings = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((_DOORS[each] for each in beginnings if each in _DOORS), "")
