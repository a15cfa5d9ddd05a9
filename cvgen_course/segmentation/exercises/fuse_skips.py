"""Exercise: fuse the score maps of three depths, as FCN-8s does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import fuse_skips, upsample_and_add

SCORES = ("score32", "score16", "score8")
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: three score maps each, of sizes that double and of sizes that don't."""

    def scores(
        N: int, C: int, *sizes: tuple[int, int], dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        maps = [torch.randn(N, C, *size, generator=rng, dtype=torch.float64) for size in sizes]
        return {name: map_.to(dtype) for name, map_ in zip(SCORES, maps, strict=True)}

    def only(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return {key: map_ if key == name else 0 * map_ for key, map_ in inputs.items()}

    return [
        Case(
            "every map twice as large as the last",
            scores(2, 3, (2, 3), (4, 6), (8, 12)),
            weight=2,
            hint="Upsample (bilinear, align_corners=False), add, upsample the sum, add; each once.",
        ),
        Case(
            "odd sizes: 3 × 4, 5 × 7, 9 × 13",
            scores(2, 2, (3, 4), (5, 7), (9, 13)),
            weight=2,
            hint="Give interpolate the exact size of the finer map (size=…), not scale_factor=2.",
        ),
        Case(
            "one image, odd in one direction",
            scores(1, 4, (2, 3), (4, 5), (8, 9)),
            weight=2,
            hint="Height and width can each be odd: size=score16.shape[-2:].",
        ),
        Case(
            "only the coarsest scores speak",
            only("score32", scores(1, 2, (3, 2), (6, 4), (12, 8))),
            weight=2,
            hint="score32 goes through both steps: to the size of score16, then of score8.",
        ),
        Case(
            "only the middle scores speak",
            only("score16", scores(1, 2, (2, 2), (4, 4), (8, 8))),
            weight=2,
            hint="score16 is added before the second upsampling.",
        ),
        Case(
            "only the finest scores speak",
            only("score8", scores(1, 2, (2, 2), (4, 4), (8, 8))),
            hint="score8 is added as it is: no weight, no mean.",
        ),
        Case(
            "one image in float64: scores and gradients",
            {
                **scores(1, 2, (2, 2), (3, 4), (6, 8), dtype=torch.float64),
                "upstream": torch.randn(1, 2, 6, 8, generator=rng, dtype=torch.float64),
            },
            weight=7,
            hint="New here: float64, and gradients: no detach, no numpy, no torch.no_grad.",
        ),
        Case(
            "the gradients of all three",
            {
                **scores(2, 2, (2, 3), (3, 5), (5, 9), dtype=torch.float64),
                "upstream": torch.randn(2, 2, 5, 9, generator=rng, dtype=torch.float64),
            },
            weight=7,
            hint="Networks learn through this step: no detach, no torch.no_grad.",
        ),
        Case(
            "the coarsest map is a single pixel",
            scores(2, 1, (1, 1), (1, 2), (2, 3)),
            hint="A single score spreads over the whole map.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the fused scores and, where a case brings an upstream gradient, those of the maps."""
    leaves = {name: inputs[name].requires_grad_("upstream" in inputs) for name in SCORES}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}
    fused = as_tensor(implementation(*handed.values()), "the fused scores")
    require_unchanged(leaves, handed)
    answer = {"the fused scores": fused.detach()}
    if "upstream" in inputs:
        answer |= gradients("the fused scores", fused, inputs["upstream"], **leaves)
    return answer


def _resize(scores: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    return F.interpolate(scores, size=size, mode="bilinear", align_corners=align_corners)


@mistakes.when("`align_corners=True` is used.")
def _align_corners(score32, score16, score8):
    fused = score16 + _resize(score32, score16.shape[-2:], align_corners=True)
    return score8 + _resize(fused, score8.shape[-2:], align_corners=True)


@mistakes.when("the mode is nearest, the default: ask for bilinear.")
def _nearest(score32, score16, score8):
    fused = score16 + F.interpolate(score32, score16.shape[-2:])
    return score8 + F.interpolate(fused, score8.shape[-2:])


@mistakes.when(
    "the maps are doubled (`scale_factor=2`): the next one is not always twice as large."
)
def _scale_factor(score32, score16, score8):
    fused = F.interpolate(score32, scale_factor=2, mode="bilinear") + score16
    return F.interpolate(fused, scale_factor=2, mode="bilinear") + score8


@mistakes.when("the map is doubled and then cropped: interpolate to the exact size instead.")
def _doubles_and_crops(score32, score16, score8):
    for finer in (score16, score8):
        larger = F.interpolate(score32, scale_factor=2, mode="bilinear")
        score32 = larger[..., : finer.shape[-2], : finer.shape[-1]] + finer
    return score32


@mistakes.when("`score32` is upsampled to the finest size in one jump instead of two steps.")
def _one_jump(score32, score16, score8):
    size = score8.shape[-2:]
    return _resize(score32, size) + _resize(score16, size) + score8


@mistakes.when("the maps are averaged: scores are added.")
def _averages(score32, score16, score8):
    fused = (score16 + _resize(score32, score16.shape[-2:])) / 2
    return (score8 + _resize(fused, score8.shape[-2:])) / 2


@mistakes.when("`score16` is not added.")
def _middle_forgotten(score32, score16, score8):
    return score8 + _resize(_resize(score32, score16.shape[-2:]), score8.shape[-2:])


@mistakes.when("`score8` is not added.")
def _finest_forgotten(score32, score16, score8):
    fused = score16 + _resize(score32, score16.shape[-2:])
    return _resize(fused, score8.shape[-2:])


@mistakes.when("height and width are exchanged: `size` is (H, W), as in `score16.shape[-2:]`.")
def _sides_exchanged(score32, score16, score8):
    fused = _resize(score32, score16.shape[:1:-1]) + score16
    return _resize(fused, score8.shape[:1:-1]) + score8


@mistakes.when("the mode is bicubic: ask for bilinear.")
def _bicubic(score32, score16, score8):
    for finer in (score16, score8):
        score32 = F.interpolate(score32, finer.shape[-2:], mode="bicubic") + finer
    return score32


@mistakes.when("the sum is upsampled once more: the scores stay at the size of `score8`.")
def _upsamples_to_the_image(score32, score16, score8):
    fused = score16 + _resize(score32, score16.shape[-2:])
    fused = score8 + _resize(fused, score8.shape[-2:])
    return F.interpolate(fused, scale_factor=8, mode="bilinear")


EXERCISE = Exercise(
    name="fuse_skips",
    title="Skip fusion of FCN-8s",
    points=3,
    reference=fuse_skips,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(upsample_and_add,),
    read="FCN: add finer scores",
)
