"""A small course in a temporary folder: two chapters, the real book's looks."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

OTHER = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# Another chapter

## Its section

It has an equation that [the sample](../01_sample/sample.ipynb) does not:

$$
1 + 1 = 2 \\tag{0.1}
$$

```{code-cell} ipython3
print("hello")
```
"""


@pytest.fixture(autouse=True)
def _own_executed_notebooks(monkeypatch):
    """These courses share none with the real one."""
    monkeypatch.delenv("CVGEN_EXECUTED", raising=False)


@pytest.fixture
def sample() -> str:
    """The text of the sample chapter."""
    return (HERE / "sample_chapter.md").read_text(encoding="utf-8")


@pytest.fixture
def course(tmp_path: Path, sample: str) -> Path:
    """A course root with the chapters 00_other and 01_sample, released already."""
    book = tmp_path / "jupyter_book"
    shutil.copytree(ROOT / "jupyter_book" / "_static", book / "_static")
    for name in ("_config.yml", "references.bib"):
        shutil.copyfile(ROOT / "jupyter_book" / name, book / name)
    (book / "intro.md").write_text("# The sample\n\nBegin with [one](00_other/other.ipynb).\n")
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nchapters:\n"
        "  - file: 00_other/other\n  - file: 01_sample/sample\n"
    )
    for page, text in (("00_other/other", OTHER), ("01_sample/sample", sample)):
        for tree, suffix, content in (
            ("solutions", ".md", text),
            ("lectures", ".md", "released"),
            ("lectures", ".ipynb", "{}"),
        ):
            path = tmp_path / tree / f"{page}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return tmp_path
