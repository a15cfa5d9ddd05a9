import pytest
import torch
from torch import nn

from cvgen_course.pixelcnn import RowLSTM
from cvgen_course.pixelcnn.row_lstm import lstm_step

SHAPES = pytest.mark.parametrize("size", [(3, 5), (5, 3), (1, 4), (4, 1), (1, 1)])


def noise(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def layer_of(in_channels, out_channels, num_groups=1):
    """Return a layer whose gates are neither shut nor open."""
    torch.manual_seed(0)
    layer = RowLSTM(in_channels, out_channels, num_groups).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    return layer


def allowed(layer, num_groups):
    """Say which features of a place each gate may see at the place itself, (4h, I)."""
    h, inputs = layer.out_channels, layer.input_to_state.in_channels
    rows = [
        [i * num_groups // inputs <= o * num_groups // h for i in range(inputs)] for o in range(h)
    ]
    return torch.tensor(rows * 4).double()


def naive_row_lstm(layer, x, num_groups):
    N, _, H, W = x.shape
    itself = layer.input_to_state.weight[:, :, 0, 1] * allowed(layer, num_groups)  # (4h, I)
    left = layer.input_to_state.weight[:, :, 0, 0]
    from_above = layer.state_to_state.weight  # (4h, h, 3)
    nothing = x.new_zeros(N, layer.out_channels)
    h, c = {}, {}
    for i in range(H):
        for j in range(W):
            gates = layer.input_to_state.bias + x[:, :, i, j] @ itself.T
            if j > 0:
                gates = gates + x[:, :, i, j - 1] @ left.T
            for tap in range(3):
                gates = gates + h.get((i - 1, j - 1 + tap), nothing) @ from_above[:, :, tap].T
            o, f, i_, g = gates.chunk(4, dim=1)
            before = c.get((i - 1, j), nothing)
            c[i, j] = torch.sigmoid(f) * before + torch.sigmoid(i_) * torch.tanh(g)
            h[i, j] = torch.sigmoid(o) * torch.tanh(c[i, j])
    return torch.stack([torch.stack([h[i, j] for j in range(W)], -1) for i in range(H)], -2)


def seen(layer, x, i, j, feature):
    """Say which inputs a state follows from, bool (I, H, W)."""
    x = x.requires_grad_()
    (grad,) = torch.autograd.grad(layer(x)[0, feature, i, j], x)
    return grad[0] != 0


def test_lstm_step_by_hand():
    # o, f, i and g: half open, half open, half open, and nothing to write
    h, c = lstm_step(torch.zeros(1, 4, 1), torch.tensor([[[3.0]]]))
    torch.testing.assert_close(c, torch.tensor([[[1.5]]]))
    torch.testing.assert_close(h, 0.5 * torch.tensor([[[1.5]]]).tanh())
    # forget all, write 1, but show nothing
    h, c = lstm_step(torch.tensor([[[-99.0], [-99.0], [99.0], [99.0]]]), torch.full((1, 1, 1), 3.0))
    torch.testing.assert_close(c, torch.ones(1, 1, 1))
    assert h == 0


def test_lstm_step_is_that_of_an_lstm_cell():
    torch.manual_seed(0)
    cell, x, h, c = (
        nn.LSTMCell(3, 2).double(),
        noise(5, 3),
        noise(5, 2, seed=1),
        noise(5, 2, seed=2),
    )
    i, f, g, o = (x @ cell.weight_ih.T + h @ cell.weight_hh.T + cell.bias_ih + cell.bias_hh).chunk(
        4, dim=1
    )  # the order there
    expected = cell(x, (h, c))
    for got, wanted in zip(
        lstm_step(torch.cat([o, f, i, g], dim=1)[..., None], c[..., None]), expected, strict=True
    ):
        torch.testing.assert_close(got[..., 0], wanted)


@SHAPES
@pytest.mark.parametrize(("channels", "num_groups"), [((3, 2), 1), ((6, 3), 3), ((2, 4), 2)])
def test_row_lstm_is_an_lstm_written_pixel_by_pixel(size, channels, num_groups):
    layer, x = layer_of(*channels, num_groups), noise(2, channels[0], *size).requires_grad_()
    got, expected = layer(x), naive_row_lstm(layer, x, num_groups)
    torch.testing.assert_close(got, expected)
    which, weights = [x, *layer.parameters()], noise(*got.shape, seed=1)
    for a, b in zip(
        torch.autograd.grad((got * weights).sum(), which),
        torch.autograd.grad((expected * weights).sum(), which),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_row_lstm_on_a_single_column_is_an_lstm():
    layer, x = layer_of(3, 2), noise(4, 3, 6, 1)
    lstm = nn.LSTM(3, 2, batch_first=True).double()
    order = torch.tensor([4, 5, 2, 3, 6, 7, 0, 1])  # i, f, g, o there; o, f, i, g here
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(layer.input_to_state.weight[order, :, 0, 1])
        lstm.weight_hh_l0.copy_(layer.state_to_state.weight[order, :, 1])
        lstm.bias_ih_l0.copy_(layer.input_to_state.bias[order])
        lstm.bias_hh_l0.zero_()
        expected = lstm(x[..., 0].transpose(1, 2))[0].transpose(1, 2)
        torch.testing.assert_close(layer(x)[..., 0], expected)


@pytest.mark.parametrize("place", [(0, 0), (3, 3), (3, 0), (2, 6), (1, 4)])
def test_row_lstm_sees_a_triangle(place):
    i, j = place
    expected = torch.zeros(5, 7, dtype=torch.bool)
    for up in range(i + 1):
        expected[i - up, max(j - up - 1, 0) : j + up + 1] = True
    got = seen(layer_of(2, 2), noise(1, 2, 5, 7), i, j, 0)
    assert torch.equal(got, expected.expand(2, 5, 7))


def test_row_lstm_groups_see_earlier_groups_at_their_own_place_and_all_elsewhere():
    layer, x = layer_of(6, 3, num_groups=3), noise(1, 6, 2, 3)
    for group in range(3):
        got = seen(layer, x, 1, 1, group)
        assert got[:, 1, 1].tolist() == [feature // 2 <= group for feature in range(6)]
        assert got[:, 0].all()
        assert got[:, 1, 0].all()
        assert not got[:, 1, 2].any()


def test_row_lstm_images_do_not_see_one_another():
    layer, x = layer_of(2, 3), noise(4, 2, 3, 5)
    torch.testing.assert_close(torch.cat([layer(image[None]) for image in x]), layer(x))
    assert layer(x[:0]).shape == (0, 3, 3, 5)


def test_row_lstm_has_the_parameters_counted_by_hand():
    layer = RowLSTM(6, 4)
    from_input, from_state = 3 * 6 * 16 + 16, 3 * 4 * 16
    assert sum(p.numel() for p in layer.parameters()) == from_input + from_state


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_row_lstm_keeps_the_dtype_and_leaves_its_input(dtype):
    layer, x = layer_of(2, 2).to(dtype), noise(1, 2, 3, 3).to(dtype)
    before = x.clone()
    assert layer(x).dtype == dtype
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(2, 3, 3), ValueError, r"x: expected .*\(N, I, H, W\), got shape \(2, 3, 3\)"),
        (torch.ones(1, 3, 4, 4), ValueError, r"expected .* x \(1, 3, 4, 4\), got shape \(8, 2, 1"),
        (torch.ones(1, 2, 4, 4).long(), TypeError, "x: expected a floating-point .*int64"),
        (None, TypeError, "x: .* got NoneType"),
    ],
)
def test_row_lstm_says_what_is_wrong_with_maps(x, error, message):
    with pytest.raises(error, match=message):
        RowLSTM(2, 2)(x)


def test_row_lstm_says_what_is_wrong_with_its_options():
    with pytest.raises(ValueError, match="in_channels: expected a multiple of 2 groups, got 3"):
        RowLSTM(3, 4, num_groups=2)
    with pytest.raises(ValueError, match="out_channels: expected a multiple of 3 groups, got 4"):
        RowLSTM(3, 4, num_groups=3)
