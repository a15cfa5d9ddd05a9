"""The learning rate: constant, then down to nothing."""

from __future__ import annotations


def linear_decay(step: int, steps: int, constant: float = 0.5) -> float:
    """Return the share of the highest learning rate: 1 at first, then on a line down to 0.

    Args:
        step: how many steps have been done.
        steps: how many there will be, at least 1.
        constant: the share of the steps in which it stays 1, in [0, 1].

    Returns:
        In (0, 1]: the last step, too, learns a little.

    Raises:
        ValueError: a number is out of range.

    Source:
        Zhu et al., arXiv:1703.10593, section 4: 100 epochs at 0.0002, then 100 down to 0.
    """
    if not 0 <= constant <= 1:
        raise ValueError(f"constant: expected a share in [0, 1], got {constant}")
    if not 0 <= step < steps:
        raise ValueError(f"step: expected a number in [0, {steps}), got {step}")
    turn = constant * steps
    return 1.0 if step < turn else (steps - step) / (steps - turn + 1)
