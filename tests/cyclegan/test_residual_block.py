import pytest
import torch
from torch import nn

from cvgen_course.cyclegan import ResidualBlock, residual_block

torch.set_num_threads(1)


def arguments(N=2, C=3, H=5, W=7, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    shapes = ((N, C, H, W), (C, C, 3, 3), (C, C, 3, 3), (C,), (C,))
    x, *weights, first, second = (torch.randn(s, generator=rng, dtype=dtype) for s in shapes)
    return x, tuple(weights), (first, second)


def by_layers(x, weights, biases):
    """Return the same, made of PyTorch's layers."""
    C = x.shape[1]
    layers = nn.Sequential(
        *(nn.ReflectionPad2d(1), nn.Conv2d(C, C, 3), nn.InstanceNorm2d(C), nn.ReLU()),
        *(nn.ReflectionPad2d(1), nn.Conv2d(C, C, 3), nn.InstanceNorm2d(C)),
    ).to(x.dtype)
    for place, weight, bias in zip((1, 5), weights, biases, strict=True):
        layers[place].weight.data, layers[place].bias.data = weight, bias
    return x + layers(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 2, 2), (1, 4, 2, 9), (3, 2, 8, 8)])
def test_residual_block_equals_pytorchs_layers(shape, dtype):
    given = arguments(*shape, dtype=dtype)
    found = residual_block(*given)
    assert found.dtype == dtype
    torch.testing.assert_close(found, by_layers(*given))


def test_residual_block_by_hand():
    """First convolution: as it is; second: as it is. One row of the image: 0 0 / 0 4."""
    x = torch.zeros(1, 1, 2, 2, dtype=torch.float64)
    x[..., 1, 1] = 4
    middle = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    middle[..., 1, 1] = 1
    none = torch.zeros(1, dtype=torch.float64)
    # mean 1, variance 3: three of -1/√3 become 0, and one √3 stays; again mean √3/4, deviation 3/4
    high, low = 3**0.5, -1 / 3**0.5
    expected = torch.tensor([[[[low, low], [low, 4 + high]]]], dtype=torch.float64)
    found = residual_block(x, (middle, middle), (none, none), eps=0)
    torch.testing.assert_close(found, expected)


def test_residual_block_mirrors_at_the_border():
    """A shift to the left, twice: what comes in at the right is mirrored without the border."""
    x = torch.tensor([0.0, 1, 4, 9]).expand(1, 1, 3, 4)
    shift = torch.zeros(1, 1, 3, 3)
    shift[..., 1, 2] = 1
    none = torch.zeros(1)
    inner = torch.relu(torch.nn.functional.instance_norm(x[..., [1, 2, 3, 2]]))
    expected = x + torch.nn.functional.instance_norm(inner[..., [1, 2, 3, 2]])
    torch.testing.assert_close(residual_block(x, (shift, shift), (none, none)), expected)


def test_residual_block_takes_eps():
    x, weights, biases = arguments()
    expected = x
    found = residual_block(x, weights, biases, eps=1e6)
    assert (found - expected).abs().max() < 0.1 < (residual_block(x, weights, biases) - x).max()


def test_residual_block_images_do_not_mix():
    x, weights, biases = arguments(N=3)
    alone = torch.cat([residual_block(image[None], weights, biases) for image in x])
    torch.testing.assert_close(residual_block(x, weights, biases), alone)


def test_residual_block_biases_change_nothing():
    x, weights, biases = arguments()
    others = tuple(bias + 5 for bias in biases)
    found, expected = (residual_block(x, weights, each) for each in (others, biases))
    torch.testing.assert_close(found, expected)


def test_residual_block_gradcheck():
    x, (first, second), (bias, other) = arguments(N=1, C=2, H=3, W=4)
    leaves = [each.requires_grad_() for each in (x, first, second, bias, other)]

    def block(x, first, second, bias, other):
        return residual_block(x, (first, second), (bias, other))

    assert torch.autograd.gradcheck(block, leaves)


def test_residual_block_leaves_its_arguments_alone():
    given = arguments()
    before = [each.clone() for each in (given[0], *given[1], *given[2])]
    residual_block(*given)
    for was, now in zip(before, (given[0], *given[1], *given[2]), strict=True):
        assert torch.equal(was, now)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"x": torch.zeros(1, 3, 4)}, ValueError, r"x: expected .*\(N, C, H, W\), got shape"),
        ({"x": torch.zeros(1, 3, 4, 4).long()}, TypeError, "x: expected a floating-point"),
        ({"x": torch.zeros(1, 2, 4, 4)}, ValueError, r"first_weight: expected .*= \(2, 2, 3, 3\)"),
        ({"x": torch.zeros(1, 3, 1, 4)}, ValueError, "x: expected H and W of at least 2, got"),
        ({"x": torch.zeros(1, 3, 4, 1)}, ValueError, "x: expected H and W of at least 2, got"),
        ({"second": torch.zeros(3, 3, 5, 5)}, ValueError, "second_weight: expected"),
        ({"bias": torch.zeros(4)}, ValueError, "first_bias: expected"),
    ],
)
def test_residual_block_says_what_does_not_fit(wrong, error, message):
    weight, bias = torch.zeros(3, 3, 3, 3), torch.zeros(3)
    given = {"x": torch.zeros(1, 3, 4, 4), "second": weight, "bias": bias} | wrong
    with pytest.raises(error, match=message):
        residual_block(given["x"], (weight, given["second"]), (given["bias"], bias))


def test_residual_block_module_is_the_function_with_its_parameters():
    torch.manual_seed(0)
    block, x = ResidualBlock(4), torch.randn(2, 4, 5, 6)
    assert sum(p.numel() for p in block.parameters()) == 2 * (4 * 4 * 9 + 4)
    weights = block.first.weight, block.second.weight
    biases = block.first.bias, block.second.bias
    torch.testing.assert_close(block(x), residual_block(x, weights, biases))
    torch.testing.assert_close(block(x), by_layers(x, weights, biases))
