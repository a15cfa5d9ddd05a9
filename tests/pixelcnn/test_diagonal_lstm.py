import pytest
import torch
from torch import nn

from cvgen_course.pixelcnn import DiagonalBiLSTM
from cvgen_course.pixelcnn.diagonal_lstm import DiagonalLSTM, skew, unskew

SIZES = pytest.mark.parametrize("size", [(3, 5), (5, 3), (1, 4), (4, 1), (1, 1)])


def noise(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def layer_of(in_channels, out_channels, num_groups=1, kind=DiagonalBiLSTM):
    """Return a layer whose gates are neither shut nor open."""
    torch.manual_seed(0)
    layer = kind(in_channels, out_channels, num_groups).double()
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


def naive_diagonal_lstm(layer, x, num_groups, side):
    """Go through the pixels; the neighbour in the row is at ``j + side``."""
    N, _, H, W = x.shape
    itself = layer.input_to_state.weight[:, :, 0, 0] * allowed(layer, num_groups)  # (4h, I)
    from_above, from_side = layer.state_to_state.weight.unbind(2)
    nothing = x.new_zeros(N, layer.out_channels)
    h, c = {}, {}
    for i in range(H):
        for j in range(W)[::-side]:
            gates = layer.input_to_state.bias + x[:, :, i, j] @ itself.T
            gates = gates + h.get((i - 1, j), nothing) @ from_above.T
            gates = gates + h.get((i, j + side), nothing) @ from_side.T
            o, f, i_, g = gates.chunk(4, dim=1)
            before = c.get((i, j + side), nothing)
            c[i, j] = torch.sigmoid(f) * before + torch.sigmoid(i_) * torch.tanh(g)
            h[i, j] = torch.sigmoid(o) * torch.tanh(c[i, j])
    return torch.stack([torch.stack([h[i, j] for j in range(W)], -1) for i in range(H)], -2)


def naive_diagonal_bilstm(layer, x, num_groups):
    result = naive_diagonal_lstm(layer.from_left, x, num_groups, -1)
    right = naive_diagonal_lstm(layer.from_right, x, num_groups, 1)
    for i in range(1, x.shape[2]):
        told = torch.zeros_like(result)
        told[:, :, i] = right[:, :, i - 1]
        result = result + told
    return result


def seen(layer, x, i, j, feature):
    """Say which inputs a state follows from, bool (I, H, W)."""
    x = x.requires_grad_()
    (grad,) = torch.autograd.grad(layer(x)[0, feature, i, j], x)
    return grad[0] != 0


def test_skew_by_hand():
    x = torch.tensor([[[[1, 2, 3], [4, 5, 6]]]])
    assert skew(x).tolist() == [[[[1, 2, 3, 0], [0, 4, 5, 6]]]]
    x = torch.tensor([[[[1, 2], [3, 4], [5, 6]]]])
    assert skew(x).tolist() == [[[[1, 2, 0, 0], [0, 3, 4, 0], [0, 0, 5, 6]]]]


def test_unskew_by_hand():
    x = torch.tensor([[[[1, 2, 3, 9], [9, 4, 5, 6]]]])
    assert unskew(x).tolist() == [[[[1, 2, 3], [4, 5, 6]]]]
    x = torch.tensor([[[[1, 9], [9, 2]]]])
    assert unskew(x).tolist() == [[[[1], [2]]]]


@SIZES
def test_unskew_undoes_skew(size):
    x = noise(2, 3, *size)
    assert skew(x).shape == (2, 3, size[0], size[0] + size[1] - 1)
    assert torch.equal(unskew(skew(x)), x)


@SIZES
def test_skew_moves_each_row_by_its_number(size):
    x, (H, W) = noise(2, 3, *size), size
    expected = torch.zeros(2, 3, H, W + H - 1).double()
    for i in range(H):
        for j in range(W):
            expected[:, :, i, i + j] = x[:, :, i, j]
    assert torch.equal(skew(x), expected)


def test_skew_and_unskew_pass_gradients_where_values_went():
    assert torch.autograd.gradcheck(skew, noise(1, 2, 3, 4).requires_grad_())
    assert torch.autograd.gradcheck(unskew, noise(1, 2, 3, 6).requires_grad_())


@SIZES
@pytest.mark.parametrize(("channels", "num_groups"), [((3, 2), 1), ((6, 3), 3), ((2, 4), 2)])
def test_diagonal_bilstm_is_two_lstms_written_pixel_by_pixel(size, channels, num_groups):
    layer, x = layer_of(*channels, num_groups), noise(2, channels[0], *size).requires_grad_()
    got, expected = layer(x), naive_diagonal_bilstm(layer, x, num_groups)
    torch.testing.assert_close(got, expected)
    which, weights = [x, *layer.parameters()], noise(*got.shape, seed=1)
    for a, b in zip(
        torch.autograd.grad((got * weights).sum(), which),
        torch.autograd.grad((expected * weights).sum(), which, materialize_grads=True),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_diagonal_lstm_on_a_single_row_is_an_lstm():
    layer, x = layer_of(3, 2, kind=DiagonalLSTM), noise(4, 3, 1, 6)
    lstm = nn.LSTM(3, 2, batch_first=True).double()
    order = torch.tensor([4, 5, 2, 3, 6, 7, 0, 1])  # i, f, g, o there; o, f, i, g here
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(layer.input_to_state.weight[order, :, 0, 0])
        lstm.weight_hh_l0.copy_(layer.state_to_state.weight[order, :, 1])
        lstm.bias_ih_l0.copy_(layer.input_to_state.bias[order])
        lstm.bias_hh_l0.zero_()
        expected = lstm(x[:, :, 0].transpose(1, 2))[0].transpose(1, 2)
        torch.testing.assert_close(layer(x)[:, :, 0], expected)


@pytest.mark.parametrize("place", [(0, 0), (2, 3), (2, 0), (1, 4), (3, 2)])
def test_diagonal_lstm_sees_the_rectangle_above_and_on_the_left(place):
    i, j = place
    expected = torch.zeros(4, 5, dtype=torch.bool)
    expected[: i + 1, : j + 1] = True
    got = seen(layer_of(2, 2, kind=DiagonalLSTM), noise(1, 2, 4, 5), i, j, 0)
    assert torch.equal(got, expected.expand(2, 4, 5))


@pytest.mark.parametrize("size", [(4, 5), (5, 3), (1, 4), (4, 1)])
def test_diagonal_bilstm_sees_all_that_comes_before_and_nothing_after(size):
    layer, x, (H, W) = layer_of(2, 2), noise(1, 2, *size), size
    number = torch.arange(H * W).view(H, W)
    for i in range(H):
        for j in range(W):
            assert torch.equal(seen(layer, x, i, j, 0), (number <= i * W + j).expand(2, H, W))


def test_diagonal_bilstm_groups_see_earlier_groups_at_their_own_place_and_all_before_it():
    layer, x = layer_of(6, 3, num_groups=3), noise(1, 6, 3, 4)
    for group in range(3):
        got = seen(layer, x, 1, 2, group)
        assert got[:, 1, 2].tolist() == [feature // 2 <= group for feature in range(6)]
        assert got[:, 1, :2].all()
        assert got[:, 0, [0, 1, 3]].all()
        assert not got[:, 1, 3].any()
        assert not got[:, 2].any()


def test_diagonal_bilstm_images_do_not_see_one_another():
    layer, x = layer_of(2, 3), noise(4, 2, 3, 5)
    torch.testing.assert_close(torch.cat([layer(image[None]) for image in x]), layer(x))
    assert layer(x[:0]).shape == (0, 3, 3, 5)


def test_diagonal_bilstm_has_the_parameters_counted_by_hand():
    layer = DiagonalBiLSTM(6, 4)
    from_input, from_state = 6 * 16 + 16, 2 * 4 * 16
    assert sum(p.numel() for p in layer.parameters()) == 2 * (from_input + from_state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_diagonal_bilstm_keeps_the_dtype_and_leaves_its_input(dtype):
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
def test_diagonal_bilstm_says_what_is_wrong_with_maps(x, error, message):
    with pytest.raises(error, match=message):
        DiagonalBiLSTM(2, 2)(x)


def test_skew_and_unskew_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"x: expected .*\(N, C, H, W\), got shape \(3, 4\)"):
        skew(torch.ones(3, 4))
    with pytest.raises(ValueError, match=r"x: expected .*\(N, C, H, T\), got shape \(3, 4\)"):
        unskew(torch.ones(3, 4))
    with pytest.raises(ValueError, match=r"at least as many columns as rows, got .*1, 4, 3\)"):
        unskew(torch.ones(1, 1, 4, 3))
    with pytest.raises(TypeError, match=r"x: .* got list"):
        skew([[1.0]])
