import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import gan as ref
from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["optimal_discriminator"]


def one_over_one_plus_ratio(p_data, p_model):
    D = 1 / (1 + p_model / p_data)
    return torch.where((p_data == 0) & (p_model == 0), 0.5, D)


def softmax_of_logarithms(p_data, p_model):
    D = torch.stack([p_data, p_model]).log().softmax(dim=0)[0]
    return D.where(~D.isnan(), 0.5)


def scaled_by_the_larger(p_data, p_model):
    larger = torch.maximum(p_data, p_model)
    a, b = p_data / larger, p_model / larger
    return (a / (a + b)).nan_to_num(nan=0.5)


def in_float64(p_data, p_model):
    D = p_data.double() / (p_data.double() + p_model.double())
    return torch.nan_to_num(D, nan=0.5)


def numpy_divide(p_data, p_model):
    a, b = p_data.numpy(), p_model.numpy()
    total = a + b
    result = torch.full_like(p_data, 0.5).numpy()
    result[total > 0] = a[total > 0] / total[total > 0]
    return torch.from_numpy(result)


def a_number_below_all_densities(p_data, p_model):
    """It is lost in the rounding wherever there is anything at all."""
    least = torch.finfo(torch.float32).tiny
    return (p_data + least) / (p_data + p_model + 2 * least)


def squares(p_data, p_model):
    a, b = p_data.square(), p_model.square()
    return (a / (a + b)).nan_to_num(nan=0.5)


def square_roots_of_squares(p_data, p_model):
    """Right, but for squares that are 0 or infinite."""
    a, b = p_data.square(), p_model.square()
    return (a.sqrt() / (a.sqrt() + b.sqrt())).nan_to_num(nan=0.5)


def product_below(p_data, p_model):
    """p² / (p² + p q) is the same on paper."""
    return (p_data**2 / (p_data**2 + p_data * p_model)).nan_to_num(nan=0.5)


def minimum_of_nothing(p_data, p_model):
    return (p_data / (p_data + p_model)).nan_to_num(nan=0.5).clamp(0.01, 0.99)


def nowhere_if_there_is_no_model(p_data, p_model):
    return torch.where(p_model == 0, 0.5, p_data / (p_data + p_model))


def half_in_all_if_nowhere(p_data, p_model):
    if ((p_data + p_model) == 0).any():
        return torch.full_like(p_data, 0.5)
    return p_data / (p_data + p_model)


def raises_nowhere(p_data, p_model):
    if ((p_data + p_model) == 0).any():
        raise ZeroDivisionError
    return p_data / (p_data + p_model)


def flat(p_data, p_model):
    return in_float64(p_data, p_model).flatten()


def mean(p_data, p_model):
    return in_float64(p_data, p_model).mean()


def float32(p_data, p_model):
    return in_float64(p_data, p_model).float()


def float32_on_the_way(p_data, p_model):
    return in_float64(p_data, p_model).float().to(p_data.dtype)


def complement_nowhere_is_1(p_data, p_model):
    return 1 - (p_model / (p_data + p_model)).nan_to_num(nan=0.0)


RIGHT = [
    *(one_over_one_plus_ratio, softmax_of_logarithms, scaled_by_the_larger, in_float64),
    *(numpy_divide, a_number_below_all_densities),
]
WRONG = [
    *(squares, square_roots_of_squares, product_below),
    *(minimum_of_nothing, nowhere_if_there_is_no_model, half_in_all_if_nowhere, raises_nowhere),
    *(flat, mean, float32, float32_on_the_way, complement_nowhere_is_1),
]
_NOWHERE = "it is the divisor where 1/2 is put in any case"
EQUIVALENT = {
    "optimal_discriminator: p_data, p_model = (p_data / scale, p_model / scale) -> pass": (
        "1e30 is not so large that the sum would be infinite"
    ),
    "optimal_discriminator: torch.maximum(p_data, p_model) -> torch.maximum(p_model, p_data)": (
        "the larger is the same"
    ),
    "optimal_discriminator: torch.where(nowhere, 1, largest)"
    " -> torch.where(nowhere, largest, 1)": "densities are not scaled then, or are NaN nowhere",
    "optimal_discriminator: 1 -> 2": _NOWHERE,
    "optimal_discriminator: 1 -> 0": _NOWHERE,
    "optimal_discriminator: p_data, p_model = _require_densities(p_data, p_model) -> pass": (
        "a check of the arguments"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_optimal_discriminator_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(12))))


@pytest.mark.parametrize("answer", WRONG)
def test_optimal_discriminator_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_optimal_discriminator_must_not_come_from_the_librarys_value():
    def answer(p_data, p_model):
        ref.optimal_value(p_data, p_model, 1.0)
        return in_float64(p_data, p_model)

    assert graded(EXERCISE, answer).points == 0.0


def test_optimal_discriminator_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
