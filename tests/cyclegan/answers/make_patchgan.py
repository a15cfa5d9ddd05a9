"""Answers to `make_patchgan` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def in_a_loop(channels, width, num_halvings):
    layers = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    c = width
    for i in range(1, num_halvings + 1):
        out = width * min(2**i, 8)
        stride = 2 if i < num_halvings else 1
        layers += [
            nn.Conv2d(c, out, 4, stride=stride, padding=1),
            nn.InstanceNorm2d(out),
            nn.LeakyReLU(0.2),
        ]
        c = out
    layers.append(nn.Conv2d(c, 1, 4, stride=1, padding=1))
    return nn.Sequential(*layers)


def as_in_the_authors_code(input_nc, ndf, n_layers):
    kw, padw = 4, 1
    sequence = [
        nn.Conv2d(input_nc, ndf, kernel_size=kw, stride=2, padding=padw),
        nn.LeakyReLU(0.2, True),
    ]
    nf_mult = 1
    for n in range(1, n_layers):
        nf_mult_prev = nf_mult
        nf_mult = min(2**n, 8)
        sequence += [
            nn.Conv2d(ndf * nf_mult_prev, ndf * nf_mult, kernel_size=kw, stride=2, padding=padw),
            nn.InstanceNorm2d(ndf * nf_mult),
            nn.LeakyReLU(0.2, True),
        ]
    nf_mult_prev = nf_mult
    nf_mult = min(2**n_layers, 8)
    sequence += [
        nn.Conv2d(ndf * nf_mult_prev, ndf * nf_mult, kernel_size=kw, stride=1, padding=padw),
        nn.InstanceNorm2d(ndf * nf_mult),
        nn.LeakyReLU(0.2, True),
    ]
    sequence += [nn.Conv2d(ndf * nf_mult, 1, kernel_size=kw, stride=1, padding=padw)]
    return nn.Sequential(*sequence)


class Patches(nn.Module):
    def __init__(self, channels, width, num_halvings):
        super().__init__()
        sizes = [channels] + [min(width * 2**i, width * 8) for i in range(num_halvings + 1)] + [1]
        strides = [2] * num_halvings + [1, 1]
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 4, s, 1) for i, o, s in zip(sizes, sizes[1:], strides)
        )

    def forward(self, x):
        for i, conv in enumerate(self.convs):
            if i > 1:
                x = F.instance_norm(x)
            if i > 0:
                x = F.leaky_relu(x, 0.2)
            x = conv(x)
        return x


def a_class(channels, width, num_halvings):
    return Patches(channels, width, num_halvings)


def blocks(channels, width, num_halvings):
    def block(c_in, c_out, stride, norm=True):
        layers = [nn.Conv2d(c_in, c_out, 4, stride, 1)]
        if norm:
            layers.append(nn.InstanceNorm2d(c_out, affine=False))
        layers.append(nn.LeakyReLU(0.2))
        return nn.Sequential(*layers)

    layers = [block(channels, width, 2, norm=False)]
    c = width
    for stride in [2] * (num_halvings - 1) + [1]:
        nxt = min(2 * c, 8 * width)
        layers.append(block(c, nxt, stride))
        c = nxt
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def named(channels, width, num_halvings):
    net = nn.Sequential()
    previous = channels
    strides = [2] * num_halvings + [1]
    for i, s in enumerate(strides):
        now = width * (1, 2, 4, 8)[min(i, 3)]
        net.add_module(f"conv{i}", nn.Conv2d(previous, now, 4, stride=s, padding=1))
        if i:
            net.add_module(f"norm{i}", nn.InstanceNorm2d(now))
        net.add_module(f"act{i}", nn.LeakyReLU(negative_slope=0.2))
        previous = now
    net.add_module("last", nn.Conv2d(previous, 1, 4, padding=1))
    return net


class _Norm(nn.Module):
    def forward(self, x):
        var, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
        return (x - mean) / torch.sqrt(var + 1e-5)


def norm_of_its_own(channels, width, num_halvings):
    widths = [width * min(2**i, 8) for i in range(num_halvings + 1)]
    layers = []
    for i, (c_in, c_out) in enumerate(zip([channels, *widths], widths)):
        layers.append(nn.Conv2d(c_in, c_out, 4, 2 if i < num_halvings else 1, 1))
        layers.append(_Norm() if i else nn.Identity())
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def as_group_norm(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        c_new = min(width << i, width << 3)
        layers.append(nn.Conv2d(c, c_new, (4, 4), (2, 2) if i < num_halvings else 1, (1, 1)))
        if i > 0:
            layers.append(nn.GroupNorm(c_new, c_new, affine=False))
        layers.append(nn.LeakyReLU(0.2))
        c = c_new
    layers.append(nn.Conv2d(c, 1, 4, 1, 1))
    return nn.Sequential(*layers)


def zero_pads(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        out = width * min(8, 2**i)
        stride = 1 if i == num_halvings else 2
        layers += [nn.ZeroPad2d(1), nn.Conv2d(c, out, 4, stride)]
        layers += [nn.InstanceNorm2d(out)] if i != 0 else []
        layers += [nn.LeakyReLU(0.2, inplace=True)]
        c = out
    return nn.Sequential(*layers, nn.ZeroPad2d(1), nn.Conv2d(c, 1, 4))


# -- wrong ones


def _patchgan(
    channels,
    width,
    num_halvings,
    norm=nn.InstanceNorm2d,
    act=lambda: nn.LeakyReLU(0.2),
    bias=True,
    cap=8,
    padding=1,
    kernel=4,
    first_norm=False,
    last_stride=1,
    bias_after_norm=True,
):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        out = width * min(cap, 2**i)
        with_bias = bias if i == 0 else bias and bias_after_norm
        stride = 2 if i < num_halvings else last_stride
        layers.append(nn.Conv2d(c, out, kernel, stride, padding, bias=with_bias))
        if (i > 0 or first_norm) and norm is not None:
            layers.append(norm(out))
        layers.append(act())
        c = out
    layers.append(nn.Conv2d(c, 1, kernel, 1, padding, bias=bias))
    return nn.Sequential(*layers)


def sigmoid(channels, width, num_halvings):
    return nn.Sequential(_patchgan(channels, width, num_halvings), nn.Sigmoid())


def batch_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=nn.BatchNorm2d)


def batch_norm_without_parameters(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=lambda c: nn.BatchNorm2d(c, affine=False))


def affine(channels, width, num_halvings):
    return _patchgan(
        channels, width, num_halvings, norm=lambda c: nn.InstanceNorm2d(c, affine=True)
    )


def running_statistics(channels, width, num_halvings):
    return _patchgan(
        channels,
        width,
        num_halvings,
        norm=lambda c: nn.InstanceNorm2d(c, track_running_stats=True),
    )


def layer_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=lambda c: nn.GroupNorm(1, c, affine=False))


def no_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=None)


def norm_after_the_first(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, first_norm=True)


def norm_after_the_last(channels, width, num_halvings):
    return nn.Sequential(_patchgan(channels, width, num_halvings), nn.InstanceNorm2d(1))


def default_slope(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, act=nn.LeakyReLU)


def slope_one_tenth(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, act=lambda: nn.LeakyReLU(0.1))


def plain_relu(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, act=nn.ReLU)


def relu_at_the_end(channels, width, num_halvings):
    return nn.Sequential(_patchgan(channels, width, num_halvings), nn.LeakyReLU(0.2))


def no_bias(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, bias=False)


def no_bias_before_norms(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, bias_after_norm=False)


def no_cap(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, cap=2**20)


def cap_of_512(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        out = min(512, width * 2**i)
        layers.append(nn.Conv2d(c, out, 4, 2 if i < num_halvings else 1, 1))
        if i > 0:
            layers.append(nn.InstanceNorm2d(out))
        layers.append(nn.LeakyReLU(0.2))
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def cap_of_four(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, cap=4)


def constant_width(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, cap=1)


def three_by_three(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, kernel=3)


def no_padding(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, padding=0)


def padding_two(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, padding=2)


def one_halving_too_many(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings + 1)


def stride_two_in_the_last_but_one(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, last_stride=2)


def one_of_stride_one_only(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings):
        out = width * min(8, 2**i)
        layers.append(nn.Conv2d(c, out, 4, 2, 1))
        if i > 0:
            layers.append(nn.InstanceNorm2d(out))
        layers.append(nn.LeakyReLU(0.2))
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def doubled_only_with_a_stride(channels, width, num_halvings):
    layers = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    c = width
    for _ in range(num_halvings - 1):
        out = min(2 * c, 8 * width)
        layers += [nn.Conv2d(c, out, 4, 2, 1), nn.InstanceNorm2d(out), nn.LeakyReLU(0.2)]
        c = out
    layers += [nn.Conv2d(c, c, 4, 1, 1), nn.InstanceNorm2d(c), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def norm_behind_the_relu(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        out = width * min(8, 2**i)
        layers.append(nn.Conv2d(c, out, 4, 2 if i < num_halvings else 1, 1))
        layers.append(nn.LeakyReLU(0.2))
        if i > 0:
            layers.append(nn.InstanceNorm2d(out))
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def always_three_halvings(channels, width, num_halvings):
    return _patchgan(channels, width, 3)


def always_three_channels(channels, width, num_halvings):
    return _patchgan(3, width, num_halvings)


def always_width_64(channels, width, num_halvings):
    return _patchgan(channels, 64, num_halvings)


def mean_of_the_map(channels, width, num_halvings):
    return nn.Sequential(
        _patchgan(channels, width, num_halvings), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def linear_at_the_end(channels, width, num_halvings):
    features = list(_patchgan(channels, width, num_halvings))[:-1]
    return nn.Sequential(*features, nn.Flatten(), nn.LazyLinear(1))


def norm_before_last_missing(channels, width, num_halvings):
    layers = list(_patchgan(channels, width, num_halvings))
    del layers[-3]
    return nn.Sequential(*layers)


def reflected(channels, width, num_halvings):
    net = _patchgan(channels, width, num_halvings)
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "reflect"
            layer._reversed_padding_repeated_twice = [1, 1, 1, 1]
    return net


def a_list(channels, width, num_halvings):
    return list(_patchgan(channels, width, num_halvings))


def a_lambda(channels, width, num_halvings):
    net = _patchgan(channels, width, num_halvings)
    return lambda x: net(x)


def a_plain_list_inside(channels, width, num_halvings):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = list(_patchgan(channels, width, num_halvings))

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    return Network()


def dropout(channels, width, num_halvings):
    return nn.Sequential(nn.Dropout(0.2), _patchgan(channels, width, num_halvings))


def doubled_once_more(channels, width, num_halvings):
    layers, c = [], channels
    for i in range(num_halvings + 1):
        out = width * min(8, 2 ** (i + 1))
        layers.append(nn.Conv2d(c, out, 4, 2 if i < num_halvings else 1, 1))
        if i > 0:
            layers.append(nn.InstanceNorm2d(out))
        layers.append(nn.LeakyReLU(0.2))
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def strides_first_one_then_two(channels, width, num_halvings):
    layers, c = [], channels
    strides = [1] + [2] * num_halvings + [1]
    for i, s in enumerate(strides[:-1]):
        out = width * min(8, 2**i)
        layers.append(nn.Conv2d(c, out, 4, s, 1))
        if i > 0:
            layers.append(nn.InstanceNorm2d(out))
        layers.append(nn.LeakyReLU(0.2))
        c = out
    return nn.Sequential(*layers, nn.Conv2d(c, 1, 4, 1, 1))


def one_number_too_many(channels, width, num_halvings):
    layers = list(_patchgan(channels, width, num_halvings))
    last = layers[-1]
    layers[-1] = nn.Conv2d(last.in_channels, 2, 4, 1, 1)
    return nn.Sequential(*layers)


RIGHT = [
    in_a_loop,
    as_in_the_authors_code,
    a_class,
    blocks,
    named,
    norm_of_its_own,
    as_group_norm,
    zero_pads,
]
WRONG = {
    sigmoid: "sigmoid",
    batch_norm: "batch_norm",
    batch_norm_without_parameters: "batch_norm_without_parameters",
    affine: "affine",
    running_statistics: "running_statistics",
    layer_norm: "",
    no_norm: "no_norm",
    norm_after_the_first: "norm_after_first",
    norm_after_the_last: "norm_after_last",
    default_slope: "slope_of_pytorch",
    slope_one_tenth: "",
    plain_relu: "relu",
    relu_at_the_end: "activation_at_end",
    no_bias: "no_bias",
    no_bias_before_norms: "no_bias_with_norm",
    no_cap: "without_limit",
    cap_of_512: "without_limit",
    cap_of_four: "limit_of_4",
    constant_width: "never_doubled",
    three_by_three: "kernel_of_3",
    no_padding: "no_padding",
    padding_two: "padding_of_2",
    one_halving_too_many: "one_halving_more",
    stride_two_in_the_last_but_one: "stride_2_but_for_last",
    one_of_stride_one_only: "one_too_few",
    doubled_only_with_a_stride: "doubled_with_stride_2_alone",
    norm_behind_the_relu: "activation_first",
    always_three_halvings: "",
    always_three_channels: "",
    always_width_64: "",
    mean_of_the_map: "averaged",
    linear_at_the_end: "",
    norm_before_last_missing: "norm_with_stride_2_alone",
    reflected: "reflected",
    a_list: "",
    a_lambda: "",
    a_plain_list_inside: "",
    dropout: "",
    doubled_once_more: "doubled_at_once",
    strides_first_one_then_two: "",
    one_number_too_many: "",
}
