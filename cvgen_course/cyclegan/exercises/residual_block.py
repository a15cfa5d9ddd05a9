"""Exercise: a residual block with reflected borders and instance norm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.cyclegan.residual_block import ResidualBlock, residual_block

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: shapes, small variances, another eps, gradients."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def draw(shape: tuple[int, ...], scale: float) -> dict[str, Tensor]:
        """Return a block of which what is normalised has a deviation of about ``scale``."""
        C = shape[1]
        return {
            "x": normal(*shape),
            "first weight": scale * normal(C, C, 3, 3) / (3 * C**0.5),
            "first bias": 0.5 * scale * normal(C),
            "second weight": 1.5 * scale * normal(C, C, 3, 3) / (3 * C**0.5),
            "second bias": 0.5 * scale * normal(C),
        }

    def ask(
        *shape: int,
        dtype: torch.dtype = torch.float32,
        scale: float = 1.0,
        eps: float | None = None,
        gradient: bool = False,
    ) -> dict[str, Any]:
        drawn = draw(shape, scale)
        while not _well_conditioned(drawn, scale):
            drawn = draw(shape, scale)
        inputs: dict[str, Any] = {name: each.to(dtype) for name, each in drawn.items()}
        if eps is not None:
            inputs["eps"] = eps
        if gradient:
            inputs["upstream"] = 0.1 * normal(*shape).to(dtype)  # so that rounding is small, too
        return inputs

    def large() -> float:
        return 0.3 + 0.5 * torch.rand((), generator=rng).item()

    return [
        Case(
            "two images of three channels",
            ask(2, 3, 5, 4),
            weight=3,
            hint="x + norm(conv(reflect(relu(norm(conv(reflect(x))))))): no ReLU at the end.",
        ),
        Case(
            "a single image",
            ask(1, 2, 4, 6),
            weight=1,
            hint="Each channel of each image is normalised by its own mean and variance, over its "
            "pixels: N may be 1.",
        ),
        Case(
            "two rows and two columns",
            ask(2, 2, 2, 2),
            weight=2,
            hint="Reflection by one pixel: what lies beyond the border is the row next to the "
            "border's. The border itself is not repeated.",
        ),
        Case(
            "a single channel",
            ask(3, 1, 5, 3),
            weight=1,
            hint="C may be 1: no squeeze.",
        ),
        Case(
            "as many images as channels, rows, columns",
            ask(3, 3, 3, 3),
            weight=2,
            hint="Mean and variance: over dimensions 2 and 3, the pixels.",
        ),
        Case(
            "small variances, eps by default",
            ask(2, 3, 4, 4, scale=0.003),
            weight=2,
            hint="eps = 1e-5 is added to the variance, under the root.",
        ),
        Case(
            "a large eps",
            ask(3, 2, 4, 5, eps=large()),
            weight=3,
            hint="eps is an argument, of both norms: it is added to each variance before the root "
            "is taken.",
        ),
        Case(
            "float64: two images of two channels",
            ask(2, 2, 6, 4, dtype=torch.float64),
            weight=1,
            hint="New here: float64. What you make in here has the dtype of x.",
        ),
        Case(
            "the gradients",
            ask(2, 2, 4, 3, gradient=True),
            weight=14,
            hint="The result is differentiable with respect to x and both weights: no detach, and "
            "no copies of the weights.",
        ),
        Case(
            "the gradients, with a large eps",
            ask(2, 2, 3, 5, eps=large(), gradient=True),
            weight=10,
            hint="Mean and variance follow from what is normalised, and gradients go through them, "
            "too. eps is another here.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the result and, where a case asks for them, its gradients.

    Those of the biases are left out: they are 0 but for rounding, as a norm follows.
    """
    leaves = {
        name: inputs[name].requires_grad_()
        for name in ("x", "first weight", "second weight", "first bias", "second bias")
    }
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as other layers' outputs
    x, *weights, first_bias, second_bias = handed.values()
    options = {"eps": inputs["eps"]} if "eps" in inputs else {}
    result = implementation(x, tuple(weights), (first_bias, second_bias), **options)
    result = as_tensor(result, "the result")
    require_unchanged(leaves, handed)
    answer = {"the result": result.detach()}
    if "upstream" in inputs:
        learning = {name: leaf for name, leaf in leaves.items() if "bias" not in name}
        answer |= gradients("the result", result, inputs["upstream"], **learning)
    return answer


