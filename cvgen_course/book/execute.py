"""Execute a notebook once; whoever only looks at it takes its outputs from jupyter-cache."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from cvgen_course import machine
from cvgen_course.book.page_key import page_key
from cvgen_course.errors import BookError

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NOT_IN_THE_BOOK = ("NBGRADER_EXECUTION", "NBGRADER_VALIDATING", "CVGEN_SEED")
"""Variables under which a notebook trains nothing or checks with another seed."""

MOST_KEPT = 100
"""Executed notebooks that are kept; of more, those go that were not looked at for longest."""

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


def executed_folder(root: Path) -> Path:
    """Return where a course keeps its executed notebooks, for the book and for the tests.

    ``CVGEN_EXECUTED`` where it is set; else ``jupyter_book/_build/executed``.
    """
    named = os.environ.get("CVGEN_EXECUTED")
    return Path(named).expanduser() if named else root / "jupyter_book" / "_build" / "executed"


def execute(
    notebook: nbformat.NotebookNode,
    path: Path,
    folder: Path,
    profile: str,
    progress: OnCell | None = None,
) -> Executed:
    """Return a notebook with its outputs, executed now or before.

    Several processes may ask for the same notebook: one executes it, the others wait.

    Args:
        notebook: what to execute; it is not changed.
        path: the notebook's file; its folder is the kernel's working directory.
        folder: where executed notebooks are kept, see `executed_folder`.
        profile: the profile in which the cells run.
        progress: called as ``progress(cells_done, cells)``.

    Raises:
        BookError: a cell fails that is not tagged ``raises-exception``.
    """
    from filelock import FileLock

    bare = _code_only(notebook, page_key(notebook, profile))
    store = _Store(folder)
    with FileLock(folder / f"{store.name(bare)}.lock"):
        kept = store.find(bare)
        done, facts = kept or (bare, _run(bare, path, profile, progress))
        if kept is None:
            store.keep(done, facts, path.name)
    if progress:
        progress(len(done.cells), len(done.cells))
    seconds, where = float(facts["seconds"]), str(facts["machine"])
    return Executed(_with_outputs(notebook, done), seconds, where, kept is not None)


class _Store:
    """jupyter-cache, for several processes at a time; what is damaged counts as missing."""

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock
        from jupyter_cache import get_cache

        if "?" in str(folder):
            raise BookError(
                f"{folder}: the address of jupyter-cache's records would end at the '?'; rename "
                "that folder, or set CVGEN_EXECUTED to another one"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "store.lock")
        self._folder, self._cache = folder, get_cache(folder)

    def name(self, bare: nbformat.NotebookNode) -> str:
        return str(self._cache.create_hashed_notebook(bare)[1])

    def find(
        self, bare: nbformat.NotebookNode
    ) -> tuple[nbformat.NotebookNode, dict[str, Any]] | None:
        """Return an executed notebook, and its seconds and machine; None where there is none."""
        with self._lock:
            try:
                facts = self._cache.match_cache_notebook(bare).data
                _, found = self._cache.merge_match_into_notebook(bare)
                return (found, facts) if facts["outputs"] == _digest(found) else None
            except Exception:  # missing, or damaged in one of many ways
                return None
            finally:
                self._cache.db.dispose()

    def keep(self, bare: nbformat.NotebookNode, facts: dict[str, Any], name: str) -> None:
        from jupyter_cache.base import CacheBundleIn

        facts = {**facts, "outputs": _digest(bare)}
        with self._lock:
            try:
                self._cache.change_cache_limit(MOST_KEPT)
                # Beside a record whose file is gone, it would keep nothing new.
                shutil.rmtree(self._folder / "executed" / self.name(bare), ignore_errors=True)
                bundle = CacheBundleIn(bare, name, data=facts)
                self._cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            finally:
                self._cache.db.dispose()


def _digest(bare: nbformat.NotebookNode) -> str:
    """Return a checksum of a notebook's outputs."""
    outputs = json.dumps([cell.get("outputs") for cell in bare.cells], sort_keys=True)
    return hashlib.sha256(outputs.encode()).hexdigest()


def _code_only(notebook: nbformat.NotebookNode, key: str) -> nbformat.NotebookNode:
    """Return the code cells alone, with the tags that matter to execution.

    jupyter-cache's own key is the cells' code and their metadata, so what else the outputs follow
    from stands there, too. A new caption must not train three networks again.
    """
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tags = {"raises-exception", "skip-execution"} & set(cell.metadata.get("tags", ()))
            metadata = {"follows_from": key, **({"tags": sorted(tags)} if tags else {})}
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


def _run(
    bare: nbformat.NotebookNode, path: Path, profile: str, progress: OnCell | None
) -> dict[str, Any]:
    """Execute the cells in place, in a fresh kernel, without a time limit.

    Returns:
        How many ``seconds`` it took, and on which ``machine``.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from cvgen_course.book.wakeful import WakefulManager

    def cell_begins(cell: nbformat.NotebookNode, cell_index: int) -> None:
        if progress:
            progress(cell_index, len(bare.cells))

    client = NotebookClient(
        bare,
        timeout=None,
        record_timing=False,
        kernel_name="python3",
        kernel_manager_class=WakefulManager,
        resources={"metadata": {"path": str(path.parent)}},
        shutdown_kernel="immediate",
        on_cell_start=cell_begins,
        # Twice the pixels at the same size on the page: figures stay sharp on every screen.
        extra_arguments=["--InlineBackend.figure_formats={'retina'}", "--log-level=ERROR"],
    )
    environment = {key: value for key, value in os.environ.items() if key not in NOT_IN_THE_BOOK}
    environment["CVGEN_PROFILE"] = profile
    start = time.monotonic()
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise BookError(_failure(path, bare, error)) from error
    except DeadKernelError as error:
        raise BookError(
            f"{path}: the kernel died while a cell ran; is there enough memory?"
        ) from error
    return {"seconds": time.monotonic() - start, "machine": machine.describe()}


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
