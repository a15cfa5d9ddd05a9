import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from cvgen_course.autoencoders import gaussian_kl_per_dim, gaussian_kl_per_item, reparametrize

DIVERGENCES = [gaussian_kl_per_dim, gaussian_kl_per_item]


def random_latents(N=5, J=3, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(N, J, generator=rng, dtype=torch.float64).to(dtype) for _ in range(2)]


def number(mu, log_var, dtype=torch.float64):
    one = torch.ones(1, 1, dtype=dtype)
    return gaussian_kl_per_item(mu * one, log_var * one).item()


@pytest.mark.parametrize(
    ("mu", "log_var", "nats"),
    [
        (0, 0, 0),  # the prior itself
        (1, 0, 1 / 2),  # moved by one standard deviation
        (-3, 0, 9 / 2),
        (0, math.log(4), (4 - 1 - math.log(4)) / 2),
        (0, -math.log(4), (1 / 4 - 1 + math.log(4)) / 2),
        (2, 1, (4 + math.e - 2) / 2),
    ],
)
def test_gaussian_kl_of_one_variable_worked_out_by_hand(mu, log_var, nats):
    assert number(mu, log_var) == pytest.approx(nats, abs=1e-12)


def test_gaussian_kl_per_item_sums_over_the_latent_variables_alone():
    mu, log_var = torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]]), torch.zeros(3, 2)
    torch.testing.assert_close(
        gaussian_kl_per_dim(mu, log_var), torch.tensor([[0.5, 2.0], [0.0, 0.0], [4.5, 0.0]])
    )
    torch.testing.assert_close(gaussian_kl_per_item(mu, log_var), torch.tensor([2.5, 0.0, 4.5]))


def test_gaussian_kl_equals_torchs():
    mu, log_var = random_latents()
    q, prior = Normal(mu, (log_var / 2).exp()), Normal(torch.zeros_like(mu), 1.0)
    torch.testing.assert_close(gaussian_kl_per_dim(mu, log_var), kl_divergence(q, prior))
    expected = kl_divergence(Independent(q, 1), Independent(prior, 1))
    torch.testing.assert_close(gaussian_kl_per_item(mu, log_var), expected)


def test_gaussian_kl_per_item_equals_that_of_a_full_covariance():
    mu, log_var = random_latents()
    eye = torch.eye(3, dtype=torch.float64)
    q = MultivariateNormal(mu, log_var.exp().diag_embed())
    expected = kl_divergence(q, MultivariateNormal(torch.zeros_like(mu), eye.expand(5, 3, 3)))
    torch.testing.assert_close(gaussian_kl_per_item(mu, log_var), expected)


def test_gaussian_kl_per_item_is_the_mean_of_log_q_less_log_p():
    (mu, log_var), num_samples = random_latents(), 20_000
    q, prior = Normal(mu, (log_var / 2).exp()), Normal(torch.zeros_like(mu), 1.0)
    rng = torch.Generator().manual_seed(1)
    noise = torch.randn(num_samples, mu.numel(), generator=rng, dtype=torch.float64)
    z = reparametrize(*(each.flatten().expand_as(noise) for each in (mu, log_var)), noise)
    z = z.unflatten(1, mu.shape)
    ratio = (q.log_prob(z) - prior.log_prob(z)).sum(dim=2)  # (num_samples, N)
    error = ratio.std(dim=0) / math.sqrt(num_samples)
    assert ((ratio.mean(dim=0) - gaussian_kl_per_item(mu, log_var)).abs() < 5 * error).all()


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gaussian_kl_knows_no_other_item_and_no_sign_of_mu(divergence):
    mu, log_var = random_latents()
    together = divergence(mu, log_var)
    alone = [divergence(mu[i : i + 1], log_var[i : i + 1]) for i in range(len(mu))]
    torch.testing.assert_close(torch.cat(alone), together)
    torch.testing.assert_close(divergence(-mu, log_var), together)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gaussian_kl_is_never_below_zero(dtype):
    size = torch.logspace(-12, 1, 2001, dtype=dtype)
    log_var = torch.cat([-size, torch.zeros(1, dtype=dtype), size])[:, None]
    assert (gaussian_kl_per_item(0 * log_var, log_var) >= 0).all()


