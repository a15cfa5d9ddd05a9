import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from cvgen_course.gan import SpectralNorm, spectral_norm, spectrally_normalised

LAYERS = {
    "linear": (lambda: nn.Linear(5, 4), (3, 5)),
    "convolution": (lambda: nn.Conv2d(3, 4, (2, 3)), (2, 3, 5, 6)),
    "embedding": (lambda: nn.Embedding(6, 4), (3,)),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def random(*shape, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def unit(*shape, seed=1):
    u = random(*shape, seed=seed)
    return u / u.norm()


def made(name, seed=0):
    """Return a layer and an input."""
    torch.manual_seed(seed)
    make, shape = LAYERS[name]
    layer = make()
    return layer, torch.arange(3) if name == "embedding" else torch.randn(shape)


def largest(weight):
    return torch.linalg.svdvals(weight.detach().flatten(1))[0].item()


def u_of(layer):
    return layer.parametrizations.weight[0].u


def test_spectral_norm_equals_a_number_worked_out_by_hand():
    weight = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    u = torch.tensor([0.8, 0.6])
    # Wᵀu = (2.4, 2.4), so v = (1, 1) / √2; Wv = (3, 4) / √2, so u = (.6, .8), and σ = 5 / √2
    normalised, new = spectral_norm(weight, u)
    torch.testing.assert_close(normalised, weight * 2**0.5 / 5)
    torch.testing.assert_close(new, torch.tensor([0.6, 0.8]))
    # in evaluation: σ = uᵀWv = ‖Wᵀu‖ = 2.4 √2
    normalised, same = spectral_norm(weight, u, training=False)
    torch.testing.assert_close(normalised, weight / (2.4 * 2**0.5))
    assert torch.equal(same, u)


@pytest.mark.parametrize("training", [True, False])
def test_spectral_norm_equals_loops(training):
    W, u = random(4, 6), unit(4)
    v = [sum(W[o, i] * u[o] for o in range(4)) for i in range(6)]
    v = [each / sum(x**2 for x in v) ** 0.5 for each in v]
    if training:
        new = [sum(W[o, i] * v[i] for i in range(6)) for o in range(4)]
        new = [each / sum(x**2 for x in new) ** 0.5 for each in new]
    else:
        new = list(u)
    sigma = sum(new[o] * W[o, i] * v[i] for o in range(4) for i in range(6))
    normalised, got = spectral_norm(W, u, training)
    torch.testing.assert_close(got, torch.stack(new))
    torch.testing.assert_close(normalised, W / sigma)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (1, 5), (5, 1), (4, 3, 2, 2)])
def test_spectral_norm_of_many_steps_finds_the_largest_singular_value(shape):
    weight, u = random(*shape), unit(shape[0])
    for _ in range(200):
        normalised, u = spectral_norm(weight, u)
    assert largest(normalised) == pytest.approx(1, abs=1e-6)
    assert normalised.shape == shape
    vectors, _, _ = torch.linalg.svd(weight.flatten(1))
    assert (vectors[:, 0] @ u).abs().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(spectral_norm(weight, u, False)[0], normalised)


def test_spectral_norm_estimate_grows_with_each_step_and_is_never_too_large():
    weight, u = random(6, 5), unit(6)
    factors = []
    for _ in range(20):
        normalised, u = spectral_norm(weight, u)
        factors.append((weight[0, 0] / normalised[0, 0]).item())
    assert factors == sorted(factors)
    assert factors[-1] <= largest(weight) + 1e-12


def test_spectral_norm_takes_a_convolution_for_a_matrix():
    weight, u = random(4, 3, 2, 2), unit(4)
    normalised, new = spectral_norm(weight, u)
    matrix, expected = spectral_norm(weight.view(4, 12), u)
    assert torch.equal(normalised, matrix.view(4, 3, 2, 2))
    assert torch.equal(new, expected)


def test_spectral_norm_does_not_see_the_weights_scale():
    weight, u = random(4, 3), unit(4)
    torch.testing.assert_close(spectral_norm(9 * weight, u), spectral_norm(weight, u))


@pytest.mark.parametrize("training", [True, False])
def test_spectral_norm_leaves_u_and_gives_it_no_gradient(training):
    weight, u = random(4, 3).requires_grad_(), unit(4).requires_grad_()
    before = u.detach().clone()
    normalised, new = spectral_norm(weight, u, training)
    assert torch.equal(u, before)
    assert not new.requires_grad
    normalised.sum().backward()
    assert weight.grad is not None


def test_spectral_norm_gradient_is_the_papers():
    """Equation 12: (G - λ uvᵀ) / σ with λ the mean of G · W / σ, u and v taken as constants."""
    weight, u, upstream = random(4, 3).requires_grad_(), unit(4), random(4, 3, seed=2)
    normalised, new = spectral_norm(weight, u)
    normalised.backward(upstream)
    W = weight.detach()
    v = W.T @ u / (W.T @ u).norm()
    sigma = new @ W @ v
    expected = (upstream - (upstream * W / sigma).sum() * torch.outer(new, v)) / sigma
    torch.testing.assert_close(weight.grad, expected)


def test_spectral_norm_passes_gradcheck_where_u_is_known():
    """In evaluation σ is the length of Wᵀu, to which a change of v adds nothing."""
    weight, u = random(4, 3).requires_grad_(), unit(4)
    assert torch.autograd.gradcheck(lambda w: spectral_norm(w, u, training=False)[0], weight)


