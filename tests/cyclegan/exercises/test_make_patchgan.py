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

from cvgen_course.cyclegan import PatchGAN
from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["make_patchgan"]


def as_in_the_lecture(channels, width, num_halvings):
    layers, before = [], channels
    for i in range(num_halvings + 1):
        after = width * min(2**i, 8)
        layers.append(nn.Conv2d(before, after, 4, 2 if i < num_halvings else 1, 1))
        if i > 0:
            layers.append(nn.InstanceNorm2d(after))
        layers.append(nn.LeakyReLU(0.2))
        before = after
    return nn.Sequential(*layers, nn.Conv2d(before, 1, 4, 1, 1))


def as_in_the_authors_code(channels, width, num_halvings):
    sequence = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, True)]
    mult = 1
    for n in range(1, num_halvings):
        previous, mult = mult, min(2**n, 8)
        sequence += [
            nn.Conv2d(width * previous, width * mult, 4, stride=2, padding=1, bias=True),
            nn.InstanceNorm2d(width * mult, affine=False, track_running_stats=False),
            nn.LeakyReLU(0.2, True),
        ]
    previous, mult = mult, min(2**num_halvings, 8)
    sequence += [
        nn.Conv2d(width * previous, width * mult, 4, stride=1, padding=1, bias=True),
        nn.InstanceNorm2d(width * mult),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width * mult, 1, 4, stride=1, padding=1),
    ]
    return nn.Sequential(*sequence)


class Discriminator(nn.Module):
    """The last layer is made first, and all that has no parameters is a function."""

    def __init__(self, channels, width, num_halvings):
        super().__init__()
        widths = [min(width * 2**i, 8 * width) for i in range(num_halvings + 1)]
        self.to_logits = nn.Conv2d(widths[-1], 1, kernel_size=4, padding=1)
        self.convs = nn.ModuleList(
            nn.Conv2d(channels if i == 0 else widths[i - 1], w, 4, padding=1)
            for i, w in reversed(list(enumerate(widths)))
        )
        self.num_halvings = num_halvings

    def forward(self, x):
        for i, conv in enumerate(reversed(self.convs)):
            stride = 2 if i < self.num_halvings else 1
            x = F.conv2d(x, conv.weight, conv.bias, stride=stride, padding=1)
            if i:
                x = F.instance_norm(x)
            x = F.leaky_relu(x, negative_slope=0.2)
        return self.to_logits(x)


class ByHand(nn.Module):
    """With parameters of its own, and a norm and an activation written out."""

    def __init__(self, channels, width, num_halvings):
        super().__init__()
        self.strides = [2] * num_halvings + [1, 1]
        self.biases, self.weights, before = nn.ParameterList(), nn.ParameterList(), channels
        for i in range(len(self.strides)):
            after = 1 if i == num_halvings + 1 else min(2**i, 8) * width
            self.biases.append(nn.Parameter(torch.zeros(after)))
            self.weights.append(nn.Parameter(torch.randn(after, before, 4, 4)))
            before = after

    def forward(self, x):
        last = len(self.strides) - 1
        for i, stride in enumerate(self.strides):
            x = F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weights[i], self.biases[i], stride)
            if 0 < i < last:
                var, mean = torch.var_mean(x, dim=(2, 3), keepdim=True, correction=0)
                x = (x - mean) / (var + 1e-5).sqrt()
            if i < last:
                x = torch.where(x > 0, x, 0.2 * x)
        return x


class WithBlocks(nn.Module):
    def __init__(self, channels, width, num_halvings):
        super().__init__()

        def block(before, after, stride, norm=True):
            conv = nn.Conv2d(before, after, 4, stride, 1, padding_mode="zeros")
            middle = nn.GroupNorm(after, after, affine=False) if norm else nn.Identity()
            return nn.Sequential(conv, middle, nn.LeakyReLU(negative_slope=0.2))

        self.net = nn.Sequential(block(channels, width, 2, norm=False))
        now = width
        for _ in range(num_halvings - 1):
            following = min(2 * now, 8 * width)
            self.net.append(block(now, following, 2))
            now = following
        following = min(2 * now, 8 * width)
        self.net.append(block(now, following, 1))
        self.out = nn.Conv2d(following, 1, 4, 1, 1)
        nn.init.normal_(self.out.weight, 0, 0.02)

    def forward(self, images):
        return self.out(self.net(images))


