import pytest
import torch
from torch import nn

from cvgen_course.autoencoders import Decoder, Encoder


def num_parameters(model):
    return sum(p.numel() for p in model.parameters())


def conv(before, after):
    return 16 * before * after + after  # kernels of 4 × 4


@pytest.mark.parametrize(("channels", "size", "J", "width"), [(1, 28, 10, 16), (3, 8, 2, 4)])
def test_encoder_and_decoder_have_the_parameters_counted_by_hand(channels, size, J, width):
    cells, features = 2 * width * (size // 4) ** 2, 16 * width
    encoder, decoder = Encoder(channels, size, J, width), Decoder(channels, size, J, width)
    assert encoder.num_features == features
    convolutions = conv(channels, width) + conv(width, 2 * width)
    linear = (cells + 1) * features + (features + 1) * J
    assert num_parameters(encoder) == convolutions + linear
    convolutions = conv(2 * width, width) + conv(width, channels)
    linear = (J + 1) * features + (features + 1) * cells
    assert num_parameters(decoder) == linear + convolutions


@pytest.mark.parametrize("N", [0, 1, 5])
@pytest.mark.parametrize(("channels", "size"), [(1, 4), (3, 12), (1, 28)])
def test_encoder_and_decoder_shapes(N, channels, size):
    encoder, decoder = Encoder(channels, size, 6, 4), Decoder(channels, size, 6, 4)
    z = encoder(torch.randn(N, channels, size, size))
    assert z.shape == (N, 6)
    assert decoder(z).shape == (N, channels, size, size)


def test_encoder_and_decoder_treat_each_item_by_itself():
    encoder, decoder = Encoder(1, 8, 3, 4), Decoder(1, 8, 3, 4)
    x, z = torch.randn(4, 1, 8, 8), torch.randn(4, 3)
    torch.testing.assert_close(encoder(x)[2:3], encoder(x[2:3]))
    torch.testing.assert_close(decoder(z)[1:2], decoder(z[1:2]))


def test_encoder_features_are_what_the_head_sees():
    encoder = Encoder(1, 8, 3, 4)
    x = torch.randn(2, 1, 8, 8)
    assert encoder.features(x).shape == (2, encoder.num_features)
    assert torch.equal(encoder.head(encoder.features(x)), encoder(x))


def test_every_pixel_and_every_code_has_an_influence():
    encoder, decoder = Encoder(1, 8, 3, 4), Decoder(1, 8, 3, 4)
    x, z = torch.randn(1, 1, 8, 8, requires_grad=True), torch.randn(1, 3, requires_grad=True)
    (dx,) = torch.autograd.grad(encoder(x).square().sum(), x)
    (dz,) = torch.autograd.grad(decoder(z).square().sum(), z)
    assert dx.ne(0).all()
    assert dz.ne(0).all()


def test_decoder_reaches_any_value():
    decoder = Decoder(1, 4, 2, 2)
    with torch.no_grad():
        decoder.layers[-1].bias.fill_(7.0)
    assert decoder(torch.zeros(1, 2)).max() > 1


def test_encoder_and_decoder_can_be_saved_and_loaded():
    for make in (lambda: Encoder(1, 8, 3, 4), lambda: Decoder(1, 8, 3, 4)):
        one, other = make(), make()
        other.load_state_dict(one.state_dict())
        for mine, its in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.equal(mine, its)


@pytest.mark.parametrize("half", [Encoder, Decoder])
@pytest.mark.parametrize("size", [0, 2, 30, -4])
def test_networks_refuse_other_sizes(half, size):
    with pytest.raises(ValueError, match=f"size: expected a multiple of 4, got {size}"):
        half(1, size, 3, 4)


@pytest.mark.parametrize(
    ("model", "x", "error", "message"),
    [
        (Encoder(1, 8, 3, 2), torch.ones(2, 3, 8, 8), ValueError, r"x: .*\(N, 1, 8, 8\).*3, 8, 8"),
        (Encoder(1, 8, 3, 2), torch.ones(2, 1, 8, 12), ValueError, r"x: .* got .*8, 12\)"),
        (Encoder(1, 8, 3, 2), torch.ones(1, 8, 8), ValueError, r"x: .* got shape \(1, 8, 8\)"),
        (Encoder(1, 8, 3, 2), torch.ones(2, 1, 8, 8).byte(), TypeError, r"x: .*uint8.*float\(\)"),
        (Decoder(1, 8, 3, 2), torch.ones(2, 4), ValueError, r"z: .*\(N, 3\).* got shape \(2, 4\)"),
        (Decoder(1, 8, 3, 2), torch.ones(2, 3).long(), TypeError, "z: expected a floating-point"),
        (Decoder(1, 8, 3, 2), None, TypeError, "z: .* got NoneType"),
    ],
)
def test_networks_say_what_is_wrong(model, x, error, message):
    with pytest.raises(error, match=message):
        model(x)


def test_encoder_halves_twice():
    strides = [
        layer.stride for layer in Encoder(1, 8, 3, 2).features if isinstance(layer, nn.Conv2d)
    ]
    assert strides == [(2, 2), (2, 2)]
