"""What a training leaves behind, beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """What happened during a training.

    Attributes:
        steps: the number of each step done, from 1.
        losses: the loss at each of these steps; the sum of all, where several phases have one.
        parts: where the loss has named parts, each of them at each of these steps. Likewise the
            loss of each of several phases, and its parts as ``"generator.realism"``; where a phase
            rests, its values are those before.
        records: (step, what ``on_step`` returned), for each call of it.
        interrupted: whether it was stopped by hand (Ctrl-C, or the notebook's stop button).
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    records: list[tuple[int, Any]] = field(default_factory=list)
    interrupted: bool = False

    def add(self, step: int, loss: float, parts: Mapping[str, float]) -> None:
        """Note that a step has been done."""
        self.steps.append(step)
        self.losses.append(loss)
        for name, value in parts.items():
            self.parts.setdefault(name, []).append(value)
