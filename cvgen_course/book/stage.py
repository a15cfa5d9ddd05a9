"""From an executed solution notebook to a page of the book."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nbformat

from cvgen_course.book import outputs as cell_outputs
from cvgen_course.book.execute import KERNEL
from cvgen_course.book.markdown import CAPTION, Translator, figure_anchor
from cvgen_course.errors import BookError
from cvgen_course.notebooks.cells import is_graded
from cvgen_course.notebooks.regions import BEGIN, regions, split_solution

LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}


@dataclass(frozen=True)
class Download:
    """A file that readers can download from a page.

    Attributes:
        label: what it is, e.g. ``"Notebook (.ipynb)"``.
        address: relative to the page.
    """

    label: str
    address: str


def stage(
    notebook: nbformat.NotebookNode,
    translator: Translator,
    *,
    downloads: tuple[Download, ...] = (),
    note: str = "",
) -> nbformat.NotebookNode:
    """Return the notebook that Sphinx renders: no nbgrader metadata, solutions folded away.

    Args:
        notebook: an executed solution notebook; it is not changed.
        translator: the page's Markdown translator.
        downloads: linked under the page's title.
        note: a remark beside them, e.g. how long the page's code ran.

    Raises:
        BookError: a figure has no alternative text, a reference is dead, a marker is missing, …
    """
    captions = _captions(notebook)
    cells = []
    for index, cell in enumerate(notebook.cells):
        where = f"{translator.page}: cell {index + 1}"
        _require_paired_markers(cell.source, where)
        if cell.cell_type == "markdown":
            text = cell.source
            if index in captions.values():
                text = _without_caption(text)
            elif CAPTION.match(text):
                raise BookError(f"{where} is the caption of a figure, but no figure stands above.")
            if BEGIN in text:
                text = fold_answer(text)
            if text.strip():
                cells.append(nbformat.v4.new_markdown_cell(translator.translate(text)))
        elif cell.cell_type == "code":
            caption = notebook.cells[captions[index]].source if index in captions else ""
            cells += _code(cell, where, caption, translator)
    _under_title(cells, translator.page, downloads, note)
    references = translator.bibliography()
    if references:
        cells.append(nbformat.v4.new_markdown_cell(references))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def fold_answer(text: str) -> str:
    """Return a written answer's Markdown with the model answer in a folded box."""
    parts = []
    for inside, lines in regions(text):
        block = "\n".join(lines).strip("\n")
        if inside:
            block = f"::::::{{dropdown}} Model answer\n{block}\n::::::"
        parts.append(block)
    return "\n\n".join(part for part in parts if part)


def numbered_figures(page: nbformat.NotebookNode) -> Iterator[tuple[str, bytes]]:
    """Yield anchor and PNG file of every figure with a number, from a staged page."""
    for cell in page.cells:
        name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "")
        for output in cell.get("outputs", []) if name else []:
            if "image/png" in output.get("data", {}):
                yield name, base64.b64decode(output["data"]["image/png"])


def _require_paired_markers(source: str, where: str) -> None:
    try:
        list(regions(source))
    except ValueError as error:
        raise BookError(f"{where}: {error}") from error


def _captions(notebook: nbformat.NotebookNode) -> dict[int, int]:
    """Return, for each code cell with figures, the Markdown cell that begins with its caption."""
    found, last_figure = {}, None
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            last_figure = index if cell_outputs.images(cell.get("outputs", [])) else None
        elif cell.cell_type == "markdown" and CAPTION.match(cell.source):
            if last_figure is not None:
                found[last_figure] = index
            last_figure = None
        else:
            last_figure = None
    return found


def _without_caption(text: str) -> str:
    return CAPTION.sub("", text, count=1)


def _code(
    cell: nbformat.NotebookNode, where: str, caption: str, translator: Translator
) -> list[nbformat.NotebookNode]:
    """Return the page's cells for one code cell: a solution gives its stub and a folded block."""
    tags = list(cell.metadata.get("tags", ()))
    options = dict(cell.metadata.get("mystnb", {}))
    outputs = cell_outputs.clean(cell.outputs, where=where, drop_value=is_graded(cell))
    pictures = [] if "remove-output" in tags else cell_outputs.images(outputs)
    if pictures:
        alt = cell.metadata.get("alt")
        options |= _figure(pictures, options, alt, caption, where, translator)
    source, stub_cells = cell.source, []
    if BEGIN in source:
        stub, source = split_solution(source)
        stub_cells = [nbformat.v4.new_markdown_cell(f"```python\n{stub}\n```")]
        tags.append("hide-input")
        options |= {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}
    metadata = {"tags": tags, "mystnb": options} if options else {"tags": tags}
    count = cell.execution_count
    page_cell = nbformat.v4.new_code_cell(
        source, metadata=metadata, outputs=outputs, execution_count=count
    )
    return [*stub_cells, page_cell]


def _figure(
    pictures: list[str],
    options: dict[str, Any],
    alt: str | None,
    caption: str,
    where: str,
    translator: Translator,
) -> dict[str, Any]:
    """Return MyST-NB's options for a figure: its alternative text and caption."""
    if len(set(pictures)) < len(pictures):
        raise BookError(f"{where} shows one figure twice; end its last line with a semicolon.")
    image = dict(options.get("image", {}))
    if alt:
        image["alt"] = alt
    if not str(image.get("alt", "")).strip():
        raise BookError(
            f"{where} makes a figure without alternative text.\n"
            "  Say what one sees in it, in the cell's metadata: :alt: \"…\" below the cell's fence."
        )
    match = CAPTION.match(caption)
    if match is None:
        raise BookError(
            f"{where} makes a figure without caption.\n"
            "  Begin the next cell, a text, with: **Figure 1.2.** What it is, and what to see."
        )
    if len(pictures) > 1:
        raise BookError(f"{where} makes {len(pictures)} figures; one caption needs one figure.")
    text = re.sub(r"\s*\n\s*", " ", match.group(1).strip())
    figure = {"caption": translator.translate(text), "name": figure_anchor(match.group(2))}
    return {"image": image, "figure": figure}


def _under_title(
    cells: list[nbformat.NotebookNode], page: str, downloads: tuple[Download, ...], note: str
) -> None:
    """Put the downloads and the note below the page's title."""
    if not cells or not cells[0].source.startswith("# "):
        raise BookError(f"{page}: the first cell must be Markdown and begin with the title: # …")
    if not downloads:
        return
    links = " ".join(f'<a href="{file.address}" download>{file.label}</a>' for file in downloads)
    note = f" <span>{note}</span>" if note else ""
    title, _, rest = cells[0].source.partition("\n")
    cells[0].source = f'{title}\n\n<p class="cvgen-downloads">{links}{note}</p>\n\n{rest}'.strip()
