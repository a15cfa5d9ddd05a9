import io
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.cyclegan import ResidualBlock, ResNetGenerator

torch.set_num_threads(1)
both_upsamplings = pytest.mark.parametrize("upsampling", ["transposed", "resize"])
either_norm = pytest.mark.parametrize("normalised", [True, False])


def made(*arguments, seed=0, **options):
    torch.manual_seed(seed)
    return ResNetGenerator(*arguments, **options).double()


def images(N=2, C=3, H=16, W=24, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(N, C, H, W, generator=rng, dtype=torch.float64) * 2 - 1


def by_functions(network, x, normalised, upsampling):
    """Return c7s1-4, d8, d16, R16, R16, u8, u4, c7s1-3 of images, by functions."""
    parameters = iter(network.parameters())

    def activated(x):
        return F.relu(F.instance_norm(x) if normalised else x)

    def convolved(x, padding, stride=1, mode="reflect"):
        x = F.pad(x, (padding,) * 4, mode=mode)
        return F.conv2d(x, next(parameters), next(parameters), stride)

    x = activated(convolved(x, 3))
    x = activated(convolved(x, 1, 2, "constant"))
    x = activated(convolved(x, 1, 2, "constant"))
    for _ in range(2):
        h = F.relu(F.instance_norm(convolved(x, 1)))
        x = x + F.instance_norm(convolved(h, 1))
    for _ in range(2):
        if upsampling == "resize":
            x = convolved(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3), 1)
        else:
            x = F.conv_transpose2d(x, next(parameters), next(parameters), 2, 1, 1)
        x = activated(x)
    x = torch.tanh(convolved(x, 3))
    assert next(parameters, None) is None
    return x


@both_upsamplings
@either_norm
def test_generator_equals_its_layers_by_functions(normalised, upsampling):
    network = made(3, 4, 2, 2, normalised, upsampling)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    expected = by_functions(network, images(), normalised, upsampling)
    torch.testing.assert_close(network(images()), expected)


@both_upsamplings
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("width", "halvings", "blocks"), [(4, 2, 3), (2, 1, 0), (3, 0, 1)])
def test_generator_has_the_shapes_and_parameters_counted_by_hand(
    channels, width, halvings, blocks, upsampling
):
    network = made(channels, width, halvings, blocks, upsampling=upsampling)
    widths = [width * 2**i for i in range(halvings + 1)]
    ends = 49 * channels * width + width + 49 * width * channels + channels
    both_ways = sum(2 * 9 * few * many + few + many for few, many in pairwise(widths))
    residual = blocks * 2 * (9 * widths[-1] ** 2 + widths[-1])
    found = sum(p.numel() for p in network.parameters())
    assert found == ends + both_ways + residual
    x = images(2, channels)
    assert network(x).shape == x.shape


def test_generator_of_the_paper_has_eleven_million_parameters():
    network = ResNetGenerator()
    assert sum(p.numel() for p in network.parameters()) == 11_378_179
    assert sum(isinstance(layer, ResidualBlock) for layer in network.layers) == 9


@both_upsamplings
@either_norm
@pytest.mark.parametrize("halvings", [0, 1, 2, 3])
def test_generator_the_smallest_size_works(halvings, normalised, upsampling):
    size = max(4, 2 * 2**halvings)
    x = images(1, 3, size, size)
    network = made(3, 2, halvings, 1, normalised, upsampling)
    assert network(x).shape == x.shape
    assert network(images(1, 3, size, size + 2 * 2**halvings)).isfinite().all()


@pytest.mark.parametrize(
    ("halvings", "size", "smallest", "stride"),
    [
        (2, (18, 16), 8, 4),
        (2, (16, 18), 8, 4),
        (2, (4, 16), 8, 4),
        (1, (15, 16), 4, 2),
        (1, (2, 4), 4, 2),
        (0, (4, 3), 4, 1),
    ],
)
def test_generator_refuses_sizes_that_can_not_be_halved(halvings, size, smallest, stride):
    network = ResNetGenerator(3, 2, halvings, 1)
    message = rf"x: expected H and W of at least {smallest} and multiples of {stride}, got shape \("
    with pytest.raises(ValueError, match=message):
        network(torch.zeros(1, 3, *size))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(2, 1, 8, 8), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(3, 8, 8), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(2, 3, 8, 8).byte(), TypeError, "x: expected a floating-point"),
    ],
)
def test_generator_says_what_it_can_not_take(x, error, message):
    with pytest.raises(error, match=message):
        ResNetGenerator(3, 2, 1, 1)(x)


