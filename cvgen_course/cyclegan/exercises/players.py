"""Small generators and discriminators, made from plain data, for the check of a step of each."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cvgen_course.cyclegan import generator_step
from cvgen_course.gan.exercises.players import ADAM, DESCENT, MOMENTUM, Player

IMAGE = (2, 3, 4)
"""An image's shape (C, H, W)."""

HIDDEN = 3
PIXELS = torch.Size(IMAGE).numel()

CALM_MOMENTUM = {**MOMENTUM, "lr": 0.05}
CALM_ADAM = {**ADAM, "lr": 0.1, "eps": 0.1}
"""Gradients through three networks are larger than those of one, and rounded more often."""

MARGIN = 1e-3
"""How far from 0 all differences are: the derivative of |x| has the sign of x, and rounding must
not decide on that."""


def game(
    rng: torch.Generator,
    *sizes: tuple[int, int],
    judges: str = "patches",
    weights: tuple[float, ...] = (),
    optimizer: dict[str, Any] = DESCENT,
    leftovers: bool = False,
    dtype: torch.dtype = torch.float32,
    left: bool = False,
) -> dict[str, Any]:
    """Return two generators, two discriminators and, for each step, a batch of either domain.

    Args:
        rng: where the numbers come from.
        *sizes: of both batches, for each step.
        judges: which discriminators, see `drawn`.
        weights: of the cycle loss and of the identity loss; none for those by default.
        optimizer: of the generators, as for `drawn`.
        leftovers: as for `drawn`, for all four.
        dtype: of all numbers.
        left: whether it is asked what is left behind: graphs, modes, what can't learn any more.
    """
    while True:
        inputs = {
            "generators": drawn(rng, ["generator"] * 2, optimizer, leftovers, dtype),
            "discriminators": drawn(rng, [judges] * 2, DESCENT, leftovers, dtype),
            "a": [images(rng, N, dtype) for N, _ in sizes],
            "b": [images(rng, M, dtype) for _, M in sizes],
            "weights": weights,
            "left": left,
        }
        if _smallest_difference(inputs) > MARGIN:
            return inputs


def images(rng: torch.Generator, N: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return N random images."""
    return torch.randn(N, *IMAGE, generator=rng, dtype=dtype)


def drawn(
    rng: torch.Generator,
    kinds: list[str],
    optimizer: dict[str, Any] = DESCENT,
    leftovers: bool = False,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Any]:
    """Return what networks are made from that share an optimizer, as plain data.

    Args:
        rng: where the numbers come from; no parameter is near 0.
        kinds: of each network. ``"generator"``: images → images of the same shape.
            ``"patches"``: images (N, C, H, W) → logits (N, 1, H − 1, W − 1); ``"normed patches"``:
            likewise, with batch norm. ``"images"``: → logits (N,).
        optimizer: its options, and its class in ``torch.optim`` as ``"name"``.
        leftovers: whether the parameters hold gradients already.
        dtype: of all numbers.
    """

    def numbers(parameter: nn.Parameter) -> Tensor:
        normal = 0.3 * torch.randn(parameter.shape, generator=rng, dtype=dtype)
        return normal + 0.1 * normal.sign()

    parameters = [list(_network(kind).parameters()) for kind in kinds]
    return {
        "kinds": kinds,
        "parameters": [[numbers(each) for each in of_one] for of_one in parameters],
        "gradients": [
            [numbers(each) if leftovers else None for each in of_one] for of_one in parameters
        ],
        "optimizer": optimizer,
    }


def ready(data: dict[str, Any]) -> Player:
    """Return the networks, as the children of one, and their optimizer."""
    networks = nn.ModuleList(map(_network, data["kinds"]))
    for network, values, gradients in zip(
        networks, data["parameters"], data["gradients"], strict=True
    ):
        for parameter, value, gradient in zip(network.parameters(), values, gradients, strict=True):
            parameter.data = value.clone()
            parameter.grad = None if gradient is None else gradient.clone()
        network.to(values[0].dtype)  # batch norm's buffers, too
    options = {key: value for key, value in data["optimizer"].items() if key != "name"}
    optimizer = getattr(torch.optim, data["optimizer"]["name"])
    return Player(networks, optimizer(networks.parameters(), **options))


def _network(kind: str) -> nn.Module:
    channels = IMAGE[0]
    if kind == "generator":
        first, last = (
            nn.Conv2d(before, after, 3, padding=1)
            for before, after in ((channels, HIDDEN), (HIDDEN, channels))
        )
        return nn.Sequential(first, nn.Tanh(), last)
    if kind == "images":
        layers = nn.Linear(PIXELS, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1)
        return nn.Sequential(nn.Flatten(), *layers, nn.Flatten(0))
    norm = [nn.BatchNorm2d(HIDDEN)] if kind == "normed patches" else []
    first = nn.Conv2d(channels, HIDDEN, 2, bias=not norm)
    return nn.Sequential(first, *norm, nn.Tanh(), nn.Conv2d(HIDDEN, 1, 1))


def _smallest_difference(inputs: dict[str, Any]) -> float:
    """Return the smallest difference that a loss takes the absolute value of, in any step."""
    generators, discriminators = ready(inputs["generators"]), ready(inputs["discriminators"])
    g_ab, g_ba = generators.network.children()
    d_a, d_b = discriminators.network.children()
    found = []
    for a, b in zip(inputs["a"], inputs["b"], strict=True):
        with torch.no_grad():
            pairs = (g_ba(g_ab(a)), a), (g_ab(g_ba(b)), b), (g_ab(b), b), (g_ba(a), a)
            found += [(x - y).abs().min().item() for x, y in pairs]
        generator_step((g_ab, g_ba), (d_a, d_b), a, b, generators.optimizer, *inputs["weights"])
    return min(found)
