"""Exercise: a normal distribution without its tails."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.gan.exercises.normal_draws import (
    compared,
    compared_without_generator,
    described,
    raised,
)
from cvgen_course.gan.truncation import truncated_normal

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: narrow and wide limits, shapes, generators, what raises."""

    def number(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=rng, dtype=torch.float64).item()

    def seed() -> int:
        return int(torch.randint(2**31, (), generator=rng))

    def many(low: float, high: float, columns: int) -> dict[str, Any]:
        """Return what asks for so many numbers that mistakes, too, look the same each time."""
        rows = int(torch.randint(50, 61, (), generator=rng))
        psi = number(low, high)
        return {"asked": "numbers", "shape": (rows, columns), "psi": psi, "seed": seed()}

    def few(asked: str, *shape: int) -> dict[str, Any]:
        return {"asked": asked, "shape": shape, "psi": number(0.6, 1.0), "seed": seed()}

    return [
        Case(
            "psi below 0.2: few draws lie within at once",
            many(0.1, 0.2, columns=10),
            weight=4,
            hint="Nine in ten numbers lie beyond, and are drawn again, many times: a loop until "
            "none is left.",
        ),
        Case(
            "psi of about 0.4",
            many(0.35, 0.45, columns=200),
            weight=4,
            hint="A number drawn again may lie beyond again: repeat until none does. Only those "
            "beyond are drawn again: that all lie within at once never happens.",
        ),
        Case(
            "psi of about 1.3",
            many(1.25, 1.4, columns=800),
            weight=9,
            hint="Between -psi and psi the bell keeps its shape: nothing is multiplied, divided or "
            "clamped.",
        ),
        Case(
            "psi of about 2.4",
            many(2.3, 2.4, columns=400),
            weight=2,
            hint="Only two numbers in a hundred lie beyond: the others stay as they were drawn.",
        ),
        Case(
            "psi of 100: no tail is cut off",
            many(100, 100, columns=50),
            weight=1,
            hint="Then it is the standard normal distribution.",
        ),
        Case(
            "one dimension, three, and no number at all",
            {**few("shapes", 3), "more": [(2, 3, 4), (0, 4)]},
            weight=1,
            hint="The shape may be any tuple, such as (3,), (2, 3, 4) or (0, 4).",
        ),
        Case(
            "no generator is given",
            few("no rng", 4, 6),
            weight=1,
            hint="Without `rng`, draws come from torch's own generator: generator=None does that.",
        ),
        Case(
            "all draws come from rng",
            few("rng", 4, 6),
            weight=11,
            hint="torch.randn(…, generator=rng), at each draw, the first and those again; nothing "
            "else is random.",
        ),
        Case(
            "psi of 0 or less is an error",
            few("errors", 2, 3),
            weight=11,
            hint="if threshold <= 0: raise ValueError(...), before anything is drawn; for an empty "
            "shape, too.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what is true of the numbers, of several calls, or of thresholds that are refused.

    Those come with an empty shape: there, a loop without the check ends at once.
    """
    asked, psi, seed = inputs["asked"], inputs["psi"], inputs["seed"]

    def draw(rng: torch.Generator | None, shape: tuple[int, ...] = inputs["shape"]) -> Tensor:
        options = {} if rng is None else {"rng": rng}
        z = as_tensor(implementation(shape, psi, **options), "the result").detach()
        if z.shape != shape:
            raise WrongAnswer(f"the result has shape {tuple(z.shape)}, expected {shape}")
        if z.dtype not in (torch.float32, torch.float64):
            raise WrongAnswer(f"the result is {z.dtype}, expected torch.float32")
        if z.isnan().any():
            raise WrongAnswer("some numbers of the result are NaN")
        return z

    if asked == "rng":
        return compared(draw, seed)
    if asked == "no rng":
        return compared_without_generator(draw, seed)
    z = draw(torch.Generator().manual_seed(seed))
    if asked == "numbers":
        return described(z, psi)
    if asked == "errors":
        return {
            "psi of 0": raised(partial(implementation, (0, 2), 0)),
            "a negative psi": raised(partial(implementation, (0, 2), -psi)),
        }
    shapes = [tuple(draw(None, shape).shape) for shape in inputs["more"]]
    return {"shapes": [tuple(z.shape), *shapes]}


def _require_positive(threshold: float) -> None:
    if not threshold > 0:
        raise ValueError


def _truncated(shape, psi, rng):
    """Return right numbers, by the inverse of the distribution function."""
    kept = math.erf(psi / math.sqrt(2))
    uniform = 2 * torch.rand(shape, generator=rng, dtype=torch.float64) - 1
    return (math.sqrt(2) * torch.erfinv(kept * uniform)).clamp(-psi, psi).float()


@mistakes.when(
    "all numbers are multiplied by psi: that makes a narrower or wider bell, with tails as long as "
    "before in its own measure; draw those beyond again."
)
def _multiplied(shape, threshold, rng=None):
    _require_positive(threshold)
    return threshold * torch.randn(shape, generator=rng)


@mistakes.when(
    "the tails are cut off at ±2 and the rest is multiplied by psi: they are cut off at ±psi, and "
    "nothing is multiplied."
)
def _cut_at_two_and_multiplied(shape, threshold, rng=None):
    _require_positive(threshold)
    return threshold * _truncated(shape, 2.0, rng)


@mistakes.when("the tails are cut off at ±2, whatever psi is.")
def _cut_at_two(shape, threshold, rng=None):
    _require_positive(threshold)
    return _truncated(shape, 2.0, rng)


@mistakes.when(
    "the normal distribution has a standard deviation of psi before its tails are cut off: it has "
    "one of 1, whatever psi is."
)
def _deviation_of_psi(shape, threshold, rng=None):
    _require_positive(threshold)
    return threshold * _truncated(shape, 1.0, rng)


@mistakes.when("no tails are cut off: psi is not used.")
def _not_cut(shape, threshold, rng=None):
    _require_positive(threshold)
    return torch.randn(shape, generator=rng)


@mistakes.when(
    "numbers beyond are clamped to ±psi, where they pile up: draw them again, until they lie "
    "within."
)
def _clamped(shape, threshold, rng=None):
    _require_positive(threshold)
    return torch.randn(shape, generator=rng).clamp(-threshold, threshold)


@mistakes.when(
    "numbers beyond are drawn again once: some of those lie beyond as well; repeat until none does."
)
def _once_again(shape, threshold, rng=None):
    _require_positive(threshold)
    z = torch.randn(shape, generator=rng)
    return torch.where(z.abs() > threshold, torch.randn(shape, generator=rng), z)


@mistakes.when(
    "only the upper tail is cut off: numbers below -psi lie beyond, too; compare z.abs()."
)
def _upper_tail_only(shape, threshold, rng=None):
    _require_positive(threshold)
    z = torch.randn(shape, generator=rng)
    while (beyond := z > threshold).any():
        z[beyond] = torch.randn(int(beyond.sum()), generator=rng)
    return z


@mistakes.when("z² is compared with psi, so that the tails are cut off at its root: compare |z|.")
def _square_compared(shape, threshold, rng=None):
    _require_positive(threshold)
    return _truncated(shape, math.sqrt(threshold), rng)


@mistakes.when(
    "all numbers between -psi and psi are equally likely: within, it is a normal distribution, "
    "with more in the middle."
)
def _uniform(shape, threshold, rng=None):
    _require_positive(threshold)
    return threshold * (2 * torch.rand(shape, generator=rng) - 1)


@mistakes.when(
    "tanh squeezes the numbers into ±psi, which makes another distribution: draw those beyond "
    "again, and leave the others as they are."
)
def _squeezed(shape, threshold, rng=None):
    _require_positive(threshold)
    return threshold * torch.randn(shape, generator=rng).tanh()


@mistakes.when("no number is negative: the absolute value is for comparing only.")
def _absolute(shape, threshold, rng=None):
    _require_positive(threshold)
    return _truncated(shape, threshold, rng).abs()


@mistakes.when(
    "what lies within is divided by its standard deviation: so it has one of 1 again, and goes "
    "beyond ±psi."
)
def _divided_by_deviation(shape, threshold, rng=None):
    _require_positive(threshold)
    z = _truncated(shape, threshold, rng)
    return z / z.std() if z.numel() else z


@mistakes.when(
    "not all draws come from `rng`: hand it to each of them, also where numbers are drawn again."
)
def _rng_ignored(shape, threshold, rng=None):
    _require_positive(threshold)
    return _truncated(shape, threshold, None)


@mistakes.when("a seed is set in here: every call draws the same numbers, whatever `rng` is.")
def _seed_of_its_own(shape, threshold, rng=None):
    _require_positive(threshold)
    return _truncated(shape, threshold, torch.Generator().manual_seed(0))


@mistakes.when("psi of 0 or less raises nothing: it should raise a ValueError.")
def _no_error(shape, threshold, rng=None):
    return _truncated(shape, abs(threshold), rng)


@mistakes.when("psi of 0 is let through: nothing lies within ±0, so it should raise a ValueError.")
def _zero_let_through(shape, threshold, rng=None):
    if threshold < 0:
        raise ValueError
    return _truncated(shape, threshold, rng)


@mistakes.when(
    "psi of 0 or less raises an AssertionError, as by `assert`: it should be a ValueError."
)
def _asserted(shape, threshold, rng=None):
    assert threshold > 0
    return _truncated(shape, threshold, rng)


EXERCISE = Exercise(
    name="truncated_normal",
    title="A normal distribution without its tails",
    points=2,
    reference=truncated_normal,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(torch.nn.init.trunc_normal_,),
    read="Truncation",
)
