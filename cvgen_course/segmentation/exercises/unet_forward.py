"""Exercise: the whole U-Net, put together from its blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import unet_forward
from cvgen_course.segmentation.unet import Module

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: an image and the weights of all blocks, from depth 1 to depth 3."""

    def ask(
        *shape: int, widths: tuple[int, ...], dtype: torch.dtype = torch.float32
    ) -> dict[str, Any]:
        """``widths``: the channels of each level from fine to coarse, and of the bottleneck."""

        def kernels(before: int, after: int, size: int) -> Tensor:
            weight = torch.randn(before, after, size, size, generator=rng, dtype=torch.float64)
            return (weight / (math.sqrt(after) * size)).to(dtype)

        def bias(channels: int) -> Tensor:
            return torch.randn(channels, generator=rng, dtype=torch.float64).to(dtype)

        x = torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)
        levels = range(len(widths) - 1)
        inputs = [shape[1], *widths]
        return {
            "x": x,
            "down_convs": [kernels(widths[i], inputs[i], 3) for i in levels],
            "bottleneck": kernels(widths[-1], widths[-2], 3),
            "upsamples": [kernels(widths[i + 1], widths[i], 2) for i in reversed(levels)],
            "biases": [bias(widths[i]) for i in reversed(levels)],
            "up_convs": [kernels(widths[i], 2 * widths[i], 3) for i in reversed(levels)],
            "head": kernels(3, widths[0], 1),
        }

    return [
        Case(
            "depth 2, a batch of two, 8 × 8",
            ask(2, 3, 8, 8, widths=(2, 3, 4)),
            weight=2,
            hint="Down: keep every skip. Bottleneck. Up: blocks in their lists' order, the last "
            "skip first. Head, once.",
        ),
        Case(
            "depth 1",
            ask(2, 1, 4, 6, widths=(2, 3)),
            hint="One step down, the bottleneck, one step up, the head.",
        ),
        Case(
            "depth 3, odd size 9 × 13",
            ask(1, 2, 9, 13, widths=(2, 2, 3, 3)),
            weight=2,
            hint="On the way up each map is fitted to its skip, as in unet_up.",
        ),
        Case(
            "depth 2, odd in one direction, 7 × 10",
            ask(1, 3, 7, 10, widths=(2, 4, 3)),
            weight=2,
            hint="The logits have the size of the input, whatever it was.",
        ),
        Case(
            "depth 3, all levels equally wide",
            ask(2, 2, 8, 8, widths=(2, 2, 2, 2)),
            weight=2,
            hint="down_convs runs from fine to coarse, upsamples and up_convs from coarse to fine.",
        ),
        Case(
            "float64, sizes that fit: the gradient of x",
            {
                **ask(1, 2, 4, 4, widths=(2, 3, 2), dtype=torch.float64),
                "upstream": torch.randn(1, 3, 4, 4, generator=rng, dtype=torch.float64),
            },
            weight=6.5,
            hint="The logits have the dtype of the input, and a gradient: no detach, no numpy.",
        ),
        Case(
            "float64, 7 × 6: the gradient of x",
            {
                **ask(1, 2, 7, 6, widths=(2, 3, 2), dtype=torch.float64),
                "upstream": torch.randn(1, 3, 7, 6, generator=rng, dtype=torch.float64),
            },
            weight=6.5,
            hint="Networks learn through every step, the skips too: no detach, no torch.no_grad.",
        ),
        Case(
            "every block is called once; the lists stay as they are",
            {**ask(1, 2, 8, 8, widths=(2, 2, 2)), "count": True},
            weight=2,
            hint="Down (fine to coarse), bottleneck, then upsample and convolve (coarse to fine), "
            "head; use zip, no pop.",
        ),
        Case(
            "every block is called once for an odd size, too",
            {**ask(1, 2, 7, 9, widths=(2, 2, 2)), "count": True},
            weight=1.5,
            hint="Keep what a block returned, and fit that to its skip.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the logits and, where a case asks for it, the gradient or which blocks were called."""
    calls = []

    def conv(name: str, weight: Tensor) -> Module:
        def block(x: Tensor) -> Tensor:
            calls.append(name)
            return torch.tanh(F.conv2d(x, weight, padding=weight.shape[2] // 2))

        return block

    def upsample(name: str, weight: Tensor) -> Module:
        bias = inputs["biases"][int(name[-2])]

        def block(x: Tensor) -> Tensor:
            calls.append(name)
            return F.conv_transpose2d(x, weight, bias, stride=2)

        return block

    def blocks(make: Callable[..., Any], name: str) -> list[Callable[..., Any]]:
        return [make(f"{name}[{i}]", weight) for i, weight in enumerate(inputs[name])]

    lists = {
        "down_convs": blocks(conv, "down_convs"),
        "upsamples": blocks(upsample, "upsamples"),
        "up_convs": blocks(conv, "up_convs"),
    }
    before = {name: list(items) for name, items in lists.items()}
    x = inputs["x"].requires_grad_("upstream" in inputs)
    handed = x.clone()
    logits = implementation(
        handed,
        lists["down_convs"],
        conv("bottleneck", inputs["bottleneck"]),
        lists["upsamples"],
        lists["up_convs"],
        conv("head", inputs["head"]),
    )
    logits = as_tensor(logits, "the logits")
    require_unchanged({"x": x}, {"x": handed})
    answer: dict[str, Any] = {"the logits": logits.detach()}
    if "upstream" in inputs:
        answer |= gradients("the logits", logits, inputs["upstream"], x=x)
    if "count" in inputs:
        answer["the calls"] = calls
        for name, items in lists.items():
            if items != before[name]:
                raise WrongAnswer(
                    f"your function changed the list `{name}` (pop? reverse?): a network that is "
                    "called again needs all its blocks, in the same order"
                )
    return answer


def _down(x: Tensor, down_convs: Sequence[Module]) -> tuple[Tensor, list[Tensor]]:
    skips = []
    for conv in down_convs:
        skips.append(conv(x))
        x = F.max_pool2d(skips[-1], 2)
    return x, skips


def _up(
    x: Tensor, skips: Sequence[Tensor], upsamples: Sequence[Module], up_convs: Sequence[Module]
) -> Tensor:
    for skip, upsample, conv in zip(skips, upsamples, up_convs, strict=True):
        x = upsample(x)
        x = F.pad(x, (0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]))
        x = conv(torch.cat([skip, x], dim=1))
    return x


@mistakes.when(
    "the skips are used in the order in which they were made: the last one is used first."
)
def _skips_from_the_top(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return head(_up(bottleneck(x), skips, upsamples, up_convs))


@mistakes.when("`upsamples` and `up_convs` are reversed: they already run from coarse to fine.")
def _blocks_from_the_top(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return head(_up(bottleneck(x), skips[::-1], upsamples[::-1], up_convs[::-1]))


@mistakes.when("the bottleneck is left out.")
def _bottleneck_forgotten(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return head(_up(x, skips[::-1], upsamples, up_convs))


@mistakes.when("the head is left out.")
def _head_forgotten(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return _up(bottleneck(x), skips[::-1], upsamples, up_convs)


@mistakes.when(
    "the upsampled maps are not, or not rightly, fitted to their skips: odd sizes break."
)
def _even_sizes_only(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips[::-1], upsamples, up_convs, strict=True):
        x = conv(torch.cat([skip, upsample(x)], dim=1))
    return head(x)


@mistakes.when("the pooled maps are kept for the skip connections instead of those before pooling.")
def _keeps_pooled_maps(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        x = F.max_pool2d(conv(x), 2)
        skips.append(x)
    return head(_up(bottleneck(x), skips[::-1], upsamples, up_convs))


@mistakes.when("every step up gets the same skip, the last one: each level has its own.")
def _last_skip_only(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return head(_up(bottleneck(x), skips[-1:] * len(skips), upsamples, up_convs))


@mistakes.when("a skip is what goes into a convolution: it is what comes out, before the pooling.")
def _skips_before_conv(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skips.append(x)
        x = F.max_pool2d(conv(x), 2)
    return head(_up(bottleneck(x), skips[::-1], upsamples, up_convs))


@mistakes.when("the channels of the skip come last in the concatenation: they come first.")
def _skips_last(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips[::-1], upsamples, up_convs, strict=True):
        x = upsample(x)
        x = F.pad(x, (0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]))
        x = conv(torch.cat([x, skip], dim=1))
    return head(x)


@mistakes.when("the bottleneck gets the last skip: it gets what the last step down pooled.")
def _bottleneck_unpooled(x, down_convs, bottleneck, upsamples, up_convs, head):
    _, skips = _down(x, down_convs)
    return head(_up(bottleneck(skips[-1]), skips[::-1], upsamples, up_convs))


@mistakes.when("a softmax follows the head: logits are what the head makes.")
def _softmax(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    return head(_up(bottleneck(x), skips[::-1], upsamples, up_convs)).softmax(dim=1)


@mistakes.when("the upsampled maps are stretched to their skips' sizes by interpolation.")
def _resizes(x, down_convs, bottleneck, upsamples, up_convs, head):
    x, skips = _down(x, down_convs)
    x = bottleneck(x)
    for skip, upsample, conv in zip(skips[::-1], upsamples, up_convs, strict=True):
        x = conv(torch.cat([skip, F.interpolate(upsample(x), skip.shape[2:])], dim=1))
    return head(x)


EXERCISE = Exercise(
    name="unet_forward",
    title="U-Net, put together",
    points=3,
    reference=unet_forward,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="U-Net: carry the whole map across",
)
