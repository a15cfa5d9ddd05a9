"""`cvgen evaluate`: how far one set of images is from another, in all metrics of chapter 06."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cvgen_course import profile
from cvgen_course.errors import CourseError
from cvgen_course.experiments.evaluation import report
from cvgen_course.experiments.evaluation.cached import cached_path, read_summary, write_summary
from cvgen_course.experiments.evaluation.extractor import choose_extractor
from cvgen_course.experiments.evaluation.metrics import FEWEST, measure
from cvgen_course.experiments.evaluation.sources import content_digest, find_source
from cvgen_course.experiments.evaluation.summary import Summary, summarise
from cvgen_course.experiments.evaluation.warnings import find_warnings


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
    texts = {"REAL": real, "FAKE": fake}
    sources = {side: find_source(side, text) for side, text in texts.items()}
    for side, source in sources.items():
        _require_enough(side, len(source))
    extractor = choose_extractor(features, weights, profile.device())
    console = Console()
    digests: dict[str, str] = {}
    summaries: dict[str, Summary] = {}
    with report.progress_bars(console) as begin:
        for side, source in sources.items():
            num = len(source)
            digests[side] = content_digest(source, begin(f"{side}: reading", num))
            path = cached_path(digests[side], extractor, seed)
            known = read_summary(path)
            if known is None:
                advance = begin(f"{side}: features", num)
                known = summarise(source, extractor, seed, batch_size, advance)
                _require_enough(side, known.facts.num)
                if side == "REAL":
                    write_summary(path, known)
            summaries[side] = known
        begin("metrics", None)
        both = summaries["REAL"], summaries["FAKE"]
        metrics = measure(*both, seed)
        same = digests["REAL"] == digests["FAKE"]
        warnings = find_warnings(*both, same, extractor, metrics, seed)
    facts = {side: summary.facts for side, summary in summaries.items()}
    report.show(
        console, {side: (texts[side], facts[side]) for side in texts}, extractor, metrics, warnings
    )
    if json is not None:
        sides = {side: (texts[side], digests[side], facts[side]) for side in texts}
        report.write_json(json, sides, extractor, metrics, warnings, seed)


def _require_enough(side: str, num: int) -> None:
    if num < FEWEST:
        raise CourseError(
            f"{side}: expected at least {FEWEST} images that can be read, got {num}; no metric "
            "means anything for fewer"
        )
