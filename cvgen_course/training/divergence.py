"""A loss that is no longer finite: whose it is, and which network diverged."""

from __future__ import annotations

import math

from torch import nn

from cvgen_course.errors import CourseError
from cvgen_course.training.phase import Phase


def require_finite(loss: float, step: int, phase: Phase, model: nn.Module, advice: str) -> None:
    """Raise an error where a loss is NaN or infinite; for use before the weights take it in.

    In a game the first loss that is not finite need not belong to the network that diverged: whose
    weights are no longer finite spoils the others' losses, too.

    Args:
        loss: as computed.
        step: the step that is being done, from 1.
        phase: whose loss it is.
        model: the whole model.
        advice: what to do, the message's last words.

    Raises:
        CourseError: the loss is not finite.
    """
    if math.isfinite(loss):
        return
    whose = f"loss of the {phase.part}" if phase.part else "loss"
    why = "".join(
        f"the {name} diverged (its weights are no longer finite); "
        for name, part in (model.named_children() if phase.part else [("model", model)])
        if not _has_finite_weights(part)
    )
    raise CourseError(
        f"{whose}: expected a finite number, got {loss} at step {step}; {why}{advice}"
    )


def _has_finite_weights(part: nn.Module) -> bool:
    """Look at parameters alone: batch norm's statistics take in what another network made."""
    return all(bool(parameter.isfinite().all()) for parameter in part.parameters())
