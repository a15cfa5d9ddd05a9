"""Two small networks and their optimizers, for the check of a step of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

NOISE, HIDDEN, IMAGE = 3, 5, (1, 2, 2)
"""Numbers of noise, hidden units, and an image's shape (C, H, W)."""

PIXELS = torch.Size(IMAGE).numel()
PLAYERS = ("generator", "discriminator")

DESCENT = {"name": "SGD", "lr": 0.5}
MOMENTUM = {"name": "SGD", "lr": 0.2, "momentum": 0.5}
ADAM = {"name": "Adam", "lr": 0.2, "betas": (0.5, 0.9), "eps": 0.01, "weight_decay": 0.1}
"""With Adam's usual eps, gradients of 0 and of 1e-8, which rounding leaves, make unlike steps."""


@dataclass(frozen=True)
class Player:
    """A network in training, and its optimizer."""

    network: nn.Module
    optimizer: torch.optim.Optimizer

    @property
    def parameters(self) -> Tensor:
        """All parameters in a vector, as they are now."""
        return parameters_to_vector(self.network.parameters()).detach()

    @property
    def modes(self) -> list[str]:
        """The modes that its parts are in: one, unless somebody changed only some."""
        parts = self.network.modules()
        return sorted({"training" if part.training else "evaluation" for part in parts})


def game(
    rng: torch.Generator,
    *sizes: tuple[int, int, int],
    optimizer: dict[str, Any] = DESCENT,
    leftovers: bool = False,
    batch_norm: str = "",
    graph: bool = False,
) -> dict[str, Any]:
    """Return two players and, for each step, a batch of real images and two of noise.

    Args:
        rng: where the numbers come from.
        *sizes: of these three batches, for each step.
        optimizer: as for `drawn`.
        leftovers: as for `drawn`.
        batch_norm: which players have one.
        graph: whether it is asked if the losses carry a graph.
    """

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng)

    return {
        "players": [drawn(rng, name, name in batch_norm, leftovers, optimizer) for name in PLAYERS],
        "real": [normal(N, *IMAGE) for N, _, _ in sizes],
        "z": [(normal(N_d, NOISE), normal(N_g, NOISE)) for _, N_d, N_g in sizes],
        "graph": graph,
    }


def drawn(
    rng: torch.Generator, name: str, batch_norm: bool, leftovers: bool, optimizer: dict[str, Any]
) -> dict[str, Any]:
    """Return what a player is made from, as plain data.

    Args:
        rng: where the numbers come from; none is near 0.
        name: ``"generator"`` or ``"discriminator"``.
        batch_norm: whether it has one.
        leftovers: whether its parameters hold gradients already.
        optimizer: its options, and its class in ``torch.optim`` as ``"name"``.
    """

    def numbers(parameter: nn.Parameter) -> Tensor:
        normal = 0.5 * torch.randn(parameter.shape, generator=rng)
        return normal + 0.2 * normal.sign()

    parameters = list(_network(name, batch_norm).parameters())
    return {
        "name": name,
        "batch_norm": batch_norm,
        "parameters": [numbers(each) for each in parameters],
        "gradients": [numbers(each) if leftovers else None for each in parameters],
        "optimizer": optimizer,
    }


def ready(data: dict[str, Any]) -> Player:
    """Return the player that is made from what was drawn."""
    network = _network(data["name"], data["batch_norm"])
    values = zip(network.parameters(), data["parameters"], data["gradients"], strict=True)
    for parameter, value, gradient in values:
        parameter.data = value.clone()
        parameter.grad = None if gradient is None else gradient.clone()
    options = {key: value for key, value in data["optimizer"].items() if key != "name"}
    optimizer = getattr(torch.optim, data["optimizer"]["name"])
    return Player(network, optimizer(network.parameters(), **options))


def _network(name: str, batch_norm: bool) -> nn.Module:
    """Return a generator, noise (N, 3) → images (N, 1, 2, 2); or a discriminator, → logits (N,)."""
    norm = [nn.BatchNorm1d(HIDDEN)] if batch_norm else []
    size = NOISE if name == "generator" else PIXELS
    hidden = nn.Linear(size, HIDDEN, bias=not batch_norm), *norm, nn.Tanh()
    if name == "generator":
        return nn.Sequential(*hidden, nn.Linear(HIDDEN, PIXELS), nn.Unflatten(1, IMAGE))
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(HIDDEN, 1), nn.Flatten(0))
