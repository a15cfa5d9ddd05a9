import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from cvgen_course.autoencoders import (
    BernoulliLikelihood,
    GaussianLikelihood,
    bernoulli_log_prob_per_item,
    gaussian_log_prob_per_item,
)


def random_images(N=3, C=2, H=3, W=4, seed=0):
    """Return black and white images, and numbers of any size for each pixel; float64."""
    rng = torch.Generator().manual_seed(seed)
    x = 2.0 * torch.randint(2, (N, C, H, W), generator=rng).double() - 1
    return x, 3 * torch.randn(N, C, H, W, generator=rng, dtype=torch.float64)


def test_bernoulli_log_prob_per_item_equals_one_worked_out_by_hand():
    # Logits of log 3 are probabilities of 3/4 for white.
    x = torch.tensor([[[[1.0, -1.0]]], [[[1.0, 1.0]]]])
    logits = torch.full((2, 1, 1, 2), math.log(3))
    expected = torch.tensor([math.log(3 / 4) + math.log(1 / 4), 2 * math.log(3 / 4)])
    torch.testing.assert_close(bernoulli_log_prob_per_item(x, logits), expected)


def test_bernoulli_log_prob_per_item_equals_pytorchs():
    x, logits = random_images()
    expected = Independent(Bernoulli(logits=logits), 3).log_prob((x + 1) / 2)
    torch.testing.assert_close(bernoulli_log_prob_per_item(x, logits), expected)


def test_bernoulli_log_probs_of_all_images_are_probabilities():
    logits = torch.tensor([0.3, -1.2, 4.0]).reshape(1, 1, 1, 3)
    grid = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3).reshape(8, 1, 1, 3)
    log_probs = bernoulli_log_prob_per_item(grid, logits.expand(8, -1, -1, -1))
    assert log_probs.exp().sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize("size", [100.0, 1e4, 1e30])
def test_bernoulli_log_prob_per_item_of_sure_decoders_is_finite(size):
    x = torch.tensor([[[[1.0]]], [[[-1.0]]]])
    logits = torch.full((2, 1, 1, 1), size, requires_grad=True)
    got = bernoulli_log_prob_per_item(x, logits)
    torch.testing.assert_close(got, torch.tensor([0.0, -size]))
    (gradient,) = torch.autograd.grad(got.sum(), logits)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([0.0, -1.0]))


def test_bernoulli_log_prob_per_item_passes_gradcheck():
    x, logits = random_images(N=2, H=2)
    assert torch.autograd.gradcheck(bernoulli_log_prob_per_item, (x, logits.requires_grad_()))


def test_bernoulli_log_prob_per_item_sums_half_precision_in_float32():
    x = torch.ones(1, 3, 64, 64, dtype=torch.float16)
    got = bernoulli_log_prob_per_item(x, -8 * x)
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(-12_288 * math.log1p(math.exp(8)), rel=1e-5)


def test_bernoulli_log_prob_per_item_refuses_what_does_not_fit():
    x = torch.ones(2, 1, 4, 4)
    with pytest.raises(
        ValueError, match=r"logits: expected .*\(2, 1, 4, 4\).*got .*\(2, 1, 4, 3\)"
    ):
        bernoulli_log_prob_per_item(x, x[..., :3])
    with pytest.raises(TypeError, match=r"x: expected a floating-point tensor.*got torch.bool"):
        bernoulli_log_prob_per_item(x > 0, x)


def test_gaussian_likelihood_is_a_normal_distribution_around_each_pixel():
    x, decoded = random_images()
    likelihood = GaussianLikelihood(0.25).double()
    expected = Independent(Normal(decoded, 0.25), 3).log_prob(x)
    torch.testing.assert_close(likelihood.log_prob_per_item(x, decoded), expected)
    assert likelihood.mean(decoded) is decoded


def test_gaussian_likelihood_with_a_given_noise_has_nothing_to_learn():
    likelihood = GaussianLikelihood(0.25)
    assert [p for p in likelihood.parameters() if p.requires_grad] == []
    assert likelihood.sigma.shape == ()
    assert likelihood.sigma.item() == pytest.approx(0.25)


def test_learned_sigma_gets_the_gradient_of_the_log_likelihood():
    x, decoded = random_images(N=1)
    likelihood = GaussianLikelihood(0.5, learned=True).double()
    (gradient,) = torch.autograd.grad(
        likelihood.log_prob_per_item(x, decoded).sum(), likelihood.log_sigma
    )
    # d/d(log sigma) of -squares / (2 sigma²) - D log sigma
    expected = ((x - decoded) ** 2).sum() / 0.5**2 - x.numel()
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("start", [0.1, 20.0])
def test_learned_sigma_becomes_the_root_of_the_mean_squared_error(start):
    x, decoded = random_images()
    likelihood = GaussianLikelihood(start, learned=True).double()
    optimizer = torch.optim.LBFGS(
        likelihood.parameters(), max_iter=100, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = -likelihood.log_prob_per_item(x, decoded).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    rms = ((x - decoded) ** 2).mean().sqrt()
    torch.testing.assert_close(likelihood.sigma.detach(), rms, rtol=1e-5, atol=0.0)
    best = likelihood.log_prob_per_item(x, decoded).sum()
    for other in (0.9 * rms, 1.1 * rms):
        assert gaussian_log_prob_per_item(x, decoded, other).sum() < best


def test_noise_is_saved_and_loaded_whether_it_is_learned_or_not():
    for learned in (False, True):
        other = GaussianLikelihood(1.0, learned)
        other.load_state_dict(GaussianLikelihood(0.2, learned).state_dict())
        assert other.sigma.item() == pytest.approx(0.2)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_gaussian_likelihood_refuses_a_noise_that_is_none(sigma):
    with pytest.raises(ValueError, match=f"sigma: expected more than 0, got {sigma}"):
        GaussianLikelihood(sigma)


def test_bernoulli_likelihood_has_the_mean_of_its_coins():
    x, logits = random_images()
    likelihood = BernoulliLikelihood()
    torch.testing.assert_close(
        likelihood.log_prob_per_item(x, logits), bernoulli_log_prob_per_item(x, logits)
    )
    expected = 2 * Bernoulli(logits=logits).mean - 1
    torch.testing.assert_close(likelihood.mean(logits), expected)
    sure = likelihood.mean(torch.tensor([-1e4, 0.0, 1e4]))
    torch.testing.assert_close(sure, torch.tensor([-1.0, 0.0, 1.0]))
