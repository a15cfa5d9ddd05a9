"""Exercise: a row for each place of feature maps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

from cvgen_course.autoencoders.rows import to_rows
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: batches, sides of 1, one channel, other precisions, gradients."""

    def normal(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

    def gradient(*shape: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
        N, D, H, W = shape
        return {"maps": normal(*shape, dtype=dtype), "upstream": normal(N * H * W, D, dtype=dtype)}

    order = "Image after image, line after line, from left to right; the channels come last."
    return [
        Case(
            "two images of three channels, 2 × 4",
            {"maps": normal(2, 3, 2, 4)},
            weight=2,
            hint="First permute, so that the channels are the last dimension; then reshape.",
        ),
        Case(
            "four images, four channels, 4 × 4",
            {"maps": normal(4, 4, 4, 4)},
            weight=2,
            hint="Four dimensions of the same size: a wrong order does not show in the shape. "
            + order,
        ),
        Case(
            "one image, 3 × 5",
            {"maps": normal(1, 2, 3, 5)},
            hint="A batch of one: 15 rows of 2 numbers. " + order,
        ),
        Case(
            "one channel",
            {"maps": normal(2, 1, 3, 2)},
            hint="Each row is a single number: shape (12, 1).",
        ),
        Case(
            "maps of a single place",
            {"maps": normal(3, 4, 1, 1)},
            hint="One row for each image: shape (3, 4). H and W may be 1: no squeeze.",
        ),
        Case(
            "maps of a single line",
            {"maps": normal(2, 3, 1, 5)},
            hint="H may be 1, and D and W are something else: take sizes from maps.shape.",
        ),
        Case(
            "half precision",
            {"maps": normal(2, 5, 3, 2, dtype=torch.float16)},
            hint="Numbers only move: any floating-point type will do, and stays as it is.",
        ),
        Case(
            "the gradient",
            gradient(2, 3, 4, 2),
            weight=5,
            hint="Gradients flow back to the maps: no detach, no numpy, no torch.tensor.",
        ),
        Case(
            "the gradient, float64",
            gradient(3, 2, 2, 5, dtype=torch.float64),
            weight=5,
            hint="New here: float64, which stays float64.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the rows and, where a case brings an upstream gradient, that of the maps."""
    maps = inputs["maps"].requires_grad_("upstream" in inputs)
    rows = as_tensor(implementation(maps.clone()), "the result")
    answer = {"the rows": rows.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", rows, inputs["upstream"], maps=maps)
    return answer


@mistakes.when(
    "`reshape` or `view` comes without `permute`: a row then holds neighbouring places of one "
    "channel, not the channels of one place."
)
def _no_permute(maps):
    return maps.reshape(-1, maps.shape[1])


@mistakes.when("places are listed column by column: within an image, line comes after line.")
def _column_by_column(maps):
    return maps.permute(0, 3, 2, 1).reshape(-1, maps.shape[1])


@mistakes.when("the batch varies fastest: all places of the first image come first.")
def _batch_innermost(maps):
    return maps.permute(2, 3, 0, 1).reshape(-1, maps.shape[1])


@mistakes.when("the last dimension after `permute` is not the channels: it is permute(0, 2, 3, 1).")
def _channels_in_the_middle(maps):
    return maps.permute(0, 2, 1, 3).reshape(-1, maps.shape[1])


@mistakes.when(
    "the maps are reshaped to (D, N·H·W) and transposed, which mixes images and channels where "
    "there is more than one image: permute first."
)
def _reshaped_and_transposed(maps):
    return maps.reshape(maps.shape[1], -1).T


@mistakes.when("the channels are the rows: each place is a row, and the channels are its numbers.")
def _channels_as_rows(maps):
    return maps.transpose(0, 1).flatten(1)


@mistakes.when(
    "the channels are moved to the front: before `reshape`, they are the last dimension."
)
def _channels_first(maps):
    return maps.transpose(0, 1).reshape(-1, maps.shape[1])


@mistakes.when("each image is one row: each of its places has a row, of D numbers.")
def _images_as_rows(maps):
    return maps.permute(0, 2, 3, 1).flatten(1)


@mistakes.when("each line is one row: each of its places has a row, of D numbers.")
def _lines_as_rows(maps):
    return maps.permute(0, 2, 3, 1).flatten(2).flatten(0, 1)


@mistakes.when("the batch is dropped by `squeeze(0)`, as if there were only one image.")
def _only_one_image(maps):
    return maps.squeeze(0).permute(1, 2, 0).reshape(-1, maps.shape[1])


@mistakes.when("places are counted as if a line had H of them: row (n · H + y) · W + x is theirs.")
def _lines_of_height(maps):
    N, D, H, W = maps.shape
    rows = maps.new_zeros(N * H * W, D)
    for n, y, x in product(range(N), range(H), range(W)):
        rows[(n * H + y) * H + x] = maps[n, :, y, x]
    return rows


@mistakes.when("each image keeps rows of its own: the result has two dimensions, (N·H·W, D).")
def _images_apart(maps):
    return maps.flatten(2).mT


@mistakes.when("the maps are only permuted: the result has two dimensions, (N·H·W, D).")
def _not_reshaped(maps):
    return maps.permute(0, 2, 3, 1)


@mistakes.when(
    "`view` follows `permute`, after which memory is in another order: use `reshape`, or "
    "`.contiguous()` in between."
)
def _view_after_permute(maps):
    return maps.permute(0, 2, 3, 1).view(-1, maps.shape[1])


@mistakes.when("the rows are cut off from the maps: no gradient flows back.")
def _detached(maps):
    return maps.detach().permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


EXERCISE = Exercise(
    name="to_rows",
    title="A row for each place",
    points=1,
    reference=to_rows,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="A word for each place",
)
