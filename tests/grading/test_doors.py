"""What could get around the checks is named; what honest students write is not."""

from __future__ import annotations

import copy
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from support.notebooks import LECTURES, ROOT

from cvgen_course.grading.doors import TOO_DEEP, TOO_LONG, ways_around
from cvgen_course.grading.remarks import LONGEST, MOST
from cvgen_course.notebooks.cells import check_call, is_check, is_solution
from cvgen_course.notebooks.regions import split_solution

LECTURE = nbformat.read(
    next(path for path in LECTURES if path.stem == "detection"), as_version=4
)  # `from cvgen_course import detection as ref`
LECTURE.cells = [
    cell
    for cell in LECTURE.cells
    if is_solution(cell)
    or is_check(cell)
    or re.search("^(import|from) ", cell.source, re.MULTILINE)
]
every_lecture = pytest.mark.parametrize("path", LECTURES, ids=lambda path: path.stem)


def answered(source: str, name: str = "nms"):
    """Return the lecture with an answer."""
    notebook = copy.deepcopy(LECTURE)
    (cell,) = (c for c in notebook.cells if is_solution(c) and f"def {name}(" in c.source)
    cell.source = source
    return notebook


def with_cell(source: str):
    """Return the lecture with a code cell of a student's, number 1."""
    notebook = copy.deepcopy(LECTURE)
    notebook.cells.insert(0, new_code_cell(source))
    return notebook


def body(line: str) -> str:
    return f"def nms(boxes, scores, threshold):\n    {line}\n    return boxes"


REFERENCE = "The answer nms asks for the course's own nms"


@pytest.mark.parametrize(
    "source",
    [
        body("return ref.nms(boxes, scores, threshold)"),
        body("return cvgen_course.detection.nms(boxes, scores, threshold)"),
        body("from cvgen_course.detection import nms as mine"),
        body("from cvgen_course.detection.nms import nms as mine"),
        body("import cvgen_course.detection.nms as n; n.nms(boxes, scores, threshold)"),
        body('return getattr(ref, "nms")(boxes, scores, threshold)'),
        body("r = ref; return r.nms(boxes, scores, threshold)"),
        body('import importlib; importlib.import_module("cvgen_course.detection").nms'),
        body('return __import__("cvgen_course.detection").nms'),
        body('return sys.modules["cvgen_course.detection"].nms'),
        "nms = ref.nms",
        "nms = partial(ref.nms)",
        "nms = lambda *all: ref.nms(*all)",
        "from cvgen_course.detection import nms",
        "for nms in [ref.nms]: pass",
        "class nms(ref.nms): pass",
        "helper = ref.nms\n" + body("return helper(boxes, scores, threshold)"),
        "def deep(*all): return ref.nms(*all)\ndef helper(*all): return deep(*all)\n"
        + body("return helper(boxes, scores, threshold)"),
        "def trick():\n    global nms\n    nms = ref.nms\ntrick()",
    ],
)
def test_the_reference_is_named_however_it_is_asked_for(source):
    assert any(each.startswith(REFERENCE) for each in ways_around(answered(source), LECTURE))


def test_a_helper_in_another_cell_is_a_part_of_the_answer():
    notebook = answered(body("return helper(boxes, scores, threshold)"))
    notebook.cells.insert(0, new_code_cell("helper = ref.nms  # mine"))
    assert ways_around(notebook, LECTURE) == [
        "Cell 1 asks for the course's own nms: `helper = ref.nms  # mine`."
    ]


