"""Exercise: the transposed convolution, from its definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import conv_transpose2d

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: strides, paddings, kernels and gradients, one difficulty at a time."""

    def ask(
        x: tuple[int, ...],
        weight: tuple[int, ...],
        *,
        bias: bool = False,
        dtype: torch.dtype = torch.float32,
        **options: int,
    ) -> dict[str, Any]:
        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

        inputs = {"x": normal(*x), "weight": normal(*weight), "options": options}
        if bias:
            inputs["bias"] = normal(weight[1])
        return inputs

    def with_gradient(inputs: dict[str, Any], *shape: int) -> dict[str, Any]:
        upstream = torch.randn(shape, generator=rng, dtype=torch.float64)
        return {**inputs, "upstream": upstream.to(inputs["x"].dtype)}

    double = torch.float64
    return [
        Case(
            "one pixel stamps the kernel",
            ask((1, 1, 1, 1), (1, 1, 3, 3)),
            hint="One input pixel gives its multiple of the kernel, not flipped.",
        ),
        Case(
            "stride 1: stamps overlap",
            ask((2, 3, 4, 4), (3, 2, 3, 3)),
            weight=2,
            hint="Where stamps overlap, their values add up.",
        ),
        Case(
            "stride 2, 3 × 3 kernel",
            ask((2, 2, 3, 3), (2, 3, 3, 3), stride=2),
            weight=2,
            hint="Input pixel (i, j) stamps the kernel with its corner at (i·stride, j·stride).",
        ),
        Case(
            "a stride larger than the kernel, a bias",
            ask((1, 2, 3, 3), (2, 2, 2, 2), bias=True, stride=3),
            weight=2.7,
            hint="Between the stamps there are zeros, plus the bias, which each pixel gets.",
        ),
        Case(
            "padding cuts the border off",
            ask((2, 2, 3, 3), (2, 2, 4, 4), stride=2, padding=1),
            weight=2,
            hint="Padding makes the output of a transposed convolution smaller: crop each border.",
        ),
        Case(
            "image and kernel are not square",
            ask((1, 2, 2, 5), (2, 3, 3, 2), stride=2, padding=1),
            weight=2,
            hint="New here: height and width differ, and so do kh and kw.",
        ),
        Case(
            "a bias",
            ask((2, 3, 3, 2), (3, 2, 3, 3), bias=True, stride=2),
            weight=1.5,
            hint="The bias of an output channel is added once to each of its pixels.",
        ),
        Case(
            "stride 3, padding 2, a bias, one image, float64",
            ask((1, 2, 3, 2), (2, 3, 5, 5), bias=True, dtype=double, stride=3, padding=2),
            weight=2.7,
            hint="Everything at once; and the result has the dtype of x: see x.new_zeros(…).",
        ),
        Case(
            "a 1 × 1 kernel mixes channels",
            ask((2, 3, 2, 3), (3, 3, 1, 1)),
            hint="The weight's first dimension is the input channel, its second the output's.",
        ),
        Case(
            "a 1 × 1 kernel with padding 2",
            ask((1, 2, 6, 7), (2, 3, 1, 1), padding=2),
            weight=2.7,
            hint="Crop the output: padding may be larger than the kernel.",
        ),
        Case(
            "the gradients of x and weight",
            with_gradient(
                ask((2, 2, 3, 2), (2, 3, 3, 3), dtype=double, stride=2, padding=1), 2, 3, 5, 3
            ),
            weight=11,
            hint="Networks learn through this operator: no detach, no item, no numpy.",
        ),
        Case(
            "the gradients of x, weight and bias",
            with_gradient(ask((1, 3, 2, 2), (3, 2, 2, 3), bias=True, dtype=double), 1, 2, 3, 4),
            weight=11,
            hint="The bias learns too: its gradient is the sum over all pixels of its channel.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the output and, where a case brings an upstream gradient, those of the tensors."""
    options = dict(inputs["options"])
    leaves: dict[str, Tensor] = {
        key: inputs[key] for key in ("x", "weight", "bias") if key in inputs
    }
    for leaf in leaves.values():
        leaf.requires_grad_("upstream" in inputs)
    copies = {key: leaf.clone() for key, leaf in leaves.items()}
    if "bias" in copies:
        options["bias"] = copies["bias"]
    out = as_tensor(implementation(copies["x"], copies["weight"], **options), "the output")
    require_unchanged(leaves, copies)
    answer = {"the output": out.detach()}
    if "upstream" in inputs:
        answer |= gradients("the output", out, inputs["upstream"], **leaves)
    return answer


def _stamp(
    x: Tensor, weight: Tensor, stride: int, combine: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Return the whole output, before padding and bias; ``combine(old, stamp)`` makes the new."""
    (_, _, H, W), (_, _, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride + kh, (W - 1) * stride + kw
    out = x.new_zeros(x.shape[0], weight.shape[1], *size)
    for i in range(H):
        for j in range(W):
            top, left = i * stride, j * stride
            stamp = torch.einsum("ni,iokl->nokl", x[:, :, i, j], weight)
            old = out[:, :, top : top + kh, left : left + kw].clone()
            out[:, :, top : top + kh, left : left + kw] = combine(old, stamp)
    return out


def _finish(out: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    H, W = out.shape[2:]
    out = out[:, :, padding : H - padding, padding : W - padding]
    return out if bias is None else out + bias.reshape(1, -1, 1, 1)


@mistakes.when("a stamp replaces what was there (`=`): where stamps overlap, they add up (`+=`).")
def _overwrites(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(x, weight, stride, lambda old, stamp: stamp), bias, padding)


@mistakes.when(
    "the stamps come out flipped: every pixel stamps the kernel as it is. With `F.conv2d` on a "
    "spread-out map, that takes a flip: it reads the kernel the other way round."
)
def _flipped(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(x, weight.flip(2, 3), stride, torch.add), bias, padding)


@mistakes.when("the border is not cut off: padding makes this output smaller.")
def _padding_ignored(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(x, weight, stride, torch.add), bias, 0)


@mistakes.when(
    "the border is cut off with `[padding:-padding]`, which leaves nothing where padding is 0; "
    "write `[padding : H - padding]`."
)
def _crops_to_nothing(x, weight, bias=None, stride=1, padding=0):
    out = _stamp(x, weight, stride, torch.add)[:, :, padding:-padding, padding:-padding]
    return _finish(out, bias, 0)


@mistakes.when(
    "positions before the first row or column are not left out: in Python, a negative index counts "
    "from the end, so these values land at the other side."
)
def _wraps_round(x, weight, bias=None, stride=1, padding=0):
    (_, _, H, W), (_, _, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride - 2 * padding + kh, (W - 1) * stride - 2 * padding + kw
    out = x.new_zeros(x.shape[0], weight.shape[1], *size)
    for i, j, a, b in product(range(H), range(W), range(kh), range(kw)):
        row, column = stride * i + a - padding, stride * j + b - padding
        if row < size[0] and column < size[1]:
            out[:, :, row, column] += x[:, :, i, j] @ weight[:, :, a, b]
    return _finish(out, bias, 0)


@mistakes.when("the bias is part of every stamp: each output pixel gets it once, after all stamps.")
def _bias_in_each_stamp(x, weight, bias=None, stride=1, padding=0):
    more = 0 if bias is None else bias.reshape(1, -1, 1, 1)
    out = _stamp(x, weight, stride, lambda old, stamp: old + stamp + more)
    return _finish(out, None, padding)


@mistakes.when(
    "input and output channels of the weight are exchanged: its shape is (C_in, C_out, kh, kw)."
)
def _channels_exchanged(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(x, weight.transpose(0, 1), stride, torch.add), bias, padding)


@mistakes.when("the bias is not added.")
def _bias_forgotten(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(x, weight, stride, torch.add), None, padding)


@mistakes.when(
    "a value replaces what was there (`=`) in a loop over the kernel: "
    "where stamps overlap, they add up (`+=`)."
)
def _overwrites_by_kernel(x, weight, bias=None, stride=1, padding=0):
    out = torch.zeros_like(_stamp(x, weight, stride, torch.add))
    rows, columns = ((size - 1) * stride + 1 for size in x.shape[2:])
    for a, b in product(range(weight.shape[2]), range(weight.shape[3])):
        values = torch.einsum("nihw,io->nohw", x, weight[:, :, a, b])
        out[:, :, a : a + rows : stride, b : b + columns : stride] = values
    return _finish(out, bias, padding)


@mistakes.when("padding adds zeros around `x`: here it cuts rows and columns off the output.")
def _padding_adds(x, weight, bias=None, stride=1, padding=0):
    return _finish(_stamp(F.pad(x, 4 * (padding,)), weight, stride, torch.add), bias, 0)


@mistakes.when("all of the padding is cut off at one side: each side loses `padding` rows.")
def _crops_one_side(x, weight, bias=None, stride=1, padding=0):
    out = _stamp(x, weight, stride, torch.add)
    H, W = (size - 2 * padding for size in out.shape[2:])
    return _finish(out[:, :, :H, :W], bias, 0)


@mistakes.when(
    "stride − 1 zeros follow the last pixel, too, as in a map of H · stride rows: "
    "zeros stand only between pixels."
)
def _zeros_at_the_end(x, weight, bias=None, stride=1, padding=0):
    out = F.pad(_stamp(x, weight, stride, torch.add), (0, stride - 1, 0, stride - 1))
    return _finish(out, bias, padding)


EXERCISE = Exercise(
    name="conv_transpose2d",
    title="Transposed convolution from the definition",
    points=4,
    reference=conv_transpose2d,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(
        F.conv_transpose1d,
        F.conv_transpose2d,
        F.conv_transpose3d,
        nn.ConvTranspose1d,
        nn.ConvTranspose2d,
        nn.ConvTranspose3d,
        F.fold,
        nn.Fold,
        torch.convolution,
        torch._convolution,
        torch._C._nn.col2im,
        torch._C._nn.slow_conv_transpose2d,  # type: ignore[attr-defined]  # not in torch's stubs
        torch._C._nn.slow_conv_transpose3d,  # type: ignore[attr-defined]
        conv2d_input,
    ),
    read="Transposed convolution",
)
