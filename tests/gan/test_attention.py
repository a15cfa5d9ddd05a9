import pytest
import torch
from torch import nn

from cvgen_course.gan import SelfAttention2d


def layer_and_maps(channels=16, N=2, H=3, W=4, gamma=0.7):
    torch.manual_seed(0)
    layer = SelfAttention2d(channels).double()
    nn.init.constant_(layer.gamma, gamma)
    return layer, torch.randn(N, channels, H, W, dtype=torch.float64)


def matrix(convolution):
    return convolution.weight.detach()[:, :, 0, 0]


def test_self_attention_equals_matrices_and_loops():
    layer, x = layer_and_maps()
    got, weights = layer(x), layer.weights(x)
    for n in range(2):
        pixels = [x[n, :, i, j] for i in range(3) for j in range(4)]
        for q, pixel in enumerate(pixels):
            query = matrix(layer.query) @ pixel
            scores = [torch.exp(query @ matrix(layer.key) @ other) for other in pixels]
            shares = [score / sum(scores) for score in scores]
            torch.testing.assert_close(weights[n, q], torch.stack(shares))
            values = [matrix(layer.value) @ other for other in pixels]
            taken = sum(share * value for share, value in zip(shares, values, strict=True))
            expected = pixel + 0.7 * matrix(layer.output) @ taken
            torch.testing.assert_close(got[n, :, q // 4, q % 4], expected)


def test_self_attention_equals_torchs_scaled_dot_product():
    layer, x = layer_and_maps()
    queries, keys, values = (
        part(x).flatten(2).mT for part in (layer.query, layer.key, layer.value)
    )  # (N, HW, ·)
    taken = nn.functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)
    expected = x + 0.7 * layer.output(taken.mT.unflatten(2, (3, 4)))
    torch.testing.assert_close(layer(x), expected)


def test_self_attention_does_nothing_at_first():
    layer, x = SelfAttention2d(8), torch.randn(2, 8, 3, 3)
    assert torch.equal(layer(x), x)
    layer(x).square().sum().backward()
    assert layer.gamma.grad != 0  # and yet it learns


def test_self_attention_weights_are_shares():
    layer, x = layer_and_maps()
    weights = layer.weights(x)
    assert weights.shape == (2, 12, 12)
    assert weights.gt(0).all()
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(2, 12, dtype=torch.float64))


def test_self_attention_of_equal_keys_takes_the_mean():
    layer, x = layer_and_maps()
    nn.init.zeros_(layer.key.weight)
    expected = x + 0.7 * layer.output(layer.value(x).mean(dim=(2, 3), keepdim=True))
    torch.testing.assert_close(layer(x), expected)


def test_self_attention_follows_its_pixels_wherever_they_are():
    layer, x = layer_and_maps()
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    mixed = x.flatten(2)[..., order].unflatten(2, (4, 3))
    torch.testing.assert_close(layer(mixed).flatten(2), layer(x).flatten(2)[..., order])


def test_self_attention_sees_all_pixels_of_its_own_image():
    layer, x = layer_and_maps()
    x.requires_grad_()
    (slopes,) = torch.autograd.grad(layer(x)[0, 0, 0, 0], x)
    assert slopes[0].ne(0).any(dim=0).all()
    assert slopes[1].eq(0).all()


@pytest.mark.parametrize("channels", [8, 16, 24])
def test_self_attention_has_the_parameters_counted_by_hand(channels):
    layer = SelfAttention2d(channels)
    expected = 2 * channels * channels // 8 + 2 * channels * channels // 2 + 1
    assert sum(p.numel() for p in layer.parameters()) == expected


@pytest.mark.parametrize("shape", [(0, 8, 3, 3), (1, 8, 1, 1), (2, 8, 5, 3)])
def test_self_attention_keeps_shapes(shape):
    assert SelfAttention2d(8)(torch.randn(shape)).shape == shape


def test_self_attention_passes_gradcheck():
    layer, x = layer_and_maps(channels=8, N=1, H=2, W=2)
    assert torch.autograd.gradcheck(layer, x.requires_grad_())


def test_self_attention_state_can_be_saved_and_loaded():
    layer, x = layer_and_maps()
    other = SelfAttention2d(16).double()
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(x), layer(x))


@pytest.mark.parametrize("channels", [0, 4, 12, -8])
def test_self_attention_refuses_other_numbers_of_channels(channels):
    with pytest.raises(ValueError, match=f"channels: expected a multiple of 8, got {channels}"):
        SelfAttention2d(channels)


def test_self_attention_says_what_is_wrong():
    layer, x = layer_and_maps()
    for call in (layer, layer.weights):
        with pytest.raises(ValueError, match=r"x: expected .*\(N, 16, H, W\), got shape \(2, 8, 3"):
            call(x[:, :8])
        with pytest.raises(TypeError, match=r"x: .*floating-point.* got torch.int64"):
            call(x.long())
