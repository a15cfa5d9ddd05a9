"""Exercise: one step down in a U-Net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import unet_down

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: a map and the weights of a convolution each."""

    def ask(
        *shape: int, out: int = 3, shift: float = 0.0, dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        x = torch.randn(shape, generator=rng, dtype=torch.float64)
        weight = torch.randn(out, shape[1], 3, 3, generator=rng, dtype=torch.float64)
        bias = torch.randn(out, generator=rng, dtype=torch.float64) + shift
        return {"x": x.to(dtype), "weight": weight.to(dtype), "bias": bias.to(dtype)}

    return [
        Case(
            "a batch of two, 4 × 6",
            ask(2, 2, 4, 6),
            weight=1.5,
            hint="skip = conv(x), pooled = 2 × 2 max-pooling of skip; return (skip, pooled).",
        ),
        Case(
            "an odd size, 5 × 7",
            ask(2, 2, 5, 7),
            weight=1.5,
            hint="Only `pooled` loses an odd last row or column (H // 2 × W // 2); `skip` is all "
            "that conv returned.",
        ),
        Case(
            "one image of 2 × 3",
            ask(1, 1, 2, 3),
            hint="A map of 2 × 3 is pooled to 1 × 1.",
        ),
        Case(
            "a convolution whose results are all negative",
            ask(1, 2, 4, 4, shift=-100.0),
            hint="The maximum of negative numbers is negative: no padding with zeros.",
        ),
        Case(
            "float64: both results and their gradients",
            {
                **ask(1, 2, 6, 4, out=4, dtype=torch.float64),
                "upstream": [
                    torch.randn(1, 4, *size, generator=rng, dtype=torch.float64)
                    for size in ((6, 4), (3, 2))
                ],
            },
            weight=5.5,
            hint="Both results have conv's dtype, and a gradient: no detach, no numpy.",
        ),
        Case(
            "the gradients of both results, 5 × 4",
            {
                **ask(1, 2, 5, 4, dtype=torch.float64),
                "upstream": [
                    torch.randn(1, 3, *size, generator=rng, dtype=torch.float64)
                    for size in ((5, 4), (2, 2))
                ],
            },
            weight=5.5,
            hint="Networks learn through both results: no detach, no torch.no_grad.",
        ),
        Case(
            "conv is called once",
            {**ask(1, 2, 4, 4), "count": True},
            weight=4,
            hint="Keep conv's result in a variable and pool that: conv is the expensive part.",
        ),
        Case(
            "conv is called once for an odd size, too",
            {**ask(1, 2, 5, 5), "count": True},
            weight=2,
            hint="Keep conv's result in a variable and pool that, whatever its size.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return both maps and, where a case asks for it, gradients or how often conv was called."""
    calls = []

    def conv(x: Tensor) -> Tensor:
        calls.append("conv")
        return F.conv2d(x, inputs["weight"], inputs["bias"], padding=1)

    x = inputs["x"].requires_grad_("upstream" in inputs)
    handed = x.clone()
    pair = implementation(handed, conv)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return skip, pooled")
    outputs = {"skip": as_tensor(pair[0], "skip"), "pooled": as_tensor(pair[1], "pooled")}
    require_unchanged({"x": x}, {"x": handed})
    answer = {name: output.detach() for name, output in outputs.items()}
    for (name, output), upstream in zip(outputs.items(), inputs.get("upstream", ()), strict=False):
        (answer[f"the gradient of x through {name}"],) = gradients(
            name, output, upstream, x=x
        ).values()
    return answer | ({"the number of calls of conv": len(calls)} if "count" in inputs else {})


@mistakes.when("the two results are exchanged: return skip, pooled.")
def _exchanged(x, conv):
    skip = conv(x)
    return F.max_pool2d(skip, 2), skip


@mistakes.when("`x` is pooled instead of what `conv` made of it.")
def _pools_the_input(x, conv):
    return conv(x), F.max_pool2d(x, 2)


@mistakes.when("`x` is kept for the skip connection instead of what `conv` made of it.")
def _skip_is_the_input(x, conv):
    return x, F.max_pool2d(conv(x), 2)


@mistakes.when(
    "the skip connection gets the pooled map: it carries what `conv` made, in full size."
)
def _skip_is_pooled(x, conv):
    pooled = F.max_pool2d(conv(x), 2)
    return pooled, pooled


@mistakes.when("average-pooling is used: U-Net takes the maximum.")
def _averages(x, conv):
    skip = conv(x)
    return skip, F.avg_pool2d(skip, 2)


@mistakes.when("odd sizes are rounded up (`ceil_mode=True`): an odd last row or column is dropped.")
def _rounds_up(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2, ceil_mode=True)


@mistakes.when("`conv` is called twice: keep its result instead.")
def _calls_twice(x, conv):
    return conv(x), F.max_pool2d(conv(x), 2)


@mistakes.when("odd sizes are filled up with zeros: an odd last row or column is dropped.")
def _fills_up(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(F.pad(skip, (0, skip.shape[3] % 2, 0, skip.shape[2] % 2)), 2)


@mistakes.when("the pooling has stride 1: with stride 2, each pixel is in one window.")
def _stride_one(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 2, stride=1)


@mistakes.when("windows of 3 × 3 are pooled: they are 2 × 2 here.")
def _three_by_three(x, conv):
    skip = conv(x)
    return skip, F.max_pool2d(skip, 3, stride=2, padding=1)


@mistakes.when("every second pixel is taken instead of the largest of each 2 × 2 window.")
def _every_second_pixel(x, conv):
    skip = conv(x)
    H, W = skip.shape[2:]
    return skip, skip[:, :, : H // 2 * 2 : 2, : W // 2 * 2 : 2]


@mistakes.when("`x` is pooled first, and `conv` called again for that: pool what `conv` returned.")
def _pools_first(x, conv):
    return conv(x), conv(F.max_pool2d(x, 2))


@mistakes.when("the skip connection is cut off (`.detach()`): the network learns through it, too.")
def _skip_detached(x, conv):
    skip = conv(x)
    return skip.detach(), F.max_pool2d(skip, 2)


EXERCISE = Exercise(
    name="unet_down",
    title="U-Net: one step down",
    points=1,
    reference=unet_down,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="U-Net: carry the whole map across",
)
