import math

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.segmentation import bilinear, bilinear_kernel, conv_transpose2d


def random_arguments(kernel=(3, 4)):
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 4, generator=rng, dtype=torch.float64)
    weight = torch.randn(3, 2, *kernel, generator=rng, dtype=torch.float64)
    bias = torch.randn(2, generator=rng, dtype=torch.float64)
    return x, weight, bias


def test_conv_transpose2d_equals_one_worked_out_by_hand():
    x = torch.tensor([[[[1.0, 10.0]]]])
    weight = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    assert conv_transpose2d(x, weight).flatten().tolist() == [1, 12, 23, 30]
    assert conv_transpose2d(x, weight, stride=2).flatten().tolist() == [1, 2, 13, 20, 30]


def test_conv_transpose2d_of_one_pixel_is_the_kernel():
    _, weight, _ = random_arguments()
    x = torch.zeros(1, 3, 1, 1, dtype=torch.float64)
    x[0, 1] = 1
    torch.testing.assert_close(conv_transpose2d(x, weight)[0], weight[1])


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 4), (4, 3)])
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("with_bias", [False, True])
def test_conv_transpose2d_equals_torchs(kernel, stride, with_bias):
    x, weight, bias = random_arguments(kernel)
    bias = bias if with_bias else None
    for padding in range((min(kernel) + 1) // 2):
        expected = F.conv_transpose2d(x, weight, bias, stride, padding)
        torch.testing.assert_close(conv_transpose2d(x, weight, bias, stride, padding), expected)


def test_conv_transpose2d_equals_a_loop():
    x, weight, _ = random_arguments()
    stride, (kh, kw) = 2, (3, 4)
    expected = torch.zeros(2, 2, 4 * stride + kh, 3 * stride + kw, dtype=torch.float64)
    for i in range(5):
        for j in range(4):
            stamp = torch.einsum("ni,iokl->nokl", x[:, :, i, j], weight)
            expected[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    torch.testing.assert_close(conv_transpose2d(x, weight, stride=stride), expected)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (2, 1)])
def test_conv_transpose2d_is_the_adjoint_of_the_convolution(stride, padding):
    x, weight, _ = random_arguments((3, 3))
    up = conv_transpose2d(x, weight, stride=stride, padding=padding)
    y = torch.randn(up.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    down = F.conv2d(y, weight, stride=stride, padding=padding)
    torch.testing.assert_close((up * y).sum(), (x * down).sum())


def test_conv_transpose2d_has_the_right_gradient():
    x, weight, bias = random_arguments((2, 3))
    arguments = [t.requires_grad_() for t in (x[:1, :, :2, :3].clone(), weight, bias)]
    assert torch.autograd.gradcheck(lambda *a: conv_transpose2d(*a, 2, 1), arguments)


def test_conv_transpose2d_keeps_the_inputs():
    arguments = random_arguments()
    before = [t.clone() for t in arguments]
    conv_transpose2d(*arguments, stride=2)
    assert all(map(torch.equal, arguments, before))


def test_conv_transpose2d_says_what_is_wrong_with_its_arguments():
    x, weight, bias = random_arguments()
    with pytest.raises(TypeError, match=r"x: expected a tensor .* got NoneType"):
        conv_transpose2d(None, weight)
    with pytest.raises(ValueError, match=r"weight: .* = \(3, .* to go with x .* got shape \(2, 3"):
        conv_transpose2d(x, weight.transpose(0, 1))
    with pytest.raises(ValueError, match=r"bias: expected .* = \(2,\), got shape \(3,\)"):
        conv_transpose2d(x, weight, torch.zeros(3))
    with pytest.raises(ValueError, match="stride: expected at least 1, got 0"):
        conv_transpose2d(x, weight, bias, stride=0)
    with pytest.raises(ValueError, match="padding: expected at least 0, got -1"):
        conv_transpose2d(x, weight, bias, padding=-1)
    with pytest.raises(ValueError, match=r"padding: 4 cuts off the whole output; .* along H"):
        conv_transpose2d(x, weight, padding=4)
    with pytest.raises(ValueError, match="x: expected H of at least 1, got shape"):
        conv_transpose2d(x[:, :, :0], weight)


def test_bilinear_kernel_equals_the_one_written_by_hand():
    expected = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    kernel = bilinear_kernel(1, 2)
    assert torch.equal(kernel[0, 0], expected[:, None] * expected)


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
def test_bilinear_kernel_upsamples_bilinearly_away_from_the_border(factor):
    x = torch.randn(1, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    padding = math.ceil((factor - 1) / 2)
    kernel = bilinear_kernel(3, factor)
    assert kernel.dtype == torch.float32
    assert kernel.shape[-1] == 2 * factor - factor % 2
    up = F.conv_transpose2d(x, kernel, stride=factor, padding=padding)
    expected = bilinear(x, factor)
    assert up.shape == expected.shape
    inner = slice(factor, -factor)
    torch.testing.assert_close(up[..., inner, inner], expected[..., inner, inner])


def test_bilinear_kernel_keeps_channels_apart():
    kernel = bilinear_kernel(3, 2)
    for i in range(3):
        for j in range(3):
            assert bool(kernel[i, j].any()) == (i == j)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_bilinear_kernel_keeps_a_constant_map_constant(factor):
    up = conv_transpose2d(torch.ones(1, 1, 5, 5), bilinear_kernel(1, factor), stride=factor)
    inner = slice(2 * factor, -2 * factor)
    torch.testing.assert_close(up[..., inner, inner], torch.ones_like(up[..., inner, inner]))


def test_bilinear_kernel_says_what_is_wrong_with_its_arguments():
    with pytest.raises(ValueError, match="factor: expected at least 1, got 0"):
        bilinear_kernel(1, 0)
    with pytest.raises(ValueError, match="num_channels: expected at least 1, got 0"):
        bilinear_kernel(0, 2)
