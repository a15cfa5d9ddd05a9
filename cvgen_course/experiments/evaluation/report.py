"""What the command shows: bars while it works, a table, and the same in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from cvgen_course.experiments.evaluation.comparison import Comparison, Side
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.sources import Advance
from cvgen_course.experiments.evaluation.summary import Facts
from cvgen_course.experiments.evaluation.warnings import find_warnings
from cvgen_course.files import write

Begin = Callable[[str, int | None], Advance]
"""Begins a bar of a title and a total, which may be unknown; what it returns moves the bar."""
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
OF_INCEPTION = {"frechet_distance": "FID", "kernel_distance": "KID"}
"""What two of them are called where features are an Inception network's."""
MOST_SIZES = 10
"""How many sizes of images are listed in JSON: the most frequent ones."""
PACKAGES = ("cvgen-course", "torch", "torchvision", "numpy", "pillow")


@contextmanager
def progress_bars(console: Console) -> Iterator[Begin]:
    """Show a bar for each piece of work, until all is done; none where nobody is watching."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as bars:

        def begin(title: str, total: int | None) -> Advance:
            task = bars.add_task(title, total=total)
            return lambda num: bars.advance(task, num)

        yield begin


def show(console: Console, found: Comparison) -> None:
    """Print what was compared, the metrics, and what to mind."""
    head = Table.grid(padding=(0, 2, 0, 0))
    for name, side in (("REAL", found.real), ("FAKE", found.fake)):
        described = Text(_describe(side.summary.facts))
        head.add_row(Text(name, "bold"), Text(side.text, overflow="fold"), described)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("metric", no_wrap=True)
    table.add_column("value ± error", justify="right", no_wrap=True, style="bold")
    table.add_column("how to read it")
    for name, estimate in found.metrics.items():
        title, meaning = ROWS[name]
        if found.extractor.name == "inception":
            title = OF_INCEPTION.get(name, title)
        table.add_row(title, str(estimate), meaning)
    for part in (head, Text(_features(found.extractor)), table):
        console.print(part)
    for sentence in find_warnings(found):
        note = Table.grid(padding=(0, 1, 0, 0))
        note.add_row(Text("!", "bold yellow"), Text(sentence))
        console.print(note)


def write_json(path: Path, found: Comparison) -> None:
    """Write what `show` prints, and what it was measured with.

    Raises:
        CourseError: the file can't be written.
    """
    content: dict[str, Any] = {
        "date": date.today().isoformat(),
        "versions": {name: version(name) for name in PACKAGES},
        "features": {
            "name": found.extractor.name,
            "num": len(found.real.summary.moments.mean),
            "weights_sha256": found.extractor.sha256,
            "published_weights": found.extractor.published,
            "images_resized_to": found.extractor.size,
            "resizing": "bicubic, antialiased",
        },
        "seed": found.seed,
        "real": _facts(found.real),
        "fake": _facts(found.fake),
        "metrics": {name: estimate._asdict() for name, estimate in found.metrics.items()},
        "frechet_bias": found.bias,
        "warnings": find_warnings(found),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write(path, text)
    except OSError as error:
        raise CourseError(
            f"--json: expected a file that can be written, got {str(path)!r} ({error})"
        ) from error


def _facts(side: Side) -> dict[str, Any]:
    facts = side.summary.facts
    usual = sorted(facts.sizes.items(), key=lambda pair: -pair[1])[:MOST_SIZES]
    return {"source": side.text, "sha256": side.sha256, **asdict(facts)} | {
        "sizes": dict(usual),
        "num_sizes": len(facts.sizes),
        "num_kept": len(side.summary.kept),
    }


def _describe(facts: Facts) -> str:
    """Return e.g. ``"300 images, 28 × 28, grey, PNG"``."""
    sizes = f"{len(facts.sizes):,} sizes" if len(facts.sizes) > 1 else next(iter(facts.sizes))
    colours = {0: "colour", facts.num: "grey"}.get(facts.grey, "grey and colour")
    return ", ".join([f"{facts.num:,} images", sizes, colours, *sorted(facts.formats)])


def _features(extractor: FeatureExtractor) -> str:
    if extractor.name == "glyphs":
        return (
            "Features of the course's glyph classifier: these numbers compare with each other, "
            "and with no published FID."
        )
    return (
        "Features of the Inception network of 2015, images resized with antialiasing: FIDs after "
        "another resizing are others."
    )
