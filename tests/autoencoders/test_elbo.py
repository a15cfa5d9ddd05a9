import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.distributions import (
    Independent,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from cvgen_course.autoencoders import (
    elbo,
    gaussian_kl_per_item,
    gaussian_log_prob_per_item,
    importance_weighted_bound,
    reparametrize,
)

HALF_LOG_2PI = math.log(2 * math.pi) / 2


def random_parts(N=3, C=2, H=4, W=5, J=3, dtype=torch.float64, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shapes = {"x": (N, C, H, W), "x_mean": (N, C, H, W), "mu": (N, J), "log_var": (N, J)}
    return {
        name: torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)
        for name, shape in shapes.items()
    }


def test_gaussian_log_prob_per_item_equals_one_worked_out_by_hand():
    # sigma = 1/2, so 2 sigma² = 1/2; the squares of the first image sum to 1 + 4, of the second
    # to 0; two numbers in each image.
    x = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 3.0]]]])
    x_mean = torch.tensor([[[[0.0, 0.0]]], [[[3.0, 3.0]]]])
    constant = 2 * (HALF_LOG_2PI - math.log(2))
    expected = torch.tensor([-10 - constant, -constant])
    torch.testing.assert_close(gaussian_log_prob_per_item(x, x_mean, 0.5), expected)


@pytest.mark.parametrize("sigma", [1e-3, 0.3, 1.0, 40.0])
def test_gaussian_log_prob_per_item_equals_pytorchs_normal(sigma):
    x, x_mean, *_ = random_parts().values()
    expected = Independent(Normal(x_mean, sigma), 3).log_prob(x)
    for noise in (sigma, torch.tensor(sigma, dtype=torch.float64)):
        got = gaussian_log_prob_per_item(x, x_mean, noise)
        torch.testing.assert_close(got, expected, rtol=1e-12, atol=0.0)


def test_gaussian_log_prob_per_item_does_not_depend_on_the_batch():
    x, x_mean, *_ = random_parts().values()
    alone = [gaussian_log_prob_per_item(x[n : n + 1], x_mean[n : n + 1], 0.2) for n in range(3)]
    torch.testing.assert_close(gaussian_log_prob_per_item(x, x_mean, 0.2), torch.cat(alone))
    assert gaussian_log_prob_per_item(x[:0], x_mean[:0], 0.2).shape == (0,)


def test_gaussian_log_prob_per_item_sums_half_precision_in_float32():
    x = torch.full((1, 3, 64, 64), 4.0, dtype=torch.float16)  # squares of 16 sum to 196,608
    got = gaussian_log_prob_per_item(x, torch.zeros_like(x), 1.0)
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(-12_288 * (8 + HALF_LOG_2PI), rel=1e-5)


def test_gaussian_log_prob_per_item_passes_gradcheck():
    x, x_mean, *_ = random_parts(N=2, H=2, W=2).values()
    sigma = torch.tensor(0.7, dtype=torch.float64)
    inputs = (x.requires_grad_(), x_mean.requires_grad_(), sigma.requires_grad_())
    assert torch.autograd.gradcheck(gaussian_log_prob_per_item, inputs)


def test_gaussian_log_prob_per_item_refuses_what_does_not_fit():
    x = torch.zeros(2, 1, 4, 4)
    with pytest.raises(
        ValueError, match=r"x_mean: expected .*\(2, 1, 4, 4\).*got .*\(2, 1, 4, 3\)"
    ):
        gaussian_log_prob_per_item(x, x[..., :3], 1.0)
    with pytest.raises(ValueError, match=r"x: expected .*\(N, C, H, W\), got .*\(2, 16\)"):
        gaussian_log_prob_per_item(x.reshape(2, 16), x, 1.0)
    with pytest.raises(TypeError, match=r"x: expected a floating-point tensor.*use x.float\(\)"):
        gaussian_log_prob_per_item(x.long(), x, 1.0)