def test_gaussian_kl_near_the_prior_is_as_precise_as_its_numbers():
    # exp(v) - 1 - v is v² / 2, and in float32 exp(v) - 1 has no digit of that
    assert number(0, 1e-4, torch.float32) == pytest.approx(1e-8 / 4, rel=2e-3)
    assert number(1e-4, 0, torch.float32) == pytest.approx(1e-8 / 2, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gaussian_kl_without_variance_is_finite(dtype):
    mu = torch.tensor([[2.0, 0.0]], dtype=dtype, requires_grad=True)
    log_var = torch.tensor([[-1000.0, -1000.0]], dtype=dtype, requires_grad=True)
    kl = gaussian_kl_per_item(mu, log_var)
    assert kl.item() == 2 + 499.5 + 499.5
    of_mu, of_log_var = torch.autograd.grad(kl.sum(), [mu, log_var])
    assert of_mu.tolist() == [[2.0, 0.0]]
    assert of_log_var.tolist() == [[-0.5, -0.5]]


def test_gaussian_kl_of_large_variances_is_finite_as_long_as_they_are():
    log_var = torch.full((1, 1), 80.0, requires_grad=True)
    kl = gaussian_kl_per_item(torch.ones(1, 1), log_var)
    (slope,) = torch.autograd.grad(kl.sum(), log_var)
    assert kl.item() == pytest.approx(math.exp(80) / 2, rel=1e-5)
    assert slope.item() == pytest.approx(math.exp(80) / 2, rel=1e-5)
    for dtype in (torch.float32, torch.float64):
        assert number(0, 1000, dtype) == math.inf


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gaussian_kl_has_the_right_gradient(divergence):
    assert torch.autograd.gradcheck(divergence, [x.requires_grad_() for x in random_latents()])


def test_gaussian_kl_gradient_is_zero_at_the_prior():
    mu, log_var = (torch.zeros(2, 3, requires_grad=True) for _ in range(2))
    for slope in torch.autograd.grad(gaussian_kl_per_item(mu, log_var).sum(), [mu, log_var]):
        assert torch.equal(slope, torch.zeros(2, 3))


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_gaussian_kl_computes_in_float32_at_least(divergence, dtype):
    mu, log_var = random_latents(N=2, J=500, dtype=dtype)
    mu[0, 0] = 300  # its square is beyond float16
    got = divergence(mu, log_var)
    assert got.dtype == torch.float32
    assert torch.equal(got, divergence(mu.float(), log_var.float()))
    assert got.isfinite().all()


def test_gaussian_kl_of_no_item_and_of_no_variable():
    assert gaussian_kl_per_item(torch.zeros(0, 3), torch.zeros(0, 3)).shape == (0,)
    assert gaussian_kl_per_item(torch.zeros(2, 0), torch.zeros(2, 0)).tolist() == [0, 0]


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gaussian_kl_leaves_its_arguments_as_they_are(divergence):
    inputs = random_latents()
    before = [each.clone() for each in inputs]
    divergence(*inputs)
    assert all(map(torch.equal, inputs, before))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_gaussian_kl_refuses_what_does_not_go_together(divergence):
    mu, log_var = random_latents()
    with pytest.raises(ValueError, match=r"log_var: .* = \(5, 3\) to go with mu \(5, 3\), got"):
        divergence(mu, log_var[:, :1])
    with pytest.raises(ValueError, match=r"mu: .* of shape \(N, J\), got shape \(3,\)"):
        divergence(mu[0], log_var[0])
    with pytest.raises(TypeError, match="log_var: expected a floating-point tensor"):
        divergence(mu, log_var.long())
