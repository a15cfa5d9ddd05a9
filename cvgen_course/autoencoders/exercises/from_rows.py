"""Exercise: rows back to feature maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.autoencoders.rows import from_rows
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches, sides of 1, one channel, other precisions, gradients."""

    def normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

    def ask(N: int, D: int, H: int, W: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
        return {"rows": normal(N * H * W, D, dtype=dtype), "height": H, "width": W}

    def gradient(
        N: int, D: int, H: int, W: int, dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        return {**ask(N, D, H, W, dtype), "upstream": normal(N, D, H, W, dtype=dtype)}

    return [
        Case(
            "two images of three channels, 2 × 4",
            ask(2, 3, 2, 4),
            weight=2,
            hint="Undo `to_rows` step by step: reshape to (N, H, W, D), then move the channels to "
            "dimension 1.",
        ),
        Case(
            "four images, four channels, 4 × 4",
            ask(4, 4, 4, 4),
            weight=2,
            hint="Four dimensions of the same size: a wrong order does not show in the shape. "
            "Name each of the four on paper, before and after.",
        ),
        Case(
            "one image, 3 × 5",
            ask(1, 2, 3, 5),
            hint="Within an image, rows come line after line, each from left to right.",
        ),
        Case(
            "one channel",
            ask(2, 1, 3, 2),
            hint="D is rows.shape[1], and may be 1: shape (2, 1, 3, 2).",
        ),
        Case(
            "maps of a single place",
            ask(3, 4, 1, 1),
            hint="Each row is an image: shape (3, 4, 1, 1). No squeeze.",
        ),
        Case(
            "maps of a single line",
            ask(2, 3, 1, 5),
            hint="`height` is 1 here and `width` 5: take each for what it is.",
        ),
        Case(
            "half precision",
            ask(2, 5, 3, 2, torch.float16),
            hint="Numbers only move: any floating-point type will do, and stays as it is.",
        ),
        Case(
            "the gradient",
            gradient(2, 3, 4, 2),
            weight=5,
            hint="Gradients flow back to the rows: no detach, no numpy, no torch.tensor.",
        ),
        Case(
            "the gradient, float64",
            gradient(3, 2, 2, 5, torch.float64),
            weight=5,
            hint="New here: float64, which stays float64.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the maps and, where a case brings an upstream gradient, that of the rows."""
    rows = inputs["rows"].requires_grad_("upstream" in inputs)
    maps = implementation(rows.clone(), inputs["height"], inputs["width"])
    maps = as_tensor(maps, "the result")
    answer = {"the maps": maps.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", maps, inputs["upstream"], rows=rows)
    return answer


@mistakes.when(
    "rows are reshaped to (N, D, H, W) at once, which mixes channels and places: reshape to "
    "(N, H, W, D), then permute."
)
def _no_permute(rows, height, width):
    return rows.reshape(-1, rows.shape[1], height, width)


@mistakes.when("the channels stay the last dimension: they are dimension 1.")
def _channels_last(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1])


@mistakes.when("height and width are exchanged: the maps are (N, D, W, H).")
def _sides_exchanged(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 1, 2)


@mistakes.when("the maps are transposed: after reshape to (N, H, W, D) it is permute(0, 3, 1, 2).")
def _transposed(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).permute(0, 3, 2, 1)


@mistakes.when("rows are taken to come column by column: within an image, line comes after line.")
def _column_by_column(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 2, 1)


@mistakes.when("the batch is taken to vary fastest: all places of the first image come first.")
def _batch_innermost(rows, height, width):
    return rows.reshape(height, width, -1, rows.shape[1]).permute(2, 3, 0, 1)


@mistakes.when(
    "permute(0, 2, 3, 1) is used again, which does not undo itself: back it is permute(0, 3, 1, 2)."
)
def _permuted_once_more(rows, height, width):
    return rows.reshape(-1, height, width, rows.shape[1]).permute(0, 2, 3, 1)


@mistakes.when(
    "rows are transposed and then reshaped to (N, D, H, W), which mixes images and channels where "
    "there is more than one image."
)
def _transposed_and_reshaped(rows, height, width):
    return rows.T.reshape(-1, rows.shape[1], height, width)


@mistakes.when("the maps are cut off from the rows: no gradient flows back.")
def _detached(rows, height, width):
    return rows.detach().reshape(-1, height, width, rows.shape[1]).permute(0, 3, 1, 2)


@mistakes.when("one image is taken for granted: N is -1 in `reshape`, or the rows divided by H·W.")
def _only_one_image(rows, height, width):
    return rows.reshape(1, height, width, rows.shape[1]).permute(0, 3, 1, 2)


@mistakes.when("the maps are taken for square ones: H and W are `height` and `width`.")
def _square_maps(rows, height, width):
    return rows.reshape(-1, height, height, rows.shape[1]).permute(0, 3, 1, 2)


@mistakes.when(
    "brackets are missing: len(rows) // height * width divides by height, and multiplies by width."
)
def _without_brackets(rows, height, width):
    N = len(rows) // height * width
    return rows.reshape(N, height, width, rows.shape[1]).permute(0, 3, 1, 2)


@mistakes.when(
    "rows are reshaped to (N, D, W, H) at once and transposed, which mixes channels and places: "
    "reshape to (N, H, W, D), then permute."
)
def _no_permute_and_transposed(rows, height, width):
    return rows.reshape(-1, rows.shape[1], width, height).mT


EXERCISE = Exercise(
    name="from_rows",
    title="Rows back to maps",
    points=1,
    reference=from_rows,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="A word for each place",
)