def test_elbo_equals_one_worked_out_by_hand():
    # One number, an error of 2 with sigma = 2: -4/8 - log 2 - ½ log 2π. The KL divergence of
    # N(1, 1), and of N(0, 4): ½, and (4 - 1 - log 4) / 2.
    x, x_mean = torch.full((2, 1, 1, 1), 3.0), torch.ones(2, 1, 1, 1)
    mu = torch.tensor([[1.0], [0.0]])
    log_var = torch.tensor([[0.0], [math.log(4)]])
    log_prob = -0.5 - math.log(2) - HALF_LOG_2PI
    kl = (0.5 + (3 - math.log(4)) / 2) / 2  # the mean of both images
    got = elbo(x, x_mean, 2.0, mu, log_var)
    assert got.shape == ()
    assert got.item() == pytest.approx(log_prob - kl)
    assert elbo(x, x_mean, 2.0, mu, log_var, beta=3.0).item() == pytest.approx(log_prob - 3 * kl)
    assert elbo(x, x_mean, 2.0, mu, log_var, beta=0.0).item() == pytest.approx(log_prob)


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.5])
def test_elbo_equals_that_of_pytorchs_distributions(beta):
    x, x_mean, mu, log_var = random_parts().values()
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    log_prob = Independent(Normal(x_mean, 0.3), 3).log_prob(x)
    expected = (log_prob - beta * kl_divergence(q, prior)).mean()
    torch.testing.assert_close(elbo(x, x_mean, 0.3, mu, log_var, beta), expected)


def test_elbo_falls_by_the_kl_divergence_where_beta_rises_by_one():
    x, x_mean, mu, log_var = random_parts().values()
    kl = gaussian_kl_per_item(mu, log_var).mean()
    difference = elbo(x, x_mean, 0.3, mu, log_var, 0.0) - elbo(x, x_mean, 0.3, mu, log_var, 1.0)
    torch.testing.assert_close(difference, kl)


def test_elbo_is_the_mean_of_the_images_bounds():
    parts = random_parts()
    alone = [
        elbo(*(parts[k][n : n + 1] for k in ("x", "x_mean")), 0.4, *latents)
        for n in range(3)
        for latents in [(parts["mu"][n : n + 1], parts["log_var"][n : n + 1])]
    ]
    got = elbo(parts["x"], parts["x_mean"], 0.4, parts["mu"], parts["log_var"])
    torch.testing.assert_close(got, torch.stack(alone).mean())


def test_elbo_passes_gradcheck():
    x, *rest = random_parts(N=2, C=1, H=2, W=3, J=2).values()
    x_mean, mu, log_var = (part.requires_grad_() for part in rest)
    sigma = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)

    def of_what_learns(x_mean, sigma, mu, log_var):
        return elbo(x, x_mean, sigma, mu, log_var, beta=0.7)

    assert torch.autograd.gradcheck(of_what_learns, (x_mean, sigma, mu, log_var))


def test_elbo_computes_half_precision_in_float32():
    parts = random_parts(dtype=torch.float16)
    x, x_mean, mu, log_var = parts.values()
    got = elbo(x, x_mean, 0.3, mu, log_var)
    assert got.dtype == torch.float32
    torch.testing.assert_close(
        got, elbo(x.float(), x_mean.float(), 0.3, mu.float(), log_var.float())
    )


def test_elbo_refuses_what_does_not_fit():
    x, x_mean, mu, log_var = random_parts().values()
    with pytest.raises(ValueError, match=r"mu: expected .*\(3, J\) to go with x .*got .*\(2, 3\)"):
        elbo(x, x_mean, 1.0, mu[:2], log_var[:2])
    with pytest.raises(ValueError, match=r"log_var: expected .*\(3, 3\).*got .*\(3, 2\)"):
        elbo(x, x_mean, 1.0, mu, log_var[:, :2])
    with pytest.raises(ValueError, match=r"x_mean: expected .*got .*\(3, 2, 4\)"):
        elbo(x, x_mean[..., 0], 1.0, mu, log_var)
    with pytest.raises(TypeError, match=r"mu: expected a floating-point tensor.*int64"):
        elbo(x, x_mean, 1.0, mu.long(), log_var)


