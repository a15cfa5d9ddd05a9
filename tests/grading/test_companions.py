import os
import subprocess
import sys
from pathlib import Path

import pytest

from cvgen_course.grading.companions import companions, regular_files, shadows_a_package


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "submission").mkdir()
    return tmp_path / "submission"


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def taken(folder):
    """Return the names of what comes along with a submission, and the remarks."""
    files, remarks = companions(folder, folder / "tiny.ipynb")
    for name, content in files.items():
        assert content == (folder / name).read_bytes()
    return set(files), remarks


def test_companions_leaves_dangerous_files_behind(folder):
    fill(folder, "tiny.ipynb", "picture.png", "deep/data.csv", "torch.py", "numpy/__init__.py")
    fill(folder, "numpy/more/data.txt")
    (folder / "timestamp.txt").write_text("yesterday-ish")
    (folder / "secret").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    files, remarks = taken(folder)
    assert files == {"picture.png", "deep/data.csv"}
    assert remarks == [
        "numpy/, torch.py would replace a package; they were left out.",
        "timestamp.txt holds no time; it was left out.",
    ]


@pytest.mark.parametrize(
    ("inside", "left"),
    [
        ("venv/pyvenv.cfg", "venv/"),
        ("deep/my env/conda-meta/history", "deep/my env/"),
        ("node_modules/react/index.js", "node_modules/"),
        ("env/lib/python3.11/site-packages/torch/x.py", "env/lib/python3.11/site-packages/"),
    ],
)
def test_companions_leaves_installed_software_out_as_one_thing(folder, inside, left):
    fill(folder, "tiny.ipynb", "data/a.csv", inside)
    many = (folder / inside).parent / "many"
    many.mkdir()
    for i in range(3000):
        (many / f"{i}.py").touch()
    files, remarks = taken(folder)
    assert files == {"data/a.csv"}
    assert remarks == [f"{left} is installed software; it was left out."]
    assert len(list(regular_files(folder))) == 2


def test_companions_says_little_about_many_files(folder):
    for name in ("json", "csv", "html", "random", "torch", "numpy", "string", "re"):
        fill(folder, f"{name}.py")
    _, remarks = taken(folder)
    assert remarks == [
        "csv.py, html.py, json.py, numpy.py, random.py and 3 more would replace a package; "
        "they were left out."
    ]


def test_companions_goes_on_where_one_file_can_not_be_read(folder, monkeypatch):
    fill(folder, "a.txt", "b.txt", "c.txt")
    real = Path.read_bytes

    def read_bytes(path):
        if path.name == "b.txt":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    assert taken(folder) == ({"a.txt", "c.txt"}, ["b.txt can't be copied; it was left out."])


def test_companions_takes_names_that_are_not_utf8(folder):
    for name in (b"M\xfcller.txt", b"M\xfcller.py", b"\xfc/a.csv", b"line\nbreak.txt"):
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).touch()
    (folder / "\udcfc/pyvenv.cfg").touch()
    files, remarks = taken(folder)
    assert files == {"M\udcfcller.txt", "M\udcfcller.py", "line\nbreak.txt"}
    assert remarks == ["\\udcfc/ is installed software; it was left out."]


SHADOWS = [
    "json.py",
    "cvgen_course.py",
    "torch/__init__.py",
    "torch/__init__.pyc",
    "sitecustomize.py",
    "random.pyc",
    "mpl_toolkits/mplot3d/__init__.py",
]
HARMLESS = [
    "my_helper.py",
    "torch.txt",
    "data/torch.py",
    "figure.png",
    "test/images.txt",
    "html/index.html",
    "csv/points.csv",
    "torch/x.py",
    "numpy/random/__init__.py",
    "json.old.py",
    "my_package/__init__.py",
    "M\udcfcller.py",
]


@pytest.mark.parametrize("name", SHADOWS)
def test_shadows_a_package_knows_modules(name):
    assert shadows_a_package(Path(name))


@pytest.mark.parametrize("name", HARMLESS)
def test_shadows_a_package_lets_others_be(name):
    assert not shadows_a_package(Path(name))


FIND = """
import importlib.util, sys
sys.path.insert(0, "")
for name in sys.argv[1:]:
    print(name, importlib.util.find_spec(name).origin)
"""


def test_python_itself_takes_what_shadows_and_nothing_else(folder):
    shadowing = ("csv.py", "html/__init__.py", "mpl_toolkits/mplot3d/__init__.py")
    harmless = ("test/a.py", "numpy/random/__init__.py")
    fill(folder, *shadowing, *harmless)
    names = ["csv", "html", "mpl_toolkits.mplot3d", "test", "numpy.random"]
    found = subprocess.run(
        [sys.executable, "-c", FIND, *names],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    origins = dict(line.split(" ", 1) for line in found.splitlines())
    first = {name for name, origin in origins.items() if str(folder.resolve()) in origin}
    assert first == {"csv", "html", "mpl_toolkits.mplot3d"}