def lazily(channels, width, num_halvings):
    layers = []
    for i in range(num_halvings + 1):
        layers += [nn.LazyConv2d(width * min(2**i, 8), 4, 1 + (i < num_halvings), padding=1)]
        if i:
            layers += [nn.LazyInstanceNorm2d(affine=False, track_running_stats=False)]
        layers += [nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.LazyConv2d(1, 4, 1, 1))


def with_names(channels, width, num_halvings):
    net, before = nn.Sequential(), channels
    for i, stride in enumerate((*(2,) * num_halvings, 1)):
        after = min(width << i, width << 3)
        net.add_module(f"conv{i}", nn.Conv2d(before, after, (4, 4), (stride, stride), (1, 1)))
        if i:
            net.add_module(f"norm{i}", nn.InstanceNorm2d(after))
        net.add_module(f"act{i}", nn.LeakyReLU(0.2))
        before = after
    net.add_module("logits", nn.Conv2d(before, 1, 4, padding=1))
    return net


def made_in_float64(channels, width, num_halvings):
    return as_in_the_lecture(channels, width, num_halvings).double().float()


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "first": nn.Conv2d,
        "conv": nn.Conv2d,
        "last": lambda before: nn.Conv2d(before, 1, 4, 1, 1),
        "norm": nn.InstanceNorm2d,
        "act": lambda: nn.LeakyReLU(0.2),
        "after": lambda i, n: min(2**i, 8),
        "stride": lambda i, n: 2 if i < n else 1,
        "is_normed": lambda i, n: i > 0,
        "network": nn.Sequential,
    } | others

    def answer(channels, width, num_halvings):
        layers, before, n = [], channels, num_halvings
        for i in range(n + 1):
            after = width * parts["after"](i, n)
            conv = parts["conv" if i else "first"]
            layers.append(conv(before, after, 4, parts["stride"](i, n), 1))
            if parts["is_normed"](i, n):
                layers.append(parts["norm"](after))
            layers.append(parts["act"]())
            before = after
        return parts["network"](*layers, parts["last"](before))

    return answer