def test_generator_refuses_another_upsampling():
    message = "upsampling: expected 'transposed' or 'resize', got 'nearest'"
    with pytest.raises(ValueError, match=message):
        ResNetGenerator(upsampling="nearest")


def test_generator_refuses_a_negative_number_of_halvings():
    with pytest.raises(ValueError, match="num_halvings: expected at least 0, got -1"):
        ResNetGenerator(num_halvings=-1)


def test_generator_makes_images_between_minus_1_and_1():
    found = made(3, 4, 2, 2)(images() * 100)
    assert found.abs().max() <= 1


def test_generator_translates_images_apart_and_is_the_same_in_evaluation():
    network, x = made(3, 4, 2, 2), images(3)
    together = network(x)
    torch.testing.assert_close(together, torch.cat([network(image[None]) for image in x]))
    torch.testing.assert_close(together, network.eval()(x))


@both_upsamplings
@either_norm
def test_generator_gradients_reach_all_weights(normalised, upsampling):
    network = made(3, 4, 2, 1, normalised, upsampling)
    network(images()).square().mean().backward()
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad.abs().max() > 1e-9, name
        assert parameter.grad is not None


def test_generator_without_norms_keeps_what_a_colour_is():
    """With norms a plain image comes out the same whatever its colour; without, it does not."""
    grey, red = torch.zeros(2, 1, 3, 16, 16, dtype=torch.float64)
    red[:, 0] = 0.8
    for normalised in (True, False):
        network = made(3, 4, 1, 0, normalised)
        apart = (network(grey) - network(red))[..., 6:10, 6:10].abs().max()
        assert (apart > 0.01) != normalised


def unevenness(image, step=1):
    """Return how much pixels differ at most from those that are so many to the right or below."""
    inside = image[..., 24:-24, 24:-24]  # what the border reaches is left out
    right, below = (inside.roll(-step, dim) - inside for dim in (3, 2))
    return max(right[..., :-step].abs().max(), below[..., :-step, :].abs().max())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("halvings", [1, 2])
def test_generator_checkerboards_come_from_transposed_convolutions_alone(halvings, seed):
    """A plain image has no pattern, and inside, far from the border, a fresh network adds none."""
    plain = torch.full((1, 3, 96, 96), 0.5, dtype=torch.float64)
    sizes = 3, 4, halvings, 0, False
    assert unevenness(made(*sizes, "resize", seed=seed)(plain)) < 1e-9
    transposed = made(*sizes, "transposed", seed=seed)(plain)
    assert unevenness(transposed) > 1e-3
    assert unevenness(transposed, step=2**halvings) < 1e-9  # it repeats itself


def test_generator_state_can_be_saved_and_loaded():
    network, other = made(3, 4, 1, 1), made(3, 4, 1, 1, seed=1)
    assert not torch.equal(network(images()), other(images()))
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert torch.equal(network(images()), other(images()))


@both_upsamplings
def test_generator_learns_one_pair_by_heart(upsampling):
    torch.manual_seed(0)
    network = ResNetGenerator(3, 8, 1, 1, upsampling=upsampling)
    x, y = (images(1, 3, 8, 8, seed=seed).float() for seed in (1, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = (network(x) - 0.8 * y).abs().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize("channels", [4, 64])
def test_generator_begins_with_signals_of_about_the_same_size(channels):
    torch.manual_seed(0)
    network = ResNetGenerator(3, channels, 2, 2, normalised=False, upsampling="resize")
    assert network(images().float()).std() > 0.05
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            assert layer.weight.std().item() == pytest.approx((2 / 1.04 / fan_in) ** 0.5, rel=0.15)
            if layer.bias is not None:
                assert (layer.bias == 0).all()
