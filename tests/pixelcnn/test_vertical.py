import pytest
import torch
import torch.nn.functional as F

from cvgen_course.pixelcnn import VerticalConv2d, vertical_conv2d

SHAPES = [  # N, I, O, kh, kw, H, W
    (2, 3, 4, 2, 3, 5, 6),
    (1, 1, 1, 1, 1, 1, 1),
    (2, 2, 3, 3, 5, 4, 3),
    (1, 2, 2, 4, 1, 3, 4),
    (1, 1, 2, 1, 3, 2, 2),
    (2, 1, 1, 4, 7, 2, 2),
    (0, 2, 2, 2, 3, 4, 4),
]


def random_arguments(N, I, O, kh, kw, H, W):  # noqa: E741
    rng = torch.Generator().manual_seed(0)
    shapes = (N, I, H, W), (O, I, kh, kw), (O,)
    return [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes]


def naive_maps(x, weight, bias):
    """The kernel's last row lies on the row of the output."""
    (N, I, H, W), (O, _, kh, kw) = x.shape, weight.shape  # noqa: E741
    maps = torch.zeros(N, O, H, W, dtype=x.dtype)
    for o in range(O):
        for i in range(H):
            for j in range(W):
                maps[:, o, i, j] = bias[o]
                for a in range(kh):
                    for b in range(kw):
                        row, column = i - (kh - 1 - a), j + b - kw // 2
                        if row >= 0 and 0 <= column < W:
                            for c in range(I):
                                maps[:, o, i, j] += weight[o, c, a, b] * x[:, c, row, column]
    return maps


def test_vertical_conv2d_equals_one_worked_out_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    weight = torch.tensor([[[[1.0, 10.0, 100.0], [1000.0, 10_000.0, 100_000.0]]]])
    maps, above = vertical_conv2d(x, weight, torch.tensor([0.5]))
    assert maps[0, 0].tolist() == [[210_000.5, 21_000.5], [430_210.5, 43_021.5]]
    assert above[0, 0].tolist() == [[0, 0], [210_000.5, 21_000.5]]


@pytest.mark.parametrize("shapes", SHAPES)
def test_vertical_conv2d_equals_a_loop(shapes):
    x, weight, bias = random_arguments(*shapes)
    maps, _ = vertical_conv2d(x, weight, bias)
    torch.testing.assert_close(maps, naive_maps(x, weight, bias))


@pytest.mark.parametrize("shapes", SHAPES)
def test_vertical_conv2d_tells_the_horizontal_stack_the_row_above(shapes):
    maps, above = vertical_conv2d(*random_arguments(*shapes))
    assert above.shape == maps.shape
    assert above[:, :, 0].eq(0).all()  # no bias either: there is no row above
    assert torch.equal(above[:, :, 1:], maps[:, :, :-1])


@pytest.mark.parametrize("size", [1, 3, 5])
def test_vertical_conv2d_equals_torchs_with_the_lower_half_set_to_zero(size):
    x, weight, bias = random_arguments(2, 2, 3, size, size, 6, 5)
    weight[:, :, size // 2 + 1 :] = 0
    expected = F.conv2d(x, weight, bias, padding=size // 2)
    maps, _ = vertical_conv2d(x, weight[:, :, : size // 2 + 1], bias)
    torch.testing.assert_close(maps, expected)


def test_vertical_conv2d_passes_gradcheck():
    leaves = [tensor.requires_grad_() for tensor in random_arguments(1, 2, 2, 2, 3, 3, 2)]
    assert torch.autograd.gradcheck(vertical_conv2d, leaves)


def test_vertical_conv2d_rows_see_themselves_and_those_above_and_are_told_the_latter_only():
    x, weight, bias = random_arguments(1, 1, 1, 2, 3, 5, 5)
    x.requires_grad_()
    maps, above = vertical_conv2d(x, weight, bias)
    rows = torch.arange(5)
    for out, seen in ((maps, (2, 3)), (above, (1, 2))):
        (slopes,) = torch.autograd.grad(out[0, 0, 3].sum(), x, retain_graph=True)
        assert slopes[0, 0].ne(0).any(dim=1).tolist() == [row in seen for row in rows]
    (slopes,) = torch.autograd.grad(maps[0, 0, 3, 2], x)
    assert slopes[0, 0, 3].ne(0).tolist() == [False, True, True, True, False]  # also to the right


def test_vertical_conv2d_works_without_a_bias():
    x, weight, bias = random_arguments(2, 2, 3, 2, 3, 4, 5)
    with_zeros = vertical_conv2d(x, weight, torch.zeros_like(bias))
    torch.testing.assert_close(vertical_conv2d(x, weight), with_zeros)


def test_vertical_conv2d_refuses_what_does_not_belong_together():
    x, weight, bias = random_arguments(2, 3, 4, 2, 3, 5, 6)
    with pytest.raises(ValueError, match=r"weight: expected .*3, kh, kw.* got shape \(4, 2, 2, 3"):
        vertical_conv2d(x, weight[:, :2], bias)
    with pytest.raises(ValueError, match=r"weight: expected kw to be odd, got .*\(4, 3, 2, 2\)"):
        vertical_conv2d(x, weight[..., :2], bias)
    with pytest.raises(ValueError, match=r"bias: expected .*\(4,\), got shape \(3,\)"):
        vertical_conv2d(x, weight, bias[:3])
    with pytest.raises(ValueError, match=r"x: expected .*\(N, I, H, W\), got shape \(3, 5, 6\)"):
        vertical_conv2d(x[0], weight, bias)
    with pytest.raises(TypeError, match=r"x: expected a floating-point .* got torch.int64"):
        vertical_conv2d(x.long(), weight, bias)


@pytest.mark.parametrize(("kernel_size", "rows"), [(1, 1), (3, 2), (5, 3), (7, 4)])
def test_vertical_conv_has_the_part_of_a_kernel_that_does_not_look_down(kernel_size, rows):
    torch.manual_seed(0)
    conv = VerticalConv2d(2, 4, kernel_size)
    assert conv.weight.shape == (4, 2, rows, kernel_size)
    x = torch.randn(2, 2, 5, 3)
    for mine, right in zip(conv(x), vertical_conv2d(x, conv.weight, conv.bias), strict=True):
        assert mine.shape == (2, 4, 5, 3)
        assert torch.equal(mine, right)


@pytest.mark.parametrize("kernel_size", [0, 2, -1])
def test_vertical_conv_refuses_a_kernel_without_a_middle(kernel_size):
    with pytest.raises(ValueError, match=f"kernel_size: expected an odd .* got {kernel_size}"):
        VerticalConv2d(1, 1, kernel_size)
