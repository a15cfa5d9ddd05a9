"""How good translations are: in the eyes of a judge, and where it is known, against the truth."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from cvgen_course.autoencoders import EncoderClassifier
from cvgen_course.cyclegan import CycleGAN, psnr_per_item, ssim_per_item
from cvgen_course.data.pair_set import UnpairedAnimals
from cvgen_course.evaluation import feature_statistics, frechet_distance
from cvgen_course.experiments.core.experiment import Each
from cvgen_course.experiments.cyclegan.domains import Domains, images_of, shrunk

PIXELS_AT_ONCE = 2**18
"""Of the images in a batch that is measured: 256 images of 32×32, or 4 of 256×256."""
SIMILARITIES = ("ground_psnr", "animal_psnr", "ground_ssim", "animal_ssim")

Part = tuple[str, range]
"""A domain, ``"a"`` or ``"b"``, and the numbers of some of its images."""


class Observed(NamedTuple):
    """What is seen of some images of a domain and of their translations, on the CPU.

    Attributes:
        real: features of the images, float (N, D).
        translated: features of their translations, float (N, D).
        right: whether the judge names an image's own domain, bool (N,).
        fooled: whether it names the other one for its translation, bool (N,).
        cycle: mean distance of an image from what comes back, float (N,).
        similar: the `SIMILARITIES` of a translation, float (N, 4); (N, 0) without a truth.
    """

    real: Tensor
    translated: Tensor
    right: Tensor
    fooled: Tensor
    cycle: Tensor
    similar: Tensor


def measure(
    model: nn.Module, each: Each, items: Domains, judge: EncoderClassifier
) -> dict[str, float]:
    """Return how good a model's translations of a split are.

    Args:
        model: a `CycleGAN`.
        each: a ``map``.
        items: the split's images.
        judge: a classifier of the domains: class 0 is a, class 1 is b.

    Returns:
        judged, which counts: the share of translations of a in which the judge sees b; judged_back,
        of those of b in which it sees a. Where truths are known, of translations of a: ground_psnr
        and ground_ssim, how well what is no animal has stayed; animal_psnr and animal_ssim, how
        near the animal is to the true translation. Where not, frechet_distance of translations of
        a to images of b, in the judge's features. cycle_l1, how far images of both domains are
        from what comes back; judge_accuracy, on the images themselves.
    """
    gan = cast(CycleGAN, model)
    look = partial(look_at, gan, judge.to(next(gan.parameters()).device), items)
    parts = parts_of(items)
    batches = list(zip(parts, each(look, parts), strict=True))
    a, b = (
        Observed(
            *map(torch.cat, zip(*(seen for (of, _), seen in batches if of == name), strict=True))
        )
        for name in "ab"
    )
    found = {"judged": _mean(a.fooled), "judged_back": _mean(b.fooled)}
    if a.similar.numel():
        found |= dict(zip(SIMILARITIES, a.similar.double().mean(dim=0).tolist(), strict=True))
    else:
        statistics = feature_statistics(a.translated), feature_statistics(b.real)
        found["frechet_distance"] = frechet_distance(*statistics).item()
    found["cycle_l1"] = (_mean(a.cycle) + _mean(b.cycle)) / 2
    found["judge_accuracy"] = _mean(torch.cat([a.right, b.right]))
    return found


def parts_of(items: Domains) -> list[Part]:
    """Return all images of both domains in batches, as large as memory allows."""
    _, H, W = items[0].a.shape
    size = max(1, PIXELS_AT_ONCE // (H * W))
    return [
        (domain, range(first, min(first + size, num)))
        for domain, num in zip("ab", items.sizes, strict=True)
        for first in range(0, num, size)
    ]


def look_at(gan: CycleGAN, judge: EncoderClassifier, items: Domains, part: Part) -> Observed:
    """Return what is seen of a part of the images."""
    domain, numbers = part
    there, back = (gan.to_b, gan.to_a) if domain == "a" else (gan.to_a, gan.to_b)
    images = images_of(items, domain, numbers)
    originals = images.to(next(gan.parameters()).device)
    translations = there(originals)
    cycle = (back(translations) - originals).abs().flatten(1).mean(dim=1)
    real, translated = (judge.features(shrunk(x)) for x in (originals, translations))
    own = "ab".index(domain)
    right = judge.head(real).argmax(dim=1) == own
    fooled = judge.head(translated).argmax(dim=1) == 1 - own
    similar = torch.empty(len(images), 0)
    if domain == "a" and isinstance(items, UnpairedAnimals):
        similar = _similarities(translations.cpu(), images, items, numbers)
    return Observed(*(x.cpu() for x in (real, translated, right, fooled, cycle, similar)))


def _similarities(
    translations: Tensor, images: Tensor, items: UnpairedAnimals, numbers: range
) -> Tensor:
    """Return the `SIMILARITIES` of translations, (N, 4); half-covered pixels count for neither."""
    chosen = slice(numbers.start, numbers.stop)
    truths, animals = items.truths[chosen], items.animals[chosen]
    sides = ((images, animals < 0.01), (truths, animals > 0.99))
    found = [f(translations, *side) for f in (psnr_per_item, ssim_per_item) for side in sides]
    return torch.stack(found, dim=1)


def _mean(x: Tensor) -> float:
    return x.double().mean().item()
