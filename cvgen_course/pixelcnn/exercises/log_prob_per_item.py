"""Exercise: the log-probability of each image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.pixelcnn import log_prob_per_item

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: sizes of all kinds, huge logits, small probabilities, gradients."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def ask(
        N: int,
        K: int,
        C: int,
        H: int,
        W: int,
        logits: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
        gradient: bool = False,
    ) -> dict[str, Any]:
        logits = 2 * normal(N, K, C, H, W) if logits is None else logits
        levels = torch.randint(0, K, (N, C, H, W), generator=rng)
        return {"logits": logits.to(dtype), "levels": levels, "gradient": gradient}

    def huge(N: int, K: int, C: int, H: int, W: int) -> Tensor:
        """Return logits in the thousands, which are a thousand apart: no rounding matters."""
        order = torch.rand(N, K, C, H, W, generator=rng).argsort(dim=1)
        return 1500.0 * (order - K // 2) + 500 * torch.rand(order.shape, generator=rng)

    return [
        Case(
            "two images of three channels",
            ask(2, 6, 3, 4, 5),
            weight=2,
            hint="The logarithm of the softmax over K, of it the levels' own entries, and their "
            "sum over C, H and W.",
        ),
        Case(
            "a single image of one channel",
            ask(1, 4, 1, 3, 7),
            hint="New here: a batch of one; the result has the shape (1,).",
        ),
        Case(
            "two levels, oblong images",
            ask(4, 2, 1, 5, 3),
            hint="K may be 2: two logits for each pixel, and the softmax of both.",
        ),
        Case(
            "images of a single number",
            ask(5, 4, 1, 1, 1),
            hint="C, H and W may be 1: name the dimensions that you sum over; no squeeze.",
        ),
        Case(
            "all levels alike: -C·H·W · log K",
            ask(3, 5, 2, 3, 4, logits=normal(3, 1, 2, 3, 4).repeat(1, 5, 1, 1, 1)),
            hint="Where all logits of a place are equal, each level has 1 / K.",
        ),
        Case(
            "a larger image",
            ask(2, 16, 3, 12, 12),
            weight=3,
            hint="Its probability is rounded to 0: sum logarithms, don't multiply.",
        ),
        Case(
            "all sizes are 3: values and gradients",
            ask(3, 3, 3, 3, 3, gradient=True),
            weight=5,
            hint="Only the right dimensions give the right numbers: K is dimension 1 of logits.",
        ),
        Case(
            "float64: values and gradients",
            ask(2, 5, 2, 3, 4, dtype=torch.float64, gradient=True),
            weight=4,
            hint="Differentiable with respect to logits: no item, no detach, no argmax.",
        ),
        Case(
            "logits in the thousands: values and gradients",
            ask(2, 4, 2, 3, 2, logits=huge(2, 4, 2, 3, 2), gradient=True),
            weight=7,
            hint="exp(3000) is infinite, and exp(-3000) is 0: log_softmax does without them.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the log-probabilities and, where a case asks for it, their gradient."""
    logits = inputs["logits"].requires_grad_()
    handed = logits.clone()  # as a network's output
    log_prob = as_tensor(implementation(handed, inputs["levels"]), "the log-probability")
    require_unchanged({"logits": logits}, {"logits": handed})
    answer = {"the log-probability": log_prob.detach()}
    if inputs["gradient"]:
        upstream = torch.arange(1.0, len(logits) + 1)  # another one for each image
        answer |= gradients("the log-probability", log_prob, upstream, logits=logits)
    return answer


def _own(values: Tensor, levels: Tensor) -> Tensor:
    """Return of each place the value of its own level, (N, C, H, W)."""
    return values.gather(1, levels[:, None])[:, 0]


def _log_probs(logits: Tensor, levels: Tensor, dim: int = 1) -> Tensor:
    return _own(logits.log_softmax(dim=dim), levels)


@mistakes.when("the mean is taken over channels and pixels: an image's logarithms are summed.")
def _mean_of_places(logits, levels):
    return _log_probs(logits, levels).flatten(1).mean(dim=1)


@mistakes.when("the sum runs over the batch, too: each image has a number of its own.")
def _sum_of_all(logits, levels):
    return _log_probs(logits, levels).sum()


@mistakes.when("the mean is taken over the batch: each image has a number of its own.")
def _mean_of_images(logits, levels):
    return _log_probs(logits, levels).flatten(1).sum(dim=1).mean()


@mistakes.when(
    "the result is the negative mean over everything, as F.cross_entropy gives it unless told: "
    "asked for is a sum for each image, and without the minus."
)
def _cross_entropy_as_it_is(logits, levels):
    return F.cross_entropy(logits, levels)


@mistakes.when(
    "the sign is wrong: this is the negative log-likelihood, as F.cross_entropy returns it."
)
def _negative(logits, levels):
    return -_log_probs(logits, levels).flatten(1).sum(dim=1)


@mistakes.when(
    "the result is an image's negative mean, as F.cross_entropy's numbers give it: asked for is "
    "the sum over its channels and pixels, and without the minus."
)
def _negative_mean_of_places(logits, levels):
    return -_log_probs(logits, levels).flatten(1).mean(dim=1)


@mistakes.when("each place keeps its number: sum over channels and pixels.")
def _not_summed(logits, levels):
    return _log_probs(logits, levels)


