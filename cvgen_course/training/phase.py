"""Who learns what: a loss, the part of a model that makes it small, and how fast."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Loss = Callable[[nn.Module, Any], "Tensor | Mapping[str, Tensor]"]
"""``loss(model, batch)`` → 0-dimensional, or named parts of which the sum is minimised."""

Schedule = Callable[[int, int], float]
"""``schedule(step, steps)`` → the share of the highest learning rate, before step ``step + 1``."""


def one_cycle(step: int, steps: int, warm_up: float = 0.25) -> float:
    """Return the share of the highest learning rate: a half cosine up, and a half cosine down.

    Source:
        Smith and Topin, "Super-Convergence", 2018, arXiv:1708.07120.
    """
    turn = warm_up * steps
    if step < turn:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * step / turn)) / 2
    progress = (step - turn) / (steps - turn)
    return max(1e-4, (1 + math.cos(math.pi * progress)) / 2)


def constant(step: int, steps: int) -> float:
    """Return 1: the same learning rate from the first step to the last."""
    return 1.0


class Phase(NamedTuple):
    """One of the phases of a step: a part of the model takes a step down its own loss.

    In a game each player has a phase: ``(Phase("discriminator", …), Phase("generator", …))``.

    Attributes:
        part: the submodule whose parameters are trained, as ``model.get_submodule`` calls it, e.g.
            ``"discriminator"``; empty for the whole model.
        loss: ``loss(model, batch)`` → 0-dimensional; or a dictionary of such parts, of which the
            sum is minimised.
        lr_factor: its learning rate, as a multiple of that of the whole training.
        betas: of AdamW.
        every: it takes part in the first step and then in every so many-th.
        schedule: ``schedule(step, steps)`` → the share of the learning rate after so many steps.
    """

    part: str
    loss: Loss
    lr_factor: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    every: int = 1
    schedule: Schedule = one_cycle

    @property
    def name(self) -> str:
        """What the phase's loss is called in histories and bars."""
        return self.part or "loss"

    def parameters(self, model: nn.Module) -> list[nn.Parameter]:
        """Return the parameters that are trained; frozen ones are not.

        Raises:
            ValueError: the model has no such part, or there is nothing to train in it.
        """
        try:
            found = [p for p in model.get_submodule(self.part).parameters() if p.requires_grad]
        except AttributeError as error:
            parts = ", ".join(name for name, _ in model.named_children())
            raise ValueError(
                f"part: expected a part of the model ({parts}), got {self.part!r}"
            ) from error
        if not found:
            raise ValueError(f"part: expected parameters to train in {self.name!r}, there are none")
        return found

    def optimizer(self, model: nn.Module, lr: float, weight_decay: float) -> torch.optim.AdamW:
        """Return the optimizer of this phase."""
        return torch.optim.AdamW(
            self.parameters(model),
            lr=lr * self.lr_factor,
            betas=self.betas,
            weight_decay=weight_decay,
            fused=True,
        )

    def set_lr(self, optimizer: torch.optim.Optimizer, lr: float, step: int, steps: int) -> None:
        """Give the optimizer the learning rate that it has after ``step`` of ``steps`` steps."""
        for group in optimizer.param_groups:
            group["lr"] = lr * self.lr_factor * self.schedule(step, steps)

    def rests(self, step: int) -> bool:
        """Return whether the phase takes no part in the step after ``step`` steps."""
        return step % self.every != 0


def phases_of(loss: Loss | Sequence[Phase]) -> tuple[Phase, ...]:
    """Return the phases of a training; of a loss alone, one phase that trains the whole model.

    Raises:
        ValueError: there is no phase, two train the same part, or ``every`` is less than 1.
    """
    phases = tuple(loss) if isinstance(loss, Sequence) else (Phase("", loss),)
    parts = [phase.part for phase in phases]
    if not phases or len(set(parts)) < len(parts):
        raise ValueError(f"loss: expected phases of different parts of the model, got {parts}")
    for phase in phases:
        if phase.every < 1:
            raise ValueError(f"every: expected at least 1, got {phase.every} for {phase.name!r}")
    return phases


def total(parts: Tensor | Mapping[str, Tensor]) -> Tensor:
    """Return what is minimised, 0-dimensional: the sum of a loss's parts."""
    return parts if isinstance(parts, Tensor) else torch.stack([*parts.values()]).sum()
