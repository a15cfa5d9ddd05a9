"""What is kept of images that have been looked at: the same amount for any number of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course import seeding
from cvgen_course.errors import CourseError
from cvgen_course.evaluation import Moments, merge_moments, moments
from cvgen_course.experiments.evaluation import scores
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.pictures import LoadedPicture
from cvgen_course.experiments.evaluation.sources import Advance, Source

KEPT = 10_000
"""Of so many images the features themselves are kept, for what looks at pairs of them."""


@dataclass
class Facts:
    """What the images were, by number.

    Attributes:
        num: how many could be read.
        sizes: how many have which size, e.g. ``"28 × 28"``, height × width.
        formats: how many files have which format.
        grey: how many are grey.
        transparent: how many have transparent pixels.
        unreadable: how many could not be read.
        first_unreadable: the name of the first of them.
    """

    num: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)
    grey: int = 0
    transparent: int = 0
    unreadable: int = 0
    first_unreadable: str = ""

    def note(self, picture: LoadedPicture | str) -> None:
        """Count an image, or the name of a file that can't be read."""
        if isinstance(picture, str):
            self.unreadable += 1
            self.first_unreadable = self.first_unreadable or picture
            return
        C, H, W = picture.image.shape
        self.num += 1
        self.sizes[f"{H} × {W}"] = self.sizes.get(f"{H} × {W}", 0) + 1
        if picture.format:
            self.formats[picture.format] = self.formats.get(picture.format, 0) + 1
        self.grey += C == 1
        self.transparent += picture.transparent


class Summary(NamedTuple):
    """What is kept of images.

    Attributes:
        facts: what they were.
        moments: number, mean and scatter of all features.
        sums: what the Inception Score follows from, of all images.
        kept: features of at most ``KEPT`` images, float32 (N, D).
    """

    facts: Facts
    moments: Moments
    sums: scores.Sums
    kept: Tensor


def summarise(
    source: Source, extractor: FeatureExtractor, seed: int, batch_size: int, advance: Advance
) -> Summary:
    """Look at all images, a batch at a time.

    Args:
        source: the images.
        extractor: what looks at them.
        seed: whose features are kept, and which split of the Inception Score an image belongs to,
            follows from it.
        batch_size: images at a time; the result does not depend on it.
        advance: is told how many images are done.

    Raises:
        CourseError: a feature is not finite, or no image can be read.
    """
    place = torch.randperm(len(source), generator=seeding.generator(seed, "order"))
    splits = place * scores.NUM_SPLITS // len(source)
    facts, kept = Facts(), []
    total: Moments | None = None
    sums: scores.Sums | None = None
    for numbers, features, probs in _look_at(source, extractor, batch_size, facts, advance):
        new = moments(features)
        total = new if total is None else merge_moments(total, new)
        sums = scores.no_sums(probs.shape[1], probs.device) if sums is None else sums
        sums = scores.add(sums, probs, splits[numbers])
        kept.append(features.cpu()[place[numbers] < KEPT])
    if total is None or sums is None:
        raise CourseError(
            f"{source.argument}: expected images, got {facts.unreadable} files that can't be read; "
            f"the first is {facts.first_unreadable!r}"
        )
    on_cpu = Moments(total.num, total.mean.cpu(), total.scatter.cpu())
    return Summary(facts, on_cpu, scores.Sums(*(x.cpu() for x in sums)), torch.cat(kept))


def _look_at(
    source: Source, extractor: FeatureExtractor, batch_size: int, facts: Facts, advance: Advance
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Go through the images that can be read; note facts of all.

    Yields:
        A batch's places in the source, int64 (N,), features (N, D) and probabilities (N, K).
    """
    first = 0
    for batch in source.batches(batch_size):
        for each in batch:
            facts.note(each)
        read = [(first + i, x.image) for i, x in enumerate(batch) if isinstance(x, LoadedPicture)]
        if read:
            numbers, images = zip(*read, strict=True)
            features, probs = extractor.look(images)
            finite = features.isfinite().all(dim=1) & probs.isfinite().all(dim=1)
            if not finite.all():
                raise CourseError(
                    f"{source.argument}: expected finite features, got NaN or infinity for "
                    f"{int((~finite).sum())} of the first {facts.num} images; look at the images, "
                    "or at the weights"
                )
            yield torch.tensor(numbers), features, probs
        first += len(batch)
        advance(len(batch))
