"""Exercise: the probabilities of levels at a temperature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.pixelcnn import at_temperature

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: temperatures of all sizes, equal and huge logits, negative ones."""

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def ask(logits: Tensor, temperature: float, dtype: torch.dtype = torch.float32) -> Any:
        return {"logits": logits.to(dtype), "temperature": temperature, "negative": []}

    def apart(N: int, K: int, gap: float) -> Tensor:
        """Return logits of which those of a row are this far apart at least."""
        order = torch.rand(N, K, generator=rng).argsort(dim=1)
        return gap * (1.5 * order - K / 2 + uniform(0, 0.5, N, K))

    def with_equals(N: int, K: int, gap: float) -> Tensor:
        """Return logits of which the largest stands twice in a row, not at its ends."""
        logits = apart(N, K, gap)
        largest = logits.amax(dim=1, keepdim=True) + gap
        places = 1 + torch.rand(N, K - 2, generator=rng).argsort(dim=1)[:, :2]
        places[:2] = torch.tensor([[1, 3], [2, 3]])  # not the same in all rows, whatever the seed
        return logits.scatter(1, places, largest.expand(N, 2))

    def short(low: float, high: float) -> float:
        return round(uniform(low, high).item(), 3)

    # Logits in the thousands are whole numbers here, and equal or far apart: there are answers in
    # which logits / temperature loses its last digits, and they are right. So are those in which
    # log_softmax(logits) / temperature does: hence float64 at 1e-6.
    thousands = 1000 * torch.arange(-4.0, 4.0)[:, None]
    tiny = 2.0**-19  # 1.9e-6, a number of float32, too: an honest answer may make a tensor of it
    return [
        Case(
            "a temperature below 1",
            ask(2 * uniform(-1, 1, 3, 5), short(0.3, 0.8)),
            weight=2,
            hint="(logits / temperature).softmax(dim=1): divided, and before the softmax.",
        ),
        Case(
            "a temperature above 1, as many rows as levels",
            ask(3 * uniform(-1, 1, 4, 4), 2),
            weight=1,
            hint="The softmax runs over K, dimension 1: each row sums to 1.",
        ),
        Case(
            "temperature 1, a single row, float64",
            ask(2 * uniform(-1, 1, 1, 6), 1.0, torch.float64),
            weight=0.5,
            hint="At 1 these are the model's own probabilities; N may be 1.",
        ),
        Case(
            "a single level",
            ask(uniform(-1, 1, 4, 1), short(0.5, 2)),
            weight=0.5,
            hint="K may be 1: it gets all of the probability. No squeeze.",
        ),
        Case(
            "temperature 0",
            ask(apart(4, 6, 0.3), 0),
            weight=1,
            hint="Nothing is divided by 0: 1 at the largest logit of each row, 0 elsewhere, as "
            "floats of shape (N, K).",
        ),
        Case(
            "temperature 0, equal logits, some in the thousands",
            ask(with_equals(8, 6, 16).round() + thousands, 0.0),
            weight=8,
            hint="The first of equals gets all: argmax finds it, once for each row.",
        ),
        Case(
            "temperature 1e-6, equal logits in the thousands",
            ask(with_equals(8, 5, 16).round() + thousands, 1e-6, torch.float64),
            weight=5,
            hint="Not 0 yet: equals share. No exp of what wasn't made smaller by the row's "
            "largest; softmax does that.",
        ),
        Case(
            "temperature 2e-6, logits as close as that",
            ask(2 * tiny * uniform(-1, 1, 3, 4), tiny, torch.float64),
            weight=3,
            hint="A small temperature is one like any other: no clamp, nothing added to it.",
        ),
        Case(
            "logits in the thousands",
            ask(apart(8, 6, 32).round() + thousands, 0.5),
            weight=3,
            hint="exp(4000) is infinite, and exp(-4000) is 0: softmax subtracts each row's largest "
            "first.",
        ),
        Case(
            "a temperature, and negative ones",
            {
                **ask(2 * uniform(-1, 1, 2, 3), short(0.4, 0.9)),
                "negative": [-short(0.3, 2), -1, -1e-6],
            },
            weight=8,
            hint="if temperature < 0: raise ValueError(...).",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the probabilities, and what negative temperatures raise."""
    try:
        probs = as_tensor(implementation(inputs["logits"], inputs["temperature"]), "the result")
    except ValueError:
        if inputs["temperature"] == 0:  # whatever its message says
            raise WrongAnswer(
                "temperature 0 raises a ValueError; only negative ones should"
            ) from None
        raise
    raised = []
    for temperature in inputs["negative"]:
        try:
            implementation(inputs["logits"], temperature)
        except ValueError:
            raised.append("ValueError")
        except Exception as error:
            raised.append(type(error).__name__)
        else:
            raised.append("no exception")
    return {"the probabilities": probs.detach(), "negative temperatures": raised}


def _first_of_equals(logits: Tensor) -> Tensor:
    first = logits.argmax(dim=1, keepdim=True)
    return torch.zeros_like(logits).scatter(1, first, 1.0)


def _answer(
    logits: Tensor,
    temperature: float,
    formula: Callable[[], Tensor],
    zero: Callable[[Tensor], Tensor] = _first_of_equals,
) -> Tensor:
    """Return what a formula says above 0, and what is right elsewhere."""
    if temperature < 0:
        raise ValueError
    return zero(logits) if temperature == 0 else formula()


def _at_zero(logits: Tensor, temperature: float, zero: Callable[[Tensor], Tensor]) -> Tensor:
    """Return what is right above 0 and below, and something else at 0."""
    return _answer(logits, temperature, lambda: (logits / temperature).softmax(dim=1), zero)


@mistakes.when("the temperature changes nothing: logits are divided by it, before the softmax.")
def _not_used(logits, temperature):
    return _answer(logits, temperature, lambda: logits.softmax(dim=1))


@mistakes.when("logits are multiplied by the temperature: they are divided by it.")
def _multiplied(logits, temperature):
    return _answer(logits, temperature, lambda: (logits * temperature).softmax(dim=1))


@mistakes.when(
    "probabilities are divided by the temperature: their sum is 1 no longer. Divide logits, before "
    "the softmax."
)
def _probabilities_divided(logits, temperature):
    return _answer(logits, temperature, lambda: logits.softmax(dim=1) / temperature)


@mistakes.when(
    "the temperature comes after a first softmax, and a second one follows: divide logits, and "
    "take one softmax."
)
def _softmax_twice(logits, temperature):
    return _answer(
        logits, temperature, lambda: (logits.softmax(dim=1) / temperature).softmax(dim=1)
    )


@mistakes.when(
    "probabilities are raised to the power of 1 / temperature, and not divided by their sum: rows "
    "no longer sum to 1."
)
def _powers(logits, temperature):
    return _answer(logits, temperature, lambda: logits.softmax(dim=1) ** (1 / temperature))


@mistakes.when(
    "probabilities are raised to the power of 1 / temperature: at small temperatures all of these "
    "powers are rounded to 0. Divide logits instead."
)
def _normalised_powers(logits, temperature):
    def formula():
        powers = logits.softmax(dim=1) ** (1 / temperature)
        return powers / powers.sum(dim=1, keepdim=True)

    return _answer(logits, temperature, formula)


@mistakes.when("the softmax runs over the batch: each row is a distribution of its own, dim=1.")
def _over_the_batch(logits, temperature):
    return _answer(logits, temperature, lambda: (logits / temperature).softmax(dim=0))


@mistakes.when("logarithms of probabilities are returned: it is softmax, not log_softmax.")
def _logarithms(logits, temperature):
    return _answer(logits, temperature, lambda: (logits / temperature).log_softmax(dim=1))


@mistakes.when(
    "exp is taken of logits / temperature as they are: that is infinite soon, or 0 for a whole "
    "row. Subtract each row's largest first, as softmax does."
)
def _overflowing(logits, temperature):
    def formula():
        powers = (logits / temperature).exp()
        return powers / powers.sum(dim=1, keepdim=True)

    return _answer(logits, temperature, formula)


@mistakes.when(
    "the largest logit of the whole batch is subtracted: rows far below it are rounded to 0. Each "
    "row has its own largest."
)
def _one_largest_for_all(logits, temperature):
    def formula():
        powers = ((logits - logits.max()) / temperature).exp()
        return powers / powers.sum(dim=1, keepdim=True)

    return _answer(logits, temperature, formula)


@mistakes.when(
    "1e-8 is added to the temperature: it changes small ones, and at 0 equal logits share. 0 needs "
    "an `if`."
)
def _a_little_added(logits, temperature):
    def formula():
        return (logits / (temperature + 1e-8)).softmax(dim=1)

    return _answer(logits, temperature, formula, zero=lambda _: formula())


@mistakes.when(
    "small temperatures are taken for 0: at 1e-6, too, equal logits share, and close ones nearly "
    "do."
)
def _small_is_zero(logits, temperature):
    def formula():
        if temperature < 1e-5:
            return _first_of_equals(logits)
        return (logits / temperature).softmax(dim=1)

    return _answer(logits, temperature, formula)


@mistakes.when(
    "at temperature 0 logits are divided by it, which is NaN: 0 needs an `if`, and gives 1 to the "
    "largest logit."
)
def _divided_by_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: (logits / 0).softmax(dim=1))


@mistakes.when("temperature 0 raises a ValueError, too: only negative ones should.")
def _zero_refused(logits, temperature):
    if temperature <= 0:
        raise ValueError
    return (logits / temperature).softmax(dim=1)


@mistakes.when(
    "at temperature 0 the numbers of levels are returned, (N,): it is a distribution, (N, K), 1 at "
    "that number and 0 elsewhere."
)
def _number_at_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: logits.argmax(dim=1))


@mistakes.when(
    "at temperature 0 whole numbers are returned, as F.one_hot makes them: probabilities are "
    "floats."
)
def _whole_numbers_at_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: F.one_hot(logits.argmax(dim=1), logits.shape[1]))


@mistakes.when("at temperature 0 equal logits share: all goes to the first of them.")
def _equals_share_at_zero(logits, temperature):
    def zero(_):
        largest = (logits == logits.amax(dim=1, keepdim=True)).to(logits.dtype)
        return largest / largest.sum(dim=1, keepdim=True)

    return _at_zero(logits, temperature, zero)


@mistakes.when("at temperature 0 each of equal logits gets 1: the first gets it, the others 0.")
def _all_of_equals_at_zero(logits, temperature):
    def zero(_):
        return (logits == logits.amax(dim=1, keepdim=True)).to(logits.dtype)

    return _at_zero(logits, temperature, zero)


@mistakes.when("at temperature 0 the last of equal logits gets all: it is the first.")
def _last_of_equals_at_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: _first_of_equals(logits.flip(1)).flip(1))


@mistakes.when("at temperature 0 the largest is looked for down the batch: it is dim=1.")
def _down_the_batch_at_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: _first_of_equals(logits.T).T)


@mistakes.when("at temperature 0 all levels get the same: that is the limit of high temperatures.")
def _uniform_at_zero(logits, temperature):
    return _at_zero(logits, temperature, lambda _: torch.zeros_like(logits).softmax(dim=1))


@mistakes.when("temperature 0 is taken for 1: these are the model's own probabilities.")
def _zero_is_one(logits, temperature):
    return _at_zero(logits, temperature, lambda _: logits.softmax(dim=1))


@mistakes.when("a negative temperature raises nothing: it should raise a ValueError.")
def _negative_allowed(logits, temperature):
    return _at_zero(logits, abs(temperature), _first_of_equals)


@mistakes.when(
    "a negative temperature raises an AssertionError, as by `assert`: it should be a ValueError."
)
def _negative_asserted(logits, temperature):
    assert temperature >= 0
    return _at_zero(logits, temperature, _first_of_equals)


EXERCISE = Exercise(
    name="at_temperature",
    title="Probabilities at a temperature",
    points=2,
    reference=at_temperature,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Temperature",
)
