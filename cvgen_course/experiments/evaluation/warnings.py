"""What of the images, or of their number, changes the numbers that are measured: in sentences."""

from __future__ import annotations

from cvgen_course.evaluation.inception import PUBLISHED
from cvgen_course.experiments.evaluation.comparison import Comparison
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.scores import NUM_SPLITS
from cvgen_course.experiments.evaluation.summary import KEPT, Facts

ALIKE = "Compare it with results of as many images only."


def find_warnings(found: Comparison) -> list[str]:
    """Return a sentence on each thing that a reader of the numbers has to know."""
    extractor, sides = found.extractor, {"REAL": found.real, "FAKE": found.fake}
    sentences = []
    if extractor.name == "inception" and not extractor.published:
        sentences.append(
            f"The weights are not the published ones (SHA-256 {extractor.sha256[:8]}…, expected "
            f"{PUBLISHED}…): the numbers compare with no published FID."
        )
    if found.real.sha256 == found.fake.sha256:
        sentences.append("REAL and FAKE are the same images: so much would a perfect copy get.")
    for name, side in sides.items():
        sentences += [f"{name}: {text}" for text in _of_images(side.summary.facts, extractor)]
    sentences += _of_both(found.real.summary.facts, found.fake.summary.facts)
    return sentences + _of_numbers(found)


def _of_images(facts: Facts, extractor: FeatureExtractor) -> list[str]:
    """Return what is to be said of the images of one side."""
    sentences = []
    size = f"{extractor.size} × {extractor.size}"
    usual = max(facts.sizes, key=lambda each: facts.sizes[each])
    if facts.unreadable:
        sentences.append(
            f"{facts.unreadable:,} of {facts.unreadable + facts.num:,} files can't be read, the "
            f"first is {facts.first_unreadable!r}. They are left out of all numbers."
        )
    if len(facts.sizes) > 1:
        sentences.append(
            f"images of {len(facts.sizes):,} sizes, most often {usual}, each resized to {size} "
            "with antialiasing. Some get more blurred than others, which all numbers notice."
        )
    elif extractor.name == "glyphs" and usual != size:
        sentences.append(
            f"images of {usual}, resized to {size} with antialiasing: no number depends on finer "
            "details."
        )
    if extractor.channels == 1 and facts.grey < facts.num:
        sentences.append(
            f"{_images(facts.num - facts.grey, 'coloured ')}, turned grey: no number depends on "
            "colours."
        )
    if extractor.channels == 3 and facts.grey:
        sentences.append(
            f"{_images(facts.grey, 'grey ')}, repeated in three channels. The network has learned "
            "from colour photographs; distances of its features of grey images mean less."
        )
    if facts.transparent:
        sentences.append(
            f"{_images(facts.transparent)} with transparent pixels, which count in the colours "
            "that lie beneath, as if they were opaque."
        )
    return sentences


def _of_both(real: Facts, fake: Facts) -> list[str]:
    """Return what is to be said of one side's images beside those of the other."""
    sentences = []
    if len(real.sizes) == len(fake.sizes) == 1 and real.sizes.keys() != fake.sizes.keys():
        (of_real,), (of_fake,) = real.sizes, fake.sizes
        sentences.append(
            f"REAL has images of {of_real}, FAKE of {of_fake}: resized, they differ in sharpness, "
            "and distances are larger for it."
        )
    jpeg = ["JPEG" in facts.formats for facts in (real, fake)]
    if real.formats and fake.formats and jpeg[0] != jpeg[1]:
        some, none = ("REAL", "FAKE") if jpeg[0] else ("FAKE", "REAL")
        sentences.append(
            f"{some} has JPEG files, {none} has none: features notice the compression, and "
            "distances are larger for it."
        )
    if real.num != fake.num:
        sentences.append(
            f"REAL has {real.num:,} images, FAKE {fake.num:,}: distances, precision and recall "
            f"depend on both numbers. Compare them with results of as many images only."
        )
    return sentences


def _of_numbers(found: Comparison) -> list[str]:
    """Return what is to be said of how many images there are."""
    sentences = []
    moments = [side.summary.moments for side in (found.real, found.fake)]
    fewest, most = min(m.num for m in moments), max(m.num for m in moments)
    D, K = len(moments[0].mean), found.real.summary.sums.probs.shape[1]
    if fewest <= D:
        sentences.append(
            f"{fewest:,} images are too few for a covariance of {D:,} features, which is singular: "
            f"the Fréchet distance is too large, by {found.bias:.2g} or more. {ALIKE}"
        )
    elif found.bias > found.metrics["frechet_distance"].error:
        sentences.append(
            f"The Fréchet distance is too large by roughly {found.bias:.2g} for lack of images, as "
            f"halves of them show. {ALIKE}"
        )
    if fewest // NUM_SPLITS < K:
        sentences.append(
            f"An Inception Score is the mean of {NUM_SPLITS} splits, here with as few as "
            f"{fewest // NUM_SPLITS:,} images for {K:,} classes: it is too low. {ALIKE}"
        )
    if most > KEPT:
        sentences.append(
            f"Of more than {KEPT:,} images, so many were chosen at random (seed {found.seed}) for "
            "the kernel distance, precision, recall, density, coverage and the Fréchet distance's "
            "error."
        )
    return sentences


def _images(num: int, kind: str = "") -> str:
    return f"{num:,} {kind}image{'' if num == 1 else 's'}"