DOORS = {
    "import inspect\ninspect.getsource(ref.box_area)": "reads a program's source",
    "from inspect import getsource as g": "reads a program's source",
    "ref.nms??": "reads a program's source",
    "open('/usr/lib/python3/site-packages/x.py').read()": "reads files",
    "Path(f'{home}/cvgen_course/nms.py').read_text()": "reads files",
    "open(ref.__file__)": "reaches into the course's library",
    "vars(ref)[name]": "reaches into the course's library",
    "ref.__dict__[name]": "reaches into the course's library",
    "getattr(ref, 'n' + 'ms')": "reaches into the course's library",
    "import importlib\nimportlib.import_module(name)": "reaches into the course's library",
    "import sys\nsys.modules[name]": "reaches into the course's library",
    "from cvgen_course.detection import *": "asks for the course's own functions",
    "exec(text)": "runs a text as code",
    "run = eval": "runs a text as code",
    "import builtins\nbuiltins.exec(text)": "runs a text as code",
    "getattr(__builtins__, 'ex' + 'ec')": "looks into code",
    "compile(text, '', 'exec')": "runs a text as code",
    "import sys\nsys.setprofile(None)": "looks into code",
    "import sys as s\ns.settrace(None)": "looks into code",
    "import sys\nsys._getframe(1)": "looks into code",
    "frame.f_back": "looks into code",
    "f.__code__ = g.__code__": "looks into code",
    "ref.nms.__wrapped__": "looks into code",
    "import gc\ngc.get_objects()": "searches the memory",
    "from gc import get_referrers": "searches the memory",
    "import ctypes\nctypes.pythonapi": "searches the memory",
    "torch.allclose = lambda *a: True": "changes a module",
    "torch.Tensor.__eq__ = always": "changes a module",
    "del torch.equal": "changes a module",
    "setattr(torch, 'equal', always)": "changes a module",
    "import builtins\nbuiltins.float = always": "changes a module",
    "ref.nms = mine": "changes a module",
    "t = torch\nt.equal = always": "changes a module",
    "import cvgen_course.checks.run\ncvgen_course.checks.run.SECONDS = 999": "into the checks",
    "from cvgen_course.checks import judge": "reaches into the checks",
    "from cvgen_course.detection.exercises import EXERCISES": "reaches into the checks",
    "class Always(torch.Tensor):\n    pass": "makes a tensor",
    "get_ipython().events.register('pre_run_cell', f)": "reaches into IPython",
    "ip = get_ipython()": "reaches into IPython",
    "get_ipython().input_transformers_post.append(f)": "reaches into IPython",
    "getattr(get_ipython(), 'display_formatter')": "reaches into IPython",
    "from IPython.core.interactiveshell import InteractiveShell": "reaches into IPython",
    "import threading\nthreading.Thread(target=f).start()": "starts threads or processes",
    "from subprocess import run": "starts threads or processes",
    "import os\nos.system('ls')": "starts threads or processes",
    "import os\nos.fork()": "starts threads or processes",
    "import multiprocessing as mp\nmp.Process()": "starts threads or processes",
    "import socket\nsocket.socket()": "opens a connection",
    "import signal\nsignal.alarm(0)": "handles signals",
    "import os\nos._exit(0)": "handles signals",
    "import atexit\natexit.register(f)": "leaves code behind",
    "from unittest import mock": "changes what other code does",
    "import os\nos.environ['CVGEN_SEED']": "reads the seed",
    "!cat x": "runs a shell command",
    "files = !ls": "runs a shell command",
    "!pip install x; cat y": "runs a shell command",
    "%%bash\nls": "runs a shell command",
    "%%writefile x.py\n1": "writes or runs a file",
    "%run x.py": "writes or runs a file",
    "%time exec(text)": "runs a text as code",
    "%%time\nexec(text)": "runs a text as code",
}


@pytest.mark.parametrize("source", DOORS)
def test_a_door_is_named_with_its_line(source):
    found = ways_around(with_cell(source), LECTURE)
    named = [each for each in found if DOORS[source] in each]
    assert named, found
    line = re.fullmatch(r"Cell 1 .*: `(.*)`\.", named[0]).group(1)
    assert line in source


@pytest.mark.parametrize(
    "source",
    [
        "print('exec(eval), ref.nms, os.system')  # inspect.getsource(ref.nms)",
        '"""Says exec, subprocess and cvgen_course."""',
        "model.eval(); re.compile('x'); torch.compile(model)",
        "def f(x, eval=False):\n    return x if eval else -x",
        "from scipy import signal\nsignal.convolve2d(a, b)",
        "torch.equal(nms(b, s, 0.5), ref.nms(b, s, 0.5))",  # a comparison
        "for f in (nms, ref.nms):\n    print(f(b, s, 0.5))",
        "show_source(ref.box_area)",
        "import torch.nn.functional as F\nx = F.relu(torch.zeros(3)); x.grad = None",
        "plt.rcParams['figure.dpi'] = 100; torch.backends.cudnn.benchmark = True",
        "import os, gc, sys\nos.environ['OMP_NUM_THREADS'] = '1'; gc.collect()",
        "import sys\nif 'google.colab' in sys.modules:\n    %pip install x",
        "'colab' in str(get_ipython())",
        "%matplotlib inline\n%time print(1)",
        "!pip install scikit-image\n!nvidia-smi",
        "from PIL import Image\nImage.MAX_IMAGE_PIXELS = None",
        "class Net(nn.Module):\n    def __init__(self):\n        self.__dict__\n",
        "from cvgen_course.detection.exercises import check\ncheck('nms', globals())",
        "getattr(model, name); setattr(model, name, 1); model.head = None",
        "open('notes.txt').read()",
        "import inspect\ninspect.signature(nms)",
        "this is no Python (",
        "%%html\n<b>exec(x)</b>",
    ],
)
def test_honest_code_is_not_named(source):
    assert ways_around(with_cell(source), LECTURE) == []


