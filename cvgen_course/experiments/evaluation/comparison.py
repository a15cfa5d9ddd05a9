"""All metrics of two sets of images, from what is kept of each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course import seeding
from cvgen_course.evaluation import (
    Estimate,
    estimate_frechet_distance,
    estimate_kernel_distance,
    estimate_manifold,
    feature_statistics,
    frechet_distance,
)
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.scores import score
from cvgen_course.experiments.evaluation.summary import KEPT, Summary

FEWEST = 20
"""Images on each side: the error of KID comes from ten blocks, which hold two at least."""


class Side(NamedTuple):
    """One of the two sets of images.

    Attributes:
        text: what the user calls it.
        sha256: of all that the images follow from.
        summary: what is kept of them.
    """

    text: str
    sha256: str
    summary: Summary


class Comparison(NamedTuple):
    """What was found.

    Attributes:
        real: the real images.
        fake: the others.
        extractor: has looked at them.
        seed: everything random followed from it.
        metrics: by name, each with its standard error.
        bias: by how much the Fréchet distance is too large, roughly; see `frechet_bias`.
    """

    real: Side
    fake: Side
    extractor: FeatureExtractor
    seed: int
    metrics: dict[str, Estimate]
    bias: float


def compare(real: Side, fake: Side, extractor: FeatureExtractor, seed: int) -> Comparison:
    """Return all metrics of two sets of images, at least ``FEWEST`` each."""
    both = real.summary, fake.summary
    return Comparison(real, fake, extractor, seed, measure(*both, seed), frechet_bias(*both))


def measure(real: Summary, fake: Summary, seed: int) -> dict[str, Estimate]:
    """Return all metrics by name.

    The Inception Scores and the Fréchet distance are those of all images; the others, and the
    Fréchet distance's error, those of the images whose features are kept.
    """
    rng = seeding.generator(seed, "metrics")
    distance = frechet_distance(real.moments.statistics, fake.moments.statistics)
    error = estimate_frechet_distance(real.kept, fake.kept, rng=rng).error
    return {
        "inception_score": score(fake.sums),
        "inception_score_of_real": score(real.sums),
        "frechet_distance": Estimate(float(distance), error),
        "kernel_distance": estimate_kernel_distance(real.kept, fake.kept, rng=rng),
        **estimate_manifold(real.kept, fake.kept),
    }


def frechet_bias(real: Summary, fake: Summary) -> float:
    """Return by how much the Fréchet distance is too large for lack of images, roughly.

    That is about inversely proportional to their number: the distance of halves is larger than that
    of all by as much as that of all is too large. Where a side has more images than ``KEPT``, its
    part is taken for nothing.
    """

    def halves(side: Summary) -> list[tuple[Tensor, Tensor]]:
        if side.moments.num > KEPT:
            return [side.moments.statistics] * 2
        return [feature_statistics(side.kept[first::2]) for first in (0, 1)]

    pairs = zip(halves(real), halves(fake), strict=True)
    of_halves = torch.stack([frechet_distance(*pair) for pair in pairs]).mean()
    return float(of_halves - frechet_distance(real.moments.statistics, fake.moments.statistics))
