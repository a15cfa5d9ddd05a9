"""A curve that grows while a network trains."""

from __future__ import annotations

import os
import time
from io import BytesIO
from typing import Any

from matplotlib.figure import Figure

from cvgen_course.plotting.palette import LINES


class LiveCurve:
    """Records numbers by step and, in a notebook, draws them as they come.

    Outside a notebook, and while nbgrader executes one, it only records; ``figure()`` draws at
    any time.

    Args:
        title: above the figure.
        ylabel: what is drawn.
        log: whether the vertical axis is logarithmic.
        seconds: the least time between two drawings.

    Attributes:
        values: for each name, the steps and the numbers, as two lists.

    Example:
        ``curve = LiveCurve("U-Net", "loss")``, then ``curve.update(step, loss=loss)`` after each
        step and ``curve.close()`` at the end, which draws the last points.
    """

    def __init__(
        self, title: str = "", ylabel: str = "loss", *, log: bool = False, seconds: float = 2.0
    ) -> None:
        self.values: dict[str, tuple[list[int], list[float]]] = {}
        self._title, self._ylabel, self._log, self._seconds = title, ylabel, log, seconds
        self._last = time.monotonic()
        self._handle: Any = None

    def update(self, step: int, **values: float) -> None:
        """Add points: a step, and a number for each name."""
        for name, value in values.items():
            steps, numbers = self.values.setdefault(name, ([], []))
            steps.append(int(step))
            numbers.append(float(value))
        if time.monotonic() - self._last >= self._seconds:
            self._draw()

    def close(self) -> None:
        """Draw what has come since the last drawing."""
        self._draw()

    def figure(self) -> Figure:
        """Return the curve as a figure that pyplot knows nothing of."""
        figure = Figure(figsize=(5.6, 2.6), layout="constrained")
        axes = figure.subplots()
        for index, (name, (steps, numbers)) in enumerate(self.values.items()):
            style = ("-", "--", "-.", ":")[index // len(LINES) % 4]
            axes.plot(steps, numbers, style, color=LINES[index % len(LINES)], label=name, lw=1.4)
        axes.set(xlabel="step", ylabel=self._ylabel, title=self._title)
        if self._log:
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if len(self.values) > 1:
            axes.legend(frameon=False)
        return figure

    def _draw(self) -> None:
        self._last = time.monotonic()
        if not self.values or not _in_notebook():
            return
        from IPython.display import Image, display

        buffer = BytesIO()
        self.figure().savefig(buffer, format="png", dpi=100)
        picture = Image(buffer.getvalue(), alt=f"{self._title} {self._ylabel} by step".strip())
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)


def _in_notebook() -> bool:
    """Return whether somebody may be looking: a Jupyter kernel that nbgrader doesn't run."""
    if "NBGRADER_EXECUTION" in os.environ:
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
