import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch import nn
from torch.nn import functional as F

from cvgen_course.cyclegan import ResidualBlock
from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["residual_block"]


def as_in_the_lecture(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return x + F.instance_norm(h, eps=eps)


def with_layers(x, weights, biases, eps=1e-5):
    pad, norm = nn.ReflectionPad2d(1), nn.InstanceNorm2d(x.shape[1], eps=eps)
    h = norm(F.conv2d(pad(x), weights[0], biases[0]))
    h = nn.ReLU(inplace=True)(h)
    return norm(F.conv2d(pad(h), weights[1], biases[1])) + x


def called_with_its_parameters(x, weights, biases, eps=1e-5):
    """A network whose parameters are replaced for one call."""
    C = x.shape[1]
    conv = nn.Conv2d(C, C, 3, padding=1, padding_mode="reflect")
    norm = nn.InstanceNorm2d(C, eps)
    h = torch.func.functional_call(conv, {"weight": weights[0], "bias": biases[0]}, (x,))
    h = norm(h).relu()
    h = torch.func.functional_call(conv, {"weight": weights[1], "bias": biases[1]}, (h,))
    return norm(h) + x


def by_hand(x, weights, biases, eps=1e-5):
    h = x
    for i in range(2):
        rows = torch.cat([h[:, :, 1:2], h, h[:, :, -2:-1]], dim=2)
        framed = torch.cat([rows[..., 1:2], rows, rows[..., -2:-1]], dim=3)
        h = F.conv2d(framed, weights[i]) + biases[i].view(1, -1, 1, 1)
        mean = h.mean(dim=(2, 3), keepdim=True)
        var = ((h - mean) ** 2).mean(dim=(2, 3), keepdim=True)
        h = (h - mean) * torch.rsqrt(var + eps)
        if i == 0:
            h = h.clamp(min=0)
    return x + h


def with_unfold(x, weights, biases, eps=1e-5):
    N, C, H, W = x.shape

    def conv(h, weight, bias):
        windows = F.unfold(F.pad(h, [1] * 4, "reflect"), 3)  # (N, 9C, HW)
        return torch.einsum("oi,nil->nol", weight.flatten(1), windows) + bias[:, None]

    def norm(h):
        var, mean = torch.var_mean(h, dim=2, keepdim=True, correction=0)
        return (h - mean) / torch.sqrt(var + eps)

    h = torch.relu(norm(conv(x, weights[0], biases[0]))).view(N, C, H, W)
    return x + norm(conv(h, weights[1], biases[1])).view(N, C, H, W)


def shifted_maps(x, weights, biases, eps=1e-5):
    """A convolution is the sum of nine shifted maps, each times a matrix."""

    def conv(h, weight, bias):
        H, W = h.shape[-2:]
        rows = [1, *range(H), H - 2]
        columns = [1, *range(W), W - 2]
        framed = h[:, :, rows][:, :, :, columns]
        total = bias[:, None, None].expand(len(h), -1, H, W)
        for i in range(3):
            for j in range(3):
                part = framed[:, :, i : i + H, j : j + W]
                total = total + torch.einsum("oc,nchw->nohw", weight[:, :, i, j], part)
        return total

    h = F.instance_norm(conv(x, weights[0], biases[0]), eps=eps)
    h = torch.where(h > 0, h, torch.zeros_like(h))
    return torch.add(x, F.instance_norm(conv(h, weights[1], biases[1]), eps=eps))


def image_by_image(x, weights, biases, eps=1e-5):
    """Batch norm of a batch of one is instance norm."""
    results = []
    for image in x.split(1):
        h = image
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            h = F.conv2d(F.pad(h, (1, 1, 1, 1), "reflect"), weight, bias)
            h = F.batch_norm(h, None, None, training=True, eps=eps)
            h = h if k else F.relu(h)
        results.append(image + h)
    return torch.cat(results)


def as_group_norm(x, weights, biases, eps=1e-5):
    C = x.shape[1]
    y = x
    for weight, bias, act in zip(weights, biases, (F.relu_, torch.clone), strict=True):
        y = F.conv2d(nn.functional.pad(y, (1, 1, 1, 1), mode="reflect"), weight, bias=bias)
        y = act(F.group_norm(y, C, eps=eps))
    y += x
    return y


def with_moments_of_squares(x, weights, biases, eps=1e-5):
    def norm(h):
        mean = h.mean((2, 3), keepdim=True)
        var = h.square().mean((2, 3), keepdim=True) - mean.square()
        return (h - mean) / (var + eps) ** 0.5

    h = norm(F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), weights[0], biases[0])).relu()
    return x + norm(F.conv2d(F.pad(h, (1, 1, 1, 1), "reflect"), weights[1], biases[1]))


