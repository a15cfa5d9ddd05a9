"""Exercise: bits per dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.bits import bits_per_dim
from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: probabilities and densities, shapes, steps, 8 bits in two ways."""

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    def ask(
        num_dims: int,
        *shape: int,
        low: float = 1.0,
        high: float = 6.0,
        dtype: torch.dtype = torch.float32,
        **step: float,
    ) -> dict[str, Any]:
        """Return images that have between ``low`` and ``high`` bits at each place."""
        bits = low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)
        log_prob = -num_dims * (bits * math.log(2) + math.log(step.get("step", 1.0)))
        return {"log_prob": log_prob.to(dtype), "num_dims": num_dims, **step}

    def eight(num_dims: int, *shape: int, width: float = 256.0, **step: float) -> dict[str, Any]:
        """Return images of which all 256 values are equally likely, spread over this width."""
        log_prob = torch.full(shape, -num_dims * math.log(width))
        return {"log_prob": log_prob, "num_dims": num_dims, **step}

    grey = 2 / 255
    return [
        Case(
            "probabilities of four images",
            ask(number(100, 1000), 4),
            weight=2,
            hint="Divide by num_dims and by log 2, and change the sign. Each image has a number "
            "of its own.",
        ),
        Case(
            "probabilities of two rows of three images",
            ask(number(100, 1000), 2, 3),
            weight=2,
            hint="The result has the shape of log_prob, whatever it is.",
        ),
        Case(
            "a single probability, no dimension at all",
            ask(number(100, 1000)),
            weight=1,
            hint="log_prob may have the shape (): no len, no mean, no index.",
        ),
        Case(
            "images of a single number",
            ask(1, 5),
            weight=1,
            hint="num_dims may be 1: then these are the bits of an image.",
        ),
        Case(
            "256 equally likely values: probabilities",
            eight(number(10, 1000), 2),
            weight=2,
            hint="Each has 1 / 256, which is 8 bits.",
        ),
        Case(
            "256 equally likely values: a density over [-1, 1]",
            eight(number(10, 1000), 3, width=256 * grey, step=grey),
            weight=3,
            hint="A density times the step is a probability: log(step) is added, once for each of "
            "num_dims numbers.",
        ),
        Case(
            "densities, grey values in [-1, 1]",
            ask(number(100, 1000), 4, low=7.5, high=9.5, step=grey),
            weight=3,
            hint="-(log_prob + num_dims · log(step)) / (num_dims · log 2).",
        ),
        Case(
            "densities, grey values in [0, 1]",
            ask(number(100, 1000), 3, step=1 / 255),
            weight=3,
            hint="The step is 1 / 255 here: `step` says what it is.",
        ),
        Case(
            "densities of two numbers an image, eight values",
            ask(2, 2, 2, low=0.5, high=3.0, step=2 / 7),
            weight=3,
            hint="Eight values over [-1, 1] are 2 / 7 apart: no 255 or 256 belongs into the "
            "function.",
        ),
        Case(
            "densities, grey values that are whole numbers",
            ask(number(100, 1000), 3, step=1.0),
            weight=1,
            hint="Values 0, 1, 2, … are 1 apart, and the logarithm of 1 is 0.",
        ),
        Case(
            "densities far above 1, in float64",
            ask(number(10, 100), 3, low=-2.0, high=-0.1, dtype=torch.float64, step=grey),
            weight=2,
            hint="A density times the step may be above 1: then bits are below 0, and stay so. "
            "Nothing is clamped.",
        ),
        Case(
            "a density of 1 everywhere",
            {"log_prob": torch.zeros(3), "num_dims": number(2, 100), "step": 1 / number(3, 90)},
            weight=2,
            hint="The logarithm of 1 is 0: what is left is -log2(step).",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the bits; the step is given where it is not the default."""
    log_prob = inputs["log_prob"]
    steps = [inputs["step"]] if "step" in inputs else []
    bits = as_tensor(implementation(log_prob, inputs["num_dims"], *steps), "the result")
    if bits.dtype == torch.float32 and log_prob.dtype == torch.float64:
        raise WrongAnswer("the result is float32; log_prob is float64, and so should it be")
    # As float32, since honest answers take the logarithm of torch.tensor(2.0).
    return bits.float() if bits.dtype == torch.float64 else bits


def _bits(log_prob: Tensor, num_dims: int, step: float) -> Tensor:
    return -(log_prob / num_dims + math.log(step)) / math.log(2)


@mistakes.when("log 2 is forgotten: these are nats per dimension.")
def _in_nats(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step) * math.log(2)


@mistakes.when("it is multiplied by log 2: a bit is log 2 nats, so nats are divided by it.")
def _multiplied_by_log_2(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step) * math.log(2) ** 2


@mistakes.when("the sign is wrong: the less likely, the more bits.")
def _sign_lost(log_prob, num_dims, step=1.0):
    return -_bits(log_prob, num_dims, step)


@mistakes.when("these are the bits of a whole image: divide by num_dims.")
def _bits_per_image(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step) * num_dims


@mistakes.when("the mean is taken over the images: each has a number of its own.")
def _mean_of_images(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step).mean()


@mistakes.when(
    "the result is divided by the number of images, too: each of them has its own num_dims numbers."
)
def _divided_by_images(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step) / max(log_prob.numel(), 1)


@mistakes.when(
    "log_prob's own size takes the place of num_dims: that is how many images there are."
)
def _images_for_dims(log_prob, num_dims, step=1.0):
    return _bits(log_prob, log_prob.numel(), step)


@mistakes.when("`step` is not used: a density times the step is a probability.")
def _step_ignored(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, 1.0)


@mistakes.when(
    "the step counts once for an image: each of its num_dims numbers has a step of its own."
)
def _step_once(log_prob, num_dims, step=1.0):
    return -(log_prob + math.log(step)) / (num_dims * math.log(2))


@mistakes.when(
    "the step has the wrong sign: a density is multiplied by the step, so log(step) is added to "
    "log_prob."
)
def _divided_by_step(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, 1 / step)


@mistakes.when(
    "the logarithm of the step stays in nats: both logarithms are natural ones, and both are "
    "divided by log 2."
)
def _step_in_nats(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, 1.0) - math.log(step)


@mistakes.when(
    "the logarithm of the step is in bits before it is divided by log 2: it is converted twice."
)
def _step_converted_twice(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + math.log2(step)) / math.log(2)


@mistakes.when(
    "step is multiplied by log_prob: to multiply a density, *add* the logarithm of step."
)
def _log_prob_times_step(log_prob, num_dims, step=1.0):
    return _bits(log_prob * step, num_dims, 1.0)


@mistakes.when("step itself is added to log_prob for each number: it is its logarithm.")
def _step_without_logarithm(log_prob, num_dims, step=1.0):
    return -(log_prob / num_dims + step) / math.log(2)


@mistakes.when(
    "8 bits are added: that many come from the step only where it is 1 / 256. -log2(step) is "
    "what belongs there, 0 for probabilities."
)
def _eight_added(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, 1.0) + 8


@mistakes.when(
    "8 bits are added for densities, whatever their step: it is -log2(step), 7 or so for 2 / 255."
)
def _eight_added_for_densities(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step if step == 1 else 1 / 256)


@mistakes.when(
    "8 bits are added besides -log2(step): that is the step's share already, 0 for probabilities."
)
def _eight_added_to_the_step(log_prob, num_dims, step=1.0):
    return _bits(log_prob, num_dims, step) + 8


@mistakes.when(
    "the probability is worked out on the way: exp(log_prob) is rounded to 0, which has no "
    "logarithm. Divide log_prob by log 2."
)
def _by_way_of_the_probability(log_prob, num_dims, step=1.0):
    return -log_prob.exp().log2() / num_dims - math.log2(step)


@mistakes.when(
    "the logarithm is taken of log_prob: it is one already; to change its base, divide by log 2."
)
def _logarithm_twice(log_prob, num_dims, step=1.0):
    return -log_prob.log2() / num_dims - math.log2(step)


EXERCISE = Exercise(
    name="bits_per_dim",
    title="Bits per dimension",
    points=2,
    reference=bits_per_dim,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Bits",
)
