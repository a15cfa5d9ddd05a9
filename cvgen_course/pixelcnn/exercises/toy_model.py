"""A network for the checks of sampling: so small that the probability of each image is known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cvgen_course.pixelcnn.inputs import LevelInput

CERTAIN = 30.0
"""Logits of this size leave one level only; those who take their exponential are right, too."""


def certain(num_levels: int) -> list[float]:
    """Return the logits of a distribution that has one level only."""
    return [CERTAIN] + [-CERTAIN] * (num_levels - 1)


def toy(
    rng: torch.Generator, num_places: int, base: list[float], first: list[float] | None = None
) -> dict[str, Tensor]:
    """Return what a `ToyModel` is made from: at each place, all levels before it matter.

    Args:
        rng: where the numbers come from.
        num_places: T, C · H · W of the images.
        base: K logits; with K a prime, no level before is without effect.
        first: those of the first place, where they are others.
    """
    T, K = num_places, len(base)
    weights = torch.randint(1, K, (T, T), generator=rng).tril(-1)
    offsets = torch.randint(1, K, (T,), generator=rng)
    logits = torch.tensor([first or base, *[base] * (T - 1)])
    return {"weights": weights, "offsets": offsets, "base": logits}


class ToyModel(nn.Module):
    """At each place some logits, moved on by a number that follows from all levels before.

    That number is made of whole numbers: whoever asks for one image, for all, or for the rows so
    far gets the same logits to the last bit. In training mode they are moved on by one more, as
    dropout and batch normalisation change a network's.

    Args:
        weights: what the level at one place (column) counts at another (row), int64 (T, T).
            Places are counted in the order of sampling.
        offsets: what is added to that, int64 (T,).
        base: the logits before they are moved on, float (T, K).
        channels: C.

    Attributes:
        num_levels: K.
        asked: for each call the mode, and whether autograd noted how the logits came about. A copy
            of the model notes it in the same list.
    """

    num_classes = None

    def __init__(self, weights: Tensor, offsets: Tensor, base: Tensor, channels: int) -> None:
        super().__init__()
        self.num_levels = base.shape[1]
        self.inputs = LevelInput(self.num_levels, channels, None)
        self.weights, self.offsets = weights, offsets
        self.base = nn.Parameter(base)
        self.asked: list[tuple[str, bool]] = []
        self._note = self.asked.append

    def forward(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits, (N, K, C, H, W), for levels (N, C, H, W)."""
        self.inputs.require(levels)
        mode = self.modes()[-1]
        logits = self.logits(levels, more=int(mode == "training"))
        self._note((mode, logits.requires_grad))
        return logits

    def logits(self, levels: Tensor, more: int = 0) -> Tensor:
        """Return the logits, moved on by some ``more``; nothing is noted."""
        _, C, H, W = levels.shape
        T, K = C * H * W, self.num_levels
        before = levels.permute(0, 2, 3, 1).flatten(1)  # (N, T)
        moved = before @ self.weights[:T, :T].T + self.offsets[:T] + more
        index = (torch.arange(K) - moved[..., None]) % K  # (N, T, K)
        logits = self.base[torch.arange(T)[:, None], index]
        return logits.unflatten(1, (H, W, C)).permute(0, 4, 3, 1, 2)

    def modes(self) -> list[str]:
        """Return the modes that its parts are in: one, unless somebody changed only some parts."""
        return sorted({"training" if part.training else "evaluation" for part in self.modules()})

    def facts(self, graph: bool) -> dict[str, Any]:
        """Return how it was asked and left; with ``graph``, also whether autograd took notes."""
        facts = {
            "the model's mode when it is asked": sorted({mode for mode, _ in self.asked}),
            "its mode afterwards": self.modes(),
        }
        if graph:
            carries = any(carries for _, carries in self.asked)
            facts["its logits"] = ["carry a graph" if carries else "carry no graph"]
        return facts
