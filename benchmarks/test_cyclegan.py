"""A step of a CycleGAN against plain modules that translate anew for each loss; SSIM."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity
from torch import nn

from cvgen_course.cyclegan import CycleGAN, PatchGAN, ResNetGenerator, ssim_per_item
from cvgen_course.seeding import generator

WIDTH, BLOCKS = 16, 3
CHANCE = generator("benchmarks", "cyclegan")
A, B = (torch.rand(4, 3, 32, 32, generator=CHANCE) * 2 - 1 for _ in "ab")
CLEAN = torch.rand(16, 3, 64, 64, generator=CHANCE) * 2 - 1
NOISY = (CLEAN + 0.3 * torch.randn(CLEAN.shape, generator=CHANCE)).clamp(-1, 1)
INSIDE = F.pad(torch.ones(16, 1, 54, 54), (5,) * 4)  # what scikit-image takes the mean over


class PlainBlock(nn.Module):
    """A residual block of PyTorch's layers."""

    def __init__(self, width):
        super().__init__()
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        layers += [nn.ReLU()]
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        """Return x plus what the layers make of it."""
        return x + self.layers(x)


def plain_generator():
    """Return the paper's generator, of PyTorch's layers."""
    widths = [WIDTH, 2 * WIDTH, 4 * WIDTH]
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, WIDTH, 7), nn.InstanceNorm2d(WIDTH), nn.ReLU()]
    for few, many in pairwise(widths):
        layers += [nn.Conv2d(few, many, 3, 2, 1), nn.InstanceNorm2d(many), nn.ReLU()]
    layers += [PlainBlock(widths[-1]) for _ in range(BLOCKS)]
    for many, few in pairwise(reversed(widths)):
        layers += [nn.ConvTranspose2d(many, few, 3, 2, 1, 1), nn.InstanceNorm2d(few), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(WIDTH, 3, 7), nn.Tanh())


def gradients(network):
    """Return the first gradient and the last but one: of weights that are far apart."""
    weights = [p.grad for p in network.parameters() if p.ndim == 4]
    return weights[0], weights[-1]


def our_step():
    """Return a step of both players without pools: losses, and some gradients."""
    game = CycleGAN(
        lambda: ResNetGenerator(3, WIDTH, 2, BLOCKS), lambda: PatchGAN(3, WIDTH, 2), capacity=0
    )

    def step():
        game.zero_grad()
        generators = torch.stack([*game.generators_loss(A, B).values()]).sum()
        generators.backward(inputs=list(game.generators.parameters()))
        discriminators = game.discriminators_loss(A, B)
        discriminators.backward()
        learned = *gradients(game.generators["ab"]), *gradients(game.discriminators["a"])
        return generators.detach(), discriminators.detach(), *learned

    return game, step


def plain_step(game):
    """Return the same with the same weights, each loss on its own."""
    g_ab, g_ba = (plain_generator() for _ in "ab")
    for plain, way in ((g_ab, "ab"), (g_ba, "ba")):
        theirs = game.generators[way].parameters()
        for parameter, its in zip(plain.parameters(), theirs, strict=True):
            parameter.data = its.detach().clone()
    d_a, d_b = (game.discriminators[of].layers for of in "ab")

    def step():
        for network in (g_ab, g_ba, d_a, d_b):
            network.zero_grad()
        ones = torch.ones_like(d_a(A))
        fooled = F.mse_loss(d_b(g_ab(A)), ones) + F.mse_loss(d_a(g_ba(B)), ones)
        cycle = F.l1_loss(g_ba(g_ab(A)), A) + F.l1_loss(g_ab(g_ba(B)), B)
        same = F.l1_loss(g_ab(B), B) + F.l1_loss(g_ba(A), A)
        generators = fooled / 2 + 5 * cycle + 2.5 * same
        generators.backward()
        for network in (d_a, d_b):
            network.zero_grad()  # what the fakes have left there
        fake_a, fake_b = g_ba(B).detach(), g_ab(A).detach()
        discriminators = 0
        for judge, real, fake in ((d_a, A, fake_a), (d_b, B, fake_b)):
            seen, caught = judge(real), judge(fake)
            discriminators += F.mse_loss(seen, ones) / 2 + F.mse_loss(caught, 0 * ones) / 2
        discriminators.backward()
        learned = *gradients(g_ab), *gradients(d_a)
        return generators.detach(), discriminators.detach(), *learned

    return step


@pytest.mark.benchmark(group="CycleGAN: losses and gradients of a step, 4 images 32 × 32")
def test_cyclegan_step(side_by_side):
    """The same losses and gradients; plain modules make each fake three times."""
    game, ours = our_step()
    side_by_side("both players", ours, "PyTorch, fakes made anew", plain_step(game))


@pytest.mark.benchmark(group="SSIM: 16 images 64 × 64, in colour")
def test_ssim(side_by_side):
    """The same numbers; scikit-image leaves the border out of its mean, so that we do."""

    def theirs():
        pairs = zip(CLEAN.numpy(), NOISY.numpy(), strict=True)
        options = {"gaussian_weights": True, "use_sample_covariance": False, "channel_axis": 0}
        return torch.tensor(
            [structural_similarity(x, y, data_range=2, **options) for x, y in pairs]
        )

    side_by_side("SSIM", lambda: ssim_per_item(CLEAN, NOISY, INSIDE), "scikit-image", theirs)
