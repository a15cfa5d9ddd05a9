import math

import pytest
import torch

from cvgen_course.gan import modes_covered, ring_centres, ring_samples
from cvgen_course.gan.ring import DEVIATION


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_ring_centres_of_four_modes_are_the_points_of_the_compass():
    expected = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    torch.testing.assert_close(ring_centres(4), expected)
    assert ring_centres(1).tolist() == [[1.0, 0.0]]


def test_ring_centres_are_equally_far_apart():
    centres = ring_centres(8)
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(8))
    sides = (centres - centres.roll(1, dims=0)).norm(dim=1)
    torch.testing.assert_close(sides, torch.full((8,), 2 * math.sin(math.pi / 8)))


@pytest.mark.parametrize("num_modes", [1, 3, 8])
def test_ring_samples_are_normal_around_each_mode(num_modes):
    samples = ring_samples(12_000, num_modes, seeded())
    assert samples.shape == (12_000, 2)
    assert samples.dtype == torch.float32
    nearest = torch.cdist(samples, ring_centres(num_modes)).argmin(dim=1)
    for mode, centre in enumerate(ring_centres(num_modes)):
        own = samples[nearest == mode]
        assert len(own) == pytest.approx(12_000 / num_modes, rel=0.15)
        torch.testing.assert_close(own.mean(dim=0), centre, rtol=0, atol=0.01)
        expected = DEVIATION**2 * torch.eye(2)
        torch.testing.assert_close(own.T.cov(), expected, rtol=0, atol=0.1 * DEVIATION**2)


def test_ring_samples_draw_from_the_given_generator_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = ring_samples(20, rng=seeded(1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(ring_samples(20, rng=seeded(1)), first)


def test_modes_covered_counts_by_hand():
    samples = torch.tensor(
        [[1.0, 0.0], [1.0, 0.14], [0.9, 0.1], [0.0, 1.0], [0.0, 1.2], [0.5, 0.5]]
    )
    # four modes: two samples and one at 0.1414 are near the first, one is near the second
    assert modes_covered(samples, 4) == (2, pytest.approx(4 / 6))
    assert modes_covered(samples, 4, share=0.2) == (1, pytest.approx(4 / 6))
    assert modes_covered(samples, 4, share=0.6) == (0, pytest.approx(4 / 6))


@pytest.mark.parametrize(("distance", "expected"), [(0.149, (1, 1.0)), (0.151, (0, 0.0))])
@pytest.mark.parametrize("angle", [0.0, 1.0, 4.0])
def test_modes_covered_ends_at_three_deviations(distance, expected, angle):
    step = distance * torch.tensor([math.cos(angle), math.sin(angle)])
    assert modes_covered(ring_centres(8)[3:4] + step) == expected


@pytest.mark.parametrize(("num", "share"), [(100, 0.07), (50, 0.02), (100, 0.29), (10, 0.3)])
def test_modes_covered_begins_at_exactly_the_share(num, share):
    enough = round(num * share)
    samples = torch.zeros(num, 2)
    samples[:enough] = ring_centres(8)[2]
    assert modes_covered(samples, share=share)[0] == 1
    samples[0] = 0
    assert modes_covered(samples, share=share)[0] == 0


def test_modes_covered_of_the_ring_itself_is_all_and_nearly_1():
    modes, quality = modes_covered(ring_samples(5000, rng=seeded()))
    assert modes == 8
    assert isinstance(modes, int)
    # of a normal distribution in the plane, exp(-9 / 2) lies beyond three deviations
    assert quality == pytest.approx(1 - math.exp(-4.5), abs=0.006)


def test_modes_covered_of_a_collapsed_generator():
    assert modes_covered(ring_centres(8)[5:6].expand(1000, 2)) == (1, 1.0)
    assert modes_covered(torch.zeros(10, 2)) == (0, 0.0)
    assert modes_covered(torch.full((10, 2), math.nan)) == (0, 0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_modes_covered_takes_any_precision(dtype):
    assert modes_covered(ring_centres(8).to(dtype).repeat(3, 1)) == (8, 1.0)


def test_ring_functions_say_what_is_wrong():
    with pytest.raises(ValueError, match="num_modes: expected at least 1, got 0"):
        ring_centres(0)
    with pytest.raises(ValueError, match="num_modes: expected at least 1, got 0"):
        ring_samples(3, 0)
    with pytest.raises(ValueError, match="num_modes: expected at least 1, got -1"):
        modes_covered(torch.zeros(3, 2), -1)
    with pytest.raises(ValueError, match="samples: expected at least one, got none"):
        modes_covered(torch.zeros(0, 2))
    with pytest.raises(ValueError, match=r"samples: expected .*\(N, 2\), got shape \(4, 3\)"):
        modes_covered(torch.zeros(4, 3))
    with pytest.raises(TypeError, match=r"samples: .*floating-point.* got torch.int64"):
        modes_covered(torch.zeros(4, 2).long())
