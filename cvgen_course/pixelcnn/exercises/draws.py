"""What can be said of images that were drawn, whoever drew them, and however."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import WrongAnswer
from cvgen_course.pixelcnn.exercises.toy_model import ToyModel

Draw = Callable[[torch.Generator | None], Tensor]
"""Draws images, with a generator or with torch's own."""

SURE = math.log(1e12)


def compared(draw: Draw, seed: int) -> dict[str, Any]:
    """Return what is the same, and what isn't, in calls with generators of some seeds."""
    rng, again, other = (torch.Generator().manual_seed(s) for s in (seed, seed, seed + 1))
    images = draw(rng)
    alike = bool((images == images[:1]).all())
    return {
        "the images": ["are all the same" if alike else "differ from one another"],
        "the next call": _same(images, draw(rng)),
        "another seed": _same(images, draw(other)),
        "the same seed": _same(images, draw(again)),
    }


def compared_without_generator(draw: Draw, seed: int) -> dict[str, Any]:
    """Return what is the same, and what isn't, in calls without a generator."""
    torch.manual_seed(seed)
    images = draw(None)
    answer = {"the next call": _same(images, draw(None))}
    torch.manual_seed(seed)
    return {**answer, "a call after torch.manual_seed": _same(images, draw(None))}


def _same(images: Tensor, others: Tensor) -> list[str]:
    return [f"draws {'the same' if torch.equal(images, others) else 'other'} images"]


def following(model: ToyModel, images: Tensor, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return whether each level, but for an image's first, is the likeliest after those before.

    Raises:
        WrongAnswer: the images are no levels, or have another shape.
    """
    _require_levels(model, images, shape)
    differ = model.logits(images).argmax(dim=1) != images
    later = differ.permute(0, 2, 3, 1).flatten(1)[:, 1:]  # in the order of sampling
    return {"later levels": [f"{'do not ' * bool(later.any())}follow from those before"]}


def require_shares(model: ToyModel, images: Tensor, like: Tensor, known: Tensor) -> None:
    """Raise unless the unknown levels of drawn images come as often as they should.

    Args:
        model: what they were drawn from.
        images: what was drawn.
        like: images of the shape that they should have, int64 (N, C, H, W), all with the same
            levels at known pixels.
        known: bool (H, W).

    Raises:
        WrongAnswer: they come too often or too seldom; or they are no levels, have another shape,
            or others than before at known pixels.
    """
    _require_levels(model, images, tuple(like.shape))
    if not torch.equal(images[:, :, known], like[:, :, known]):
        raise WrongAnswer("known pixels have other levels than before")
    (N, C), K = images.shape[:2], model.num_levels
    if (images == images[:1]).all():
        raise WrongAnswer(f"all {N} images are the same")
    drawn = images[:, :, ~known].transpose(1, 2).flatten(1)  # in the order of sampling
    places = K ** torch.arange(drawn.shape[1] - 1, -1, -1)
    every = like[:1].repeat(K * int(places[0]), 1, 1, 1)  # each way to fill what is unknown
    each = torch.arange(len(every))[:, None] // places % K
    every[:, :, ~known] = each.unflatten(1, (-1, C)).transpose(1, 2)
    with torch.no_grad():
        log_probs = model.logits(every).log_softmax(dim=1).gather(1, every[:, None])[:, 0]
    probs = log_probs[:, :, ~known].flatten(1).sum(dim=1).exp()
    if not _come_from(drawn[:, 0], probs.view(K, -1).sum(dim=1)):
        raise WrongAnswer(
            f"in {N} images, the level that is drawn first does not come as often as the model says"
        )
    if not _come_from(drawn @ places, probs):
        raise WrongAnswer(
            f"in {N} images, the level that is drawn first comes as often as the model says, but "
            "whole images do not: do later levels follow from those before?"
        )


def _require_levels(model: ToyModel, images: Tensor, shape: tuple[int, ...]) -> None:
    if images.dtype != torch.int64 or images.shape != shape:
        raise WrongAnswer(
            f"the images are {images.dtype} of shape {tuple(images.shape)}, "
            f"expected torch.int64 of shape {shape}"
        )
    if images.min() < 0 or images.max() >= model.num_levels:
        raise WrongAnswer(
            f"the images have levels from {images.min()} to {images.max()}, "
            f"expected [0, {model.num_levels})"
        )


def _come_from(draws: Tensor, probs: Tensor) -> bool:
    """Return whether draws, int64 (N,), may come from a distribution, float (M,).

    The distance of their shares from it is half of the sum of absolute differences. Each draw
    changes that by 1 / N at most; so by McDiarmid's inequality it exceeds its mean by more than
    sqrt(log(1 / δ) / 2 N) with a probability of δ at most, here 1e-12, whatever the distribution.
    """
    N = len(draws)
    shares = draws.bincount(minlength=len(probs)) / N
    distance = (shares - probs).abs().sum().item() / 2
    mean = (probs * (1 - probs) / N).sqrt().sum().item() / 2  # at most
    return distance < mean + math.sqrt(SURE / (2 * N))
