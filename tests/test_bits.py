import math

import pytest
import torch
from torch.distributions import Normal, Uniform

from cvgen_course.bits import GREY_STEP, bits_per_dim, dequantize


def float64(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def random_bytes(*shape, seed=0):
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(seed))


def dequantised(grey, rng):
    """Return 256 grey values in [-1, 1], each spread evenly over one step."""
    noise = torch.rand(grey.shape, generator=rng, dtype=torch.float64) - 0.5
    return (grey + noise) * GREY_STEP - 1


@pytest.mark.parametrize("num_dims", [1, 12, 3 * 32 * 32])
def test_bits_per_dim_of_256_values_equally_likely_is_8(num_dims):
    log_prob = float64(num_dims * math.log(1 / 256))
    assert bits_per_dim(log_prob, num_dims).item() == pytest.approx(8, abs=1e-12)


@pytest.mark.parametrize("num_dims", [1, 12, 3 * 32 * 32])
def test_bits_per_dim_of_an_even_density_of_dequantised_images_is_8(num_dims):
    # half a step below black and half a step above white: 256 steps
    even = Uniform(float64(-1 - GREY_STEP / 2), float64(1 + GREY_STEP / 2))
    grey = random_bytes(20, num_dims)
    grey[0, 0], grey[1, 0] = 0, 255
    images = dequantised(grey, torch.Generator().manual_seed(1))
    log_prob = even.log_prob(images).sum(dim=1)
    expected = torch.full((20,), 8.0, dtype=torch.float64)
    got = bits_per_dim(log_prob, num_dims, step=GREY_STEP)
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def test_bits_per_dim_without_the_step_of_a_density_is_another_number():
    log_prob = float64(-math.log(256 * GREY_STEP))
    assert bits_per_dim(log_prob, 1).item() == pytest.approx(8 + math.log2(GREY_STEP))


@pytest.mark.parametrize(
    ("probability", "num_dims", "bits"),
    [
        (1, 5, 0),  # what is certain
        (1 / 2, 1, 1),  # a coin
        (1 / 8, 3, 1),  # three of them
        (1 / 8, 1, 3),
        (1 / 64, 4, 1.5),
    ],
)
def test_bits_per_dim_of_probabilities_worked_out_by_hand(probability, num_dims, bits):
    got = bits_per_dim(float64(probability).log(), num_dims)
    assert got.item() == pytest.approx(bits, abs=1e-12)


@pytest.mark.parametrize(
    ("density", "step", "bits"),
    [
        (1 / 256, 1, 8),  # grey values 0, 1, …, 255, spread over [0, 256)
        (1 / 128, 1, 7),  # dark ones only
        (1, 1 / 256, 8),  # the same two, divided by 256
        (2, 1 / 256, 7),
        (1 / 2, 1 / 4, 3),
        (4, 1 / 4, 0),  # one step wide: no doubt left
    ],
)
def test_bits_per_dim_of_densities_worked_out_by_hand(density, step, bits):
    got = bits_per_dim(6 * float64(density).log(), 6, step)
    assert got.item() == pytest.approx(bits, abs=1e-12)


