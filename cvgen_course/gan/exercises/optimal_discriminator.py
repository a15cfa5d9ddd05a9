"""Exercise: the best discriminator there can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.gan import optimal_discriminator

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: shapes, places where one density is 0, or both, tiny and huge ones."""

    def density(*shape: int, size: float = 1.0) -> Tensor:
        """Return numbers of 0.1 to 2 times a size."""
        return size * (0.1 + 1.9 * torch.rand(shape, generator=rng, dtype=torch.float64))

    def ask(
        p_data: Tensor,
        p_model: Tensor,
        no_data: slice = slice(0),
        no_model: slice = slice(0),
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Tensor]:
        """Return both densities, without data at some points, and without the model at some."""
        if p_data.dim():
            p_data[no_data], p_model[no_model] = 0, 0
        return {"p_data": p_data.to(dtype), "p_model": p_model.to(dtype)}

    tiny, huge = 1e-30, 1e30
    return [
        Case(
            "six points",
            ask(density(6), density(6)),
            weight=1,
            hint="Half of all that comes is real: so of what comes to a point, the share "
            "p_data / (p_data + p_model) is.",
        ),
        Case(
            "a grid of 3 × 4 points",
            ask(density(3, 4), density(3, 4)),
            weight=1,
            hint="Each point is on its own, whatever the shape is: no sum or mean over points.",
        ),
        Case(
            "only data or only the model comes to some points",
            ask(density(7), density(7), no_data=slice(2), no_model=slice(2, 5)),
            weight=1,
            hint="Where the model never goes, what comes is real: 1. Where data never is: 0.",
        ),
        Case(
            "neither comes to some points",
            ask(density(8), density(8), no_data=slice(5), no_model=slice(3, 7)),
            weight=4,
            hint="0 / 0 is NaN: torch.where puts 1/2 where p_data + p_model is 0.",
        ),
        Case(
            "densities of 1e-30",
            ask(density(5, size=tiny), density(5, size=tiny)),
            weight=4,
            hint="1e-8 is much, beside 1e-30: nothing is added to a density, and no limit is set.",
        ),
        Case(
            "densities of 1e-30, and neither at some points",
            ask(
                density(2, 4, size=tiny),
                density(2, 4, size=tiny),
                no_data=slice(1),
                no_model=slice(1),
            ),
            weight=4,
            hint="1e-30 is not 0: compare with 0 itself.",
        ),
        Case(
            "densities of 1e-30, 1 and 1e30 side by side",
            ask(
                torch.cat([density(3, size=tiny), density(3), density(3, size=huge)]),
                torch.cat([density(3, size=huge), density(3), density(3, size=tiny)]),
            ),
            weight=1,
            hint="Each point is on its own; and a square of 1e30 is infinite.",
        ),
        Case(
            "float64",
            ask(density(2, 2, 3), density(2, 2, 3), dtype=torch.float64),
            weight=1,
            hint="New here: float64, and three dimensions.",
        ),
        Case(
            "a single point, without dimensions",
            ask(density(), density()),
            weight=0.5,
            hint="The shape may be (): no index, no dim=0.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Tensor]) -> Tensor:
    """Return the probabilities."""
    return as_tensor(implementation(inputs["p_data"], inputs["p_model"])).detach()


def _share(p_data: Tensor, p_model: Tensor, nowhere: float | Tensor = 0.5) -> Tensor:
    """Return what is right, but for points where both are 0."""
    total = p_data + p_model
    return torch.where(total == 0, nowhere, p_data / torch.where(total == 0, 1, total))


@mistakes.when("0 / 0 is left as NaN: where both densities are 0, it is to be 1/2.")
def _not_a_number(p_data, p_model):
    return p_data / (p_data + p_model)


@mistakes.when("it is 0 where both densities are 0: it is to be 1/2.")
def _zero_nowhere(p_data, p_model):
    return _share(p_data, p_model, 0.0)


@mistakes.when("it is 1 where both densities are 0: it is to be 1/2.")
def _one_nowhere(p_data, p_model):
    return _share(p_data, p_model, 1.0)


@mistakes.when(
    "a little is added to the sum of both: it is much, beside 1e-30, and 0 / 1e-8 is 0, not 1/2."
)
def _a_little_added(p_data, p_model):
    return p_data / (p_data + p_model + 1e-8)


@mistakes.when(
    "a little is added above and below: that makes 1/2 of 0 / 0, but of all small densities, too."
)
def _a_little_added_twice(p_data, p_model):
    return (p_data + 1e-8) / (p_data + p_model + 2e-8)


@mistakes.when(
    "the sum of both gets a lower limit, or a tiny number is added to it: that changes smaller "
    "densities, and 0 / 1e-8 is 0, not 1/2."
)
def _limited(p_data, p_model):
    return p_data / (p_data + p_model).clamp(min=1e-8)


@mistakes.when("small densities are taken for 0: 1e-30 is small, and is not 0.")
def _small_is_zero(p_data, p_model):
    return torch.where(p_data + p_model < 1e-12, 0.5, _share(p_data, p_model))


@mistakes.when(
    "it is 1/2 wherever p_data is 0: where the model comes, it is 0 there; 1/2 is for points to "
    "which neither comes."
)
def _half_without_data(p_data, p_model):
    return torch.where(p_data == 0, 0.5, _share(p_data, p_model))


@mistakes.when(
    "it is 1/2 wherever one of both is 0: what comes is real for sure, or generated for sure, if "
    "the other is not; 1/2 is for points to which neither comes."
)
def _half_without_either(p_data, p_model):
    return torch.where((p_data == 0) | (p_model == 0), 0.5, _share(p_data, p_model))


@mistakes.when("p_model stands above: that is how probably what comes is generated.")
def _of_the_model(p_data, p_model):
    return _share(p_model, p_data)


@mistakes.when("p_data is divided by p_model: it is a share of their sum.")
def _ratio(p_data, p_model):
    return torch.where(p_data + p_model == 0, 0.5, p_data / p_model)


@mistakes.when(
    "the logarithm of p_data / p_model is returned: that is the logit, and its sigmoid D* itself."
)
def _logit(p_data, p_model):
    return _share(p_data, p_model).logit()


@mistakes.when(
    "p_data is divided by half the sum: the density of all that comes is (p_data + p_model) / 2, "
    "but then only half of p_data is of it, too."
)
def _half_of_the_sum(p_data, p_model):
    return _share(p_data, p_model, 0.25) * 2


@mistakes.when("the difference is divided by the sum: that lies between -1 and 1, and 1/2 is lost.")
def _difference(p_data, p_model):
    return 2 * _share(p_data, p_model) - 1


@mistakes.when(
    "the sigmoid of the difference is taken: it is that of the difference of logarithms."
)
def _sigmoid_of_difference(p_data, p_model):
    return (p_data - p_model).sigmoid()


@mistakes.when("it is decided, 0 or 1: how probably it is real is asked for, a number between.")
def _decided(p_data, p_model):
    return torch.where(p_data == p_model, 0.5, (p_data > p_model).to(p_data.dtype))


@mistakes.when(
    "the densities are divided by their sums over the points: each point is on its own here."
)
def _over_the_points(p_data, p_model):
    return _share(p_data / p_data.sum(), p_model / p_model.sum())


@mistakes.when("p_data is changed in place: work on a new tensor.")
def _in_place(p_data, p_model):
    return p_data.copy_(_share(p_data, p_model))


EXERCISE = Exercise(
    name="optimal_discriminator",
    title="The best discriminator",
    points=2,
    reference=optimal_discriminator,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="The best discriminator",
)
