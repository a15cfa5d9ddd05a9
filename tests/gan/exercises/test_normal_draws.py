import math

import pytest
import torch

from cvgen_course.gan.exercises.normal_draws import (
    compared,
    compared_without_generator,
    described,
    raised,
)

RIGHT = {
    "numbers beyond ±psi": ["none"],
    "numbers at ±psi": ["hardly any"],
    "numbers that come once": ["nearly all"],
    "the mean": ["about 0"],
    "the spread": ["as it should be"],
    "the distribution": ["as it should be"],
}


def within(psi, seed, n=2500):
    """Draw by the inverse of the distribution function."""
    rng = torch.Generator().manual_seed(seed)
    uniform = 2 * torch.rand(n, generator=rng) - 1
    return math.sqrt(2) * torch.erfinv(uniform * math.erf(psi / math.sqrt(2)))


def wrong(z, psi):
    """Return the parts in which numbers are not as they should be."""
    found = described(z, psi)
    assert found.keys() == RIGHT.keys()
    return {name: text for name, (text,) in found.items() if [text] != RIGHT[name]}


@pytest.mark.parametrize("psi", [0.1, 0.5, 1.7, 2.4, 100.0])
def test_described_finds_nothing_wrong_with_right_numbers(psi):
    assert all(described(within(psi, seed), psi) == RIGHT for seed in range(100))


def test_described_has_room_for_a_few_infinities_where_no_tail_is_cut_off():
    z = within(100.0, 1)
    z[:2] = torch.tensor([-torch.inf, torch.inf])
    assert wrong(z, 100.0) == {}


def test_described_says_what_is_wrong():
    z, psi = within(1.7, 2), 1.7
    beyond = z.clone()
    beyond[7] = -1.8
    far = z.clone()
    far[7] = 3.5
    heap = z.clone()
    heap[:10] = 1.7
    assert wrong(beyond, psi) == {"numbers beyond ±psi": "some"}
    assert wrong(far, psi) == {"numbers beyond ±psi": "some, even beyond ±2 psi"}
    assert wrong(heap, psi) == {"numbers at ±psi": "a heap of them"}
    assert wrong(z[:250].repeat(10), psi)["numbers that come once"] == "too few"
    assert wrong(z + 0.15, psi)["the mean"] == "not 0"
    assert wrong(0.8 * z, psi)["the spread"] == "too small"
    assert wrong(z.sign() * z.abs().clamp(min=0.6), psi)["the spread"] == "too large"


def test_described_finds_numbers_that_were_wrapped_around():
    z = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    assert wrong(torch.fmod(z, 1.3), 1.3)["the spread"] == "too small"


def test_described_looks_at_more_than_two_moments():
    spread = math.sqrt(0.95) * torch.linspace(0.9, 1.1, 2500)  # all far from 0
    z = spread / spread.square().mean().sqrt() * within(2.4, 3).square().mean().sqrt()
    z[::2] *= -1
    assert wrong(z, 2.4) == {"the distribution": "another one"}


def test_compared_tells_generators_from_seeds():
    def draw(rng):
        return torch.randn(20, generator=rng)

    right = {
        "the next call": ["draws other numbers"],
        "another seed": ["draws other numbers"],
        "the same seed": ["draws the same numbers"],
        "torch's own generator": ["stays as it was"],
    }
    assert compared(draw, 5) == right
    assert compared(lambda rng: draw(None), 5) == {
        **right,
        "the same seed": ["draws other numbers"],
        "torch's own generator": ["moves on"],
    }


def test_compared_without_generator_asks_for_torchs_own():
    right = {
        "the next call": ["draws other numbers"],
        "a call after torch.manual_seed": ["draws the same numbers"],
    }
    assert compared_without_generator(lambda rng: torch.randn(20, generator=rng), 5) == right


def test_raised_names_exceptions():
    class OwnError(ValueError):
        pass

    def fails(error):
        raise error

    assert raised(lambda: fails(OwnError())) == ["ValueError"]
    assert raised(lambda: fails(KeyError())) == ["KeyError"]
    assert raised(lambda: 1) == ["no exception"]
