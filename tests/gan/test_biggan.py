import copy
import io
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.gan import (
    BigGANDiscriminator,
    BigGANGenerator,
    ConditionalBatchNorm2d,
    hinge_discriminator_loss,
)

torch.set_num_threads(1)
LABELS = torch.tensor([2, 0, 1])
NETWORKS = ("generator", "discriminator")
every_network = pytest.mark.parametrize("name", NETWORKS)


def made(name, seed=0, size=16, width=8):
    """Return a network of three classes, and an input."""
    torch.manual_seed(seed)
    if name == "generator":
        network = BigGANGenerator(3, chunk_size=4, embed_size=5, size=size, width=width)
        return network, torch.randn(3, network.z_size)
    return BigGANDiscriminator(3, size=size, width=width), torch.randn(3, 1, size, size)


def with_conditions(generator):
    """Let conditions matter: the maps to gains and biases are 0 at first."""
    for layer in generator.modules():
        if isinstance(layer, ConditionalBatchNorm2d):
            nn.init.normal_(layer.to_gain.weight)
            nn.init.normal_(layer.to_bias.weight)
    return generator


def num_parameters(model):
    return sum(p.numel() for p in model.parameters())


def block(a, b):
    return (9 * a * b + b) + (9 * b * b + b) + (a * b + b)


def attention(channels):
    return 2 * channels * channels // 8 + 2 * channels * channels // 2 + 1


@pytest.mark.parametrize(("size", "s", "h"), [(28, 7, 2), (32, 4, 3), (64, 4, 4), (10, 5, 1)])
@pytest.mark.parametrize(("channels", "width", "K"), [(1, 8, 10), (3, 8, 2)])
def test_networks_have_the_shapes_and_parameters_counted_by_hand(size, s, h, channels, width, K):
    generator = BigGANGenerator(K, 6, 5, channels, size, width)
    widths = [width * 2**i for i in range(h + 1)]
    conditions = sum(2 * (6 + 5) * (a + b) for a, b in pairwise(widths))
    expected = K * 5 + 7 * widths[-1] * s**2 + attention(widths[1]) + conditions
    expected += sum(block(b, a) for a, b in pairwise(widths))
    expected += 2 * width + 9 * width * channels + channels
    assert num_parameters(generator) == expected
    assert generator.z_size == 6 * (h + 1)
    labels = torch.tensor([0, K - 1])
    images = generator(torch.randn(2, generator.z_size), labels)
    assert images.shape == (2, channels, size, size)
    assert images.abs().max() <= 1

    discriminator = BigGANDiscriminator(K, channels, size, width)
    expected = block(channels, width) + attention(width)
    expected += sum(block(a, b) for a, b in pairwise(widths)) + widths[-1] + 1 + K * widths[-1]
    assert num_parameters(discriminator) == expected
    assert discriminator(images, labels).shape == (2,)


@every_network
def test_networks_begin_with_orthogonal_weights(name):
    network, _ = made(name)
    norms = [m for m in network.modules() if isinstance(m, ConditionalBatchNorm2d)]
    for norm in norms:
        assert norm.to_gain.weight.eq(0).all()
        assert norm.to_bias.weight.eq(0).all()
    conditional = {id(layer) for norm in norms for layer in (norm.to_gain, norm.to_bias)}
    count = 0
    for layer in network.eval().modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding) and id(layer) not in conditional:
            matrix = layer.weight.detach().flatten(1)  # its σ is 1 already
            if len(matrix) > matrix.shape[1]:
                matrix = matrix.T
            torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), rtol=0, atol=1e-4)
            count += 1
    # of 16 pixels there are two halvings: blocks of 3 convolutions, 4 of attention, and others
    assert count == {"generator": 1 + 1 + 2 * 3 + 4 + 1, "discriminator": 3 * 3 + 4 + 2}[name]


@every_network
@pytest.mark.parametrize("training", [True, False])
def test_networks_take_a_batch_of_one(name, training):
    network, x = made(name)
    out = network.train(training)(x[:1], LABELS[:1])
    assert out.shape[0] == 1
    assert out.isfinite().all()