def without_biases(x, weights, biases, eps=1e-5):
    """The norm takes away what they add."""
    return as_in_the_lecture(x, weights, (None, None), eps)


def in_float64(x, weights, biases, eps=1e-5):
    pairs = [tuple(each.double() for each in pair) for pair in (weights, biases)]
    return as_in_the_lecture(x.double(), *pairs, eps)


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "pad": lambda h: F.pad(h, (1, 1, 1, 1), mode="reflect"),
        "conv": F.conv2d,
        "norm": lambda h, eps: F.instance_norm(h, eps=eps),
        "act": F.relu,
        "end": lambda x, h: x + h,
        "second": lambda h, x: h,
    } | others

    def answer(x, weights, biases, eps=1e-5):
        h = parts["conv"](parts["pad"](x), weights[0], biases[0])
        h = parts["second"](parts["act"](parts["norm"](h, eps)), x)
        h = parts["conv"](parts["pad"](h), weights[1], biases[1])
        return parts["end"](x, parts["norm"](h, eps))

    return answer


def moments_over(*dims, scale=1.0):
    def norm(h, eps):
        mean = h.mean(dims, keepdim=True)
        var = h.var(dims, keepdim=True, unbiased=False)
        return scale * (h - mean) / (var + eps).sqrt()

    return norm


def normalised_without(what):
    def norm(h, eps):
        mean = h.mean((2, 3), keepdim=True)
        var = h.var((2, 3), keepdim=True, unbiased=False)
        mean, var = (mean.detach(), var) if what == "mean" else (mean, var.detach())
        return (h - mean) / (var + eps).sqrt()

    return norm


RIGHT = [
    *(as_in_the_lecture, with_layers, called_with_its_parameters, by_hand, with_unfold),
    *(shifted_maps, image_by_image, as_group_norm, with_moments_of_squares, without_biases),
    *(in_float64, changed()),
]
WRONG = {
    "reflected in rows alone": changed(
        pad=lambda h: F.pad(F.pad(h, (0, 0, 1, 1), "reflect"), (1, 1, 0, 0))
    ),
    "no border": changed(conv=lambda h, w, b: F.conv2d(h[..., 1:-1, 1:-1], w, b, padding=1)),
    "turned kernels": changed(conv=lambda h, w, b: F.conv2d(h, w.flip(2, 3), b)),
    "transposed kernels": changed(conv=lambda h, w, b: F.conv2d(h, w.transpose(2, 3), b)),
    "channels exchanged": changed(conv=lambda h, w, b: F.conv2d(h, w.transpose(0, 1), b)),
    "rows alone": changed(norm=moments_over(2)),
    "columns alone": changed(norm=moments_over(3)),
    "channels of a pixel": changed(norm=moments_over(1)),
    "all together": changed(norm=moments_over(0, 1, 2, 3)),
    "twice": changed(norm=moments_over(2, 3, scale=2)),
    "not centred": changed(
        norm=lambda h, eps: h / (h.var((2, 3), keepdim=True, unbiased=False) + eps).sqrt()
    ),
    "centred alone": changed(norm=lambda h, eps: h - h.mean((2, 3), keepdim=True)),
    "eps squared": changed(norm=lambda h, eps: F.instance_norm(h, eps=eps**2)),
    "eps of 1e-3": changed(norm=lambda h, eps: F.instance_norm(h, eps=1e-3 if eps < 1e-4 else eps)),
    "clamped in place of eps": changed(
        norm=lambda h, eps: (
            (h - h.mean((2, 3), keepdim=True))
            / h.var((2, 3), keepdim=True, unbiased=False).clamp(min=eps).sqrt()
        )
    ),
    "mean detached": changed(norm=normalised_without("mean")),
    "variance detached": changed(norm=normalised_without("variance")),
    "absolute value": changed(act=torch.abs),
    "softplus": changed(act=F.softplus),
    "gelu": changed(act=F.gelu),
    "relu in front": changed(
        pad=lambda h: F.pad(h.relu(), (1, 1, 1, 1), "reflect"), act=torch.clone
    ),
    "minus": changed(end=lambda x, h: x - h),
    "half": changed(end=lambda x, h: (x + h) / 2),
    "twice the skip": changed(end=lambda x, h: 2 * x + h),
    "skip detached": changed(end=lambda x, h: x.detach() + h),
    "branch detached": changed(end=lambda x, h: x + h.detach()),
    "skip to the second": changed(second=lambda h, x: h + x),
    "one block too many": changed(second=lambda h, x: x),
    "relu of x": changed(end=lambda x, h: x.relu() + h),
    "squeezed": lambda *args, **kwargs: as_in_the_lecture(*args, **kwargs).squeeze(),
    "half precision": lambda x, *rest, **kwargs: as_in_the_lecture(x, *rest, **kwargs).half(),
    "in numpy": lambda *args, **kwargs: torch.from_numpy(
        as_in_the_lecture(*args, **kwargs).detach().numpy()
    ),
}


