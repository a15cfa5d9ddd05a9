"""`cvgen evaluate`: how far one set of images is from another, in all metrics of chapter 06."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cvgen_course import profile
from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation import report
from cvgen_course.experiments.evaluation.cached import cached_path, read_summary, write_summary
from cvgen_course.experiments.evaluation.comparison import FEWEST, Side, compare
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor, choose_extractor
from cvgen_course.experiments.evaluation.sources import Source, content_digest, find_source
from cvgen_course.experiments.evaluation.summary import summarise


def evaluate(
    real: str,
    fake: str,
    *,
    features: str | None = None,
    weights: Path | None = None,
    json: Path | None = None,
    batch_size: int = 50,
    seed: int = 0,
) -> None:
    """Compare two sets of images, and show what was found.

    What was computed of the real images stays in the cache, for the next comparison.

    Args:
        real: a folder, an ``.npz`` file or a data set; see `find_source`.
        fake: likewise.
        features: ``"glyphs"`` or ``"inception"``; see `choose_extractor`.
        weights: of the Inception network.
        json: a file to write the same to.
        batch_size: images that a network looks at together.
        seed: everything random follows from it.

    Raises:
        CourseError: an argument is not as it has to be, images are missing or too few, or a
            feature is not finite.
    """
    if batch_size < 1:
        raise CourseError(f"--batch-size: expected 1 or more, got {batch_size}")
    if json is not None and json.is_dir():
        raise CourseError(f"--json: expected a file's name, got the folder {str(json)!r}")
    extractor = choose_extractor(features, weights, profile.device())
    sources = [find_source(*pair) for pair in (("REAL", real), ("FAKE", fake))]
    for source in sources:
        _require_enough(source, len(source))
    console = Console()
    with report.progress_bars(console) as begin:
        real_side, fake_side = (
            _look_at(source, text, extractor, seed, batch_size, begin)
            for source, text in zip(sources, (real, fake), strict=True)
        )
        begin("metrics", None)
        found = compare(real_side, fake_side, extractor, seed)
    report.show(console, found)
    if json is not None:
        report.write_json(json, found)


def _look_at(
    source: Source,
    text: str,
    extractor: FeatureExtractor,
    seed: int,
    batch_size: int,
    begin: report.Begin,
) -> Side:
    """Return what is known of one side's images: from the cache, or looked at now."""
    num = len(source)
    digest = content_digest(source, begin(f"{source.argument}: reading", num))
    path = cached_path(digest, extractor, seed)
    summary = read_summary(path)
    if summary is None:
        advance = begin(f"{source.argument}: features", num)
        summary = summarise(source, extractor, seed, batch_size, advance)
        _require_enough(source, summary.facts.num)
        if source.argument == "REAL":
            write_summary(path, summary)
    return Side(text, digest, summary)


def _require_enough(source: Source, num: int) -> None:
    if num < FEWEST:
        raise CourseError(
            f"{source.argument}: expected {FEWEST} images or more that can be read, got {num}; "
            "of fewer, no metric says anything"
        )
