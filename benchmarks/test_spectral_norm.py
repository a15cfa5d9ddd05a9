"""Spectrally normalised layers against PyTorch's: forward, backward, one power iteration each."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from cvgen_course.gan import spectrally_normalised
from cvgen_course.seeding import generator

LAYERS = {
    "linear 1024 → 1024, 64 rows": (lambda: nn.Linear(1024, 1024), (64, 1024)),
    "convolution 4 × 4, 32 → 64, 64 maps 14 × 14": (
        lambda: nn.Conv2d(32, 64, 4, stride=2, padding=1),
        (64, 32, 14, 14),
    ),
    "convolution 3 × 3, 256 → 256, 16 maps 8 × 8": (
        lambda: nn.Conv2d(256, 256, 3, padding=1),
        (16, 256, 8, 8),
    ),
}


def steps(make, shape):
    """Return a training step of each library's layer, with the same weight and input.

    A step returns the result, and its gradients by the input and by the weight.
    """
    rng = generator("benchmarks", "spectral norm")
    x = torch.randn(shape, generator=rng)
    layer = make()
    # one strong direction, which the power iterations of both have found before the first step
    nn.init.normal_(layer.weight, std=0.01, generator=rng)
    with torch.no_grad():
        matrix = layer.weight.flatten(1)
        strong = torch.outer(*(torch.randn(size, generator=rng) for size in matrix.shape))
        layer.weight.add_((strong / strong.norm()).view_as(layer.weight))
    other = make()
    other.load_state_dict(layer.state_dict())
    spectrally_normalised(layer)
    parametrizations.spectral_norm(other)

    def step(network):
        leaf = x.clone().requires_grad_()
        result = network(leaf)
        weight = network.parametrizations.weight.original
        return result, *torch.autograd.grad(result.square().mean(), (leaf, weight))

    return lambda: step(layer), lambda: step(other)


@pytest.mark.benchmark(group="Spectral normalisation: a training step of a layer")
@pytest.mark.parametrize("what", LAYERS)
def test_spectral_norm(side_by_side, what):
    """The same result, and the same gradients."""
    ours, theirs = steps(*LAYERS[what])
    side_by_side(what, ours, "PyTorch", theirs)
