"""What of the images, or of their number, changes the numbers that are measured: in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from cvgen_course.evaluation import Estimate
from cvgen_course.evaluation.inception import PUBLISHED
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.metrics import frechet_bias
from cvgen_course.experiments.evaluation.scores import NUM_SPLITS
from cvgen_course.experiments.evaluation.summary import KEPT, Facts, Summary


def find_warnings(
    real: Summary,
    fake: Summary,
    same: bool,
    extractor: FeatureExtractor,
    metrics: Mapping[str, Estimate],
    seed: int,
) -> list[str]:
    """Return sentences on all that a reader of the numbers has to know.

    Args:
        real: of the real images.
        fake: of the others.
        same: whether they are the same images.
        extractor: has looked at them.
        metrics: as `measure` returns them.
        seed: the kept images follow from it.
    """
    found = []
    if extractor.name == "inception" and not extractor.published:
        found.append(
            f"The weights are not the published ones (SHA-256 {extractor.sha256[:8]}…, expected "
            f"{PUBLISHED}…): the numbers compare with no published FID."
        )
    if same:
        found.append("REAL and FAKE are the same images: the numbers show what a perfect copy has.")
    for name, summary in (("REAL", real), ("FAKE", fake)):
        found += [f"{name}: {text}" for text in _of_images(summary.facts, extractor)]
    error = metrics["frechet_distance"].error
    return found + _of_both(real.facts, fake.facts) + _of_numbers(real, fake, error, seed)


def _of_images(facts: Facts, extractor: FeatureExtractor) -> list[str]:
    """Return what is to be said of the images of one side."""
    found = []
    size = f"{extractor.size} × {extractor.size}"
    usual = max(facts.sizes, key=lambda each: facts.sizes[each])
    if facts.unreadable:
        found.append(
            f"{facts.unreadable:,} of {facts.unreadable + facts.num:,} files can't be read, the "
            f"first is {facts.first_unreadable!r}; they are left out of all numbers."
        )
    if len(facts.sizes) > 1:
        found.append(
            f"images of {len(facts.sizes):,} sizes, most often {usual}, each resized to {size} "
            "with antialiasing; that blurs some more than others, and counts in all numbers."
        )
    elif extractor.name == "glyphs" and usual != size:
        found.append(
            f"images of {usual}, resized to {size} with antialiasing: finer details are not seen."
        )
    if extractor.channels == 1 and facts.grey < facts.num:
        found.append(
            f"{facts.num - facts.grey:,} images in colour, turned to grey: no number depends on "
            "their colours."
        )
    if extractor.channels == 3 and facts.grey:
        found.append(
            f"{facts.grey:,} grey images, repeated in three channels: the network learned from "
            "photographs in colour, and its features of grey images say less."
        )
    if facts.transparent:
        found.append(
            f"{facts.transparent:,} images with transparent pixels, which count as if they were "
            "opaque, in whatever colour lies beneath."
        )
    return found


def _of_both(real: Facts, fake: Facts) -> list[str]:
    """Return what is to be said of the images of one side beside those of the other."""
    found = []
    if len(real.sizes) == len(fake.sizes) == 1 and real.sizes.keys() != fake.sizes.keys():
        (of_real,), (of_fake,) = real.sizes, fake.sizes
        found.append(
            f"REAL has images of {of_real}, FAKE of {of_fake}: they are told apart by their "
            "sharpness, and distances are larger for it."
        )
    jpeg = ["JPEG" in facts.formats for facts in (real, fake)]
    if real.formats and fake.formats and jpeg[0] != jpeg[1]:
        which, other = ("REAL", "FAKE") if jpeg[0] else ("FAKE", "REAL")
        found.append(
            f"{which} has JPEG files, {other} has none: compression alone moves features, and "
            "distances are larger for it."
        )
    if real.num != fake.num:
        found.append(
            f"REAL has {real.num:,} images, FAKE {fake.num:,}: distances, precision and recall "
            "depend on both numbers; compare only results of the same."
        )
    return found


def _of_numbers(real: Summary, fake: Summary, error: float, seed: int) -> list[str]:
    """Return what is to be said of how many images there are."""
    found = []
    fewest, D = min(real.moments.num, fake.moments.num), len(real.moments.mean)
    bias = frechet_bias(real, fake)
    if fewest <= D:
        found.append(
            f"A covariance of {D:,} features is singular with {fewest:,} images: the Fréchet "
            f"distance is too large, by {bias:.2g} or more; compare only results of equal numbers."
        )
    elif bias > error:
        found.append(
            f"With so few images the Fréchet distance is too large, by roughly {bias:.2g}, as "
            "halves of both sides show; compare only results of equal numbers."
        )
    num_classes = real.sums.probs.shape[1]
    if fewest // NUM_SPLITS < num_classes:
        found.append(
            f"The Inception Score is the mean of {NUM_SPLITS} splits, with as few as "
            f"{fewest // NUM_SPLITS:,} images for {num_classes:,} classes: it comes out too low; "
            "compare only results of equal numbers."
        )
    if max(real.moments.num, fake.moments.num) > KEPT:
        found.append(
            f"The kernel distance, precision, recall, density, coverage and the Fréchet distance's "
            f"error are those of at most {KEPT:,} images a side, chosen at random (seed {seed})."
        )
    return found
