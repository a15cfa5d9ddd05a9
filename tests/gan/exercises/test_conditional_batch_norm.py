import numpy as np
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

from cvgen_course.gan import ConditionalBatchNorm2d
from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["conditional_batch_norm"]


def as_in_the_lecture(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean, var = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)
    else:
        mean, var = statistics
    normalised = (x - mean[:, None, None]) / (var[:, None, None] + eps).sqrt()
    return normalised * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def with_batch_norm(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = statistics or (None, None)
    y = F.batch_norm(x, mean, var, training=statistics is None, eps=eps)
    return torch.addcmul(bias[..., None, None] + y, y, gain[..., None, None])


def with_a_layer(x, gain, bias, statistics=None, eps=1e-5):
    layer = nn.BatchNorm2d(x.shape[1], eps=eps, affine=False).to(x.dtype)
    if statistics is not None:
        layer.running_mean, layer.running_var = statistics
        layer.eval()
    weight = gain[:, :, None, None] + 1
    return layer(x) * weight + bias[:, :, None, None]


def scale_and_shift(x, gain, bias, statistics=None, eps=1e-5):
    """All that is done to a pixel is one multiplication and one addition."""
    if statistics is None:
        var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
    else:
        mean, var = statistics
    scale = (1 + gain) * torch.rsqrt(var + eps)  # (N, C)
    shift = bias - mean * scale
    return torch.einsum("nchw,nc->nchw", x, scale) + shift[:, :, None, None]


def mean_of_squares_less_square_of_mean(x, gain, bias, statistics=None, eps=1e-5):
    if statistics is None:
        mean = x.double().mean(dim=(0, 2, 3), keepdim=True)
        var = x.double().square().mean(dim=(0, 2, 3), keepdim=True) - mean**2
    else:
        mean, var = (each.double().view(1, -1, 1, 1) for each in statistics)
    y = (x - mean) * (var + eps) ** -0.5
    gain, bias = (each.unsqueeze(-1).unsqueeze(-1) for each in (gain, bias))
    return y + gain * y + bias


def channels_last(x, gain, bias, statistics=None, eps=1e-5):
    x = x.permute(0, 2, 3, 1)  # (N, H, W, C)
    rows = x.flatten(0, 2)
    if statistics is None:
        mean = rows.mean(dim=0)
        var = (rows - mean).pow(2).mean(dim=0)
    else:
        mean, var = statistics
    y = (x - mean) / torch.sqrt(var + eps)
    y = y * (1 + gain)[:, None, None, :] + bias[:, None, None, :]
    return y.permute(0, 3, 1, 2)


def channel_by_channel(x, gain, bias, statistics=None, eps=1e-5):
    maps = []
    for c in range(x.shape[1]):
        one = x[:, c]  # (N, H, W)
        if statistics is None:
            mean = one.sum() / one.numel()
            var = ((one - mean) ** 2).sum() / one.numel()
        else:
            mean, var = statistics[0][c], statistics[1][c]
        one = (one - mean) / torch.sqrt(var + eps)
        images = [
            image * (1 + g) + b for image, g, b in zip(one, gain[:, c], bias[:, c], strict=True)
        ]
        maps.append(torch.stack(images))
    return torch.stack(maps, dim=1)


def as_group_norm_of_one_image(x, gain, bias, statistics=None, eps=1e-5):
    """The images beside one another are one image, each of whose channels is a group."""
    if statistics is not None:
        return with_batch_norm(x, gain, bias, statistics, eps)
    N, C, H, W = x.shape
    y = F.group_norm(x.transpose(0, 1).reshape(1, C, N * H, W), C, eps=eps)
    y = y.view(C, N, H, W).transpose(0, 1)
    return y * (1 + gain.view(N, C, 1, 1)) + bias.view(N, C, 1, 1)


def in_float64(x, gain, bias, statistics=None, eps=1e-5):
    statistics = statistics and tuple(each.double() for each in statistics)
    return as_in_the_lecture(x.double(), gain.double(), bias.double(), statistics, eps)


def in_place_on_a_new_tensor(x, gain, bias, statistics=None, eps=1e-5):
    mean, var = statistics if statistics else (x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0))
    y = x - mean.view(1, -1, 1, 1)
    y = y / var.add(eps).sqrt().view(1, -1, 1, 1)
    return y.mul(gain.add(1)[:, :, None, None]).add_(bias[:, :, None, None])


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "moments": lambda x: (x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), unbiased=False)),
        "given": lambda mean, var, x: (mean, var),
        "normalised": lambda x, mean, var, eps: (x - mean) / (var + eps).sqrt(),
        "eps": lambda eps: eps,
        "finished": lambda y, gain, bias: y * (1 + gain) + bias,
        "wide": lambda each: each[:, :, None, None],
    } | others

    def answer(x, gain, bias, statistics=None, eps=1e-5):
        moments = parts["moments"](x) if statistics is None else parts["given"](*statistics, x)
        mean, var = (each.view(-1, x.shape[1], 1, 1) for each in moments)
        y = parts["normalised"](x, mean, var, parts["eps"](eps))
        return parts["finished"](y, parts["wide"](gain), parts["wide"](bias))

    return answer


def in_numpy(x, gain, bias, statistics=None, eps=1e-5):
    with torch.no_grad():
        y = as_in_the_lecture(x, gain, bias, statistics, eps).numpy()
    return torch.from_numpy(np.asarray(y))


