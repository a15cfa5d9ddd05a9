import copy
import io
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.gan import DCGANDiscriminator, DCGANGenerator
from cvgen_course.gan.dcgan import halvings

torch.set_num_threads(1)
KINDS = {
    "generator": (lambda: DCGANGenerator(z_size=5, size=16, width=4), (3, 5)),
    "discriminator": (lambda: DCGANDiscriminator(size=16, width=4), (3, 1, 16, 16)),
    "spectral": (lambda: DCGANDiscriminator(size=16, width=4, spectral=True), (3, 1, 16, 16)),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def made(kind, seed=0):
    """Return a network and an input."""
    torch.manual_seed(seed)
    make, shape = KINDS[kind]
    return make(), torch.randn(shape)


def num_parameters(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("size", "expected"),
    [(28, (7, 2)), (32, (4, 3)), (64, (4, 4)), (8, (4, 1)), (10, (5, 1)), (24, (6, 2))],
)
def test_halvings_are_those_down_to_4_to_7(size, expected):
    assert halvings(size) == expected
    smallest, count = expected
    assert smallest * 2**count == size


@pytest.mark.parametrize("size", [0, -8, 4, 7, 9, 30, 36, 100])
def test_halvings_and_networks_refuse_other_sizes(size):
    for make in (
        halvings,
        lambda size: DCGANGenerator(size=size),
        lambda s: DCGANDiscriminator(size=s),
    ):
        with pytest.raises(ValueError, match=rf"size: expected 4 to 7 times .* \(28.*, got {size}"):
            make(size)


@pytest.mark.parametrize(("size", "s", "h"), [(28, 7, 2), (32, 4, 3), (64, 4, 4), (10, 5, 1)])
@pytest.mark.parametrize(("channels", "width", "J"), [(1, 4, 6), (3, 2, 1), (4, 4, 9)])
def test_networks_have_the_shapes_and_parameters_counted_by_hand(size, s, h, channels, width, J):
    generator = DCGANGenerator(J, channels, size, width)
    widths = [width * 2**i for i in range(h)]
    between = [16 * a * b for a, b in pairwise(widths)]
    noise = J * widths[-1] * s**2
    image = 16 * width * channels
    assert num_parameters(generator) == noise + sum(between) + 2 * sum(widths) + image + channels
    images = generator(torch.randn(2, J))
    assert images.shape == (2, channels, size, size)
    assert images.abs().max() <= 1

    logit = widths[-1] * s**2 + 1
    for spectral, others in ((False, 2 * sum(widths[1:])), (True, sum(widths[1:]))):
        discriminator = DCGANDiscriminator(channels, size, width, spectral)
        assert num_parameters(discriminator) == image + width + sum(between) + others + logit
        assert discriminator(images).shape == (2,)


def test_networks_begin_with_small_normal_weights():
    torch.manual_seed(0)
    for network in (DCGANGenerator(), DCGANDiscriminator()):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and layer.weight.numel() > 5000:
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert layer.weight.mean().abs() < 0.001
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.5)
                assert layer.bias.eq(0).all()


def test_discriminator_normalises_all_maps_but_the_first_and_the_last():
    for channels, width in ((1, 1), (3, 8), (4, 2)):  # channels equal to a width are no first layer
        layers = DCGANDiscriminator(channels, 32, width).layers
        kinds = [type(layer).__name__ for layer in layers]
        norm = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
        assert kinds == ["Conv2d", "LeakyReLU", *norm, *norm, "Conv2d", "Flatten"]
        slopes = {layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)}
        assert slopes == {0.2}


def test_spectral_discriminator_has_no_batch_norm_and_steepness_1_in_each_layer():
    network, _ = made("spectral")
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    network.eval()
    layers = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    assert len(layers) == 3
    for layer in layers:
        sigma = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item()
        assert sigma == pytest.approx(1, abs=0.1)


@every_kind
@pytest.mark.parametrize("training", [True, False])
def test_networks_take_a_batch_of_one(kind, training):
    network, x = made(kind)
    out = network.train(training)(x[:1])
    assert out.shape[0] == 1
    assert out.isfinite().all()


@every_kind
def test_networks_in_evaluation_stay_as_they_are_and_see_each_item_by_itself(kind):
    network, x = made(kind)
    network(x)
    before = copy.deepcopy(network.state_dict())
    network.eval()
    out = network(x)
    assert torch.equal(network(x), out)
    torch.testing.assert_close(network(x[1:2]), out[1:2])
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@every_kind
def test_networks_see_every_number_of_their_input(kind):
    network, x = made(kind)
    x.requires_grad_()
    (slopes,) = torch.autograd.grad(network.eval()(x)[1].square().sum(), x)
    assert slopes[1].ne(0).all()
    assert slopes[0].eq(0).all()


@every_kind
def test_networks_can_be_saved_and_loaded_and_copied(kind):
    network, x = made(kind)
    network(x)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other, _ = made(kind, seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    twin = copy.deepcopy(network)
    for _ in range(2):
        out = network(x)  # in training: running statistics and u's go on alike
        assert torch.equal(other(x), out)
        assert torch.equal(twin(x), out)
    torch.testing.assert_close(other.state_dict(), network.state_dict(), rtol=0, atol=0)
    with torch.no_grad():
        next(twin.parameters()).add_(1)
    assert torch.equal(other.eval()(x), network.eval()(x))


@every_kind
def test_networks_learn_in_every_parameter(kind):
    network, x = made(kind)
    (network(x) * torch.randn(network(x).shape)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("spectral", [False, True])
def test_discriminator_overfits_one_batch(spectral):
    torch.manual_seed(0)
    network = DCGANDiscriminator(size=8, width=8, spectral=spectral)
    images, right = torch.randn(8, 1, 8, 8), torch.tensor([0.0, 1.0]).repeat(4)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(3 * network(images), right).backward()
        optimizer.step()
    assert torch.equal(network(images) > 0, right > 0.5)


def test_generator_overfits_one_batch():
    torch.manual_seed(0)
    network = DCGANGenerator(z_size=8, size=8, width=16)
    z, images = torch.randn(4, 8), torch.rand(4, 1, 8, 8) * 1.6 - 0.8
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(150):
        optimizer.zero_grad()
        loss = F.mse_loss(network(z), images)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1 * images.var().item()


@pytest.mark.parametrize(
    ("kind", "x", "error", "message"),
    [
        ("generator", torch.ones(2, 4), ValueError, r"z: .*\(N, 5\), got shape \(2, 4\)"),
        ("generator", torch.ones(2, 5, 1, 1), ValueError, r"z: .* got shape \(2, 5, 1, 1\)"),
        ("generator", torch.ones(2, 5).long(), TypeError, r"z: .*floating-point.* torch.int64"),
        ("discriminator", torch.ones(2, 3, 16, 16), ValueError, r"x: .*\(N, 1, 16, 16\), got"),
        ("discriminator", torch.ones(2, 1, 16, 24), ValueError, r"x: .* got shape .*16, 24\)"),
        ("spectral", torch.ones(1, 16, 16), ValueError, r"x: .* got shape \(1, 16, 16\)"),
        ("spectral", torch.ones(2, 1, 16, 16).byte(), TypeError, r"x: .*uint8; use x.float"),
        ("discriminator", None, TypeError, r"x: .* got NoneType"),
    ],
)
def test_networks_say_what_is_wrong(kind, x, error, message):
    network, _ = made(kind)
    with pytest.raises(error, match=message):
        network(x)