def test_bits_per_dim_does_not_depend_on_the_unit_of_grey_values():
    log_prob = torch.randn(7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # a times as wide an axis makes the density of D numbers a^D times as low
    wider = bits_per_dim(log_prob - 12 * math.log(127.5), 12, step=1.0)
    torch.testing.assert_close(wider, bits_per_dim(log_prob, 12, GREY_STEP))


def test_bits_per_dim_of_a_normal_distribution_is_its_entropy():
    rng = torch.Generator().manual_seed(0)
    num_images, num_dims, sigma = 4000, 5, 3.0
    x = sigma * torch.randn(num_images, num_dims, generator=rng, dtype=torch.float64)
    log_prob = Normal(float64(0), float64(sigma)).log_prob(x).sum(dim=1)
    bits = bits_per_dim(log_prob, num_dims)
    error = bits.std() / math.sqrt(num_images)
    assert abs(bits.mean() - math.log2(sigma * math.sqrt(2 * math.pi * math.e))) < 5 * error


@pytest.mark.parametrize("sigma", [0.02, 0.1, 1.0])
def test_bits_per_dim_of_a_density_is_a_bound_of_the_grey_values_own(sigma):
    model = Normal(float64(-0.1), float64(sigma))
    grey = torch.arange(256, dtype=torch.float64)
    edges = (grey - 0.5) * GREY_STEP - 1
    mass = model.cdf(edges + GREY_STEP) - model.cdf(edges)
    seen = mass > 1e-9  # what is rarer is lost in 1 - 1
    grey, of_values = grey[seen], bits_per_dim(mass[seen].log(), 1)
    offsets = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000 - 0.5
    spread = (grey[:, None] + offsets) * GREY_STEP - 1
    of_density = bits_per_dim(model.log_prob(spread), 1, GREY_STEP).mean(dim=1)
    assert (of_density >= of_values - 1e-6).all()
    # the narrower the bell is beside a step, the more it takes to fill the step evenly
    gap = ((of_density - of_values) * mass[seen]).sum()
    assert 0 < gap < (GREY_STEP / sigma) ** 2 / 12


def test_bits_per_dim_keeps_shape_precision_and_gradient():
    log_prob = torch.zeros(2, 3, 4, dtype=torch.float64, requires_grad=True)
    bits = bits_per_dim(log_prob, 10)
    assert (bits.shape, bits.dtype) == ((2, 3, 4), torch.float64)
    (slope,) = torch.autograd.grad(bits.sum(), log_prob)
    torch.testing.assert_close(slope, torch.full_like(slope, -1 / (10 * math.log(2))))
    assert bits_per_dim(torch.zeros(()), 3).shape == ()
    assert bits_per_dim(torch.zeros(2), 3).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_bits_per_dim_computes_in_float32_at_least(dtype):
    log_prob = torch.tensor([-1000.0, -30000.0]).to(dtype)
    got = bits_per_dim(log_prob, 3072, GREY_STEP)
    assert got.dtype == torch.float32
    assert torch.equal(got, bits_per_dim(log_prob.float(), 3072, GREY_STEP))


def test_bits_per_dim_refuses_what_it_cannot_divide_by():
    with pytest.raises(ValueError, match="num_dims: expected at least 1, got 0"):
        bits_per_dim(torch.zeros(2), 0)
    for step in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"step: expected more than 0, got {step}"):
            bits_per_dim(torch.zeros(2), 3, step)


def test_bits_per_dim_refuses_what_is_no_tensor_of_floats():
    with pytest.raises(TypeError, match="log_prob: expected a floating-point tensor"):
        bits_per_dim(torch.zeros(2, dtype=torch.int64), 3)
    with pytest.raises(TypeError, match=r"log_prob: .* got float"):
        bits_per_dim(-3.0, 3)


def test_dequantize_fills_each_step_evenly_and_no_other():
    images = torch.tensor([-1.0, 0.2, 1.0]).view(1, 3, 1, 1).expand(1, 3, 100, 100)
    moved = dequantize(images, torch.Generator().manual_seed(0)) - images
    assert moved.abs().max() <= GREY_STEP / 2
    assert moved.mean(dim=(0, 2, 3)).abs().max() < 0.01 * GREY_STEP
    uniform = GREY_STEP / 12**0.5  # the deviation of a uniform distribution of that width
    torch.testing.assert_close(moved.std(), torch.tensor(uniform), rtol=0.02, atol=0.0)


def test_dequantized_grey_values_can_be_told():
    values = torch.arange(256.0) / 127.5 - 1
    spread = dequantize(values.view(1, 1, 16, 16), torch.Generator().manual_seed(0)).flatten()
    assert torch.equal(((spread + 1) * 127.5).round(), torch.arange(256.0))


def test_dequantize_follows_from_the_generator_alone():
    images = torch.zeros(2, 1, 4, 4)
    first, again = (dequantize(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, dequantize(images, torch.Generator().manual_seed(4)))


def test_dequantize_computes_in_float32_at_least():
    for dtype, kept in ((torch.float16, torch.float32), (torch.float64, torch.float64)):
        assert dequantize(torch.zeros(1, 1, 2, 2, dtype=dtype)).dtype == kept


def test_dequantize_refuses_whole_numbers_and_single_images():
    with pytest.raises(TypeError, match="images: expected a floating-point tensor"):
        dequantize(torch.zeros(1, 1, 2, 2, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"images: expected .* shape \(N, C, H, W\)"):
        dequantize(torch.zeros(1, 2, 2))