def test_the_courses_other_functions_may_be_called():
    assert ways_around(answered(body("ref.box_iou(boxes, boxes)")), LECTURE) == []
    source = "def box_iou(a, b):\n    return ref.box_iou(a, b)"
    (remark,) = ways_around(answered(source, "box_iou"), LECTURE)
    assert remark.startswith("The answer box_iou asks for the course's own box_iou")


def test_the_lectures_own_code_is_not_looked_at():
    assert ways_around(LECTURE, LECTURE) == []
    assert "inspect.getsource" in "".join(cell.source for cell in LECTURE.cells)


def test_of_an_edited_lecture_cell_only_the_edit_counts():
    notebook = copy.deepcopy(LECTURE)
    (cell,) = (c for c in notebook.cells if "inspect.getsource" in c.source)
    cell.source += "\nexec(text)"
    (remark,) = ways_around(notebook, LECTURE)
    assert remark.endswith("runs a text as code: `exec(text)`.")


@pytest.mark.parametrize(
    "source",
    [
        "\n".join(f"def f{i}(): exec(x)" for i in range(20)),
        "exec(" + "x" * 2_000 + ")",
        "exec('`\x1b[31m')",
        "\n".join(["!ls"] * 20),
    ],
    ids=range(4),
)
def test_remarks_are_few_short_and_printable(source):
    notebook = with_cell(source)
    notebook.cells[:0] = [new_code_cell(source) for _ in range(60)]
    found = ways_around(notebook, LECTURE)
    assert 0 < len(found) <= MOST + 1
    assert all(len(each) <= LONGEST and each.isprintable() for each in found)
    assert all(each.count("`") in (0, 2) for each in found)


@pytest.mark.parametrize(
    "source",
    ["x = " + "-" * 3000 + "1", "x = " + "+".join(["1"] * 20_000), "x" + ".a" * 3_000],
    ids=range(3),
)
def test_deep_code_is_no_error(source):
    assert ways_around(with_cell(source), LECTURE) in ([], [TOO_DEEP])


def test_endless_code_is_not_looked_through():
    assert ways_around(with_cell("exec(x)\n" * 30_000), LECTURE) == [TOO_LONG]


@every_lecture
def test_the_books_answers_are_not_named(path):
    lecture = nbformat.read(path, as_version=4)
    solution = ROOT / "solutions" / path.relative_to(ROOT / "lectures")
    notebook = nbformat.read(solution, as_version=4)
    for cell in notebook.cells:
        cell.source = split_solution(cell.source)[1]
    assert ways_around(notebook, lecture) == []


@every_lecture
def test_right_answers_of_the_tests_are_not_named(path):
    lecture = nbformat.read(path, as_version=4)
    calls = [check_call(cell.source) for cell in lecture.cells if is_check(cell)]
    for file in sorted((ROOT / "tests" / path.stem / "answers").glob("*.py")):
        assert file.stem in [call.name for call in calls]
        text = file.read_text(encoding="utf-8")
        right = re.search(r"^RIGHT = \[(.*?)\]", text, re.DOTALL | re.MULTILINE).group(1)
        names = "\n".join(f"{file.stem} = {answer}" for answer in re.findall(r"\w+", right))
        notebook = copy.deepcopy(lecture)
        (cell,) = (c for c in notebook.cells if is_solution(c) and f"def {file.stem}(" in c.source)
        cell.source = f"{text}\n{names}"
        assert ways_around(notebook, lecture) == []
