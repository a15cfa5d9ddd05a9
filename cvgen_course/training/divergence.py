"""Losses and weights that are no longer finite: whose they are, and which network diverged."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
        for name in _diverged(model, (phase,))
    )
    raise CourseError(
        f"{whose}: expected a finite number, got {loss} at step {step}; {why}{advice}"
    )


def require_finite_weights(
    step: int, phases: Sequence[Phase], model: nn.Module, advice: str
) -> None:
    """Raise an error where weights are NaN or infinite; for use before a model is measured.

    A gradient may be NaN although the loss is not: then no loss has shown it yet.

    Args:
        step: how many steps have been done.
        phases: who plays.
        model: the whole model.
        advice: what to do, the message's last words.

    Raises:
        CourseError: a weight is not finite.
    """
    names = _diverged(model, phases)
    if names:
        why = " and ".join(f"the {name}" for name in names)
        raise CourseError(
            f"weights: expected finite numbers after step {step}; {why} diverged; {advice}"
        )


def _diverged(model: nn.Module, phases: Sequence[Phase]) -> list[str]:
    """Return the networks of a game, or ``["model"]``, whose weights are not all finite.

    Parameters alone count: batch norm's statistics take in what another network has made.
    """
    parts = model.named_children() if phases[0].part else [("model", model)]
    return [name for name, part in parts if not all(p.isfinite().all() for p in part.parameters())]
