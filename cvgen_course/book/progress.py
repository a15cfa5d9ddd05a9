"""Progress of a build: a bar per notebook in a terminal, a line per notebook elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType


class Reporter:
    """Shows what a build is doing; a context manager."""

    def __init__(self, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._console = Console(quiet=quiet, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("cells"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def notebook(self, page: str) -> Callable[[int, int], None]:
        """Begin a notebook; return what its execution calls with (cells done, cells)."""
        task = self._bars.add_task(page, total=None)

        def progress(done: int, total: int) -> None:
            self._bars.update(task, completed=done, total=total)

        return progress

    def finished(self, page: str, seconds: float, cached: bool) -> None:
        """Say how long a notebook took."""
        how = "from the cache; it took" if cached else "executed in"
        self._console.print(f"{page:<32} {how} {seconds:.1f} s")

    def say(self, text: str) -> None:
        """Say what begins now."""
        self._console.print(text)

    def done(self, index: Path) -> None:
        """Say where the book is."""
        self._console.print(f"[bold]The book:[/] {index}", soft_wrap=True)
