"""Exercise: a convolution with the weights that a mask leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.pixelcnn import MaskedConv2d, causal_mask, every_image, masked_conv2d

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: kernels, masks, gradients, moving weights, and causality in depth."""

    def random(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return numbers of either sign, none near 0, none so large that float32 loses digits."""
        size = 0.1 + 0.5 * torch.rand(shape, generator=rng, dtype=torch.float64)
        sign = torch.where(torch.rand(shape, generator=rng) < 0.5, -1.0, 1.0)
        return (sign * size).to(dtype)

    def some(*shape: int) -> Tensor:
        """Return a mask without any pattern; the first weights count, the last ones don't."""
        mask = torch.rand(shape, generator=rng) < 0.6
        mask[..., 0, 0], mask[..., -1, -1] = True, False
        return mask.float()

    def ask(
        x: tuple[int, ...],
        mask: Tensor,
        dtype: torch.dtype = torch.float32,
        bias: bool = True,
        gradient: bool = False,
        moved: bool = False,
    ) -> dict[str, Any]:
        inputs: dict[str, Any] = {"x": random(*x, dtype=dtype), "mask": mask.to(dtype)}
        inputs["weight"] = random(*mask.shape, dtype=dtype)
        if bias:
            inputs["bias"] = random(len(mask), dtype=dtype)
        if gradient:
            inputs["upstream"] = random(x[0], len(mask), *x[2:], dtype=dtype)
        if moved:
            inputs["step"] = random(*mask.shape, dtype=dtype)
        return inputs

    def ask_network(*size: int, num_levels: int = 1, **options: Tensor) -> dict[str, Any]:
        """Return two layers for images of this size, with as many groups as channels."""
        C = size[0]
        network: dict[str, Any] = {"size": size, "num_levels": num_levels, **options}
        shapes = {"first": ("A", C, 2 * C), "second": ("B", 2 * C, num_levels * C)}
        for name, (kind, inputs, outputs) in shapes.items():
            mask = causal_mask(kind, (3, 3), inputs, outputs, C).double()
            weight = 2 * random(*mask.shape, dtype=torch.float64)
            bias = random(outputs, dtype=torch.float64)
            network[name] = {"weight": weight, "mask": mask, "bias": bias}
        return network

    return [
        Case(
            "two images, a kernel of 3 × 3",
            ask((2, 2, 4, 4), causal_mask("A", (3, 3), 2, 4)),
            weight=2,
            hint="F.conv2d with weight * mask; padding by 1 keeps 4 × 4.",
        ),
        Case(
            "an oblong kernel, oblong images",
            ask((2, 3, 4, 6), causal_mask("B", (3, 5), 3, 2)),
            weight=3,
            hint="Padding has two numbers: half the kernel's height, and half its width.",
        ),
        Case(
            "no bias, one row of a kernel, one image",
            ask((1, 2, 3, 7), causal_mask("B", (1, 5), 2, 3), bias=False),
            weight=2,
            hint="bias is None unless told. A kernel of height 1 needs no padding above and below.",
        ),
        Case(
            "one column of a kernel, one channel",
            ask((2, 1, 6, 3), causal_mask("A", (5, 1), 1, 1)),
            weight=1,
            hint="A kernel of width 1 needs no padding at the sides.",
        ),
        Case(
            "a kernel of 1 × 1, three groups",
            ask((2, 3, 3, 4), causal_mask("B", (1, 1), 3, 6, 3)),
            weight=1,
            hint="The mask is another one for each output and input: (O, I, kh, kw), as weight.",
        ),
        Case(
            "the weights move between two calls",
            ask((2, 2, 4, 3), causal_mask("A", (3, 3), 2, 3), moved=True),
            weight=3,
            hint="A step of the optimizer moves all weights, those behind the mask, too: multiply "
            "by the mask in each call, and leave `weight` as it is.",
        ),
        Case(
            "two layers: all images' probabilities together",
            ask_network(2, 2, 2, num_levels=2),
            weight=3,
            hint="Where no output sees its own pixel or later ones, they sum to 1.",
        ),
        Case(
            "two layers: what each output sees",
            ask_network(2, 3, 3, x=random(1, 2, 3, 3, dtype=torch.float64)),
            weight=5,
            hint="The gradient with respect to what comes later must be 0; to what comes before, "
            "it is not.",
        ),
        Case(
            "a mask without any pattern: values and gradients",
            ask((2, 3, 4, 5), some(2, 3, 3, 3), torch.float64, gradient=True),
            weight=6,
            hint="`mask` says which weights count. Behind it, the gradient of weight is 0; "
            "weight * mask does that.",
        ),
        Case(
            "no bias, an oblong kernel: values and gradients",
            ask((3, 2, 5, 3), some(4, 2, 5, 3), bias=False, gradient=True),
            weight=6,
            hint="Differentiable with respect to x and weight: no detach, no `.data`.",
        ),
        Case(
            "a kernel larger than the image: values and gradients",
            ask((1, 1, 2, 3), some(1, 1, 5, 7), torch.float64, gradient=True),
            weight=3,
            hint="Beyond its border x counts as 0, however far: padding by 2 and by 3 here.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return maps and, where a case asks for them, gradients or what comes of a network."""

    def convolve(**handed: Tensor) -> Tensor:
        before = {name: value.clone() for name, value in handed.items()}
        result = as_tensor(implementation(*handed.values()), "the result")
        require_unchanged(before, handed)
        return result

    def network(x: Tensor) -> Tensor:
        hidden = convolve(x=x, **inputs["first"])
        maps = convolve(x=hidden.tanh(), **inputs["second"])
        expected = (len(x), len(inputs["second"]["weight"]), *inputs["size"][1:])
        if maps.shape != expected:
            raise WrongAnswer(
                f"the second layer's maps have shape {tuple(maps.shape)}, expected {expected}"
            )
        return maps

    if "x" not in inputs:
        C, H, W = inputs["size"]
        images = every_image(inputs["num_levels"], C, H, W)
        logits = network(images.double()).unflatten(1, (C, -1)).transpose(1, 2)
        log_probs = -F.cross_entropy(logits, images, reduction="none").flatten(1).sum(dim=1)
        return {"the sum of all probabilities": log_probs.exp().sum().detach()}
    if "first" in inputs:
        jacobian = torch.autograd.functional.jacobian(network, inputs["x"])
        name = "the gradient of output c, i, j with respect to input c, i, j"
        return {name: jacobian.squeeze((0, 4))}  # (C, H, W, C, H, W)

    names = [name for name in ("x", "weight", "bias") if name in inputs]
    leaves = {name: inputs[name].requires_grad_() for name in names}
    handed = {n: inputs[n].clone() for n in ("x", "weight", "mask", "bias") if n in inputs}
    result = convolve(**handed)
    answer = {"the result": result.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", result, inputs["upstream"], **leaves)
    if "step" in inputs:
        handed["weight"].data += inputs["step"]  # in the very same tensor, as an optimizer does
        answer["the result after a step"] = convolve(**handed).detach()
    return answer


def _conv(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a convolution as large as its input."""
    return F.conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))


def _padded(x: Tensor, weight: Tensor, mode: str = "constant") -> Tensor:
    side, above = weight.shape[3] // 2, weight.shape[2] // 2
    return F.pad(x, (side, side, above, above), mode=mode)


@mistakes.when("the mask is not used: the weights behind it count, too.")
def _no_mask(x, weight, mask, bias=None):
    return _conv(x, weight, bias)


@mistakes.when(
    "`weight` itself is changed: it is the optimizer's, which will move what stands behind the "
    "mask again. weight * mask makes a new tensor, in each call."
)
def _weight_overwritten(x, weight, mask, bias=None):
    weight.data *= mask
    return _conv(x, weight, bias)


@mistakes.when(
    "autograd doesn't see the mask, as where it is applied to the `.data` of a copy: what stands "
    "behind the mask gets a gradient, too."
)
def _gradient_behind_the_mask(x, weight, mask, bias=None):
    weight = weight.clone()
    weight.data *= mask
    return _conv(x, weight, bias)


@mistakes.when(
    "the weights are cut off from the gradient (`.data`, `.detach()`): they never learn anything."
)
def _weight_cut_off(x, weight, mask, bias=None):
    return _conv(x, weight.detach() * mask, bias)


@mistakes.when("the result is cut off from what it is made of (`.detach()`, `no_grad`).")
def _detached(x, weight, mask, bias=None):
    return _conv(x, weight * mask, bias).detach()


@mistakes.when(
    "weight and bias are cut off from the gradient, as where a new nn.Conv2d gets their values: "
    "neither learns anything."
)
def _both_cut_off(x, weight, mask, bias=None):
    return _conv(x, (weight * mask).detach(), bias if bias is None else bias.detach())


@mistakes.when(
    "the mask is the wrong way round: the weights where it is 0 count, those where it is 1 don't. "
    "masked_fill fills where its mask is True."
)
def _inverted(x, weight, mask, bias=None):
    return _conv(x, weight.masked_fill(mask.bool(), 0), bias)


@mistakes.when(
    "weights behind the mask are set to minus infinity: that is for scores before a softmax; a "
    "weight that doesn't count is 0."
)
def _minus_infinity(x, weight, mask, bias=None):
    return _conv(x, weight.masked_fill(mask == 0, -torch.inf), bias)


@mistakes.when(
    "the mask of the first output stands for all: each output has a mask of its own, mask[o]."
)
def _one_mask_for_all_outputs(x, weight, mask, bias=None):
    return _conv(x, weight * mask[:1], bias)


@mistakes.when(
    "the mask of the first output and input stands for all: each pair of them has its own, "
    "mask[o, i]."
)
def _one_mask_for_all(x, weight, mask, bias=None):
    return _conv(x, weight * mask[:1, :1], bias)


@mistakes.when("the bias is forgotten.")
def _no_bias(x, weight, mask, bias=None):
    return _conv(x, weight * mask)


@mistakes.when("the bias is added twice, as where F.conv2d has added it already.")
def _bias_twice(x, weight, mask, bias=None):
    return _conv(x, weight * mask, bias if bias is None else 2 * bias)


@mistakes.when(
    "the padding is missing: the result is smaller than x wherever the kernel is larger than 1 × 1."
)
def _no_padding(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias)


@mistakes.when("the padding is 1 whatever the kernel: that is right for 3 × 3 alone.")
def _padding_of_one(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias, padding=1)


@mistakes.when(
    "one number is the padding on all four sides, half the kernel's height: at the left and right "
    "it is half its width."
)
def _padding_by_height(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias, padding=weight.shape[2] // 2)


@mistakes.when(
    "one number is the padding on all four sides, half the kernel's width: above and below it is "
    "half its height."
)
def _padding_by_width(x, weight, mask, bias=None):
    return F.conv2d(x, weight * mask, bias, padding=weight.shape[3] // 2)


@mistakes.when(
    "the two numbers of the padding are exchanged: in F.conv2d the height comes first, in F.pad "
    "the width."
)
def _padding_exchanged(x, weight, mask, bias=None):
    padding = (weight.shape[3] // 2, weight.shape[2] // 2)
    return F.conv2d(x, weight * mask, bias, padding=padding)


@mistakes.when(
    "all of the padding stands above and at the left: then the kernel's middle isn't on its own "
    "pixel. Pad by half the kernel on each side; the mask takes care of the rest."
)
def _padded_above_and_left(x, weight, mask, bias=None):
    height, width = weight.shape[2:]
    return F.conv2d(F.pad(x, (width - 1, 0, height - 1, 0)), weight * mask, bias)


@mistakes.when("the border of x is repeated beyond it: there, x counts as 0.")
def _border_repeated(x, weight, mask, bias=None):
    return F.conv2d(_padded(x, weight, mode="replicate"), weight * mask, bias)


@mistakes.when(
    "the kernel is flipped: a convolution of neural networks, as F.conv2d, takes it as it is."
)
def _flipped(x, weight, mask, bias=None):
    return _conv(x, (weight * mask).flip(2, 3), bias)


EXERCISE = Exercise(
    name="masked_conv2d",
    title="A masked convolution",
    points=2,
    reference=masked_conv2d,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(MaskedConv2d,),
    read="A convolution that can't cheat",
)