@every_layer
def test_spectrally_normalised_layer_equals_torchs_in_evaluation(name):
    """The same u's in training, too; but there torch's σ already has the v that follows u."""
    layer, x = made(name)
    theirs = parametrizations.spectral_norm(copy.deepcopy(layer))
    mine = spectrally_normalised(layer)
    u_of(mine).copy_(theirs.parametrizations.weight[0]._u)
    for _ in range(3):
        for layer in (mine, theirs):
            layer.train()(x)
            layer.eval()
        torch.testing.assert_close(u_of(mine), theirs.parametrizations.weight[0]._u)
        results = mine(x), theirs(x)
        torch.testing.assert_close(*results)
        gradients = [
            torch.autograd.grad(result.sin().sum(), layer.parametrizations.weight.original)[0]
            for result, layer in zip(results, (mine, theirs), strict=True)
        ]
        torch.testing.assert_close(*gradients)


@every_layer
def test_spectrally_normalised_is_nearly_right_from_the_start(name):
    layer, _ = made(name)
    bias = getattr(layer, "bias", None)
    assert spectrally_normalised(layer) is layer
    assert largest(layer.eval().weight) == pytest.approx(1, abs=0.05)
    assert getattr(layer, "bias", None) is bias
    assert u_of(layer).norm().item() == pytest.approx(1)


@every_layer
def test_spectrally_normalised_trains_the_weight_and_no_u(name):
    layer, x = made(name)
    spectrally_normalised(layer)
    names = {name for name, _ in layer.named_parameters()}
    assert names - {"bias"} == {"parametrizations.weight.original"}
    assert [name for name, _ in layer.named_buffers()] == ["parametrizations.weight.0.u"]
    layer(x).square().sum().backward()
    assert layer.parametrizations.weight.original.grad.abs().max() > 0


@every_layer
def test_spectrally_normalised_in_evaluation_stays_as_it_is(name):
    layer, x = made(name)
    spectrally_normalised(layer).eval()
    before = u_of(layer).clone()
    assert torch.equal(layer(x), layer(x))
    assert torch.equal(u_of(layer), before)
    layer.train()(x)
    assert not torch.equal(u_of(layer), before)


def test_spectrally_normalised_layer_may_be_called_twice_before_backward():
    """As a discriminator is: with real images and with fakes."""
    layer, x = made("linear")
    spectrally_normalised(layer)
    loss = layer(x).sum() + layer(2 * x).square().sum()
    loss.backward()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


def test_spectrally_normalised_follows_a_weight_in_training():
    layer, x = made("linear")
    spectrally_normalised(layer)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        (-layer(x).square().mean()).backward()  # it would grow without limit
        optimizer.step()
    assert largest(layer.eval().weight) == pytest.approx(1, abs=0.02)


@every_layer
def test_spectrally_normalised_state_can_be_saved_and_loaded(name):
    layer, x = made(name)
    spectrally_normalised(layer)(x)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = spectrally_normalised(made(name, seed=1)[0])
    other.load_state_dict(torch.load(file, weights_only=True))
    assert "parametrizations.weight.0.u" in layer.state_dict()
    for _ in range(2):  # in training, the second step follows from the first one's u
        assert torch.equal(layer(x), other(x))


@every_layer
def test_spectrally_normalised_layer_can_be_copied(name):
    layer, x = made(name)
    other = copy.deepcopy(spectrally_normalised(layer))
    before = u_of(layer).clone()
    other(x)
    assert torch.equal(u_of(layer), before)
    u_of(other).copy_(before)
    assert torch.equal(other.eval()(x), layer.eval()(x))


def test_spectrally_normalised_u_of_a_running_mean_counts_by_its_direction():
    """A mean of vectors of length 1 is shorter, and σ would be, too."""
    layer, x = made("linear")
    spectrally_normalised(layer).eval()
    expected = layer(x)
    u_of(layer).mul_(0.3)
    torch.testing.assert_close(layer(x), expected)
    layer.train()(x)
    assert u_of(layer).norm().item() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_spectrally_normalised_layers_of_other_precisions(dtype):
    layer, x = made("linear")
    layer = spectrally_normalised(layer.to(dtype))
    assert layer(x.to(dtype)).dtype == dtype
    assert largest(layer.weight.double()) == pytest.approx(1, abs=0.05)


def test_spectral_norm_module_needs_steps_to_be_right_at_first():
    weight = random(30, 30, dtype=torch.float32)
    torch.manual_seed(0)
    errors = [
        abs(largest(SpectralNorm(weight, num_steps).eval()(weight)) - 1) for num_steps in (0, 5, 60)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_spectral_norm_says_what_is_wrong():
    weight, u = random(4, 3), unit(4)
    with pytest.raises(ValueError, match=r"weight: expected shape \(3, …\), .* got \(4, 3\)"):
        spectral_norm(weight, u[:3])
    with pytest.raises(ValueError, match=r"weight: expected shape \(4, …\), .* got \(4,\)"):
        spectral_norm(u, u)
    with pytest.raises(ValueError, match=r"u: expected .*\(O,\), got shape \(4, 1\)"):
        spectral_norm(weight, u[:, None])
    with pytest.raises(TypeError, match=r"weight: .*floating-point.* got torch.int64"):
        spectral_norm(weight.long(), u)
    with pytest.raises(AttributeError, match="weight"):
        spectrally_normalised(nn.ReLU())
    with pytest.raises(ValueError, match=r"weight: expected shape .* got \(3,\)"):
        spectrally_normalised(nn.BatchNorm2d(3))
