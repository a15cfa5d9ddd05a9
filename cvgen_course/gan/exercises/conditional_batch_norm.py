"""Exercise: batch norm with a gain and a bias for each image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.gan.conditional_batch_norm import (
    ConditionalBatchNorm2d,
    conditional_batch_norm,
)

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: training and evaluation, small variances, shapes, eps, gradients."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def ask(
        shape: tuple[int, int, int, int],
        dtype: torch.dtype = torch.float32,
        scale: float = 1.0,
        statistics: bool = False,
        gradient: bool = False,
        eps: float | None = None,
        **changed: Tensor,
    ) -> dict[str, Any]:
        """Return maps whose mean and deviation differ from image to image, and by channel."""
        N, C = shape[:2]
        centre, width = uniform(-1, 1, N, C, 1, 1), uniform(0.5, 1.5, N, C, 1, 1)
        x = centre + width * torch.randn(shape, generator=rng, dtype=torch.float64)
        tensors = {
            "x": scale * x,
            "gain": uniform(0.2, 1.5, N, C) * (1 - 2 * (uniform(0, 1, N, C) < 0.5).double()),
            "bias": uniform(-2, 2, N, C),
        } | changed
        inputs: dict[str, Any] = {name: each.to(dtype) for name, each in tensors.items()}
        if statistics:
            mean, var = scale * uniform(-2, 2, C), scale**2 * uniform(0.2, 0.6, C)
            inputs["statistics"] = (mean.to(dtype), var.to(dtype))
        if eps is not None:
            inputs["eps"] = eps
        if gradient:
            inputs["upstream"] = torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)
        return inputs

    constant = torch.randn(3, 2, 2, 4, generator=rng, dtype=torch.float64)
    constant[:, 0] = torch.randint(1, 9, (), generator=rng)
    none = torch.zeros(4, 3, dtype=torch.float64)
    return [
        Case(
            "training: four images of three channels",
            ask((4, 3, 2, 5)),
            weight=2,
            hint="Mean and variance of a channel: over dimensions 0, 2 and 3. The gain of an image "
            "is 1 + gain.",
        ),
        Case(
            "training: gain and bias of 0, as a network starts",
            ask((4, 3, 3, 3), gain=none, bias=none),
            weight=2,
            hint="A gain of 0 means: times 1 + 0. Then it is batch norm without parameters.",
        ),
        Case(
            "training: as many images as channels, rows, columns",
            ask((3, 3, 3, 3)),
            weight=2,
            hint="gain and bias have shape (N, C): [:, :, None, None] puts them beside H, W.",
        ),
        Case(
            "training: a single image",
            ask((1, 2, 3, 4), eps=uniform(0.2, 0.5).item()),
            weight=1,
            hint="N may be 1: then a channel has H · W numbers. eps is another here, too.",
        ),
        Case(
            "training: three images of a single pixel",
            ask((3, 2, 1, 1)),
            weight=1,
            hint="H and W may be 1: then a channel has N numbers. The variance is divided by "
            "N · H · W, not by one less.",
        ),
        Case(
            "training: small variances, eps by default",
            ask((3, 2, 3, 2), scale=0.003),
            weight=2,
            hint="eps = 1e-5 is added to the variance, under the root.",
        ),
        Case(
            "training, float64: a channel that is the same everywhere",
            ask((3, 2, 2, 4), dtype=torch.float64, x=constant),
            weight=1,
            hint="Its variance is 0: with eps, 0 / sqrt(0 + eps) is 0. New here: float64.",
        ),
        Case(
            "training: a large eps",
            ask((2, 3, 3, 2), eps=uniform(0.3, 0.8).item()),
            weight=3,
            hint="eps is an argument: it is added to each variance before the root is taken.",
        ),
        Case(
            "evaluation: statistics are given",
            ask((4, 3, 2, 3), statistics=True),
            weight=3,
            hint="Both come from `statistics` then, a mean and a variance for each channel: this "
            "batch's do not count.",
        ),
        Case(
            "evaluation: a single image of one pixel",
            ask((1, 3, 1, 1), statistics=True),
            weight=2,
            hint="In evaluation an image's result does not depend on others: one number is enough.",
        ),
        Case(
            "evaluation: small variances and another eps",
            ask((2, 2, 3, 3), scale=0.02, statistics=True, eps=uniform(1e-4, 3e-4).item()),
            weight=4,
            hint="The second of the statistics is a variance: add eps, then take the root.",
        ),
        Case(
            "training: the gradients",
            ask((3, 2, 2, 3), gradient=True),
            weight=14,
            hint="Mean and variance follow from x, and gradients go through them, too: no detach, "
            "no no_grad.",
        ),
        Case(
            "evaluation: the gradients",
            ask((2, 3, 2, 2), statistics=True, gradient=True, eps=uniform(0.2, 0.5).item()),
            weight=10,
            hint="The result is differentiable with respect to x, gain and bias. eps is another "
            "here, too.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the result and, where a case asks for them, its gradients."""
    leaves = {name: inputs[name].requires_grad_() for name in ("x", "gain", "bias")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as other layers' outputs
    options = {name: inputs[name] for name in ("statistics", "eps") if name in inputs}
    result = as_tensor(implementation(*handed.values(), **options), "the result")
    require_unchanged(leaves, handed)
    answer = {"the result": result.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", result, inputs["upstream"], **leaves)
    return answer


def _moments(x: Tensor, dims: tuple[int, ...] = (0, 2, 3)) -> tuple[Tensor, Tensor]:
    return x.mean(dim=dims, keepdim=True), x.var(dim=dims, keepdim=True, unbiased=False)


def _given(x: Tensor, statistics: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
    """Return the right means and variances, (1, C, 1, 1) each."""
    if statistics is None:
        return _moments(x)
    mean, var = (each[None, :, None, None] for each in statistics)
    return mean, var


def _wide(gain: Tensor) -> Tensor:
    return gain[:, :, None, None]


def _finished(
    x: Tensor, moments: tuple[Tensor, Tensor], gain: Tensor, bias: Tensor, eps: float
) -> Tensor:
    """Return the right result, for these means and variances."""
    mean, var = moments
    return (x - mean) / (var + eps).sqrt() * (1 + _wide(gain)) + _wide(bias)


@mistakes.when(
    "1 + is missing before gain: with a gain of 0, as a network starts, nothing of x is left."
)
def _one_missing(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain - 1, bias, eps)


@mistakes.when(
    "the variance of the batch is divided by one less than there are numbers: unbiased=False."
)
def _unbiased(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        statistics = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3))
    return _finished(x, _given(x, statistics), gain, bias, eps)


@mistakes.when(
    "each image is normalised on its own (instance norm): means and variances of a channel are "
    "over all images, dim=(0, 2, 3)."
)
def _instance_norm(x, gain, bias, statistics=None, eps=1e-5):
    moments = _moments(x, (2, 3)) if statistics is None else _given(x, statistics)
    return _finished(x, moments, gain, bias, eps)


@mistakes.when(
    "all channels of an image are normalised together (layer norm): each channel has a mean and a "
    "variance of its own, over all images."
)
def _layer_norm(x, gain, bias, statistics=None, eps=1e-5):
    moments = _moments(x, (1, 2, 3)) if statistics is None else _given(x, statistics)
    return _finished(x, moments, gain, bias, eps)


@mistakes.when(
    "the variance of the batch is the mean of x²: the mean of a channel is subtracted from x "
    "before the squares are taken."
)
def _not_centred(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = _given(x, statistics)
    if statistics is None:
        var = x.square().mean(dim=(0, 2, 3), keepdim=True)
    return _finished(x, (mean, var), gain, bias, eps)


@mistakes.when("all channels share one mean and one variance: each has its own, dim=(0, 2, 3).")
def _all_together(x, gain, bias, statistics=None, eps=1e-5):
    moments = _moments(x, (0, 1, 2, 3)) if statistics is None else _given(x, statistics)
    return _finished(x, moments, gain, bias, eps)


@mistakes.when("means and variances are over the batch alone, for each pixel: it is N, H and W.")
def _pixel_by_pixel(x, gain, bias, statistics=None, eps=1e-5):
    moments = _moments(x, (0,)) if statistics is None else _given(x, statistics)
    return _finished(x, moments, gain, bias, eps)


@mistakes.when("eps is added to the standard deviation: it is added to the variance, before sqrt.")
def _eps_outside(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = _given(x, statistics)
    return _finished(x, (mean, (var.sqrt() + eps).square()), gain, bias, 0.0)


@mistakes.when("eps is left out: a channel that is the same everywhere is 0 / 0, which is NaN.")
def _eps_ignored(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain, bias, 0.0)


@mistakes.when("eps is left out in evaluation: it is added to the given variance, too.")
def _eps_in_training_alone(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain, bias, eps if statistics is None else 0.0)


@mistakes.when("eps is always 1e-5: it is an argument.")
def _eps_fixed(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain, bias, 1e-5)


@mistakes.when(
    "`statistics` is not used: in evaluation, they take the place of this batch's mean and "
    "variance."
)
def _statistics_ignored(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _moments(x), gain, bias, eps)


@mistakes.when("in evaluation the mean is the given one, but the variance is still this batch's.")
def _own_variance(x, gain, bias, statistics=None, eps=1e-5):
    mean, _ = _given(x, statistics)
    return _finished(x, (mean, _moments(x)[1]), gain, bias, eps)


@mistakes.when(
    "the given variance is taken for a standard deviation: x - mean is divided by the root of it."
)
def _variance_for_deviation(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is not None:
        return _root_missing(x, gain, bias, statistics, eps)
    return _finished(x, _moments(x), gain, bias, eps)


@mistakes.when("sqrt is missing: x - mean is divided by the standard deviation, not the variance.")
def _root_missing(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = _given(x, statistics)
    return (x - mean) / (var + eps) * (1 + _wide(gain)) + _wide(bias)


@mistakes.when("the given variance and mean are exchanged: `statistics` is (mean, variance).")
def _statistics_exchanged(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = _given(x, statistics)
    moments = (mean, var) if statistics is None else (var, mean)
    return _finished(x, moments, gain, bias, eps)


@mistakes.when(
    "the batch's mean and variance are cut off from x (`.detach()`, no_grad): gradients go through "
    "them, too."
)
def _moments_detached(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = _given(x, statistics)
    return _finished(x, (mean.detach(), var.detach()), gain, bias, eps)


@mistakes.when("gain comes before the normalisation, which takes it away again: normalise first.")
def _gain_first(x, gain, bias, statistics=None, eps=1e-5):
    scaled = x * (1 + _wide(gain))
    return _finished(scaled, _given(scaled, statistics), 0 * gain, bias, eps)


@mistakes.when("bias is multiplied by 1 + gain, too: it is added last.")
def _bias_scaled(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain, bias * (1 + gain), eps)


@mistakes.when("gain and bias are exchanged: 1 + gain multiplies, bias is added.")
def _exchanged(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), bias, gain, eps)


@mistakes.when("1 is added to bias, too: only to gain.")
def _one_added_to_bias(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain, 1 + bias, eps)


@mistakes.when("1 is added to the product with gain: it is (1 + gain) that multiplies.")
def _one_added_to_product(x, gain, bias, statistics=None, eps=1e-5):
    return _finished(x, _given(x, statistics), gain - 1, 1 + bias, eps)


@mistakes.when(
    "all images get the first one's gain and bias (or their mean): each image has its own."
)
def _one_gain_for_all(x, gain, bias, statistics=None, eps=1e-5):
    first = gain[:1].expand_as(gain), bias[:1].expand_as(bias)
    return _finished(x, _given(x, statistics), *first, eps)


EXERCISE = Exercise(
    name="conditional_batch_norm",
    title="Batch norm that knows the class",
    points=3,
    reference=conditional_batch_norm,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(ConditionalBatchNorm2d,),
    read="BigGAN in small",
)
