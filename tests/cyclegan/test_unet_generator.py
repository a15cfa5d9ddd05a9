import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.cyclegan import UNetGenerator

torch.set_num_threads(1)


def made(*arguments, seed=0):
    torch.manual_seed(seed)
    return UNetGenerator(*arguments).double()


def images(N=2, C=3, H=16, W=24, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(N, C, H, W, generator=rng, dtype=torch.float64) * 2 - 1


def by_functions(network, x):
    """Return what three halvings make of images, by functions, from weights by their place."""
    state = network.state_dict()

    def down(x, i):
        weight, bias = (state[f"downs.{i}.{int(i > 0)}.{name}"] for name in ("weight", "bias"))
        return F.conv2d(x, weight, bias, 2, 1)

    def up(x, i):
        weight, bias = (state[f"ups.{i}.1.{name}"] for name in ("weight", "bias"))
        return F.conv_transpose2d(F.relu(x), weight, bias, 2, 1)

    first = down(x, 0)
    second = F.instance_norm(down(F.leaky_relu(first, 0.2), 1))
    third = down(F.leaky_relu(second, 0.2), 2)
    x = torch.cat([F.instance_norm(up(third, 2)), second], dim=1)
    x = torch.cat([F.instance_norm(up(x, 1)), first], dim=1)
    return torch.tanh(up(x, 0))


def test_unet_generator_equals_its_layers_by_functions():
    network = made(3, 4, 3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    torch.testing.assert_close(network(images()), by_functions(network, images()))


@pytest.mark.parametrize(
    ("channels", "width", "halvings", "widths"),
    [
        (3, 4, 1, (4,)),
        (1, 4, 2, (4, 8)),
        (3, 2, 4, (2, 4, 8, 16)),
        (3, 2, 6, (2, 4, 8, 16, 16, 16)),
    ],
)
def test_unet_generator_has_the_shapes_and_parameters_counted_by_hand(
    channels, width, halvings, widths
):
    network = made(channels, width, halvings)
    before = (channels, *widths[:-1])
    inner = [2 * after for after in widths[:-1]] + [widths[-1]]  # the innermost has no skip
    downs = sum(16 * b * a + a for b, a in zip(before, widths, strict=True))
    ups = sum(16 * i * b + b for i, b in zip(inner, before, strict=True))
    assert sum(p.numel() for p in network.parameters()) == downs + ups
    size = 2**halvings
    x = images(2, channels, size, 2 * size)
    assert network(x).shape == x.shape
    one_pixel = images(1, channels, size, size)
    assert network(one_pixel).isfinite().all()
    assert network(one_pixel).abs().max() <= 1


def without(network, skipped, x):
    """Return the result where the map that goes by one skip is all zeros."""
    maps = []
    for down in network.downs:
        x = down(x)
        maps.append(x)
    x = maps.pop()
    for up in reversed(network.ups):
        x = up(x)
        if maps:
            skip = maps.pop()
            x = torch.cat([x, skip * (len(maps) != skipped)], dim=1)
    return x


@pytest.mark.parametrize("skipped", [0, 1, 2])
def test_unet_generator_every_skip_is_used(skipped):
    network, x = made(3, 4, 4), images(2, 3, 32, 48)
    torch.testing.assert_close(network(x), without(network, None, x))
    assert (network(x) - without(network, skipped, x)).abs().max() > 1e-3


def test_unet_generator_fine_detail_goes_by_its_skips():
    """A single pixel makes a difference, even where the innermost map says nothing at all."""
    network, x = made(3, 4, 2), images(1, 3, 16, 16)
    with torch.no_grad():
        for parameter in network.downs[1].parameters():
            parameter.zero_()
        changed = x.clone()
        changed[..., 5, 5] = -changed[..., 5, 5]
        assert (network(x) - network(changed)).abs().max() > 1e-3


def test_unet_generator_gradients_reach_all_weights():
    network = made(3, 4, 3)
    network(images()).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        if name.endswith("weight"):
            assert parameter.grad.abs().max() > 1e-9, name


def test_unet_generator_the_innermost_map_is_not_normalised():
    network = made(3, 4, 3)
    norms = [any(isinstance(x, nn.InstanceNorm2d) for x in down) for down in network.downs]
    assert norms == [False, True, False]
    norms = [any(isinstance(x, nn.InstanceNorm2d) for x in up) for up in network.ups]
    assert norms == [False, True, True]


def test_unet_generator_translates_images_apart_and_is_the_same_in_evaluation():
    network, x = made(3, 4, 3), images(3)
    together = network(x)
    torch.testing.assert_close(together, torch.cat([network(image[None]) for image in x]))
    torch.testing.assert_close(together, network.eval()(x))


def test_unet_generator_state_can_be_saved_and_loaded():
    network, other = made(3, 4, 2), made(3, 4, 2, seed=1)
    assert not torch.equal(network(images()), other(images()))
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert torch.equal(network(images()), other(images()))


def test_unet_generator_learns_one_pair_by_heart():
    torch.manual_seed(0)
    network = UNetGenerator(3, 8, 2)
    x, y = (images(1, 3, 8, 8, seed=seed).float() for seed in (1, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = (network(x) - 0.8 * y).abs().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.1


@pytest.mark.parametrize("size", [(12, 16), (16, 20), (4, 16), (0, 8)])
def test_unet_generator_refuses_sizes_that_can_not_be_halved(size):
    message = r"x: expected H and W of at least 8 and multiples of 8, got shape \(1, 3, "
    with pytest.raises(ValueError, match=message):
        UNetGenerator(3, 2, 3)(torch.zeros(1, 3, *size))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(2, 1, 8, 8), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(3, 8, 8), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(2, 3, 8, 8).byte(), TypeError, "x: expected a floating-point"),
    ],
)
def test_unet_generator_says_what_it_can_not_take(x, error, message):
    with pytest.raises(error, match=message):
        UNetGenerator(3, 2, 3)(x)


def test_unet_generator_refuses_no_halvings():
    with pytest.raises(ValueError, match="num_halvings: expected at least 1, got 0"):
        UNetGenerator(num_halvings=0)