def copied_into_layers(x, weights, biases, eps=1e-5):
    C = x.shape[1]
    convs = [nn.Conv2d(C, C, 3, padding=1, padding_mode="reflect").to(x.dtype) for _ in range(2)]
    for conv, weight, bias in zip(convs, weights, biases, strict=True):
        conv.weight.data, conv.bias.data = weight.detach(), bias.detach()
    norm = nn.InstanceNorm2d(C, eps=eps)
    return x + norm(convs[1](norm(convs[0](x)).relu()))


def adds_to_x(x, weights, biases, eps=1e-5):
    h = as_in_the_lecture(x.clone(), weights, biases, eps) - x
    with torch.no_grad():
        x += h
    return x


def relu_of_x_in_place(x, weights, biases, eps=1e-5):
    result = as_in_the_lecture(x, weights, biases, eps)
    x.data.relu_()
    return result


WRONG |= {each.__name__: each for each in (copied_into_layers, adds_to_x, relu_of_x_in_place)}
BIAS = "before an instance norm a bias changes nothing"
EQUIVALENT = {
    "residual_block: F.conv2d(_reflected(x), weights[0], biases[0]) -> F.conv2d(_reflected(x), "
    "weights[0])": BIAS,
    "residual_block: F.conv2d(_reflected(h), weights[1], biases[1]) -> F.conv2d(_reflected(h), "
    "weights[1])": BIAS,
    "residual_block: 0 -> 1": f"of biases; {BIAS}",
    "residual_block: 0 -> -1": f"of biases; {BIAS}",
    "residual_block: 1 -> 0": f"of biases; {BIAS}",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_residual_block_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_residual_block_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_residual_block_of_float32_alone_loses_little():
    def answer(x, weights, biases, eps=1e-5):
        pairs = [tuple(each.float() for each in pair) for pair in (weights, biases)]
        return as_in_the_lecture(x.float(), *pairs, eps)

    assert 0.9 * EXERCISE.points < graded(EXERCISE, answer).points < EXERCISE.points


def test_residual_block_must_not_come_from_the_librarys_layer():
    def answer(x, weights, biases, eps=1e-5):
        ResidualBlock(x.shape[1]).to(x.dtype)(x)
        return as_in_the_lecture(x, weights, biases, eps)

    assert graded(EXERCISE, answer).points == 0.0


def test_residual_block_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_reflected",))