def _well_conditioned(drawn: dict[str, Tensor], scale: float) -> bool:
    """Return whether rounding decides nothing: no channel is flat or far from 0, no ReLU at 0."""
    h = _convolved(drawn["x"], drawn["first weight"], drawn["first bias"])
    between = F.instance_norm(h)
    after = _convolved(between.relu(), drawn["second weight"], drawn["second bias"])
    for each in (h, after):
        deviation, mean = torch.std_mean(each, dim=(2, 3), correction=0)
        if deviation.min() < 0.4 * scale or (mean.abs() > 2 * deviation).any():
            return False
    return bool(between.abs().min() > 1e-3)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None, mode: str = "reflect") -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode), weight, bias)


def _normalised(
    h: Tensor, eps: float, dims: tuple[int, ...] = (2, 3), unbiased: bool = False
) -> Tensor:
    mean = h.mean(dim=dims, keepdim=True)
    return (h - mean) / (h.var(dim=dims, keepdim=True, unbiased=unbiased) + eps).sqrt()


def _block(
    x, weights, biases, eps, *, mode="reflect", first=_normalised, second=_normalised, relu=F.relu
):
    """Return the right result, or what other parts make of it."""
    h = relu(first(_convolved(x, weights[0], biases[0], mode), eps))
    return x + second(_convolved(h, weights[1], biases[1], mode), eps)


def _nothing(h, eps=None):
    return h


@mistakes.when("the border is padded with zeros (padding=1): it is to be reflected.")
def _zeros(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, mode="constant")


@mistakes.when("the border itself is repeated (replicate): reflection leaves it out.")
def _replicated(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, mode="replicate")


@mistakes.when(
    "the other end stands beyond the border (circular): reflection takes the row next to it."
)
def _circular(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, mode="circular")


@mistakes.when("only the first convolution has a reflected border, the second one's is of zeros.")
def _second_border_of_zeros(x, weights, biases, eps=1e-5):
    h = F.relu(_normalised(_convolved(x, weights[0], biases[0]), eps))
    return x + _normalised(_convolved(h, weights[1], biases[1], "constant"), eps)


@mistakes.when(
    "both borders are reflected at once, by two pixels of x: the second one is a reflection of "
    "what the second convolution is given."
)
def _reflected_at_once(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (2, 2, 2, 2), "reflect"), weights[0], biases[0])
    h = F.relu(_normalised(h, eps))
    return x + _normalised(F.conv2d(h, weights[1], biases[1]), eps)


