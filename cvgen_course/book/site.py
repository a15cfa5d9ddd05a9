"""Everything that Sphinx reads, in one folder: pages, notebooks, downloads, configuration."""

from __future__ import annotations

import html
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import yaml

from cvgen_course.book.contents import GENERATED, contents, generated, pages, pictures, with_tables
from cvgen_course.book.execute import Executed
from cvgen_course.book.markdown import Numbers, Translator
from cvgen_course.book.references import read_references
from cvgen_course.book.stage import Download, numbered_figures, stage
from cvgen_course.errors import BookError
from cvgen_course.files import is_content, write


def write_site(
    folder: Path,
    root: Path,
    profile: str,
    sources: dict[str, Path],
    executed: dict[str, Executed],
) -> None:
    """Make a folder hold all that Sphinx reads; a file changes only if its content does.

    Args:
        folder: the folder; what is in it and does not belong there is deleted.
        root: the course root.
        profile: in which profile the notebooks were executed.
        sources: the pages that are notebooks: page name → solution file.
        executed: their notebooks with outputs, by page name.

    Raises:
        BookError: a lecture has not been released, a page can't be staged, …
    """
    book = root / "jupyter_book"
    files: dict[str, bytes] = {}
    for path in sorted(book.rglob("*")):
        relative = path.relative_to(book)
        if path.is_file() and is_content(relative) and relative.parts[0] != "_build":
            files[relative.as_posix()] = path.read_bytes()
    for name in [name for name in files if name.endswith(".md")]:
        try:
            text = files[name].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BookError(f"{book / name}: expected text in UTF-8 ({error})") from error
        files[name] = with_tables(name.removesuffix(".md"), text).encode()
    files |= pictures()
    toc = contents(book)
    files["_toc.yml"] = _yaml(toc)
    for page in set(GENERATED) & set(pages(toc)):
        files[f"{page}.md"] = generated(page, root).encode()
    references = read_references(book / "references.bib")
    numbers = Numbers()
    for page, source in sources.items():
        cells = executed[page].notebook.cells
        texts = (cell.source for cell in cells if cell.cell_type == "markdown")
        numbers.collect(str(source.relative_to(root)), texts)
    downloads: dict[str, dict[str, str]] = {}
    for page, source in sources.items():
        translator = Translator(source.relative_to(root).as_posix(), numbers, references)
        downloads[page] = _released(root, page, files)
        up = "../" * page.count("/")
        result = executed[page]
        notebook = stage(
            result.notebook,
            translator,
            downloads=tuple(Download(*item) for item in downloads[page].items()),
            note=_provenance(result, profile),
        )
        for cell in notebook.cells[:1]:
            cell.source = cell.source.replace('href="lectures/', f'href="{up}lectures/')
        files[f"{page}.ipynb"] = nbformat.writes(notebook).encode()
        # Other pages (the intro) may show a chapter's figures: figures/fig-0-1.png.
        files |= {f"figures/{name}.png": png for name, png in numbered_figures(notebook)}
        for path in sorted(source.parent.rglob("*")):
            relative = path.relative_to(root / "solutions")
            unwanted = path.suffix in (".md", ".ipynb", ".py", ".pyc")
            if path.is_file() and is_content(relative) and not unwanted:
                files[relative.as_posix()] = path.read_bytes()
    files["_config.yml"] = _config(files["_config.yml"], downloads, _repository(root))
    _synchronise(folder, files)


def _released(root: Path, page: str, files: dict[str, bytes]) -> dict[str, str]:
    """Add a chapter's released files to the book; return their labels and addresses."""
    downloads = {}
    for suffix, label in ((".ipynb", "Notebook (.ipynb)"), (".md", "Text (.md)")):
        path = root / "lectures" / f"{page}{suffix}"
        if not path.is_file():
            raise BookError(f"{path}: readers download it; make it with: cvgen release")
        address = f"lectures/{page}{suffix}"
        files[f"_extra/{address}"] = path.read_bytes()
        downloads[label] = address
    return downloads


def _repository(root: Path) -> str | None:
    """Return the address where the course is published, as its pyproject.toml names it."""
    path = root / "pyproject.toml"
    if not path.is_file():
        return None
    project = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("project", {})
    return project.get("urls", {}).get("Repository")


def _config(text: bytes, downloads: dict[str, dict[str, str]], address: str | None) -> bytes:
    """Return Jupyter Book's configuration with what only a build knows."""
    config = yaml.safe_load(text)
    config["only_build_toc_files"] = True
    if address:
        # Launched is what students get, not the page with its solutions.
        config["repository"] = {"url": address, "path_to_book": "lectures", "branch": "main"}
        config.setdefault("html", {}).update(use_repository_button=True, use_issues_button=True)
    config["execute"] = {"execute_notebooks": "off"}
    sphinx = config.setdefault("sphinx", {}).setdefault("config", {})
    if downloads:
        sphinx["html_extra_path"] = ["_extra"]
    sphinx["cvgen_downloads"] = downloads
    return _yaml(config)


def _yaml(content: Any) -> bytes:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode()


def _synchronise(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold exactly these files, without touching those that are the same."""
    if folder.is_dir():
        for path in folder.rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in files:
                path.unlink()
    for name, content in files.items():
        write(folder / name, content)


def _provenance(result: Executed, profile: str) -> str:
    """Return, as HTML, how long and where a page's code ran: its numbers come from there."""
    where = f" on {html.escape(result.machine)}" if result.machine else ""
    return f"Its code ran in {_duration(result.seconds)}{where} (profile <code>{profile}</code>)."


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