@every_network
def test_networks_in_evaluation_stay_as_they_are_and_see_each_item_by_itself(name):
    network, x = made(name)
    with_conditions(network)
    network(x, LABELS)
    before = copy.deepcopy(network.state_dict())
    network.eval()
    out = network(x, LABELS)
    assert torch.equal(network(x, LABELS), out)
    torch.testing.assert_close(network(x[1:2], LABELS[1:2]), out[1:2], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@every_network
def test_networks_can_be_saved_and_loaded_and_copied(name):
    network, x = made(name)
    network(x, LABELS)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    other, _ = made(name, seed=1)
    other.load_state_dict(torch.load(file, weights_only=True))
    twin = copy.deepcopy(network)
    for _ in range(2):
        out = network(x, LABELS)  # in training: running statistics and u's go on alike
        assert torch.equal(other(x, LABELS), out)
        assert torch.equal(twin(x, LABELS), out)
    torch.testing.assert_close(other.state_dict(), network.state_dict(), rtol=0, atol=0)
    num_u = sum(key.endswith("parametrizations.weight.0.u") for key in network.state_dict())
    assert num_u == {"generator": 0, "discriminator": 3 * 3 + 4 + 2}[name]
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.add_(1)
    assert torch.equal(other.eval()(x, LABELS), network.eval()(x, LABELS))


def test_generator_equals_its_blocks_by_hand():
    """The first chunk makes a map of 4 × 4; attention comes before the last block."""
    generator, z = made("generator")
    with_conditions(generator).eval()
    nn.init.ones_(generator.attention.gamma)

    def twice(x):
        return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def up(block, x, condition):
        maps = block.conv_1(twice(block.norm_1(x, condition).relu()))
        return block.conv_2(block.norm_2(maps, condition).relu()) + twice(block.shortcut(x))

    linear, embedding = generator.first[0], generator.embedding.weight[LABELS]
    x = (z[:, :4] @ linear.weight.T + linear.bias).view(3, 32, 4, 4)
    x = up(generator.blocks[0], x, torch.cat([z[:, 4:8], embedding], dim=1))
    x = up(generator.blocks[1], generator.attention(x), torch.cat([z[:, 8:], embedding], dim=1))
    torch.testing.assert_close(generator(z, LABELS), generator.last(x), rtol=1e-4, atol=1e-5)


def test_discriminator_equals_its_blocks_by_hand():
    """Only the first block sees negative numbers, and the last one halves nothing."""
    network, x = made("discriminator")
    nn.init.ones_(network.eval().attention.gamma)

    def residual(block, x, relu):
        return block.conv_2(block.conv_1(relu(x)).relu()) + block.shortcut(x)

    def halved(x):
        return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4

    maps = network.attention(halved(residual(network.first, x, nn.Identity())))
    maps = halved(residual(network.blocks[0], maps, nn.ReLU()))
    features = residual(network.blocks[1], maps, nn.ReLU()).relu().sum(dim=(2, 3))
    expected = network.output(features)[:, 0]
    expected = expected + (network.embedding.weight[LABELS] * features).sum(dim=1)
    torch.testing.assert_close(network(x, LABELS), expected, rtol=1e-4, atol=1e-4)


def test_generator_knows_the_class_once_it_has_learned():
    """Maps from conditions begin at 0: the first step gives them their first values."""
    generator, z = made("generator")
    assert torch.equal(generator.eval()(z, LABELS), generator(z, LABELS.roll(1)))
    generator.train()(z, LABELS).square().mean().backward()
    torch.optim.SGD(generator.parameters(), 0.1).step()
    generator.eval()
    assert not torch.equal(generator(z, LABELS), generator(z, LABELS.roll(1)))


def test_generator_sees_every_chunk_of_noise_and_the_class_of_its_own_image():
    generator, z = made("generator")
    with_conditions(generator).eval()
    z.requires_grad_()
    (slopes,) = torch.autograd.grad(generator(z, LABELS)[1].square().sum(), z)
    assert slopes[1].ne(0).all()
    assert slopes[0].eq(0).all()
    changed = LABELS.clone()
    changed[1] = 2
    differs = (generator(z, LABELS) != generator(z, changed)).flatten(1).any(dim=1)
    assert differs.tolist() == [False, True, False]


def test_generator_with_conditional_norms_of_0_equals_plain_batch_norm():
    generator, z = made("generator")
    plain = copy.deepcopy(generator)
    for module in list(plain.modules()):
        for child, layer in module.named_children():
            if isinstance(layer, ConditionalBatchNorm2d):
                setattr(module, child, _Plain(layer.num_features))
    assert torch.equal(generator(z, LABELS), plain(z, LABELS))


class _Plain(nn.BatchNorm2d):
    """Batch norm that does not listen to conditions."""

    def __init__(self, num_features):
        super().__init__(num_features, affine=False)

    def forward(self, x, condition):
        return super().forward(x)


def test_discriminator_decides_by_a_projection():
    """The logit is w · φ(x) + b, plus e(y) · φ(x): linear in the features of an image."""
    network, x = made("discriminator")
    network.eval()
    seen = []
    network.output.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    logits = torch.stack([network(x, torch.full((3,), k)) for k in range(3)])
    features, w, e = seen[0], network.output.weight[0], network.embedding.weight
    assert features.shape == (3, 32)
    for k in range(3):
        assert torch.equal(seen[k], features)  # they do not depend on the class
        torch.testing.assert_close(logits[k], features @ (w + e[k]) + network.output.bias)
    torch.testing.assert_close(logits[2] - logits[0], features @ (e[2] - e[0]))


def test_discriminator_sees_every_pixel():
    network, x = made("discriminator")
    x.requires_grad_()
    (slopes,) = torch.autograd.grad(network.eval()(x, LABELS)[1], x)
    assert slopes[1].ne(0).all()
    assert slopes[0].eq(0).all()


@every_network
def test_networks_learn_in_every_parameter(name):
    network, x = made(name)
    with_conditions(network)
    nn.init.ones_(network.attention.gamma)  # at 0, it shields what is before it
    out = network(x, LABELS)
    (out * torch.randn(out.shape)).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, key


def test_discriminator_overfits_one_batch_of_true_and_false_labels():
    """The same images: only the class that they are said to be of tells them apart."""
    torch.manual_seed(0)
    network = BigGANDiscriminator(2, size=8, width=8)
    images, labels = torch.randn(4, 1, 8, 8), torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = hinge_discriminator_loss(network(images, labels), network(images, 1 - labels))
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2


def test_generator_overfits_one_image_of_each_class():
    """The same noise for all: only the class tells which image is wanted."""
    torch.manual_seed(0)
    network = BigGANGenerator(2, chunk_size=4, embed_size=4, size=8, width=8)
    z, labels = torch.randn(1, network.z_size).repeat(2, 1), torch.tensor([0, 1])
    images = torch.rand(2, 1, 8, 8) * 1.6 - 0.8
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = F.mse_loss(network(z, labels), images)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * images.var().item()


@every_network
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (None, TypeError, r"labels: expected an int64 .*\(N,\), got NoneType"),
        (LABELS.float(), TypeError, r"labels: .* got torch.float32; use labels.long\(\)"),
        (LABELS + 1, ValueError, r"labels: expected values in \[0, 3\), got values from 1 to 3"),
        (LABELS - 1, ValueError, r"labels: expected values in \[0, 3\), got values from -1 to 1"),
        (LABELS[:2], ValueError, r"labels: .* = \(3,\) to go with . \(3, .* got shape \(2,\)"),
        (F.one_hot(LABELS), ValueError, r"labels: .*\(N,\).* got shape \(3, 3\)"),
    ],
)
def test_networks_say_what_is_wrong_with_labels(name, labels, error, message):
    network, x = made(name)
    with pytest.raises(error, match=message):
        network(x, labels)


@every_network
def test_networks_say_what_else_is_wrong(name):
    network, x = made(name)
    with pytest.raises(TypeError, match="labels"):
        network(x)
    with pytest.raises(ValueError, match=r"(z|x): expected .*\(N, 1?.*\), got shape"):
        network(x[:, :-1], LABELS)
    with pytest.raises(TypeError, match=r"(z|x): expected a floating-point .* got torch.int64"):
        network(x.long(), LABELS)
    with pytest.raises(ValueError, match=r"size: expected 4 to 7 times .* got 30"):
        made(name, size=30)
    with pytest.raises(ValueError, match="channels: expected a multiple of 8, got"):
        made(name, width=2)