class PlainList(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class WithoutGradients(nn.Sequential):
    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


class CutInTwo(nn.Sequential):
    """Nothing before the last layer learns."""

    def forward(self, x):
        for layer in self[:-1]:
            x = layer(x)
        return self[-1](x.detach()) + 0 * x.sum()


class FirstImage(nn.Sequential):
    def forward(self, x):
        return super().forward(x[:1]).expand(len(x), -1, -1, -1)


class Scaled(nn.Sequential):
    """It takes images for bytes."""

    def forward(self, x):
        return super().forward((x + 1) / 2)


def frozen(*layers):
    return nn.Sequential(*layers).requires_grad_(False)


def first_frozen(*layers):
    layers[0].requires_grad_(False)
    return nn.Sequential(*layers)


RIGHT = [
    *(as_in_the_lecture, as_in_the_authors_code, Discriminator, ByHand, WithBlocks, lazily),
    *(with_names, made_in_float64, changed()),
]
WRONG = {
    "a dilated first": changed(first=lambda *sizes: nn.Conv2d(*sizes, dilation=2)),
    "no padding in the last": changed(last=lambda before: nn.Conv2d(before, 1, 4)),
    "last of 1×1": changed(last=lambda before: nn.Conv2d(before, 1, 1)),
    "last of stride 2": changed(last=lambda before: nn.Conv2d(before, 1, 4, 2, 1)),
    "last without a bias": changed(last=lambda before: nn.Conv2d(before, 1, 4, 1, 1, bias=False)),
    "first without a bias": changed(first=lambda *sizes: nn.Conv2d(*sizes, bias=False)),
    "two channels": changed(last=lambda before: nn.Conv2d(before, 2, 4, 1, 1)),
    "tanh": changed(last=lambda before: nn.Sequential(nn.Conv2d(before, 1, 4, 1, 1), nn.Tanh())),
    "two numbers squeezed": changed(
        last=lambda before: nn.Sequential(nn.Conv2d(before, 1, 4, 1, 1), nn.Flatten())
    ),
    "fully connected": changed(
        last=lambda before: nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1)
        )
    ),
    "layer norm": changed(norm=lambda after: nn.GroupNorm(1, after, affine=False)),
    "group norm": changed(norm=lambda after: nn.GroupNorm(after, after)),
    "running statistics": changed(
        norm=lambda after: nn.InstanceNorm2d(after, track_running_stats=True)
    ),
    "a large eps": changed(norm=lambda after: nn.InstanceNorm2d(after, eps=1e-1)),
    "local response norm": changed(norm=lambda after: nn.LocalResponseNorm(2)),
    "dropout, too": changed(act=lambda: nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(0.5))),
    "learned slope": changed(act=lambda: nn.PReLU(init=0.2)),
    "elu": changed(act=nn.ELU),
    "slope of 0.1": changed(act=lambda: nn.LeakyReLU(0.1)),
    "no activation": changed(act=nn.Identity),
    "powers of 3": changed(after=lambda i, n: min(3**i, 8)),
    "added": changed(after=lambda i, n: min(1 + i, 8)),
    "up to 16": changed(after=lambda i, n: min(2**i, 16)),
    "up to 7": changed(after=lambda i, n: min(2**i, 7)),
    "never more than after all halvings": changed(after=lambda i, n: min(2**i, 2 ** (n - 1), 8)),
    "first stride 1": changed(stride=lambda i, n: 2 if 0 < i < n else 1),
    "stride 3": changed(stride=lambda i, n: 3 if i < n else 1),
    "always three halvings": lambda channels, width, _: as_in_the_lecture(channels, width, 3),
    "always three channels": lambda _, width, n: as_in_the_lecture(3, width, n),
    "always 64 channels": lambda channels, _, n: as_in_the_lecture(channels, 64, n),
    "channels and width exchanged": lambda channels, width, n: as_in_the_lecture(
        width, channels, n
    ),
    "norm nowhere but in the last but one": changed(is_normed=lambda i, n: i == n),
    "norm from the third on": changed(is_normed=lambda i, n: i > 1),
    "plain list": changed(network=PlainList),
    "no gradients": changed(network=WithoutGradients),
    "cut in two": changed(network=CutInTwo),
    "first image": changed(network=FirstImage),
    "other range": changed(network=Scaled),
    "frozen": changed(network=frozen),
    "first frozen": changed(network=first_frozen),
    "a list": changed(network=lambda *layers: list(layers)),
    "a function": changed(network=lambda *layers: nn.Sequential(*layers).forward),
    "the class": lambda *sizes: Discriminator,
}
DEFAULT = "a default, which the exercise does not have"
EQUIVALENT = {
    **{f"make_patchgan: {change}": DEFAULT for change in ("3 -> 4", "3 -> 2")},
    **{f"make_patchgan: {change}": DEFAULT for change in ("64 -> 65", "64 -> 63")},
    "make_patchgan: min(2 ** i, 8) -> min(8, 2 ** i)": "the smaller one, in whatever order",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_make_patchgan_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_make_patchgan_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("name", ["plain list", "frozen"])
def test_make_patchgan_says_what_is_wrong_with_no_parameters(name):
    assert "nn.ModuleList" in graded(EXERCISE, WRONG[name]).rows[0].message


def test_make_patchgan_with_far_too_many_parameters_is_stopped_early():
    report = graded(EXERCISE, WRONG["always 64 channels"])
    assert "far more" in report.rows[2].message


def test_make_patchgan_must_not_come_from_the_librarys_class():
    assert graded(EXERCISE, PatchGAN).points == 0.0


def test_make_patchgan_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_strides",))
