import io

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.cyclegan import PatchGAN, make_patchgan

torch.set_num_threads(1)


def images(N=2, C=3, H=32, W=48, seed=1, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(N, C, H, W, generator=rng, dtype=dtype) * 2 - 1


def made(*arguments):
    torch.manual_seed(0)
    return PatchGAN(*arguments).double()


def as_in_the_paper(state, x):
    """Return C64-C128-C256-C512 and a last convolution, by functions, for three halvings."""
    weights = [state[name] for name in state if name.endswith("weight")]
    biases = [state[name] for name in state if name.endswith("bias")]
    x = F.leaky_relu(F.conv2d(x, weights[0], biases[0], 2, 1), 0.2)
    for i, stride in ((1, 2), (2, 2), (3, 1)):
        x = F.instance_norm(F.conv2d(x, weights[i], biases[i], stride, 1))
        x = F.leaky_relu(x, 0.2)
    return F.conv2d(x, weights[4], biases[4], 1, 1)


def test_make_patchgan_has_the_layers_of_the_paper():
    torch.manual_seed(0)
    network = make_patchgan(3, 4, 3).double()
    kinds = [type(layer).__name__ for layer in network]
    first, between = ["Conv2d", "LeakyReLU"], ["Conv2d", "InstanceNorm2d", "LeakyReLU"]
    assert kinds == [*first, *between * 3, "Conv2d"]
    assert torch.allclose(network(images()), as_in_the_paper(network.state_dict(), images()))


@pytest.mark.parametrize(
    ("halvings", "widths"),
    [
        (1, (64, 128, 1)),
        (2, (64, 128, 256, 1)),
        (3, (64, 128, 256, 512, 1)),
        (5, (64, 128, 256, 512, 512, 512, 1)),
    ],
)
def test_make_patchgan_doubles_its_channels_up_to_eight_times(halvings, widths):
    layers = [x for x in make_patchgan(3, 64, halvings) if isinstance(x, nn.Conv2d)]
    assert tuple(layer.out_channels for layer in layers) == widths
    assert [layer.stride[0] for layer in layers] == [2] * halvings + [1, 1]
    before = (3, *widths[:-1])
    expected = sum(16 * b * a + a for b, a in zip(before, widths, strict=True))
    assert sum(p.numel() for p in make_patchgan(3, 64, halvings).parameters()) == expected


@pytest.mark.parametrize(("halvings", "patch"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_patchgan_knows_its_patch(halvings, patch):
    assert PatchGAN(width=1, num_halvings=halvings).patch == patch


@pytest.mark.parametrize(
    ("halvings", "size", "expected"),
    [
        (3, (256, 256), (30, 30)),
        (3, (32, 48), (2, 4)),
        (2, (32, 32), (6, 6)),
        (1, (32, 20), (14, 8)),
        (2, (13, 18), (1, 2)),
    ],
)
def test_patchgan_returns_a_map_of_logits(halvings, size, expected):
    network = PatchGAN(3, 1, halvings)
    assert network(images(1, 3, *size, dtype=torch.float32)).shape == (1, 1, *expected)


@pytest.mark.parametrize("halvings", [1, 2, 3, 4])
def test_patchgan_the_smallest_size_is_the_smallest(halvings):
    network = PatchGAN(1, 1, halvings)
    size = network.smallest
    assert network(torch.randn(1, 1, size, size)).numel() == 1
    assert network(torch.randn(1, 1, size, 3 * size)).isfinite().all()
    message = f"x: expected H and W of at least {size}, got shape"
    for H, W in ((size - 1, size), (size, size - 1)):
        with pytest.raises(ValueError, match=message):
            network(torch.randn(1, 1, H, W))
    with pytest.raises((ValueError, RuntimeError)):  # it would not work indeed
        network.layers(torch.randn(1, 1, size - 1, size - 1))


def test_patchgan_judges_images_apart_and_is_the_same_in_evaluation():
    network, x = made(3, 4, 2), images(3)
    together = network(x)
    torch.testing.assert_close(together, torch.cat([network(image[None]) for image in x]))
    torch.testing.assert_close(together, network.eval()(x))


def test_patchgan_begins_without_biases_and_with_logits_of_about_1():
    torch.manual_seed(0)
    network = PatchGAN(3, 16, 2)
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            assert (layer.bias == 0).all()
    assert 0.3 < network(images(8, dtype=torch.float32)).std() < 3


def test_patchgan_gradients_reach_all_parameters():
    network = made(3, 4, 2)
    network(images()).square().mean().backward()
    for name, parameter in network.named_parameters():
        # before an instance norm a bias changes nothing
        convolution = int(name.split(".")[1])
        followed = isinstance(network.layers[min(convolution + 1, 7)], nn.InstanceNorm2d)
        if not (followed and name.endswith("bias")):
            assert parameter.grad.abs().max() > 1e-8, name


def test_patchgan_state_can_be_saved_and_loaded():
    network, other = made(3, 4, 2), PatchGAN(3, 4, 2).double()
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    other.load_state_dict(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert torch.equal(network(images()), other(images()))


def test_patchgan_tells_two_kinds_of_texture_apart():
    torch.manual_seed(0)
    network = PatchGAN(1, 8, 1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    board = (torch.arange(16)[:, None] // 2 + torch.arange(16) // 2) % 2 * 2.0 - 1
    stripes = (torch.arange(16) // 2 % 2 * 2.0 - 1).expand(16, 16)
    x = torch.stack([board, stripes])[:, None]
    target = torch.tensor([1.0, 0]).view(2, 1, 1, 1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = (network(x) - target).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.02


@pytest.mark.parametrize("make", [make_patchgan, PatchGAN])
@pytest.mark.parametrize("halvings", [0, -1])
def test_patchgan_refuses_no_halvings(make, halvings):
    with pytest.raises(ValueError, match=f"num_halvings: expected at least 1, got {halvings}"):
        make(num_halvings=halvings)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.zeros(2, 1, 32, 32), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(3, 32, 32), ValueError, r"x: expected .*\(N, 3, H, W\), got shape"),
        (torch.zeros(2, 3, 32, 32).byte(), TypeError, "x: expected a floating-point"),
    ],
)
def test_patchgan_says_what_it_can_not_take(x, error, message):
    with pytest.raises(error, match=message):
        PatchGAN(3, 1, 1)(x)
