"""Execute a notebook once, and take its outputs from jupyter-cache afterwards."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from cvgen_course import machine
from cvgen_course.errors import BookError

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NOT_IN_THE_BOOK = ("NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "CVGEN_SEED")
"""Variables under which a notebook trains nothing or checks with another seed."""

OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs.

    Attributes:
        notebook: the notebook, all cells in the given order, code cells with outputs.
        seconds: how long the execution took, then or now.
        machine: on which machine, as ``cvgen_course.machine`` describes it.
        cached: whether the outputs come from the cache.
    """

    notebook: nbformat.NotebookNode
    seconds: float
    machine: str
    cached: bool


def execute(
    notebook: nbformat.NotebookNode,
    path: Path,
    cache_folder: Path,
    profile: str,
    progress: OnCell | None = None,
) -> Executed:
    """Return a notebook with its outputs, executed now or before.

    Args:
        notebook: what to execute; it is not changed.
        path: the notebook's file; its folder is the kernel's working directory.
        cache_folder: jupyter-cache's folder, one per ``cache_key``.
        profile: the profile in which the cells run.
        progress: called as ``progress(cells_done, cells)``.

    Raises:
        BookError: a cell fails that is not tagged ``raises-exception``.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    bare = _code_only(notebook)
    cache = get_cache(cache_folder)
    try:
        record = cache.match_cache_notebook(bare)
        _, bare = cache.merge_match_into_notebook(bare)
        seconds, cached = float(record.data.get("execution_seconds", 0.0)), True
        where = str(record.data.get("machine", ""))
    except KeyError:
        start = time.monotonic()
        _run(bare, path, profile, progress)
        seconds, cached, where = time.monotonic() - start, False, machine.describe()
        measured = {"execution_seconds": seconds, "machine": where}
        bundle = CacheBundleIn(bare, path.name, data=measured)
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    finally:
        cache.db.dispose()
    if progress:
        progress(len(bare.cells), len(bare.cells))
    return Executed(_with_outputs(notebook, bare), seconds, where, cached)


def _code_only(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the code cells alone, with the tags that matter to execution.

    jupyter-cache's key covers all metadata; a new caption must not train three networks again.
    """
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tags = {"raises-exception", "skip-execution"} & set(cell.metadata.get("tags", ()))
            metadata = {"tags": sorted(tags)} if tags else {}
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata=metadata))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def _with_outputs(
    notebook: nbformat.NotebookNode, bare: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return a copy of the notebook with the outputs of its code cells."""
    full = copy.deepcopy(notebook)
    code = (cell for cell in full.cells if cell.cell_type == "code")
    for cell, executed in zip(code, bare.cells, strict=True):
        cell.outputs = executed.outputs
        cell.execution_count = executed.execution_count
    return full


def _run(bare: nbformat.NotebookNode, path: Path, profile: str, progress: OnCell | None) -> None:
    """Execute the cells in place, in a fresh kernel, without a time limit."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    def cell_begins(cell: nbformat.NotebookNode, cell_index: int) -> None:
        if progress:
            progress(cell_index, len(bare.cells))

    client = NotebookClient(
        bare,
        timeout=None,
        record_timing=False,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        shutdown_kernel="immediate",
        on_cell_start=cell_begins,
        # Twice the pixels at the same size on the page: figures stay sharp on every screen.
        extra_arguments=["--InlineBackend.figure_formats={'retina'}", "--log-level=ERROR"],
    )
    environment = {key: value for key, value in os.environ.items() if key not in NOT_IN_THE_BOOK}
    environment["CVGEN_PROFILE"] = profile
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise BookError(_failure(path, bare, error)) from error
    except DeadKernelError as error:
        raise BookError(
            f"{path}: the kernel died while a cell ran; is there enough memory?"
        ) from error


def _failure(path: Path, bare: nbformat.NotebookNode, error: Exception) -> str:
    """Return which code cell fails, how it begins, and the end of its traceback."""
    number, source = 0, ""
    for cell in bare.cells:
        number, source = number + 1, cell.source
        allowed = "raises-exception" in cell.metadata.get("tags", ())
        if not allowed and any(output.output_type == "error" for output in cell.get("outputs", ())):
            break
    first_line = next((line for line in source.splitlines() if line.strip()), "")
    name = f"{getattr(error, 'ename', 'error')}: {getattr(error, 'evalue', error)}"
    return (
        f"{path}: code cell {number} fails with {name}\n"
        f"  the cell begins: {first_line}\n"
        "  Mend the cell, or tag it raises-exception if it shows an error on purpose."
    )
