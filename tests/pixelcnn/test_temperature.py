import math

import pytest
import torch

from cvgen_course.pixelcnn import at_temperature


def random_logits(N=5, K=4, scale=3.0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return (scale * torch.randn(N, K, generator=rng, dtype=torch.float64)).to(dtype)


def test_at_temperature_equals_probabilities_worked_out_by_hand():
    logits = torch.tensor([[math.log(4.0), 0.0]])
    # 4 : 1, its root, its square
    for temperature, odds in ((1, 4.0), (2, 2.0), (0.5, 16.0)):
        expected = torch.tensor([[odds / (odds + 1), 1 / (odds + 1)]])
        torch.testing.assert_close(at_temperature(logits, temperature), expected)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
def test_at_temperature_equals_a_loop(temperature):
    logits = random_logits()
    for row, probs in zip(logits.tolist(), at_temperature(logits, temperature), strict=True):
        weights = [math.exp(logit / temperature) for logit in row]
        expected = torch.tensor([weight / sum(weights) for weight in weights], dtype=torch.float64)
        torch.testing.assert_close(probs, expected)


def test_at_temperature_raises_probabilities_to_a_power():
    """The model's own to the power of 1 / temperature, and divided by their sum."""
    logits = random_logits()
    powers = logits.softmax(dim=1) ** (1 / 0.4)
    expected = powers / powers.sum(dim=1, keepdim=True)
    torch.testing.assert_close(at_temperature(logits, 0.4), expected)


def test_at_temperature_0_is_the_largest_logit_and_the_first_of_equals():
    logits = torch.tensor([[1.0, 3.0, 2.0], [2.0, 0.0, 2.0], [-5.0, -5.0, -5.0]])
    for temperature in (0, 0.0):
        probs = at_temperature(logits, temperature)
        assert probs.tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize("temperature", [1e-6, 1e-20, 1e-30])
@pytest.mark.parametrize("scale", [3.0, 5000.0, 1e30])
def test_at_temperature_near_0_is_at_temperature_0(scale, temperature):
    logits = random_logits(scale=scale, dtype=torch.float32)
    assert torch.equal(at_temperature(logits, temperature), at_temperature(logits, 0))


def test_at_temperature_near_0_equal_logits_share():
    probs = at_temperature(torch.tensor([[7000.0, 7000.0, 6999.0]]), 1e-6)
    assert probs.tolist() == [[0.5, 0.5, 0.0]]


@pytest.mark.parametrize("temperature", [1e9, 1e300])
def test_at_temperature_without_end_makes_all_levels_alike(temperature):
    probs = at_temperature(random_logits(), temperature)
    torch.testing.assert_close(probs, torch.full_like(probs, 1 / 4))


@pytest.mark.parametrize("temperature", [0.0, 0.01, 1.0, 100.0])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_at_temperature_rows_are_distributions_that_do_not_depend_on_one_another(
    scale, temperature
):
    logits = random_logits(scale=scale, dtype=torch.float32)
    probs = at_temperature(logits, temperature)
    assert probs.ge(0).all()
    torch.testing.assert_close(probs.sum(dim=1), torch.ones(5))
    alone = torch.cat([at_temperature(row[None], temperature) for row in logits])
    torch.testing.assert_close(probs, alone)


@pytest.mark.parametrize("temperature", [0, 0.01, 1.0])
def test_at_temperature_does_not_change_where_all_logits_of_a_row_move(temperature):
    logits = random_logits()
    moved = logits + torch.arange(5)[:, None]
    torch.testing.assert_close(
        at_temperature(moved, temperature), at_temperature(logits, temperature)
    )


def test_at_temperature_leaves_what_is_impossible_impossible():
    logits = torch.tensor([[0.0, -math.inf, 1.0]])
    for temperature in (0, 0.5, 1, 9):
        probs = at_temperature(logits, temperature)
        assert probs[0, 1] == 0
        assert probs.isfinite().all()


@pytest.mark.parametrize("temperature", [0, 1])
def test_at_temperature_of_no_image_is_nothing(temperature):
    assert at_temperature(torch.zeros(0, 3), temperature).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("temperature", [0, 0.1])
def test_at_temperature_computes_half_precision_in_float32(dtype, temperature):
    logits = random_logits(scale=1e4, dtype=dtype)  # divided by 0.1 they overflow in float16
    probs = at_temperature(logits, temperature)
    assert probs.dtype == torch.float32
    torch.testing.assert_close(probs, at_temperature(logits.float(), temperature))
    assert at_temperature(random_logits(), temperature).dtype == torch.float64


def test_at_temperature_passes_gradcheck():
    logits = random_logits().requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: at_temperature(logits, 0.6), logits)


@pytest.mark.parametrize("temperature", [-1, -1e-9, math.nan, math.inf, -math.inf])
def test_at_temperature_refuses_what_is_no_temperature(temperature):
    with pytest.raises(
        ValueError, match=f"temperature: expected a finite .* 0 or more, got {temperature}"
    ):
        at_temperature(torch.zeros(1, 2), temperature)


def test_at_temperature_refuses_other_tensors():
    with pytest.raises(ValueError, match=r"logits: expected .*\(N, K\), got shape \(3,\)"):
        at_temperature(torch.zeros(3), 1.0)
    with pytest.raises(TypeError, match=r"logits: expected a floating-point .* got torch.int64"):
        at_temperature(torch.zeros(1, 3).long(), 1.0)
