import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch import nn

from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["conv_transpose2d"]


def crop(out, padding):
    return out[:, :, padding : out.shape[2] - padding, padding : out.shape[3] - padding]


def loop_over_pixels(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    _, C_out, kh, kw = weight.shape
    out = torch.zeros(
        N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw, dtype=x.dtype, device=x.device
    )
    for i in range(H):
        for j in range(W):
            stamp = torch.tensordot(x[:, :, i, j], weight, dims=1)  # (N, C_out, kh, kw)
            out[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += stamp
    out = crop(out, padding)
    if bias is not None:
        out = out + bias.view(1, -1, 1, 1)
    return out


def loop_over_everything(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    height = (H - 1) * stride + kh - 2 * padding
    width = (W - 1) * stride + kw - 2 * padding
    out = []
    for n in range(N):
        for o in range(C_out):
            plane = [[0.0 if bias is None else bias[o]] * width for _ in range(height)]
            for i in range(H):
                for j in range(W):
                    for k in range(kh):
                        for m in range(kw):
                            row, column = i * stride + k - padding, j * stride + m - padding
                            if 0 <= row < height and 0 <= column < width:
                                term = x[n, :, i, j] @ weight[:, o, k, m]
                                plane[row][column] = plane[row][column] + term
            out += [torch.as_tensor(v, dtype=x.dtype) for row in plane for v in row]
    return torch.stack(out).reshape(N, C_out, height, width)


def loop_over_the_kernel(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    out = x.new_zeros(N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw)
    for k in range(kh):
        for m in range(kw):
            term = torch.einsum("nihw,io->nohw", x, weight[:, :, k, m])
            rows = slice(k, k + (H - 1) * stride + 1, stride)
            columns = slice(m, m + (W - 1) * stride + 1, stride)
            out[:, :, rows, columns] += term
    out = crop(out, padding)
    return out if bias is None else out + bias[None, :, None, None]


def zeros_between_and_convolution(x, weight, bias=None, stride=1, padding=0):
    (N, C_in, H, W), (_, _, kh, kw) = x.shape, weight.shape
    spread = x.new_zeros(N, C_in, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    kernel = weight.flip(2, 3).transpose(0, 1)
    return crop(F.conv2d(F.pad(spread, (kw - 1, kw - 1, kh - 1, kh - 1)), kernel, bias), padding)


def scatter_add_in_float64(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    height, width = (H - 1) * stride + kh, (W - 1) * stride + kw
    stamps = torch.einsum("nihw,iokm->nohwkm", x.double(), weight.double())
    i, j, k, m = torch.meshgrid(*map(torch.arange, (H, W, kh, kw)), indexing="ij")
    where = (i * stride + k) * width + j * stride + m
    out = torch.zeros(N, C_out, height * width, dtype=torch.float64)
    out = out.scatter_add(2, where.flatten().expand(N, C_out, -1), stamps.flatten(2))
    out = crop(out.reshape(N, C_out, height, width), padding)
    if bias is not None:
        out = out + bias.double()[:, None, None]
    return out.to(x.dtype)


def one_matrix(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    height, width = (H - 1) * stride + kh, (W - 1) * stride + kw
    rows = torch.arange(height)[:, None, None] - stride * torch.arange(H)[:, None]
    columns = torch.arange(width)[:, None, None] - stride * torch.arange(W)[:, None]
    rows, columns = rows == torch.arange(kh), columns == torch.arange(kw)
    matrix = torch.einsum("aik,bjm,cokm->oabcij", rows.to(x), columns.to(x), weight)
    out = x.flatten(1) @ matrix.reshape(C_out * height * width, -1).T
    out = crop(out.reshape(N, C_out, height, width), padding)
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def adjoint_of_convolution(x, weight, bias=None, stride=1, padding=0):
    N, _, H, W = x.shape
    height = (H - 1) * stride - 2 * padding + weight.shape[2]
    width = (W - 1) * stride - 2 * padding + weight.shape[3]
    zeros = x.new_zeros(N, weight.shape[1], height, width).requires_grad_()
    there = F.conv2d(zeros, weight, None, stride, padding)
    (out,) = torch.autograd.grad(there, zeros, x, create_graph=x.requires_grad)
    return out if bias is None else out + bias[:, None, None]


def bias_first(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    shape = N, C_out, (H - 1) * stride + kh, (W - 1) * stride + kw
    if bias is None:
        bias = torch.zeros(C_out, dtype=x.dtype)
    out = bias.reshape(1, C_out, 1, 1).expand(shape).clone()
    for n in range(N):
        for i in range(H):
            for j in range(W):
                stamp = (x[n, :, i, j, None, None, None] * weight).sum(0)
                top, left = i * stride, j * stride
                out[n, :, top : top + kh, left : left + kw] += stamp
    return crop(out, padding)


def float32_always(x, weight, bias=None, stride=1, padding=0):
    bias = None if bias is None else bias.float()
    return loop_over_pixels(x.float(), weight.float(), bias, stride, padding)


def padding_grows(x, weight, bias=None, stride=1, padding=0):
    out = F.pad(loop_over_pixels(x, weight, None, stride), (padding,) * 4)
    return out if bias is None else out + bias[:, None, None]


def crops_one_side(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, bias, stride)
    return out[:, :, 2 * padding :, 2 * padding :]


def size_times_stride(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, bias, stride, padding)
    return out[:, :, : x.shape[2] * stride, : x.shape[3] * stride]


def kernel_transposed(x, weight, bias=None, stride=1, padding=0):
    return loop_over_pixels(x, weight.transpose(2, 3), bias, stride, padding)


def ordinary_convolution(x, weight, bias=None, stride=1, padding=0):
    return F.conv2d(x, weight.transpose(0, 1), bias, stride, padding)


def bias_before_cropping_and_again(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, bias, stride, padding)
    return out if bias is None else out + bias[:, None, None]


def through_numpy(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, bias, stride, padding)
    return torch.from_numpy(np.array(out.detach()))


def weight_without_gradient(x, weight, bias=None, stride=1, padding=0):
    return loop_over_pixels(x, weight.detach(), bias, stride, padding)


def bias_without_gradient(x, weight, bias=None, stride=1, padding=0):
    bias = None if bias is None else torch.tensor(bias.tolist(), dtype=x.dtype)
    return loop_over_pixels(x, weight, bias, stride, padding)


def stride_of_two(x, weight, bias=None, stride=2, padding=0):
    return loop_over_pixels(x, weight, bias, stride, padding)


def padding_of_one(x, weight, bias=None, stride=1, padding=1):
    return loop_over_pixels(x, weight, bias, stride, padding)


def zeros_between_and_padding_below_the_kernel(x, weight, bias=None, stride=1, padding=0):
    (N, Cin, H, W), (_, _, kh, kw) = x.shape, weight.shape
    spread = x.new_zeros(N, Cin, (H - 1) * stride + 1, (W - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    paddings = kh - 1 - padding, kw - 1 - padding
    return F.conv2d(spread, weight.flip(2, 3).transpose(0, 1), bias, padding=paddings)


def bias_only_on_the_stamps(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, None, stride, padding)
    return out if bias is None else torch.where(out != 0, out + bias[:, None, None], out)


def reshapes_the_bias(x, weight, bias=None, stride=1, padding=0):
    out = loop_over_pixels(x, weight, None, stride, padding)
    return out if bias is None else out + bias.unsqueeze_(1).unsqueeze_(1)


def stays_in_float64(x, weight, bias=None, stride=1, padding=0):
    """More precise than was asked for."""
    bias = None if bias is None else bias.double()
    return loop_over_pixels(x.double(), weight.double(), bias, stride, padding)


def slices_of_the_cropped_output(x, weight, bias=None, stride=1, padding=0):
    """A padding larger than the kernel makes the end of a slice negative."""
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride - 2 * padding + kh, (W - 1) * stride - 2 * padding + kw
    out = x.new_zeros(N, C_out, *size)
    for i in range(H):
        for j in range(W):
            stamp = torch.einsum("nc,coab->noab", x[:, :, i, j], weight)
            r, q = i * stride - padding, j * stride - padding
            a, b = max(0, -r), max(0, -q)
            place = out[:, :, max(0, r) : r + kh, max(0, q) : q + kw]
            place += stamp[:, :, a : a + place.shape[2], b : b + place.shape[3]]
    return out if bias is None else out + bias[:, None, None]


def gradient_of_a_convolution(x, weight, bias=None, stride=1, padding=0):
    (N, _, H, W), (_, C_out, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride - 2 * padding + kh, (W - 1) * stride - 2 * padding + kw
    place = x.new_zeros(N, C_out, *size, requires_grad=True)
    forward = F.conv2d(place, weight, stride=stride, padding=padding)
    (out,) = torch.autograd.grad(forward, place, x, create_graph=True)
    return out if bias is None else out + bias[:, None, None]


class WithItsOwnBackward(torch.autograd.Function):
    @staticmethod
    def forward(x, weight, stride, padding):
        return loop_over_pixels(x, weight, None, stride, padding)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])
        ctx.options = inputs[2:]

    @staticmethod
    def backward(ctx, gradient):
        (x, weight), (stride, padding) = ctx.saved_tensors, ctx.options
        of_x = F.conv2d(gradient, weight, stride=stride, padding=padding)
        of_weight = torch.nn.grad.conv2d_weight(gradient, weight.shape, x, stride, padding)
        return of_x, of_weight, None, None


def own_backward(x, weight, bias=None, stride=1, padding=0):
    out = WithItsOwnBackward.apply(x, weight, stride, padding)
    return out if bias is None else out + bias[:, None, None]


RIGHT = [
    *(gradient_of_a_convolution, own_backward, stays_in_float64),
    *(loop_over_pixels, loop_over_everything, loop_over_the_kernel, one_matrix, bias_first),
    *(zeros_between_and_convolution, scatter_add_in_float64, adjoint_of_convolution),
]
WRONG = [
    slices_of_the_cropped_output,
    *(float32_always, padding_grows, crops_one_side, size_times_stride, kernel_transposed),
    *(ordinary_convolution, bias_before_cropping_and_again, through_numpy),
    *(weight_without_gradient, bias_without_gradient, stride_of_two, padding_of_one),
    *(zeros_between_and_padding_below_the_kernel, bias_only_on_the_stamps, reshapes_the_bias),
]


def module(x, weight, bias=None, stride=1, padding=0):
    layer = nn.ConvTranspose2d(
        *weight.shape[:2], weight.shape[2:], stride, padding, bias=bias is not None
    )
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = bias
    return layer(x)


def fold(x, weight, bias=None, stride=1, padding=0):
    (_, _, H, W), (_, _, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride - 2 * padding + kh, (W - 1) * stride - 2 * padding + kw
    columns = torch.einsum("nihw,iokm->nokmhw", x, weight).flatten(4).flatten(1, 3)
    out = F.fold(columns, size, (kh, kw), padding=padding, stride=stride)
    return out if bias is None else out + bias[:, None, None]


def fold_module(x, weight, bias=None, stride=1, padding=0):
    (_, _, H, W), (_, _, kh, kw) = x.shape, weight.shape
    size = (H - 1) * stride - 2 * padding + kh, (W - 1) * stride - 2 * padding + kw
    columns = torch.einsum("nihw,iokm->nokmhw", x, weight).flatten(4).flatten(1, 3)
    out = nn.Fold(size, (kh, kw), padding=padding, stride=stride)(columns)
    return out if bias is None else out + bias[:, None, None]


def general(x, weight, bias=None, stride=1, padding=0):
    strides, paddings = (stride, stride), (padding, padding)
    return torch.convolution(x, weight, bias, strides, paddings, (1, 1), True, (0, 0), 1)


def general_underneath(x, weight, bias=None, stride=1, padding=0):
    options = [stride] * 2, [padding] * 2, [1, 1], True, [0, 0], 1, False, False, False, False
    return torch._convolution(x, weight, bias, *options)


def slow(x, weight, bias=None, stride=1, padding=0):
    return torch._C._nn.slow_conv_transpose2d(x, weight, weight.shape[2:], bias, stride, padding)


FORBIDDEN = [
    F.conv_transpose2d,
    lambda *args, **kwargs: F.conv_transpose2d(*args, **kwargs),
    lambda *args, **kwargs: torch.conv_transpose2d(*args, **kwargs),
    lambda *args, **kwargs: torch.ops.aten.conv_transpose2d(*args, **kwargs),
    *(module, fold, fold_module, general, general_underneath, slow),
]
EQUIVALENT = {
    "conv_transpose2d: places.flatten().to(x.device) -> places.flatten().to()": (
        "grading needs no GPU"
    ),
    "conv_transpose2d: (out if bias is None else out + bias[:, None, None]).to(x.dtype) -> "
    "(out if bias is None else out + bias[:, None, None]).to()": "no half precision is asked for",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_conv_transpose2d_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_conv_transpose2d_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("answer", FORBIDDEN)
def test_conv_transpose2d_must_not_call_torchs_own(answer):
    report = graded(EXERCISE, answer)
    assert report.points == 0.0
    assert any("to do it without" in row.message for row in report.rows)


def test_conv_transpose2d_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
