import math

import pytest
import torch

from cvgen_course.autoencoders import (
    VAE,
    BernoulliLikelihood,
    GaussianLikelihood,
    elbo,
    gaussian_kl_per_item,
    importance_weighted_bound,
)
from cvgen_course.autoencoders.vae import LOG_VAR_LIMIT

SMALL = {"latent_dim": 3, "size": 8, "width": 4}
LIKELIHOODS = {
    "a fixed noise": lambda: GaussianLikelihood(0.3),
    "a learned noise": lambda: GaussianLikelihood(0.3, learned=True),
    "a coin": BernoulliLikelihood,
}
every_likelihood = pytest.mark.parametrize("name", LIKELIHOODS)

torch.set_num_threads(1)


def make(name="a fixed noise", **options):
    torch.manual_seed(0)
    return VAE(LIKELIHOODS[name](), **(SMALL | options))


def images(N=4, channels=1, size=8, seed=1):
    """Return black and white images: each likelihood knows what to do with them."""
    rng = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randint(2, (N, channels, size, size), generator=rng) - 1


def total(parts):
    return parts["reconstruction"] + parts["KL"]


@pytest.mark.parametrize("N", [1, 5])
@pytest.mark.parametrize(("channels", "size", "latent_dim"), [(1, 8, 3), (3, 12, 1), (2, 28, 16)])
def test_shapes(N, channels, size, latent_dim):
    model = make(channels=channels, size=size, latent_dim=latent_dim)
    x = images(N, channels, size)
    decoded, mu, log_var = model(x)
    assert decoded.shape == x.shape
    assert mu.shape == log_var.shape == (N, latent_dim)
    log_prob, kl = model.terms(x)
    assert log_prob.shape == (N,)
    assert kl.shape == (N, latent_dim)
    assert all(part.shape == () for part in model.loss(x).values())
    assert model.log_weights(x, 2).shape == (2, N)
    assert model.decode(mu).shape == x.shape
    assert model.sample(6).shape == (6, channels, size, size)


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("name", ["a fixed noise", "a learned noise"])
def test_loss_is_the_negative_elbo_of_the_same_sample(name, beta):
    model, x = make(name), images()
    torch.manual_seed(7)
    parts = model.loss(x, beta)
    torch.manual_seed(7)
    decoded, mu, log_var = model(x)
    expected = elbo(x, decoded, model.likelihood.sigma, mu, log_var, beta)
    torch.testing.assert_close(total(parts), -expected)
    torch.testing.assert_close(parts["KL"], beta * gaussian_kl_per_item(mu, log_var).mean())


@every_likelihood
def test_loss_consists_of_the_means_of_both_terms(name):
    model, x = make(name), images()
    torch.manual_seed(7)
    parts = model.loss(x, beta=2.0)
    torch.manual_seed(7)
    log_prob, kl = model.terms(x)
    assert list(parts) == ["reconstruction", "KL"]
    torch.testing.assert_close(parts["reconstruction"], -log_prob.mean())
    torch.testing.assert_close(parts["KL"], 2 * kl.sum(dim=1).mean())


@every_likelihood
def test_every_parameter_learns_unless_the_noise_is_fixed(name):
    model = make(name)
    total(model.loss(images())).backward()
    unmoved = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert unmoved == (["likelihood.log_sigma"] if name == "a fixed noise" else [])


@every_likelihood
def test_log_weights_are_the_elbo_on_average(name):
    model, x = make(name), images(N=2)
    rng = torch.Generator().manual_seed(3)
    weights = model.log_weights(x, 400, rng)  # (S, N)
    torch.manual_seed(4)
    with torch.no_grad():
        log_prob, kl = model.terms(x.repeat_interleave(400, dim=0))
    bounds = (log_prob - kl.sum(dim=1)).reshape(2, 400).T  # (S, N), in closed form but for z
    error = ((weights.var(dim=0) + bounds.var(dim=0)) / 400).sqrt()
    assert ((weights.mean(dim=0) - bounds.mean(dim=0)).abs() < 5 * error).all()
    assert (importance_weighted_bound(weights) > weights.mean(dim=0)).all()


def test_log_weights_equal_those_of_pytorchs_distributions():
    model, x = make().double(), images().double()
    weights = model.log_weights(x, 1, torch.Generator().manual_seed(5))
    noise = torch.randn(4, 3, generator=torch.Generator().manual_seed(5)).double()
    with torch.no_grad():
        mu, log_var = model.encode(x)
        q = torch.distributions.Normal(mu, (log_var / 2).exp())
        z = q.mean + q.stddev * noise
        prior = torch.distributions.Normal(torch.zeros_like(z), torch.ones_like(z))
        decoder = torch.distributions.Normal(model.decode(z), 0.3)
        expected = decoder.log_prob(x).sum(dim=(1, 2, 3))
        expected += (prior.log_prob(z) - q.log_prob(z)).sum(dim=1)
    torch.testing.assert_close(weights[0], expected, rtol=1e-6, atol=0.0)  # sigma is float32