class Linear(NamedTuple):
    """A VAE of which everything is known: x = W z + b + sigma · noise, in float64.

    The columns of W are orthogonal, so the exact posterior is diagonal, as q is.
    """

    weight: Tensor  # (D, J)
    bias: Tensor  # (D,)
    sigma: float

    def evidence(self, x):
        """log p(x) of images, (N,): p(x) = N(b, W Wᵀ + sigma² I)."""
        noise = torch.full_like(self.bias, self.sigma**2)
        return LowRankMultivariateNormal(self.bias, self.weight, noise).log_prob(x.flatten(1))

    def posterior(self, x):
        """Mean and log-variance of p(z|x), (N, J) each."""
        precision = 1 + self.weight.square().sum(0) / self.sigma**2  # (J,)
        mu = (x.flatten(1) - self.bias) @ self.weight / self.sigma**2 / precision
        return mu, -precision.log().expand_as(mu)

    def decode(self, z):
        return (z @ self.weight.T + self.bias).reshape(-1, 1, 3, 4)

    def draw(self, N, rng):
        z = torch.randn(N, self.weight.shape[1], generator=rng, dtype=torch.float64)
        noise = torch.randn(N, 1, 3, 4, generator=rng, dtype=torch.float64)
        return self.decode(z) + self.sigma * noise

    def log_weights(self, x, mu, log_var, num_samples, rng):
        """log p(x, z) - log q(z|x), (S, N)."""
        q = Independent(Normal(mu, (log_var / 2).exp()), 1)
        prior = Independent(Normal(torch.zeros_like(mu), 1.0), 1)
        weights = []
        for _ in range(num_samples):
            z = reparametrize(mu, log_var, torch.randn(mu.shape, generator=rng).to(mu))
            log_prob = gaussian_log_prob_per_item(x, self.decode(z), self.sigma)
            weights.append(log_prob + prior.log_prob(z) - q.log_prob(z))
        return torch.stack(weights)

    def expected_elbo(self, x, mu, log_var):
        """The ELBO's mean over z, exactly: log p(x|z) is a parabola in z.

        The mean of a parabola over N(0, I) is its mean over the 2 J points at ± √J on the axes.
        """
        J = mu.shape[1]
        axes = J**0.5 * torch.cat([torch.eye(J), -torch.eye(J)]).to(mu)  # (2 J, J)
        bounds = [
            elbo(x, self.decode(reparametrize(mu, log_var, noise)), self.sigma, mu, log_var)
            for noise in axes[:, None].expand(-1, len(x), -1)
        ]
        return torch.stack(bounds).mean()


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(3)


@pytest.fixture
def linear():
    rng = torch.Generator().manual_seed(4)
    directions = torch.linalg.qr(torch.randn(12, 2, generator=rng, dtype=torch.float64)).Q
    scale = torch.tensor([2.0, 0.7], dtype=torch.float64)
    bias = torch.randn(12, generator=rng, dtype=torch.float64)
    return Linear(directions * scale, bias, sigma=0.5)


@pytest.fixture
def x(linear):
    return linear.draw(400, torch.Generator().manual_seed(5))


def test_evidence_of_the_linear_vae_is_a_normal_density(linear, x):
    covariance = linear.weight @ linear.weight.T + linear.sigma**2 * torch.eye(12).double()
    expected = MultivariateNormal(linear.bias, covariance).log_prob(x.flatten(1))
    torch.testing.assert_close(linear.evidence(x), expected)


def test_elbo_of_the_exact_posterior_is_the_evidence(linear, x):
    bound = linear.expected_elbo(x, *linear.posterior(x))
    torch.testing.assert_close(bound, linear.evidence(x).mean())


@pytest.mark.parametrize("shift", [0.0, 0.3, -2.0])
@pytest.mark.parametrize("log_scale", [0.0, 1.0, -3.0])
def test_elbo_lies_below_the_evidence_by_the_divergence_from_the_posterior(
    linear, x, shift, log_scale
):
    exact_mu, exact_log_var = linear.posterior(x)
    mu, log_var = exact_mu + shift, exact_log_var + log_scale
    q = Independent(Normal(mu, (log_var / 2).exp()), 1)
    posterior = Independent(Normal(exact_mu, (exact_log_var / 2).exp()), 1)
    gap = linear.evidence(x).mean() - linear.expected_elbo(x, mu, log_var)
    assert gap >= -1e-9
    torch.testing.assert_close(gap, kl_divergence(q, posterior).mean())


