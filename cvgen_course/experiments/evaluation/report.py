"""What the command shows: a bar while it works, a table, and the same in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from cvgen_course.errors import CourseError
from cvgen_course.evaluation import Estimate
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.sources import Advance
from cvgen_course.experiments.evaluation.summary import Facts
from cvgen_course.files import write

ROWS = {
    "inception_score": ("Inception Score", "higher is better"),
    "inception_score_of_real": ("   of REAL", "what REAL itself has"),
    "frechet_distance": ("Fréchet distance", "lower is better"),
    "kernel_distance": ("kernel distance", "lower is better; below 0 by chance"),
    "precision": ("precision", "share of FAKE that lies among REAL"),
    "recall": ("recall", "share of REAL that lies among FAKE"),
    "density": ("density", "how much of REAL lies around FAKE; ≈ 1"),
    "coverage": ("coverage", "share of REAL with FAKE close by"),
}
"""Of each metric, what the table calls it, and how to read it."""
FID_NAMES = {"frechet_distance": "FID", "kernel_distance": "KID"}
"""What two of them are called where features are an Inception network's."""
PACKAGES = ("cvgen-course", "torch", "torchvision", "numpy", "pillow")


@contextmanager
def progress_bars(console: Console) -> Iterator[Callable[[str, int | None], Advance]]:
    """Show a bar for each piece of work, until all is done.

    Yields:
        A function that begins a bar of a title and a total, which may be unknown, and returns what
        moves it.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:

        def begin(title: str, total: int | None) -> Advance:
            task = bars.add_task(title, total=total)
            return lambda num: bars.advance(task, num)

        yield begin


def show(
    console: Console,
    sides: Mapping[str, tuple[str, Facts]],
    extractor: FeatureExtractor,
    metrics: Mapping[str, Estimate],
    warnings: list[str],
) -> None:
    """Print the table: what was compared, the metrics, and what to mind.

    Args:
        console: where to.
        sides: for ``"REAL"`` and ``"FAKE"``, what the user typed, and what the images were.
        extractor: has looked at them.
        metrics: by name.
        warnings: a sentence each.
    """
    head = Table.grid(padding=(0, 2, 0, 0))
    for side, (text, facts) in sides.items():
        head.add_row(Text(side, "bold"), Text(text, overflow="fold"), _describe(facts))
    console.print(head)
    console.print(Text(_features_of(extractor)))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("metric", no_wrap=True)
    table.add_column("value ± error", justify="right", no_wrap=True, style="bold")
    table.add_column("how to read it")
    for name, estimate in metrics.items():
        title, meaning = ROWS[name]
        if extractor.name == "inception":
            title = FID_NAMES.get(name, title)
        table.add_row(title, str(estimate), meaning)
    console.print(table)
    notes = Table.grid(padding=(0, 1, 0, 0))
    for warning in warnings:
        notes.add_row(Text("!", "bold yellow"), Text(warning))
    console.print(notes)


def write_json(
    path: Path,
    sides: Mapping[str, tuple[str, str, Facts]],
    extractor: FeatureExtractor,
    metrics: Mapping[str, Estimate],
    warnings: list[str],
    seed: int,
) -> None:
    """Write what `show` prints, and what it was measured with.

    Args:
        path: of the file.
        sides: as `show` takes it, with the images' hash after the text.
        extractor: as `show` takes it.
        metrics: likewise.
        warnings: likewise.
        seed: everything random followed from it.

    Raises:
        CourseError: the file can't be written.
    """
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in PACKAGES},
        "features": {
            "name": extractor.name,
            "weights_sha256": extractor.sha256,
            "published_weights": extractor.published,
            "size": extractor.size,
            "resizing": "bicubic, antialiased",
        },
        "seed": seed,
        **{
            side.lower(): {"source": text, "sha256": digest, **asdict(facts)}
            for side, (text, digest, facts) in sides.items()
        },
        "metrics": {name: estimate._asdict() for name, estimate in metrics.items()},
        "warnings": warnings,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write(path, text)
    except OSError as error:
        raise CourseError(
            f"--json: expected a file that can be written, got {str(path)!r} ({error})"
        ) from error


def _describe(facts: Facts) -> str:
    sizes = f"{len(facts.sizes):,} sizes" if len(facts.sizes) > 1 else next(iter(facts.sizes))
    colours = {0: "colour", facts.num: "grey"}.get(facts.grey, "grey and colour")
    return ", ".join([f"{facts.num:,} images", sizes, colours, *sorted(facts.formats)])


def _features_of(extractor: FeatureExtractor) -> str:
    if extractor.name == "glyphs":
        return (
            "Features of the embedded glyph classifier: the numbers compare with each other, and "
            "with no published FID."
        )
    return (
        "Features of the Inception network of 2015. Images are resized as by clean-fid, with "
        "antialiasing; FIDs of other resizing differ."
    )