def test_log_weights_follow_from_their_generator_and_need_no_gradient():
    model, x = make(), images()
    one, again, other = (
        model.log_weights(x, 3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not one.requires_grad
    torch.manual_seed(0)
    one = model.log_weights(x, 3)
    torch.manual_seed(0)
    assert torch.equal(model.log_weights(x, 3), one)


def test_samples_follow_from_their_generator_and_need_no_gradient():
    model = make()
    one, again, other = (model.sample(5, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert not one.requires_grad
    assert len(model.sample(0)) == 0
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(one, model.decode(z))


def test_samples_of_coins_are_their_means():
    model = make("a coin")
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    samples = model.sample(5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(samples, 2 * model.decoder(z).detach().sigmoid() - 1)
    assert samples.abs().max() < 1
    assert samples.unique().numel() > 100  # no black and white ones


@every_likelihood
@pytest.mark.parametrize("size", [1e3, 1e6])
def test_images_far_outside_their_range_give_finite_numbers(name, size):
    model = make(name)
    x = size * images(N=2)
    mu, log_var = model.encode(x)
    assert log_var.abs().max() <= LOG_VAR_LIMIT
    assert mu.isfinite().all()
    parts = model.loss(x)
    assert all(part.isfinite() for part in parts.values())
    total(parts).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert model.log_weights(x, 2).isfinite().all()


def test_log_variances_are_free_near_zero_and_bounded_far_away():
    model = make()
    model.encoder.head.weight.data.zero_()
    raw = torch.tensor([-1e6, 0.5, 1e6])
    model.encoder.head.bias.data[3:] = raw
    _, log_var = model.encode(images(N=1))
    expected = torch.tensor([-LOG_VAR_LIMIT, LOG_VAR_LIMIT * math.tanh(0.5 / LOG_VAR_LIMIT), 12.0])
    torch.testing.assert_close(log_var[0], expected)
    assert log_var[0, 1].item() == pytest.approx(0.5, rel=1e-3)


def test_codes_do_not_depend_on_the_batch():
    model, x = make(), images()
    for whole, alone in zip(model.encode(x), model.encode(x[2:3]), strict=True):
        torch.testing.assert_close(whole[2:3], alone)


@every_likelihood
def test_state_can_be_saved_and_loaded(name, tmp_path):
    model = make(name)
    torch.save(model.state_dict(), tmp_path / "vae.pt")
    torch.manual_seed(99)
    likelihood = BernoulliLikelihood() if name == "a coin" else GaussianLikelihood(2.0)
    other = VAE(likelihood, **SMALL)
    other.load_state_dict(torch.load(tmp_path / "vae.pt", weights_only=True))
    one, again = (
        each.log_weights(images(), 2, torch.Generator().manual_seed(0)) for each in (model, other)
    )
    assert torch.equal(one, again)


@every_likelihood
def test_overfits_one_batch(name):
    model, x = make(name, width=8), images(N=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        parts = model.loss(x)
        optimizer.zero_grad()
        total(parts).backward()
        optimizer.step()
        losses.append({key: part.item() for key, part in parts.items()})
    first, last = losses[0], losses[-1]
    assert total(last) < total(first) - 20
    assert last["reconstruction"] < 0.7 * first["reconstruction"]
    assert last["KL"] > math.log(4)  # the codes tell four images apart
    mu, _ = model.encode(x)
    assert (model.decode(mu).sign() == x).float().mean() > 0.9


def test_a_reparametrization_of_ones_own_is_used():
    calls = []

    def means_only(mu, log_var, noise):
        calls.append((mu.shape, log_var.shape, noise.shape))
        return mu

    model = make(reparametrize=means_only)
    x = images()
    decoded, mu, _ = model(x)
    assert calls == [((4, 3), (4, 3), (4, 3))]
    torch.testing.assert_close(decoded, model.decode(mu))
    assert torch.equal(model(x)[0], decoded)  # no noise
    model.loss(x)
    assert len(calls) == 3


def test_the_noise_is_new_at_each_step():
    model, x = make(), images()
    assert not torch.equal(model(x)[0], model(x)[0])


def test_vae_refuses_what_it_can_not_encode():
    model = make()
    with pytest.raises(ValueError, match=r"x: expected .*\(N, 1, 8, 8\), got .*\(4, 3, 8, 8\)"):
        model(images(channels=3))
    with pytest.raises(TypeError, match=r"x: expected a floating-point tensor.*use x.float\(\)"):
        model(images().long())
    with pytest.raises(ValueError, match=r"z: expected .*\(N, 3\), got .*\(4, 2\)"):
        model.decode(torch.zeros(4, 2))
    with pytest.raises(ValueError, match="latent_dim: expected at least 1, got 0"):
        VAE(BernoulliLikelihood(), latent_dim=0)
    with pytest.raises(ValueError, match="size: expected a multiple of 4, got 30"):
        VAE(BernoulliLikelihood(), size=30)
