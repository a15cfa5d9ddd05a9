"""Build the book: execute the notebooks, stage the pages, run Sphinx, look at the result."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from cvgen_course import profile as profiles
from cvgen_course.book.contents import GENERATED, contents, pages
from cvgen_course.book.execute import Executed, execute, executed_folder
from cvgen_course.book.progress import Reporter
from cvgen_course.book.site import write_site
from cvgen_course.book.theme import mathjax_folder
from cvgen_course.book.verify import problems
from cvgen_course.errors import BookError

BUILD = Path("jupyter_book") / "_build"


def build(root: Path, profile: str | None = None, *, quiet: bool = False) -> Path:
    """Build the book of a course.

    Args:
        root: the course root: the folder with ``solutions/``, ``lectures/`` and ``jupyter_book/``.
        profile: in which profile the code runs; ``CVGEN_PROFILE``, or ``"cpu"``, where None.
        quiet: show no progress.

    Returns:
        The folder of the pages; the book begins at its ``index.html``.

    Raises:
        BookError: a cell fails, there is a warning, a dead link, a missing picture, …; the
            message names all that was found.
    """
    root = root.resolve()
    profile = profile or profiles.current()
    if profile not in profiles.PROFILES:
        raise BookError(f"profile: expected one of {', '.join(profiles.PROFILES)}, got {profile!r}")
    sources = _sources(root)
    with Reporter(quiet) as reporter:
        executed = _execute_all(root, profile, sources, reporter)
        staged = root / BUILD / "staged"
        write_site(staged, root, profile, sources, executed)
        html = _render(staged, root / BUILD, reporter)
        reporter.done(html / "index.html")
    return html


def _sources(root: Path) -> dict[str, Path]:
    """Return the notebooks of the table of contents: page name → solution file."""
    toc = root / "jupyter_book" / "_toc.yml"
    sources = {}
    for page in pages(contents(toc.parent)):
        source = root / "solutions" / f"{page}.md"
        if source.is_file():
            sources[page] = source
        elif page not in GENERATED and not (root / "jupyter_book" / f"{page}.md").is_file():
            raise BookError(f"{toc}: {page}: there is neither {source} nor such a page.")
    return sources


def _execute_all(
    root: Path, profile: str, sources: dict[str, Path], reporter: Reporter
) -> dict[str, Executed]:
    """Return each page's notebook with outputs, from the cache or executed now."""
    from cvgen_course.notebooks.pairing import read_markdown

    folder = executed_folder(root)
    executed = {}
    for page, source in sources.items():
        notebook = read_markdown(source)
        progress = reporter.notebook(page)
        executed[page] = execute(notebook, source, folder, profile, progress)
        reporter.finished(page, executed[page].seconds, executed[page].cached)
    return executed


def _render(staged: Path, folder: Path, reporter: Reporter) -> Path:
    """Make the pages of the staged files and look at them, unless that has been done before."""
    html, stamp = folder / "html", folder / "html.stamp"
    state = _state(staged)
    if stamp.is_file() and stamp.read_text() == state and (html / "index.html").is_file():
        reporter.say("nothing has changed since the pages were made")
        return html
    stamp.unlink(missing_ok=True)
    reporter.say("rendering the pages")
    _jupyter_book(staged, folder)
    reporter.say("looking at links and pictures")
    found = problems(html)
    if mathjax_folder() is None:
        found = [text for text in found if "mathjax" not in text]
    if found:
        raise BookError("The book has problems:\n  " + "\n  ".join(found))
    stamp.write_text(state)
    return html


def _state(staged: Path) -> str:
    """Return a hash of everything that decides what the pages look like."""
    digest = hashlib.sha256(str(mathjax_folder()).encode())
    for folder, pattern in ((staged, "*"), (Path(__file__).parent, "*.py")):
        for path in sorted(folder.rglob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + b"\x1f")
                digest.update(path.read_bytes() + b"\x1f")
    return digest.hexdigest()


def _jupyter_book(staged: Path, folder: Path) -> None:
    """Run Jupyter Book; any warning is an error.

    After a failure nothing of it is kept: an unchanged page would not be read again, and its
    warnings not be given again.
    """
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(staged)]
    command += ["--path-output", str(folder.parent), "-W", "--keep-going", "-q"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    # A page of source code is made again only if the source changes; its links change before.
    shutil.rmtree(folder / "html" / "_modules", ignore_errors=True)
    # Where no page is missing and none has changed, Sphinx makes nothing, not even those.
    first = yaml.safe_load((staged / "_toc.yml").read_text(encoding="utf-8"))["root"]
    (folder / "html" / f"{first}.html").unlink(missing_ok=True)
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode:
        for old in (folder / ".doctrees", folder / "html"):
            shutil.rmtree(old, ignore_errors=True)
        raise BookError("The pages can't be rendered:\n" + _readable(result.stderr, staged))


def _readable(log: str, staged: Path) -> str:
    """Return Sphinx's warnings, with pages and cells instead of staged files and lines."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", log).replace(f"{staged}/", "")
    lines = [line for line in log.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)]
    lines = lines or log.strip().splitlines()[-12:]
    # MyST-NB counts a notebook's lines as 10000 · (cell + 1) + line.
    cells = re.compile(r"(\S+)\.ipynb:(\d+?)(\d{4}): ")
    return "\n".join("  " + cells.sub(r"\1, cell \2 of the page: ", line) for line in lines)