@mistakes.when("each channel keeps its number: sum over the channels, too.")
def _per_channel(logits, levels):
    return _log_probs(logits, levels).sum(dim=(2, 3))


@mistakes.when("the sum keeps a dimension, (N, 1): what is asked for has the shape (N,).")
def _column(logits, levels):
    return _log_probs(logits, levels).flatten(1).sum(dim=1, keepdim=True)


@mistakes.when("the logits are summed as they are: of each place, take the log_softmax over K.")
def _not_normalised(logits, levels):
    return _own(logits, levels).flatten(1).sum(dim=1)


@mistakes.when("the softmax runs over the channels: K is dimension 1, C is dimension 2.")
def _over_channels(logits, levels):
    return _log_probs(logits, levels, dim=2).flatten(1).sum(dim=1)


@mistakes.when("the softmax runs over the last dimension, W: K is dimension 1.")
def _over_the_last_dimension(logits, levels):
    return _log_probs(logits, levels, dim=-1).flatten(1).sum(dim=1)


@mistakes.when("the softmax runs over the batch: K is dimension 1.")
def _over_the_batch(logits, levels):
    return _log_probs(logits, levels, dim=0).flatten(1).sum(dim=1)


@mistakes.when(
    "one softmax runs over all numbers of an image: each place has a distribution of its own, "
    "over K."
)
def _one_softmax(logits, levels):
    log_probs = logits.flatten(1).log_softmax(dim=1).view_as(logits)
    return _own(log_probs, levels).flatten(1).sum(dim=1)


@mistakes.when(
    "logits are taken apart by `view` or `reshape` into rows of K, without `permute`: the rows "
    "then hold numbers of different places."
)
def _viewed_not_permuted(logits, levels):
    rows = logits.reshape(-1, logits.shape[1])
    log_probs = -F.cross_entropy(rows, levels.flatten(), reduction="none")
    return log_probs.view(len(levels), -1).sum(dim=1)


@mistakes.when("probabilities are summed: it is their logarithms.")
def _probabilities_summed(logits, levels):
    return _own(logits.softmax(dim=1), levels).flatten(1).sum(dim=1)


@mistakes.when(
    "the probability itself is returned: asked for is its logarithm. Of a larger image, the "
    "probability is rounded to 0."
)
def _probability(logits, levels):
    return _own(logits.softmax(dim=1), levels).flatten(1).prod(dim=1)


@mistakes.when(
    "probabilities are multiplied before the logarithm is taken: their product is rounded to 0, "
    "which has none. Sum logarithms."
)
def _log_of_the_product(logits, levels):
    return _own(logits.softmax(dim=1), levels).flatten(1).prod(dim=1).log()


@mistakes.when(
    "the logarithm is taken of the softmax, which is rounded to 0 where logits are far apart: "
    "log_softmax does both at once."
)
def _log_of_softmax(logits, levels):
    return _own(logits.softmax(dim=1).log(), levels).flatten(1).sum(dim=1)


@mistakes.when(
    "the logarithm is taken of the levels' own probabilities, which are rounded to 0 where logits "
    "are far apart: log_softmax does both at once."
)
def _log_of_own_probability(logits, levels):
    return _own(logits.softmax(dim=1), levels).log().flatten(1).sum(dim=1)


@mistakes.when(
    "1e-8 is added to the probabilities, so that they have a logarithm: log_softmax needs none, "
    "whatever the logits."
)
def _log_of_softmax_and_a_little(logits, levels):
    return _own((logits.softmax(dim=1) + 1e-8).log(), levels).flatten(1).sum(dim=1)


@mistakes.when(
    "exp is taken of logits as they are: it is infinite in the thousands. log_softmax and "
    "logsumexp subtract the largest first."
)
def _overflowing(logits, levels):
    log_probs = _own(logits, levels) - logits.exp().sum(dim=1).log()
    return log_probs.flatten(1).sum(dim=1)


@mistakes.when(
    "a softmax by hand takes exp of logits as they are: in the thousands, that is infinite. "
    "log_softmax subtracts the largest first."
)
def _overflowing_softmax(logits, levels):
    probs = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    return _own(probs, levels).log().flatten(1).sum(dim=1)


@mistakes.when("the softmax is taken twice, as where F.cross_entropy gets probabilities.")
def _softmax_twice(logits, levels):
    return _log_probs(logits.softmax(dim=1), levels).flatten(1).sum(dim=1)


@mistakes.when("the likeliest level is taken at each place: it is the image's own, levels.")
def _likeliest(logits, levels):
    return logits.log_softmax(dim=1).amax(dim=1).flatten(1).sum(dim=1)


@mistakes.when("all K levels of each place are summed: it is the image's own, levels.")
def _all_levels(logits, levels):
    return logits.log_softmax(dim=1).flatten(1).sum(dim=1)


@mistakes.when("the result is in bits (log2): it should be in nats, the natural logarithm.")
def _in_bits(logits, levels):
    return _log_probs(logits, levels).flatten(1).sum(dim=1) / math.log(2)


@mistakes.when("the result is cut off from logits (`.detach()`, `.item()`): nothing is learned.")
def _detached(logits, levels):
    return _log_probs(logits, levels).flatten(1).sum(dim=1).detach()


EXERCISE = Exercise(
    name="log_prob_per_item",
    title="The log-probability of an image",
    points=2,
    reference=log_prob_per_item,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="The probability of a picture",
)
