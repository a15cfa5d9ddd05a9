import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)
from torch.distributions import Categorical

from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["at_temperature"]


def one_hot(logits):
    return F.one_hot(logits.argmax(dim=1), logits.shape[1]).to(logits.dtype)


def as_in_the_lecture(logits, temperature):
    if temperature < 0:
        raise ValueError(f"temperature: expected 0 or more, got {temperature}")
    if temperature == 0:
        return one_hot(logits)
    return (logits / temperature).softmax(dim=1)


def largest_subtracted_by_hand(logits, temperature):
    if not temperature >= 0:
        raise ValueError("negative")
    largest, first = logits.max(dim=1, keepdim=True)
    if not temperature:
        probs = torch.zeros(logits.shape, dtype=logits.dtype)
        for row, k in enumerate(first):
            probs[row, k] = 1.0
        return probs
    powers = torch.exp((logits - largest) / temperature)
    return powers / powers.sum(dim=1, keepdim=True)


def row_by_row(logits, temperature):
    rows = []
    for row in logits:
        if temperature > 0:
            rows.append(F.softmax(row * (1 / temperature), dim=0))
        elif temperature == 0:
            rows.append((torch.arange(len(row)) == row.argmax()).to(row.dtype))
        else:
            raise ValueError
    return torch.stack(rows)


def numpy_in_float64(logits, temperature):
    if temperature < 0:
        raise ValueError(temperature)
    values = logits.numpy().astype(np.float64)
    if temperature == 0:
        return torch.from_numpy(np.eye(values.shape[1])[values.argmax(1)])
    powers = np.exp((values - values.max(1, keepdims=True)) / temperature)
    return torch.from_numpy(powers / powers.sum(1, keepdims=True))


def distribution(logits, temperature):
    if temperature < 0:
        raise ValueError("The temperature must not be negative.")
    if temperature == 0:
        return torch.eye(logits.shape[1], dtype=logits.dtype)[logits.argmax(1)]
    return Categorical(logits=logits / temperature).probs


def powers_of_log_probs(logits, temperature):
    """The logarithms of probabilities are logits, too."""
    if temperature < 0:
        raise ValueError
    log_probs = logits.log_softmax(dim=-1)
    if temperature == 0:
        return torch.zeros_like(logits).scatter_(1, log_probs.argmax(1, keepdim=True), 1)
    return (log_probs / temperature).log_softmax(-1).exp()


class NegativeTemperatureError(ValueError):
    pass


def error_of_its_own(logits, temperature):
    if temperature < 0:
        raise NegativeTemperatureError
    return as_in_the_lecture(logits, temperature)


def limit_by_infinities(logits, temperature):
    """Below the first of the largest, all logits are minus infinity at temperature 0."""
    if temperature < 0:
        raise ValueError
    if temperature == 0:
        k = torch.arange(logits.shape[1])
        others = k != logits.argmax(dim=1, keepdim=True)
        return torch.where(others, -torch.inf, 0.0).to(logits.dtype).softmax(dim=1)
    return torch.softmax(logits.double() / temperature, 1).to(logits.dtype)


def first_of_the_largest(logits, temperature):
    if temperature < 0:
        raise ValueError
    if temperature == 0:
        is_largest = logits == logits.amax(1, keepdim=True)
        return (is_largest.cumsum(1).cumsum(1) == 1).to(logits.dtype)
    return torch.stack([torch.softmax(row / temperature, -1) for row in logits])


def varied(above=None, zero=one_hot, below=None):
    """Return a right answer in which what comes above, at or below 0 is another."""

    def answer(logits, temperature):
        if temperature < 0:
            if below:
                return below(logits, temperature)
            raise ValueError
        if temperature == 0:
            return zero(logits)
        return above(logits, temperature) if above else (logits / temperature).softmax(dim=1)

    return answer


def raises(error):
    def below(logits, temperature):
        raise error

    return below


def any_of_equals(logits):
    """The one that topk finds first, which need not be the first."""
    return torch.zeros_like(logits).scatter(1, logits.sort(dim=1).indices[:, -1:], 1.0)


def far_below_zero(logits, temperature):
    if temperature < -1e-3:
        raise ValueError
    return as_in_the_lecture(logits, max(temperature, 0))


def both_in_one(logits, temperature):
    if temperature < 1e-12:
        raise ValueError
    return (logits / temperature).softmax(dim=1)


def clamped(smallest):
    return varied(lambda logits, t: (logits / max(t, smallest)).softmax(dim=1))


