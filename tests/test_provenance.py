"""The hash changes with what a result may follow from, and with nothing else."""

import shutil
import textwrap
from pathlib import Path

import nbformat
import pytest

from cvgen_course import chapters, provenance
from cvgen_course.book.page_key import page_key
from cvgen_course.grading.task import code_of
from cvgen_course.notebooks.cells import is_check
from cvgen_course.provenance import code_hash

ROOT = Path(__file__).parents[1]
FILES = {
    "__init__.py": '"""A library."""\n',
    "tools/__init__.py": """
        from library.tools.hammer import strike
        from library.tools.saw import cut
        __all__ = ["cut", "strike"]
        """,
    "tools/hammer.py": '''
        """Nails."""
        import numpy

        def strike(x):
            """Strike once."""
            return numpy.add(x, 1)  # a comment
        ''',
    "tools/saw.py": """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from library import chair

        def cut(x):
            from library import edge
            return edge.sharp(x)
        """,
    "edge.py": "def sharp(x):\n    return x / 2\n",
    "table.py": "from library.tools import strike\nLEGS = strike(3)\n",
    "bench.py": "from library import tools\nLEGS = tools.cut(8)\n",
    "chair.py": "from library.tools import cut as shorten\nLEGS = shorten(8)\n",
    "shed.py": "from library import tools\nTOOLS = vars(tools)\n",
    "stool.py": "from .tools.saw import cut\nLEGS = cut(6)\n",
}
CUTTING = {"bench", "chair", "stool", "shed"}


@pytest.fixture
def library(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "library" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path / "library"


@pytest.fixture
def hashes(library):
    """The hash of each module that somebody may use."""

    def hashes():
        provenance._read.cache_clear()  # files change within one tick of a file system's clock
        names = ("table", "bench", "chair", "stool", "shed")
        return {name: code_hash(f"library.{name}", roots={"library": library}) for name in names}

    return hashes


def change(library, file, before, after):
    path = library / file
    assert before in path.read_text()
    path.write_text(path.read_text(encoding="utf-8").replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        ("tools/hammer.py", "Strike once.", "Strike, and strike again.", set()),
        ("tools/hammer.py", '"""Nails."""\n', "", set()),
        ("tools/hammer.py", "# a comment", "# another", set()),
        ("tools/hammer.py", "add(x, 1)", "add( x,\n 1 )", set()),
        ("tools/hammer.py", "add(x, 1)", "add(x, 2)", {"table", "shed"}),
        ("tools/saw.py", "return", "x = x\n    return", CUTTING),
        ("tools/saw.py", "import chair", "import table", set()),  # for the type checker
        ("edge.py", "x / 2", "x / 3", CUTTING),  # a nested import
        (
            "tools/__init__.py",
            '["cut", "strike"]',
            '["strike"]',
            {"shed"},
        ),  # of the package as a whole
        ("tools/__init__.py", "__all__", "SIZE = 1\n__all__", {"table", "shed"} | CUTTING),
        ("__init__.py", "library.", "collection.", set()),
        ("table.py", "strike(3)", "strike(4)", {"table"}),
    ],
)
def test_code_hash_changes_where_a_result_may(library, hashes, file, before, after, changed):
    earlier = hashes()
    change(library, file, before, after)
    later = hashes()
    assert {name for name in later if later[name] != earlier[name]} == changed


def test_code_hash_is_the_same_twice_and_differs_between_modules(hashes):
    assert hashes() == hashes()
    assert len(set(hashes().values())) == 5


def test_code_hash_knows_the_versions_of_the_packages_outside(hashes, monkeypatch):
    earlier = hashes()
    monkeypatch.setattr(provenance, "version", lambda name: "0.1" if name == "numpy" else "another")
    later = hashes()
    assert {name for name in later if later[name] != earlier[name]} == {"table", "shed"}


def test_code_hash_of_a_source_follows_its_imports(library):
    def of(source):
        provenance._read.cache_clear()
        return code_hash(sources=[source], roots={"library": library})

    table, chair = of("from library import table\n"), of("from library import chair\n")
    assert of("from library import table  # a table\n") == table != chair
    change(library, "table.py", "strike(3)", "strike(4)")
    assert of("from library import table\n") != table
    assert of("from library import chair\n") == chair


def test_code_hash_says_what_is_no_module():
    with pytest.raises(ValueError, match=r"expected modules of cvgen_course, got cvgen_course\.x"):
        code_hash("cvgen_course.x")


ADDED = "annotations\n", "annotations\n\nADDED = 1\n"
TRAINED = "segmentation detection autoencoders pixelcnn gan evaluation cyclegan"
EDITS = [
    ("plotting/boxes.py", '"""Boxes', '"""Also boxes', "", ""),
    ("plotting/boxes.py", *ADDED, "introduction segmentation detection", ""),
    ("plotting/live.py", *ADDED, "segmentation detection autoencoders pixelcnn gan", ""),
    ("detection/nms.py", "BLOCK = 192", "BLOCK = 193", "detection", "detection"),
    ("segmentation/unet.py", *ADDED, "segmentation", "segmentation"),
    ("detection/exercises/nms.py", "points=", "points=1+", "detection", "detection"),
    ("training/loop.py", *ADDED, TRAINED, ""),
    ("grading/repair.py", *ADDED, "", TRAINED),
    ("book/build.py", *ADDED, "", ""),
]
"""A file, what is changed in it, which pages are executed again, and which classes graded again."""


def follows() -> dict[str, tuple[str, str]]:
    """Return each chapter's page key, and the hash of the code that its points follow from."""
    found = {}
    for chapter in chapters.READY:
        page, lecture = (
            nbformat.read(ROOT / tree / f"{chapter.page}.ipynb", as_version=4)
            for tree in ("solutions", "lectures")
        )
        found[chapter.name] = page_key(page, "cpu"), code_of(filter(is_check, lecture.cells))
    return found


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the package, in the place of the real one; and what follows from it as it is."""
    copy = tmp_path_factory.mktemp("package") / "cvgen_course"
    shutil.copytree(provenance.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "ROOTS", {"cvgen_course": copy})
        patch.delenv("CVGEN_DATA", raising=False)
        yield copy, follows()


# One copy for all of these tests, so all in one process.
@pytest.mark.xdist_group("provenance")
@pytest.mark.parametrize(("file", "before", "after", "executed", "graded"), EDITS)
def test_an_edit_reaches_what_follows_from_it_alone(copied, file, before, after, executed, graded):
    package, earlier = copied
    original = (package / file).read_text(encoding="utf-8")
    change(package, file, before, after)
    try:
        later = follows()
    finally:
        (package / file).write_text(original, encoding="utf-8")
    changed = [{c for c in later if later[c][i] != earlier[c][i]} for i in (0, 1)]
    changed[1] -= {"introduction"}  # it has no graded exercise
    assert changed == [set(executed.split()), set(graded.split())]
