"""Exercise: max-unpooling with indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import max_unpool

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: maps that were pooled, of even and odd size, and free positions."""

    def pooled(*shape: int, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
        image = torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)
        x, indices = F.max_pool2d(image, 2, return_indices=True)
        return {"x": x, "indices": indices, "output_size": shape[2:]}

    def anywhere(*shape: int, output_size: tuple[int, int]) -> dict[str, Any]:
        H, W = output_size
        noise = torch.rand(*shape[:2], H * W, generator=rng)
        indices = noise.argsort(dim=2)[:, :, : shape[2] * shape[3]].reshape(shape)
        return {
            "x": torch.randn(shape, generator=rng),
            "indices": indices,
            "output_size": output_size,
        }

    def with_gradient(inputs: dict[str, Any]) -> dict[str, Any]:
        shape = (*inputs["x"].shape[:2], *inputs["output_size"])
        upstream = torch.randn(shape, generator=rng, dtype=torch.float64)
        return {**inputs, "upstream": upstream.to(inputs["x"].dtype)}

    negative = pooled(1, 2, 4, 6)
    negative["x"] = -1 - negative["x"].abs()
    corner = torch.randint(7, (1, 1, 1, 1), generator=rng)
    return [
        Case(
            "a batch, pooled from 4 × 6",
            pooled(2, 3, 4, 6),
            weight=2,
            hint="Position p of a plane of width W is row p // W, column p % W, both from 0.",
        ),
        Case(
            "an odd size, 5 × 7",
            pooled(2, 2, 5, 7),
            weight=3,
            hint="The size comes from output_size: 2 × 2 pooling makes 2 out of both 4 and 5.",
        ),
        Case(
            "negative values",
            negative,
            hint="Values are put back as they are, negative ones too.",
        ),
        Case(
            "positions in any order",
            anywhere(2, 3, 2, 3, output_size=(3, 5)),
            weight=2,
            hint="Only the index says where a value belongs, not its place in the pooled map.",
        ),
        Case(
            "few values in a large plane, 300 × 250",
            anywhere(1, 1, 3, 4, output_size=(300, 250)),
            weight=2,
            hint="Positions are large numbers: keep the indices in int64.",
        ),
        Case(
            "one value in one row",
            {"x": torch.randn(1, 1, 1, 1, generator=rng), "indices": corner, "output_size": (1, 7)},
            hint="One value goes to one place; the rest is zero.",
        ),
        Case(
            "one image in float64",
            pooled(1, 2, 6, 4, dtype=torch.float64),
            weight=1.5,
            hint="The result has the dtype of x: x.new_zeros(…) takes it over.",
        ),
        Case(
            "the gradient",
            with_gradient(pooled(2, 2, 4, 6)),
            weight=7,
            hint="Each value's gradient is the one at the place where it was put.",
        ),
        Case(
            "the gradient, odd size, float64",
            with_gradient(pooled(1, 3, 7, 5, dtype=torch.float64)),
            weight=7,
            hint="Networks learn through this operator: no detach, no item, no numpy.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the unpooled map and, where a case brings an upstream gradient, that of x."""
    x = inputs["x"].requires_grad_("upstream" in inputs)
    handed = x.clone()
    out = implementation(handed, inputs["indices"], tuple(inputs["output_size"]))
    out = as_tensor(out, "the unpooled map")
    require_unchanged({"x": x}, {"x": handed})
    answer = {"the unpooled map": out.detach()}
    if "upstream" in inputs:
        answer |= gradients("the unpooled map", out, inputs["upstream"], x=x)
    return answer


def _place(x: Tensor, indices: Tensor, size: tuple[int, int]) -> Tensor:
    H, W = size
    out = x.new_zeros(*x.shape[:2], H * W)
    return out.scatter(2, indices.flatten(2), x.flatten(2)).unflatten(2, (H, W))


def _put(x: Tensor, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
    images = torch.arange(x.shape[0]).reshape(-1, 1, 1, 1)
    channels = torch.arange(x.shape[1]).reshape(1, -1, 1, 1)
    return x.new_zeros(*x.shape[:2], *size).index_put((images, channels, rows, columns), x)


@mistakes.when(
    "the whole batch is flattened into one row: "
    "indices count within the plane of their own image and channel."
)
def _one_plane(x, indices, output_size):
    out = x.new_zeros(*x.shape[:2], *output_size).flatten()
    return out.scatter(0, indices.flatten(), x.flatten()).reshape(*x.shape[:2], *output_size)


@mistakes.when("positions are split by the height: the row is index // W, the column index % W.")
def _height_for_width(x, indices, output_size):
    H, _ = output_size
    return _put(x, (indices // H).clamp(max=H - 1), indices % H, output_size)


@mistakes.when(
    "an index is read as column · H + row: planes are flattened row by row, row · W + column."
)
def _column_by_column(x, indices, output_size):
    H, _ = output_size
    return _put(x, indices % H, indices // H, output_size)


@mistakes.when("twice the pooled width is taken for W: `output_size` says how wide the plane is.")
def _twice_the_pooled_width(x, indices, output_size):
    width = 2 * x.shape[3]
    return _put(x, indices // width, indices % width, output_size)


@mistakes.when("`output_size` is read as (W, H): it is (H, W).")
def _sides_exchanged(x, indices, output_size):
    return _place(x, indices, output_size[::-1])


@mistakes.when(
    "all channels of an image are flattened into one row: "
    "indices count within the plane of their own channel."
)
def _one_row_per_image(x, indices, output_size):
    H, W = output_size
    out = x.new_zeros(x.shape[0], x.shape[1] * H * W)
    return out.scatter(1, indices.flatten(1), x.flatten(1)).reshape(*x.shape[:2], H, W)


@mistakes.when("the indices of channel 0 are used for all channels: each channel has its own.")
def _first_channels_indices(x, indices, output_size):
    return _place(x, indices[:, :1].expand_as(x), output_size)


@mistakes.when("the indices of image 0 are used for all images: each image has its own.")
def _first_images_indices(x, indices, output_size):
    return _place(x, indices[:1].expand_as(x), output_size)


@mistakes.when(
    "every value goes to the top left of its block, a bed of nails: the indices say where."
)
def _fixed_places(x, indices, output_size):
    out = x.new_zeros(*x.shape[:2], *output_size)
    out[:, :, : 2 * x.shape[2] : 2, : 2 * x.shape[3] : 2] = x
    return out


@mistakes.when(
    "every value fills its whole block (nearest neighbour): all places but one are zero."
)
def _repeats(x, indices, output_size):
    return F.interpolate(x, size=output_size, mode="nearest")


@mistakes.when("the output is twice as large as the input instead of `output_size`.")
def _doubles(x, indices, output_size):
    return _place(x, indices, (2 * x.shape[2], 2 * x.shape[3]))


@mistakes.when("no gradient flows back to `x`.")
def _detached(x, indices, output_size):
    return _place(x.detach(), indices, output_size)


EXERCISE = Exercise(
    name="max_unpool",
    title="Max-unpooling",
    points=2,
    reference=max_unpool,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(
        F.max_unpool1d,
        F.max_unpool2d,
        F.max_unpool3d,
        nn.MaxUnpool1d,
        nn.MaxUnpool2d,
        nn.MaxUnpool3d,
        torch._C._nn.max_unpool2d,
        torch._C._nn.max_unpool3d,
    ),
    read="Max-unpooling",
)