def test_elbo_of_one_sample_is_right_on_average(linear, x, rng):
    mu, log_var = (part + 0.5 for part in linear.posterior(x))
    bounds = torch.stack(
        [
            elbo(
                x,
                linear.decode(
                    reparametrize(mu, log_var, torch.randn(mu.shape, generator=rng).to(mu))
                ),
                linear.sigma,
                mu,
                log_var,
            )
            for _ in range(300)
        ]
    )
    error = bounds.std() / len(bounds) ** 0.5
    assert abs(bounds.mean() - linear.expected_elbo(x, mu, log_var)) < 5 * error
    assert bounds.mean() < linear.evidence(x).mean()


def test_one_importance_weight_of_the_exact_posterior_is_the_evidence(linear, x, rng):
    weights = linear.log_weights(x, *linear.posterior(x), 3, rng)
    for sample in weights:  # whatever z is
        torch.testing.assert_close(importance_weighted_bound(sample[None]), linear.evidence(x))
    torch.testing.assert_close(importance_weighted_bound(weights), linear.evidence(x))


def test_importance_weighted_bound_rises_from_the_elbo_to_the_evidence(linear, x, rng):
    mu, log_var = (part + 0.6 for part in linear.posterior(x))
    weights = linear.log_weights(x, mu, log_var, 256, rng)
    # the mean over disjoint groups of 1, 4, 16, … samples: rising, whatever the numbers are
    bounds = [
        importance_weighted_bound(weights.reshape(size, -1)).mean().item()
        for size in (1, 4, 16, 64, 256)
    ]
    assert bounds == sorted(bounds)
    evidence = linear.evidence(x).mean().item()
    assert bounds[0] == pytest.approx(linear.expected_elbo(x, mu, log_var).item(), abs=0.1)
    assert bounds[0] < bounds[2] < bounds[4] <= evidence + 0.01  # 0.01: 400 images, 256 samples
    assert evidence - bounds[4] < 0.05 * (evidence - bounds[0])


def test_importance_weighted_bound_equals_ones_worked_out_by_hand():
    weights = torch.tensor([[1.0, 5.0], [3.0, 5.0]])  # means of 2 and of 5
    expected = torch.tensor([2.0, 5.0]).log()
    torch.testing.assert_close(importance_weighted_bound(weights.log()), expected)
    torch.testing.assert_close(importance_weighted_bound(weights[:1].log()), weights[0].log())


def test_importance_weighted_bound_neither_overflows_nor_underflows():
    weights = torch.tensor([[2000.0, -2000.0, -torch.inf], [2000.0, -2000.0, 0.0]])
    expected = torch.tensor([2000.0, -2000.0, -math.log(2)])
    torch.testing.assert_close(importance_weighted_bound(weights), expected)


def test_importance_weighted_bound_lies_between_mean_and_maximum():
    weights = 5 * torch.randn(7, 50, generator=torch.Generator().manual_seed(1))
    bound = importance_weighted_bound(weights)
    assert (weights.mean(dim=0) <= bound).all()
    assert (bound <= weights.amax(dim=0)).all()
    torch.testing.assert_close(importance_weighted_bound(weights.flip(0)), bound)
    torch.testing.assert_close(importance_weighted_bound(weights + 3), bound + 3)


def test_importance_weighted_bound_passes_gradcheck_and_computes_in_float32():
    weights = torch.randn(4, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(importance_weighted_bound, weights.requires_grad_())
    assert importance_weighted_bound(weights.detach().half()).dtype == torch.float32


def test_importance_weighted_bound_refuses_what_are_no_weights():
    with pytest.raises(ValueError, match="log_weights: expected at least one sample, got none"):
        importance_weighted_bound(torch.zeros(0, 3))
    with pytest.raises(ValueError, match=r"log_weights: expected .*\(S, N\), got .*\(3,\)"):
        importance_weighted_bound(torch.zeros(3))
    with pytest.raises(TypeError, match=r"log_weights: expected a floating-point tensor"):
        importance_weighted_bound(torch.zeros(2, 3, dtype=torch.int64))