@mistakes.when(
    "all images are normalised together (batch norm): each image has a mean and a variance of its "
    "own, dim=(2, 3)."
)
def _batch_norm(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        return _normalised(h, eps, (0, 2, 3))

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when(
    "all channels of an image are normalised together (layer norm): each channel has a mean and a "
    "variance of its own, dim=(2, 3)."
)
def _layer_norm(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        return _normalised(h, eps, (1, 2, 3))

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when("each variance is divided by one less than there are pixels: unbiased=False.")
def _unbiased(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        return _normalised(h, eps, unbiased=True)

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when("the first norm is missing: there is one after each convolution.")
def _first_norm_missing(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, first=_nothing)


@mistakes.when("the second norm is missing: there is one after each convolution.")
def _second_norm_missing(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, second=_nothing)


@mistakes.when("both norms are missing: there is one after each convolution.")
def _norms_missing(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, first=_nothing, second=_nothing)


@mistakes.when("the ReLU comes before the first norm: norm first, then ReLU.")
def _relu_first(x, weights, biases, eps=1e-5):
    def first(h, eps):
        return _normalised(h.relu(), eps)

    return _block(x, weights, biases, eps, first=first, relu=_nothing)


@mistakes.when("each convolution comes after its norm: convolve first, then normalise.")
def _norm_before_convolution(x, weights, biases, eps=1e-5):
    h = F.relu(_convolved(_normalised(x, eps), weights[0], biases[0]))
    return x + _convolved(_normalised(h, eps), weights[1], biases[1])


@mistakes.when("the ReLU is missing: it stands between the first norm and the second convolution.")
def _relu_missing(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, relu=_nothing)


@mistakes.when("the ReLU is a leaky one: what is below 0 becomes 0.")
def _leaky(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps, relu=lambda h: F.leaky_relu(h, 0.2))


@mistakes.when("there is a ReLU after the sum, too: a block of this kind ends with the sum.")
def _relu_after_sum(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps).relu()


@mistakes.when("there is a ReLU after the second norm, too: then the block could only add.")
def _relu_before_sum(x, weights, biases, eps=1e-5):
    return x + (_block(x, weights, biases, eps) - x).relu()


@mistakes.when("x is not added: it is the residual that the convolutions make.")
def _no_skip(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps) - x


@mistakes.when("x is added before the second norm, which changes it: it is added last.")
def _skip_before_norm(x, weights, biases, eps=1e-5):
    h = F.relu(_normalised(_convolved(x, weights[0], biases[0]), eps))
    return _normalised(x + _convolved(h, weights[1], biases[1]), eps)


@mistakes.when("x itself is changed in place (x += …): make a new tensor, x + ….")
def _in_place(x, weights, biases, eps=1e-5):
    result = _block(x, weights, biases, eps)
    x.data.copy_(result)
    return x


@mistakes.when("the weights are exchanged: weights[0] is the first convolution's.")
def _weights_exchanged(x, weights, biases, eps=1e-5):
    return _block(x, weights[::-1], biases, eps)


@mistakes.when("both convolutions have the first one's weight: weights is a pair.")
def _one_weight_for_both(x, weights, biases, eps=1e-5):
    return _block(x, (weights[0], weights[0]), biases, eps)


@mistakes.when("the biases come after the norms: they are the convolutions'.")
def _biases_after_norms(x, weights, biases, eps=1e-5):
    h = _normalised(_convolved(x, weights[0], None), eps) + biases[0][:, None, None]
    h = _normalised(_convolved(h.relu(), weights[1], None), eps)
    return x + h + biases[1][:, None, None]


@mistakes.when("eps is always 1e-5: it is an argument.")
def _eps_fixed(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, 1e-5)


@mistakes.when("eps is left out: it is added to each variance.")
def _eps_left_out(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, 0.0)


@mistakes.when("eps is added to the standard deviation: it is added to the variance, before sqrt.")
def _eps_outside(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        deviation = h.std(dim=(2, 3), keepdim=True, unbiased=False)
        return (h - h.mean(dim=(2, 3), keepdim=True)) / (deviation + eps)

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when("only the first norm is given eps, the second keeps 1e-5: both have it.")
def _eps_for_one(x, weights, biases, eps=1e-5):
    def second(h, _):
        return _normalised(h, 1e-5)

    return _block(x, weights, biases, eps, second=second)


@mistakes.when("the square root is missing: the deviation divides, not the variance.")
def _root_missing(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        var = h.var(dim=(2, 3), keepdim=True, unbiased=False)
        return (h - h.mean(dim=(2, 3), keepdim=True)) / (var + eps)

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when(
    "mean and variance are cut off (`.detach()`, no_grad): gradients go through them, too."
)
def _moments_detached(x, weights, biases, eps=1e-5):
    def norm(h, eps):
        fixed = h.detach()
        mean = fixed.mean(dim=(2, 3), keepdim=True)
        return (h - mean) / (fixed.var(dim=(2, 3), keepdim=True, unbiased=False) + eps).sqrt()

    return _block(x, weights, biases, eps, first=norm, second=norm)


@mistakes.when(
    "the weights are copied into layers (nn.Parameter, .data): no gradient comes back to them. "
    "F.conv2d takes them as they are."
)
def _weights_copied(x, weights, biases, eps=1e-5):
    return _block(x, [each.detach() for each in weights], biases, eps)


EXERCISE = Exercise(
    name="residual_block",
    title="A residual block",
    points=3,
    reference=residual_block,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(ResidualBlock,),
    read="A generator of residual blocks",
)