def changes_x(x, gain, bias, statistics=None, eps=1e-5):
    result = as_in_the_lecture(x, gain, bias, statistics, eps)
    with torch.no_grad():
        x -= x.mean(dim=(0, 2, 3), keepdim=True)
    return result


def changes_statistics(x, gain, bias, statistics=None, eps=1e-5):
    result = as_in_the_lecture(x, gain, bias, statistics, eps)
    if statistics is not None:
        statistics[0].lerp_(x.detach().mean(dim=(0, 2, 3)), 0.1)
    return result


def trains_with_statistics(x, gain, bias, statistics=None, eps=1e-5):
    """The flag of F.batch_norm is forgotten, which leaves it at evaluation."""
    mean, var = statistics or (torch.zeros(x.shape[1]).to(x), torch.ones(x.shape[1]).to(x))
    y = F.batch_norm(x, mean, var, eps=eps)
    return y * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


def adds_one_to_gain(x, gain, bias, statistics=None, eps=1e-5):
    result = as_in_the_lecture(x, gain, bias, statistics, eps)
    with torch.no_grad():
        gain += 1
    return result


RIGHT = [
    *(as_in_the_lecture, with_batch_norm, with_a_layer, scale_and_shift, channels_last),
    *(mean_of_squares_less_square_of_mean, channel_by_channel, as_group_norm_of_one_image),
    *(in_float64, in_place_on_a_new_tensor, changed()),
]
WRONG = {
    "no variance": changed(normalised=lambda x, mean, var, eps: x - mean),
    "not centred": changed(normalised=lambda x, mean, var, eps: x / (var + eps).sqrt()),
    "multiplied by the deviation": changed(
        normalised=lambda x, mean, var, eps: (x - mean) * (var + eps).sqrt()
    ),
    "clamped in place of eps": changed(
        normalised=lambda x, mean, var, eps: (x - mean) / var.clamp(min=eps).sqrt()
    ),
    "eps squared": changed(normalised=lambda x, mean, var, eps: (x - mean) / (var + eps**2).sqrt()),
    "eps of 1e-3": changed(eps=lambda eps: 1e-3 if eps == 1e-5 else eps),
    "mean of absolute differences": changed(
        moments=lambda x: (
            x.mean((0, 2, 3)),
            (x - x.mean((0, 2, 3), keepdim=True)).abs().mean((0, 2, 3)) ** 2,
        )
    ),
    "only the variance detached": changed(
        moments=lambda x: (
            x.mean(dim=(0, 2, 3)),
            x.var(dim=(0, 2, 3), unbiased=False).detach(),
        )
    ),
    "only the mean detached": changed(
        moments=lambda x: (
            x.mean(dim=(0, 2, 3)).detach(),
            x.var(dim=(0, 2, 3), unbiased=False),
        )
    ),
    "mean of given and batch": changed(
        given=lambda mean, var, x: ((mean + x.mean((0, 2, 3))) / 2, var)
    ),
    "own mean": changed(given=lambda mean, var, x: (x.mean((0, 2, 3)), var)),
    "deviation given": changed(given=lambda mean, var, x: (mean, var.square())),
    "1 + in the wrong place": changed(finished=lambda y, gain, bias: y * gain + 1 + bias),
    "bias first": changed(finished=lambda y, gain, bias: (y + bias) * (1 + gain)),
    "minus": changed(finished=lambda y, gain, bias: y * (1 - gain) + bias),
    "bias left out": changed(finished=lambda y, gain, bias: y * (1 + gain)),
    "gain left out": changed(finished=lambda y, gain, bias: y + bias),
    "exp": changed(finished=lambda y, gain, bias: y * gain.exp() + bias),
    "gain detached": changed(finished=lambda y, gain, bias: y * (1 + gain.detach()) + bias),
    "mean gain": changed(wide=lambda each: each.mean(dim=0)[:, None, None]),
    "channels and images exchanged": changed(wide=lambda each: each.T.reshape(*each.shape, 1, 1)),
    "squeezed": lambda *args, **kwargs: as_in_the_lecture(*args, **kwargs).squeeze(),
    **{
        answer.__name__: answer
        for answer in (
            *(in_numpy, changes_x, changes_statistics, trains_with_statistics),
            adds_one_to_gain,
        )
    },
}
EQUIVALENT = {
    "conditional_batch_norm: if statistics is not None: C = x.shape[1] require(mean=(mean, 'C', "
    "'float'), var=(var, 'C', 'float'), C=C) -> pass": "a check of arguments",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_conditional_batch_norm_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(4))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_conditional_batch_norm_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_conditional_batch_norm_of_float32_alone_loses_little():
    """A layer made in here has parameters and statistics in float32, as the lecture's maps are."""

    def answer(x, gain, bias, statistics=None, eps=1e-5):
        layer = nn.BatchNorm2d(x.shape[1], eps=eps)
        if statistics is not None:
            layer.running_mean, layer.running_var = statistics
            layer.eval()
        return layer(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None]

    assert 0.9 * EXERCISE.points < graded(EXERCISE, answer).points < EXERCISE.points


def test_conditional_batch_norm_must_not_come_from_the_librarys_layer():
    def answer(x, gain, bias, statistics=None, eps=1e-5):
        ConditionalBatchNorm2d(x.shape[1], 1).to(x)(x, x.new_zeros(len(x), 1))
        return as_in_the_lecture(x, gain, bias, statistics, eps)

    assert graded(EXERCISE, answer).points < EXERCISE.points


def test_conditional_batch_norm_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
