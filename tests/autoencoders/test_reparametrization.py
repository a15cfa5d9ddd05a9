import math

import pytest
import torch

from cvgen_course.autoencoders import reparametrize

ONE = torch.ones(1, 1)


def random_latents(N=4, J=3, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(N, J, generator=rng, dtype=torch.float64).to(dtype) for _ in range(3)]


def test_reparametrize_equals_one_worked_out_by_hand():
    mu = torch.tensor([[1.0, -2.0, 0.5]])
    log_var = torch.tensor([[0.0, math.log(9), -math.log(4)]])  # deviations 1, 3 and 1/2
    noise = torch.tensor([[2.0, -1.0, 4.0]])
    torch.testing.assert_close(reparametrize(mu, log_var, noise), torch.tensor([[3.0, -5.0, 2.5]]))


def test_reparametrize_has_the_mean_and_the_variance_that_it_was_given():
    num_samples = 100_000
    mu = torch.tensor([-3.0, 0.0, 2.0, 10.0], dtype=torch.float64)
    variance = torch.tensor([0.01, 1.0, 4.0, 25.0], dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(num_samples, 4, generator=rng, dtype=torch.float64)
    z = reparametrize(mu.expand_as(noise), variance.log().expand_as(noise), noise)
    # five standard errors: of a mean, sigma / √n; of a variance, sigma² · √(2 / n)
    assert ((z.mean(dim=0) - mu).abs() < 5 * (variance / num_samples).sqrt()).all()
    assert ((z.var(dim=0) - variance).abs() < 5 * variance * math.sqrt(2 / num_samples)).all()


def test_reparametrize_uses_the_noise_that_it_gets_and_draws_none():
    mu, log_var, noise = random_latents()
    before = torch.get_rng_state()
    z = reparametrize(mu, log_var, noise)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(reparametrize(mu, log_var, noise), z)
    assert torch.equal(reparametrize(mu, log_var, torch.zeros_like(noise)), mu)
    mirrored = reparametrize(mu, log_var, -noise)
    torch.testing.assert_close((z + mirrored) / 2, mu)


def test_reparametrize_treats_each_number_by_itself():
    mu, log_var, noise = random_latents()
    z = reparametrize(mu, log_var, noise)
    for i in range(4):
        for j in range(3):
            alone = [each[i : i + 1, j : j + 1] for each in (mu, log_var, noise)]
            assert torch.equal(reparametrize(*alone)[0, 0], z[i, j])


def test_reparametrize_gradients_worked_out_by_hand():
    mu, log_var, noise = random_latents()
    mu.requires_grad_()
    log_var.requires_grad_()
    of_mu, of_log_var = torch.autograd.grad(reparametrize(mu, log_var, noise).sum(), [mu, log_var])
    torch.testing.assert_close(of_mu, torch.ones_like(mu))
    # d exp(v / 2) / dv = exp(v / 2) / 2
    torch.testing.assert_close(of_log_var, (log_var.detach() / 2).exp() * noise / 2)


def test_reparametrize_has_the_right_gradient():
    inputs = [each.requires_grad_() for each in random_latents()]
    assert torch.autograd.gradcheck(reparametrize, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_reparametrize_without_variance_is_mu_with_finite_gradients(dtype):
    mu, _, noise = random_latents(dtype=dtype)
    mu.requires_grad_()
    log_var = torch.full_like(mu, -1000.0, requires_grad=True)
    z = reparametrize(mu, log_var, noise)
    assert torch.equal(z, mu)
    of_mu, of_log_var = torch.autograd.grad(z.sum(), [mu, log_var])
    assert torch.equal(of_mu, torch.ones_like(mu))
    torch.testing.assert_close(of_log_var, torch.zeros_like(mu), rtol=0, atol=1e-200)


def test_reparametrize_knows_no_deviation_below_a_log_variance_of_about_200():
    assert reparametrize(0 * ONE, -190 * ONE, ONE).item() > 0
    assert reparametrize(0 * ONE, -210 * ONE, ONE).item() == 0


def test_reparametrize_does_not_cut_off_large_variances():
    log_var = torch.full((1, 1), 80.0, requires_grad=True)
    z = reparametrize(ONE, log_var, ONE)
    (slope,) = torch.autograd.grad(z.sum(), log_var)
    assert z.item() == pytest.approx(math.exp(40), rel=1e-5)
    assert slope.item() == pytest.approx(math.exp(40) / 2, rel=1e-5)
    assert reparametrize(ONE, 1000 * ONE, -ONE).item() == -math.inf  # exp(500) is no float32
    in_float64 = reparametrize(ONE.double(), 1000 * ONE.double(), ONE.double())
    assert in_float64.item() == pytest.approx(math.exp(500))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_reparametrize_computes_in_float32_at_least(dtype):
    mu, log_var, noise = random_latents(dtype=dtype)
    z = reparametrize(mu, log_var, noise)
    assert z.dtype == torch.float32
    assert torch.equal(z, reparametrize(mu.float(), log_var.float(), noise.float()))
    beyond_float16 = reparametrize(*(each.to(dtype) for each in (ONE, 24 * ONE, ONE)))
    assert beyond_float16.item() == pytest.approx(1 + math.exp(12), rel=1e-5)


def test_reparametrize_leaves_its_arguments_as_they_are():
    inputs = random_latents()
    before = [each.clone() for each in inputs]
    reparametrize(*inputs)
    assert all(map(torch.equal, inputs, before))


def test_reparametrize_refuses_what_does_not_go_together():
    mu, log_var, noise = random_latents()
    with pytest.raises(ValueError, match=r"noise: .* = \(4, 3\) to go with mu \(4, 3\), got"):
        reparametrize(mu, log_var, noise[:1])
    with pytest.raises(ValueError, match=r"log_var: .* got shape \(4, 1\)"):
        reparametrize(mu, log_var[:, :1], noise)
    with pytest.raises(ValueError, match=r"mu: .* of shape \(N, J\), got shape \(3,\)"):
        reparametrize(mu[0], log_var[0], noise[0])
    with pytest.raises(TypeError, match="noise: expected a floating-point tensor"):
        reparametrize(mu, log_var, noise.long())
