"""The hash changes with what a result may follow from, and with nothing else."""

import textwrap
from pathlib import Path

import nbformat
import pytest

from cvgen_course import chapters, provenance
from cvgen_course.book.page_key import import_lines
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
    "stool.py": "from .tools.saw import cut\nLEGS = cut(6)\n",
}


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
        names = ("table", "bench", "chair", "stool")
        return {name: code_hash(f"library.{name}", roots={"library": library}) for name in names}

    return hashes


def change(library, file, before, after):
    path = library / file
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


@pytest.mark.parametrize(
    ("file", "before", "after", "changed"),
    [
        ("tools/hammer.py", "Strike once.", "Strike, and strike again.", set()),
        ("tools/hammer.py", '"""Nails."""\n', "", set()),
        ("tools/hammer.py", "# a comment", "# another", set()),
        ("tools/hammer.py", "add(x, 1)", "add( x,\n 1 )", set()),
        ("tools/hammer.py", "add(x, 1)", "add(x, 2)", {"table", "bench"}),
        ("tools/saw.py", "return", "x = x\n    return", {"bench", "chair", "stool"}),
        ("tools/saw.py", "import chair", "import table", set()),  # for the type checker
        ("edge.py", "x / 2", "x / 3", {"bench", "chair", "stool"}),  # a nested import
        (
            "tools/__init__.py",
            '["cut", "strike"]',
            '["strike"]',
            {"bench"},
        ),  # of the package as a whole
        ("tools/__init__.py", "__all__", "SIZE = 1\n__all__", {"table", "bench", "chair", "stool"}),
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
    assert len(set(hashes().values())) == 4


def test_code_hash_knows_the_versions_of_the_packages_outside(hashes, monkeypatch):
    earlier = hashes()
    monkeypatch.setattr(provenance, "version", lambda name: "0.1" if name == "numpy" else "another")
    later = hashes()
    assert {name for name in later if later[name] != earlier[name]} == {"table", "bench"}


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


def needs(chapter: chapters.Chapter) -> set[str]:
    """Return the modules that a chapter's notebook follows from."""
    notebook = nbformat.read(ROOT / "solutions" / f"{chapter.page}.ipynb", as_version=4)
    walk = provenance._Walk(provenance.ROOTS)
    for source in import_lines(notebook):
        walk.follow(provenance._parsed(source).imports)
    return set(walk.parts)


def test_a_chapter_follows_from_no_other_chapter_that_it_does_not_use():
    users = {c.name for c in chapters.READY if "cvgen_course.detection.nms" in needs(c)}
    assert users == {"detection"}
    for chapter in chapters.READY:
        assert not any(name.startswith("cvgen_course.grading") for name in needs(chapter))
