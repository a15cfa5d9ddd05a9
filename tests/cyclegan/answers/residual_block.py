"""Answers to `residual_block` as students give them, written from the lecture's text alone."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def functional(x, weights, biases, eps=1e-5):
    h = F.pad(x, (1, 1, 1, 1), mode="reflect")
    h = F.conv2d(h, weights[0], biases[0])
    h = F.instance_norm(h, eps=eps)
    h = F.relu(h)
    h = F.pad(h, (1, 1, 1, 1), mode="reflect")
    h = F.conv2d(h, weights[1], biases[1])
    h = F.instance_norm(h, eps=eps)
    return x + h


def by_hand(x, weights, biases, eps=1e-5):
    def norm(y):
        mu = y.mean(dim=(2, 3), keepdim=True)
        var = ((y - mu) ** 2).mean(dim=(2, 3), keepdim=True)
        return (y - mu) / torch.sqrt(var + eps)

    w1, w2 = weights
    b1, b2 = biases
    y = F.conv2d(F.pad(x, [1] * 4, "reflect"), w1, b1)
    y = torch.relu(norm(y))
    y = F.conv2d(F.pad(y, [1] * 4, "reflect"), w2, b2)
    return x + norm(y)


def in_a_loop(x, weights, biases, eps=1e-5):
    h = x
    for i, (w, b) in enumerate(zip(weights, biases)):
        h = F.conv2d(nn.ReflectionPad2d(1)(h), w, b)
        var, mean = torch.var_mean(h, dim=(-2, -1), keepdim=True, correction=0)
        h = (h - mean) * torch.rsqrt(var + eps)
        if i == 0:
            h = h.clamp(min=0)
    return h + x


def with_a_layer(x, weights, biases, eps=1e-5):
    norm = nn.InstanceNorm2d(x.shape[1], eps=eps)
    pad = nn.ReflectionPad2d(1)
    h = norm(F.conv2d(pad(x), weights[0], bias=biases[0])).relu()
    return x + norm(F.conv2d(pad(h), weights[1], bias=biases[1]))


def without_biases(x, weights, biases, eps=1e-5):
    # a bias is taken away again by the norm
    h = F.relu(
        F.instance_norm(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0]), eps=eps)
    )
    return x + F.instance_norm(F.conv2d(F.pad(h, (1,) * 4, mode="reflect"), weights[1]), eps=eps)


def as_a_group_norm(x, weights, biases, eps=1e-5):
    c = x.size(1)
    h = F.group_norm(F.conv2d(F.pad(x, (1,) * 4, "reflect"), weights[0], biases[0]), c, eps=eps)
    h = F.pad(F.relu(h), (1,) * 4, "reflect")
    return x + F.group_norm(F.conv2d(h, weights[1], biases[1]), c, eps=eps)


def reflected_by_cat(x, weights, biases, eps=1e-5):
    def reflect(t):
        t = torch.cat([t[:, :, 1:2], t, t[:, :, -2:-1]], dim=2)
        return torch.cat([t[:, :, :, 1:2], t, t[:, :, :, -2:-1]], dim=3)

    def norm(t):
        t = t - t.mean((2, 3), keepdim=True)
        return t / (t.square().mean((2, 3), keepdim=True) + eps) ** 0.5

    h = norm(F.conv2d(reflect(x), weights[0], biases[0]))
    h = torch.where(h > 0, h, torch.zeros_like(h))
    return x + norm(F.conv2d(reflect(h), weights[1], biases[1]))


def unfolded(x, weights, biases, eps=1e-5):
    n, c, height, width = x.shape

    def conv(t, w, b):
        columns = F.unfold(F.pad(t, (1, 1, 1, 1), mode="reflect"), 3)
        y = torch.einsum("ok,nkl->nol", w.reshape(c, -1), columns) + b[:, None]
        y = y - y.mean(-1, keepdim=True)
        return (y / (y.var(-1, keepdim=True, unbiased=False) + eps).sqrt()).view(
            n, c, height, width
        )

    return x + conv(conv(x, weights[0], biases[0]).relu(), weights[1], biases[1])


def picture_by_picture(x, weights, biases, eps=1e-5):
    out = []
    for image in x:
        h = image[None]
        for k in range(2):
            h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[k], biases[k])
            channels = []
            for ch in h[0]:
                channels.append((ch - ch.mean()) / (ch.var(unbiased=False) + eps).sqrt())
            h = torch.stack(channels)[None]
            if k == 0:
                h = F.relu(h)
        out.append(image + h[0])
    return torch.stack(out)


def as_modules(x, weights, biases, eps=1e-5):
    c = x.shape[1]
    block = nn.Sequential(
        nn.Conv2d(c, c, 3, padding=1, padding_mode="reflect"),
        nn.InstanceNorm2d(c, eps=eps),
        nn.ReLU(True),
        nn.Conv2d(c, c, 3, padding=1, padding_mode="reflect"),
        nn.InstanceNorm2d(c, eps=eps),
    )
    parameters = {
        "0.weight": weights[0],
        "0.bias": biases[0],
        "3.weight": weights[1],
        "3.bias": biases[1],
    }
    return x + torch.func.functional_call(block, parameters, (x,))


def in_double(x, weights, biases, eps=1e-5):
    w1, w2 = (w.double() for w in weights)
    b1, b2 = (b.double() for b in biases)
    h = F.pad(x.double(), (1, 1, 1, 1), mode="reflect")
    h = F.relu(F.instance_norm(F.conv2d(h, w1, b1), eps=eps))
    h = F.pad(h, (1, 1, 1, 1), mode="reflect")
    return x + F.instance_norm(F.conv2d(h, w2, b2), eps=eps)


# -- wrong ones


def always_float32(x, weights, biases, eps=1e-5):
    w1, w2 = (w.double() for w in weights)
    b1, b2 = (b.double() for b in biases)
    h = F.pad(x.double(), (1, 1, 1, 1), mode="reflect")
    h = F.relu(F.instance_norm(F.conv2d(h, w1, b1), eps=eps))
    h = F.pad(h, (1, 1, 1, 1), mode="reflect")
    return (x + F.instance_norm(F.conv2d(h, w2, b2), eps=eps)).float()


def _block(x, weights, biases, eps, pad="reflect", norm=F.instance_norm, act=F.relu):
    def padded(t):
        return F.pad(t, (1, 1, 1, 1), mode=pad)

    h = act(norm(F.conv2d(padded(x), weights[0], biases[0]), eps=eps))
    return norm(F.conv2d(padded(h), weights[1], biases[1]), eps=eps)


def zero_padding(x, weights, biases, eps=1e-5):
    h = F.relu(F.instance_norm(F.conv2d(x, weights[0], biases[0], padding=1), eps=eps))
    return x + F.instance_norm(F.conv2d(h, weights[1], biases[1], padding=1), eps=eps)


def replicated(x, weights, biases, eps=1e-5):
    return x + _block(x, weights, biases, eps, pad="replicate")


def circular(x, weights, biases, eps=1e-5):
    return x + _block(x, weights, biases, eps, pad="circular")


def second_padding_forgotten_mode(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1)), weights[1], biases[1])
    return x + F.instance_norm(h, eps=eps)


def padded_once_by_two(x, weights, biases, eps=1e-5):
    h = F.pad(x, (2, 2, 2, 2), mode="reflect")
    h = F.relu(F.instance_norm(F.conv2d(h, weights[0], biases[0]), eps=eps))
    return x + F.instance_norm(F.conv2d(h, weights[1], biases[1]), eps=eps)


def relu_at_the_end(x, weights, biases, eps=1e-5):
    return F.relu(x + _block(x, weights, biases, eps))


def relu_after_each(x, weights, biases, eps=1e-5):
    return x + F.relu(_block(x, weights, biases, eps))


def no_relu(x, weights, biases, eps=1e-5):
    return x + _block(x, weights, biases, eps, act=lambda t: t)


def leaky(x, weights, biases, eps=1e-5):
    return x + _block(x, weights, biases, eps, act=lambda t: F.leaky_relu(t, 0.2))


def relu_before_the_norm(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.instance_norm(F.relu(h), eps=eps)
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return x + F.instance_norm(h, eps=eps)


def no_skip(x, weights, biases, eps=1e-5):
    return _block(x, weights, biases, eps)


def second_norm_forgotten(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    return x + F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])


def first_norm_forgotten(x, weights, biases, eps=1e-5):
    h = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0]))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return x + F.instance_norm(h, eps=eps)


def no_norms(x, weights, biases, eps=1e-5):
    return x + _block(x, weights, biases, eps, norm=lambda t, eps: t)


def norm_of_the_sum(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return F.instance_norm(x + h, eps=eps)


def batch_norm(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        return F.batch_norm(t, None, None, training=True, eps=eps)

    return x + _block(x, weights, biases, eps, norm=norm)


def layer_norm(x, weights, biases, eps=1e-5):
    return x + _block(
        x, weights, biases, eps, norm=lambda t, eps: F.layer_norm(t, t.shape[1:], eps=eps)
    )


def unbiased(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        mean, var = t.mean((2, 3), keepdim=True), t.var((2, 3), keepdim=True)
        return (t - mean) / (var + eps).sqrt()

    return x + _block(x, weights, biases, eps, norm=norm)


def eps_on_the_deviation(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        mean, std = t.mean((2, 3), keepdim=True), t.std((2, 3), keepdim=True, unbiased=False)
        return (t - mean) / (std + eps)

    return x + _block(x, weights, biases, eps, norm=norm)


def unbiased_deviation(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        return (t - t.mean((2, 3), keepdim=True)) / (t.std((2, 3), keepdim=True) + eps)

    return x + _block(x, weights, biases, eps, norm=norm)


def no_root(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        var, mean = torch.var_mean(t, (2, 3), keepdim=True, correction=0)
        return (t - mean) / (var + eps)

    return x + _block(x, weights, biases, eps, norm=norm)


def over_channels(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        var, mean = torch.var_mean(t, 1, keepdim=True, correction=0)
        return (t - mean) / (var + eps).sqrt()

    return x + _block(x, weights, biases, eps, norm=norm)


def over_rows_only(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        var, mean = torch.var_mean(t, -1, keepdim=True, correction=0)
        return (t - mean) / (var + eps).sqrt()

    return x + _block(x, weights, biases, eps, norm=norm)


def eps_forgotten(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return x + F.instance_norm(h)


def eps_in_the_first_only(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="reflect"), weights[1], biases[1])
    return x + F.instance_norm(h)


def no_eps(x, weights, biases, eps=1e-5):
    return x + _block(
        x,
        weights,
        biases,
        eps,
        norm=lambda t, eps: (
            (t - t.mean((2, 3), keepdim=True)) / t.std((2, 3), keepdim=True, unbiased=False)
        ),
    )


def first_weights_twice(x, weights, biases, eps=1e-5):
    return x + _block(x, (weights[0], weights[0]), biases, eps)


def weights_swapped(x, weights, biases, eps=1e-5):
    return x + _block(x, weights[::-1], biases[::-1], eps)


def one_convolution(x, weights, biases, eps=1e-5):
    h = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weights[0], biases[0])
    return x + F.relu(F.instance_norm(h, eps=eps))


def kernel_flipped(x, weights, biases, eps=1e-5):
    return x + _block(x, [w.flip(-1, -2) for w in weights], biases, eps)


def channels_transposed(x, weights, biases, eps=1e-5):
    return x + _block(x, [w.transpose(0, 1) for w in weights], biases, eps)


def in_place(x, weights, biases, eps=1e-5):
    x += _block(x, weights, biases, eps)
    return x


def through_modules(x, weights, biases, eps=1e-5):
    c = x.shape[1]
    conv1 = nn.Conv2d(c, c, 3, padding=1, padding_mode="reflect")
    conv2 = nn.Conv2d(c, c, 3, padding=1, padding_mode="reflect")
    conv1.weight.data, conv2.weight.data = weights
    conv1.bias.data, conv2.bias.data = biases
    norm = nn.InstanceNorm2d(c, eps=eps)
    return x + norm(conv2(F.relu(norm(conv1(x)))))


def as_parameters(x, weights, biases, eps=1e-5):
    c = x.shape[1]
    convs = [nn.Conv2d(c, c, 3) for _ in range(2)]
    for conv, w, b in zip(convs, weights, biases):
        conv.weight = nn.Parameter(w)
        conv.bias = nn.Parameter(b)
    return x + nn.Sequential(
        nn.ReflectionPad2d(1),
        convs[0],
        nn.InstanceNorm2d(c, eps=eps),
        nn.ReLU(),
        nn.ReflectionPad2d(1),
        convs[1],
        nn.InstanceNorm2d(c, eps=eps),
    )(x)


def weights_of_its_own(x, weights, biases, eps=1e-5):
    c = x.shape[1]
    block = nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(c, c, 3),
        nn.InstanceNorm2d(c, eps=eps),
        nn.ReLU(),
        nn.ReflectionPad2d(1),
        nn.Conv2d(c, c, 3),
        nn.InstanceNorm2d(c, eps=eps),
    )
    return x + block(x)


def statistics_detached(x, weights, biases, eps=1e-5):
    def norm(t, eps):
        var, mean = torch.var_mean(t.detach(), (2, 3), keepdim=True, correction=0)
        return (t - mean) / (var + eps).sqrt()

    return x + _block(x, weights, biases, eps, norm=norm)


def padded_rows_only(x, weights, biases, eps=1e-5):
    def padded(t):
        return F.pad(t, (1, 1), mode="reflect")

    h = F.conv2d(padded(x), weights[0], biases[0], padding=(1, 0))
    h = F.relu(F.instance_norm(h, eps=eps))
    h = F.conv2d(padded(h), weights[1], biases[1], padding=(1, 0))
    return x + F.instance_norm(h, eps=eps)


def of_the_padded_map(x, weights, biases, eps=1e-5):
    h = F.pad(x, (1, 1, 1, 1), mode="reflect")
    h = F.relu(F.instance_norm(F.conv2d(h, weights[0], biases[0], padding=1), eps=eps))
    h = F.instance_norm(F.conv2d(h, weights[1], biases[1], padding=1), eps=eps)
    return x + h[:, :, 1:-1, 1:-1]


def by_numpy(x, weights, biases, eps=1e-5):
    def conv(t, w, b):
        t = np.pad(t, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
        h, wd = t.shape[2] - 2, t.shape[3] - 2
        y = sum(
            np.einsum("oc,nchw->nohw", w[:, :, i, j], t[:, :, i : i + h, j : j + wd])
            for i in range(3)
            for j in range(3)
        )
        y = y + b[:, None, None]
        mean, var = y.mean((2, 3), keepdims=True), y.var((2, 3), keepdims=True)
        return (y - mean) / np.sqrt(var + eps)

    ws = [w.detach().numpy() for w in weights]
    bs = [b.detach().numpy() for b in biases]
    x_ = x.detach().numpy()
    return torch.from_numpy(x_ + conv(np.maximum(conv(x_, ws[0], bs[0]), 0), ws[1], bs[1]))


RIGHT = [
    functional,
    by_hand,
    in_a_loop,
    with_a_layer,
    without_biases,
    as_a_group_norm,
    in_double,
    reflected_by_cat,
    unfolded,
    picture_by_picture,
    as_modules,
]
WRONG = {
    always_float32: "",
    zero_padding: "zeros",
    replicated: "replicated",
    circular: "circular",
    second_padding_forgotten_mode: "second_border_of_zeros",
    padded_once_by_two: "reflected_at_once",
    relu_at_the_end: "relu_after_sum",
    relu_after_each: "relu_before_sum",
    no_relu: "relu_missing",
    leaky: "leaky",
    relu_before_the_norm: "relu_first",
    no_skip: "no_skip",
    second_norm_forgotten: "second_norm_missing",
    first_norm_forgotten: "first_norm_missing",
    no_norms: "norms_missing",
    norm_of_the_sum: "skip_before_norm",
    batch_norm: "batch_norm",
    layer_norm: "layer_norm",
    unbiased: "unbiased",
    eps_on_the_deviation: "eps_outside",
    unbiased_deviation: "unbiased eps_outside",
    no_root: "root_missing",
    over_channels: "",
    over_rows_only: "",
    eps_forgotten: "eps_fixed",
    eps_in_the_first_only: "eps_for_one",
    no_eps: "eps_left_out",
    first_weights_twice: "one_weight_for_both",
    weights_swapped: "weights_exchanged",
    one_convolution: "",
    kernel_flipped: "",
    channels_transposed: "",
    in_place: "in_place",
    through_modules: "weights_copied",
    as_parameters: "weights_copied",
    weights_of_its_own: "",
    statistics_detached: "moments_detached",
    padded_rows_only: "",
    of_the_padded_map: "",
    by_numpy: "",
}
