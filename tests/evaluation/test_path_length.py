import math

import pytest
import torch
from torchmetrics.functional.image import perceptual_path_length

from cvgen_course.autoencoders import slerp
from cvgen_course.evaluation import path_lengths


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def as_image(z):
    return z[:, None, None]  # (N, 1, 1, J)


def flat(images):
    return images.flatten(1)


class Generator(torch.nn.Module):
    """A smooth map from codes to images, as torchmetrics wants it: in [0, 255]."""

    def __init__(self):
        super().__init__()
        self.weight = normal(3, 12)

    def sample(self, num_samples):
        return torch.randn(num_samples, 3, dtype=torch.float64)

    def forward(self, z):
        return 255 * (z @ self.weight).sigmoid().unflatten(1, (3, 2, 2))


class SquaredDistance(torch.nn.Module):
    def forward(self, first, second):
        return (first - second).flatten(1).square().sum(dim=1)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-2, 0.5])
def test_path_lengths_of_a_linear_generator_are_those_of_the_way(epsilon):
    starts, ends, weight = normal(20, 3), normal(20, 3, seed=1), normal(3, 8, seed=2)
    t = torch.rand(20, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    lengths = path_lengths(lambda z: as_image(z @ weight), flat, starts, ends, t, epsilon=epsilon)
    expected = ((ends - starts) @ weight).square().sum(dim=1)
    torch.testing.assert_close(lengths, expected, rtol=1e-6, atol=0)


def test_path_lengths_of_normal_codes_have_a_known_mean():
    """Between independent codes it is the mean of ‖W (z₂ - z₁)‖², which is 2 ‖W‖²."""
    starts, ends, weight = normal(20_000, 3), normal(20_000, 3, seed=1), normal(3, 4, seed=2)
    lengths = path_lengths(lambda z: as_image(z @ weight), flat, starts, ends, torch.zeros(20_000))
    assert lengths.mean().item() == pytest.approx(2 * weight.square().sum().item(), rel=0.05)


def test_path_lengths_on_an_arc_are_those_of_chords():
    """A quarter of the unit circle: a step of ε turns by an angle of ε π / 2."""
    start, end = torch.eye(2, dtype=torch.float64).split(1)
    epsilon = 0.1
    for t in (0.0, 0.3, 0.9):
        (length,) = path_lengths(
            as_image, flat, start, end, torch.tensor([t]), slerp, epsilon
        ).tolist()
        chord = 2 * math.sin(epsilon * math.pi / 4)
        assert length == pytest.approx((chord / epsilon) ** 2)


def test_path_lengths_square_the_change_and_divide_it_by_the_step_squared():
    start, end = torch.zeros(1, 1), torch.ones(1, 1)
    for epsilon in (0.25, 0.5):
        (length,) = path_lengths(
            lambda z: as_image(z**2), flat, start, end, torch.tensor([0.5]), epsilon=epsilon
        )
        # (0.5 + ε)² - 0.25 = ε + ε²
        assert length.item() == pytest.approx((1 + epsilon) ** 2)


def test_path_lengths_look_where_t_says():
    """A generator that jumps halfway: only there does a short step see it."""
    starts, ends = torch.zeros(4, 1), torch.ones(4, 1)
    t = torch.tensor([0.0, 0.4955, 0.5045, 0.99])
    lengths = path_lengths(lambda z: as_image((z > 0.5).float()), flat, starts, ends, t)
    assert lengths.tolist() == pytest.approx([0, 1e4, 0, 0])


def test_path_lengths_of_a_jump_grow_as_the_step_shrinks_and_those_of_a_slope_do_not():
    starts, ends = torch.zeros(5000, 1), torch.ones(5000, 1)
    t = torch.linspace(0, 0.9, 5000)
    jump, slope = (
        [
            path_lengths(g, flat, starts, ends, t, epsilon=epsilon).mean().item()
            for epsilon in (0.1, 0.01)
        ]
        for g in (lambda z: as_image((z > 0.5).float()), lambda z: as_image(z.sin()))
    )
    assert jump[1] == pytest.approx(10 * jump[0], rel=0.05)
    assert slope[1] == pytest.approx(slope[0], rel=0.1)


def test_path_lengths_equal_those_of_torchmetrics():
    generator = Generator()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mean, _, lengths = perceptual_path_length(
            generator,
            num_samples=30,
            epsilon=1e-3,
            resize=None,
            lower_discard=None,
            upper_discard=None,
            sim_net=SquaredDistance(),
        )
        torch.manual_seed(0)
        starts, ends = generator.sample(30), generator.sample(30)

    def generate(z):
        return 2 * generator(z) / 255 - 1

    found = path_lengths(generate, flat, starts, ends, torch.zeros(30), epsilon=1e-3)
    torch.testing.assert_close(found, lengths, rtol=1e-4, atol=0)
    assert found.mean().item() == pytest.approx(mean.item(), rel=1e-4)


def test_path_lengths_compare_features_and_not_images():
    starts, ends = normal(10, 3), normal(10, 3, seed=1)
    found = path_lengths(as_image, lambda x: 3 * flat(x)[:, :1], starts, ends, torch.zeros(10))
    torch.testing.assert_close(found, 9 * (ends - starts)[:, 0].square())


def test_path_lengths_know_no_other_way():
    generator, t = Generator(), torch.linspace(0, 1, 6, dtype=torch.float64)
    starts, ends = normal(6, 3), normal(6, 3, seed=1)
    together = path_lengths(generator, flat, starts, ends, t)
    alone = [
        path_lengths(generator, flat, *(x[i : i + 1] for x in (starts, ends, t))) for i in range(6)
    ]
    torch.testing.assert_close(torch.cat(alone), together)
    assert path_lengths(generator, flat, starts, starts, t).tolist() == [0] * 6


def test_path_lengths_say_what_is_wrong():
    starts, t = normal(5, 3), torch.zeros(5)
    with pytest.raises(ValueError, match="epsilon: expected more than 0, got 0"):
        path_lengths(as_image, flat, starts, starts, t, epsilon=0)
    with pytest.raises(ValueError, match=r"ends: expected .* = \(5, 3\) .* got shape \(4, 3\)"):
        path_lengths(as_image, flat, starts, starts[:4], t)
    with pytest.raises(ValueError, match=r"t: expected .* = \(5,\) .* got shape \(4,\)"):
        path_lengths(as_image, flat, starts, starts, t[:4])
    with pytest.raises(TypeError, match="t: expected a floating-point tensor"):
        path_lengths(as_image, flat, starts, starts, t.long())