RIGHT = [
    *(as_in_the_lecture, largest_subtracted_by_hand, row_by_row, numpy_in_float64, distribution),
    *(powers_of_log_probs, error_of_its_own, limit_by_infinities, first_of_the_largest),
]
WRONG = {
    "a square": varied(lambda logits, t: (logits / t**2).softmax(dim=1)),
    "a root": varied(lambda logits, t: (logits / t**0.5).softmax(dim=1)),
    "subtracted": varied(lambda logits, t: (logits - t).softmax(dim=1)),
    "the temperature's exponential": varied(lambda logits, t: (logits / np.exp(t)).softmax(dim=1)),
    "a whole number": varied(lambda logits, t: (logits / max(int(t), 1)).softmax(dim=1)),
    "at most 1": varied(lambda logits, t: (logits / min(t, 1)).softmax(dim=1)),
    "down the batch": varied(lambda logits, t: (logits / t).softmax(dim=0)),
    "over everything": varied(
        lambda logits, t: (logits / t).flatten().softmax(dim=0).view_as(logits)
    ),
    "a sigmoid": varied(lambda logits, t: (logits / t).sigmoid()),
    "not normalised": varied(
        lambda logits, t: ((logits - logits.amax(dim=1, keepdim=True)) / t).exp()
    ),
    "two large numbers subtracted": varied(
        lambda logits, t: (logits / t - (logits / t).logsumexp(dim=1, keepdim=True)).exp()
    ),
    "the smallest": varied(lambda logits, t: (-logits / t).softmax(dim=1)),
    "no NaN, but zeros": varied(
        lambda logits, t: ((logits / t).exp() / (logits / t).exp().sum(1, True)).nan_to_num()
    ),
    "clamped logits": varied(lambda logits, t: (logits / t).clamp(-80, 80).softmax(dim=1)),
    "a little in the sum": varied(
        lambda logits, t: (logits / t).softmax(dim=1) / (1 + 1e-4 * len(logits))
    ),
    "float32": varied(lambda logits, t: (logits.float() / t).softmax(dim=1).to(logits.dtype)),
    "half precision": varied(lambda logits, t: (logits / t).softmax(dim=1).half()),
    "squeezed": varied(lambda logits, t: (logits / t).softmax(dim=1).squeeze()),
    "samples": varied(
        lambda logits, t: one_hot((logits / t).softmax(dim=1).multinomial(1).expand_as(logits))
    ),
    "the likeliest": varied(lambda logits, t: one_hot(logits)),
    "in place": varied(lambda logits, t: logits.div_(t).softmax(dim=1)),
    "at least 1e-5": clamped(1e-5),
    "at least 1e-3": clamped(1e-3),
    "at 0 any of equals": varied(zero=any_of_equals),
    "at 0 the smallest": varied(zero=lambda logits: one_hot(-logits)),
    "at 0 the largest logit": varied(zero=lambda logits: logits * one_hot(logits)),
    "at 0 the largest alone": varied(zero=lambda logits: logits.amax(dim=1)),
    "at 0 bools": varied(zero=lambda logits: one_hot(logits).bool()),
    "at 0 nothing": varied(zero=torch.zeros_like),
    "at 0 None": varied(zero=lambda logits: None),
    "at 0 a column": varied(zero=lambda logits: logits.argmax(dim=1, keepdim=True)),
    "at 0 the largest logits' sizes": varied(zero=lambda logits: one_hot(logits.abs())),
    "at 0 an error": varied(zero=raises(ZeroDivisionError)),
    "at 0 a tiny temperature": varied(zero=lambda logits: (logits / 1e-10).softmax(dim=1)),
    "below 0 an error of type": varied(below=raises(TypeError)),
    "below 0 any error": varied(below=raises(Exception)),
    "below 0 a message": varied(below=lambda logits, t: "temperature must not be negative"),
    "below 0 None": varied(below=lambda logits, t: None),
    "below 0 an error that is returned": varied(below=lambda logits, t: ValueError()),
    "below 0 as at 0": varied(below=lambda logits, t: one_hot(logits)),
    "below 0 as above": varied(below=lambda logits, t: (logits / t).softmax(dim=1)),
    **{answer.__name__: answer for answer in (far_below_zero, both_in_one)},
}
_SHIFTED = "a softmax stays the same where all logits of a row are shifted alike"
EQUIVALENT = {
    "at_temperature: logits = at_least_float32(logits) -> pass": "no case is in half precision",
    "at_temperature: logits.amax(dim=1, keepdim=True) -> logits.amax(keepdim=True)": _SHIFTED,
    "at_temperature: logits - largest -> logits + largest": _SHIFTED,
}


@pytest.mark.parametrize("answer", RIGHT)
def test_at_temperature_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_at_temperature_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_at_temperature_says_which_exception_was_expected():
    (message,) = failed(graded(EXERCISE, WRONG["below 0 an error of type"]))
    assert "`TypeError`" in message
    assert "`ValueError`" in message


def test_at_temperature_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
