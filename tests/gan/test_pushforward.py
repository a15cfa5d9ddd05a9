import math

import pytest
import torch
from scipy.stats import norm
from torch import nn

from cvgen_course.gan import pushforward_density


def shares(cdf, low, high, num_cells):
    """Return the mean density in each cell, from a distribution function."""
    edges = torch.linspace(low, high, num_cells + 1, dtype=torch.float64)
    values = torch.tensor([cdf(edge) for edge in edges.tolist()], dtype=torch.float64)
    return (values.diff() * num_cells / (high - low)).float()


def line(z):
    return 3 + 0.5 * z


def cube(z):
    return z**3


def square(z):
    return z**2


def cdf_of_square(x):
    return 2 * norm.cdf(math.sqrt(x)) - 1 if x > 0 else 0.0


@pytest.mark.parametrize(
    ("generator", "cdf"),
    [
        (lambda z: z, norm.cdf),
        (line, norm(3, 0.5).cdf),
        (lambda z: -line(z), norm(-3, 0.5).cdf),
        (cube, lambda x: norm.cdf(math.copysign(abs(x) ** (1 / 3), x))),
        (torch.exp, lambda x: norm.cdf(math.log(x)) if x > 0 else 0.0),
        (square, cdf_of_square),  # two z to each x
    ],
)
@pytest.mark.parametrize("num_cells", [1, 10, 60])
def test_pushforward_density_equals_the_change_of_variables(generator, cdf, num_cells):
    density = pushforward_density(generator, -4, 5, num_cells)
    assert density.shape == (num_cells,)
    assert density.dtype == torch.float32
    # of 200 numbers a cell, two at most are on the wrong side of an edge
    one_number = 1 / (200 * num_cells) / (9 / num_cells)
    expected = shares(cdf, -4.0, 5.0, num_cells)
    torch.testing.assert_close(density, expected, rtol=1e-5, atol=2.5 * one_number)


def test_pushforward_density_sums_to_what_lies_inside():
    assert pushforward_density(line, -2, 8).sum().item() * 10 / 200 == pytest.approx(1)
    assert pushforward_density(line, 3, 8).sum().item() * 5 / 200 == pytest.approx(0.5)
    assert pushforward_density(line, 20, 30).sum().item() == 0


def test_pushforward_density_of_a_collapsed_generator_is_one_full_cell():
    density = pushforward_density(lambda z: 0 * z + 0.3, 0, 1, 5)
    assert density.tolist() == [0, 5, 0, 0, 0]


def test_pushforward_density_of_a_network_needs_no_chance_and_leaves_no_graph():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    before = torch.get_rng_state()
    first, second = (pushforward_density(network, -3, 3) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert not first.requires_grad


def test_pushforward_density_says_what_is_wrong():
    for low, high, num_cells in ((1, 1, 5), (2, 1, 5), (0, 1, 0), (math.nan, 1, 5)):
        with pytest.raises(
            ValueError, match=f"expected low < high .* got {low}, {high}, {num_cells}"
        ):
            pushforward_density(line, low, high, num_cells)
    with pytest.raises(ValueError, match=r"generator\(z\): expected .* got shape \(1000, 2\)"):
        pushforward_density(lambda z: z.repeat(1, 2), 0, 1, 5)
    with pytest.raises(ValueError, match=r"generator\(z\): expected .*\(1000, 1\), got shape \(3"):
        pushforward_density(lambda z: z[:3], 0, 1, 5)
    with pytest.raises(TypeError, match=r"generator\(z\): .* got torch.int64"):
        pushforward_density(lambda z: z.long(), 0, 1, 5)
