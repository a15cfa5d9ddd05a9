"""Temperature: how much a model's less likely levels get."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def at_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Return the probabilities at a temperature: softmax of logits / temperature.

    At 1 they are the model's own. The lower, the more the likeliest level gets, up to all of it at
    0; the higher, the more alike all levels become.

    Args:
        logits: float (N, K).
        temperature: 0 or more.

    Returns:
        float (N, K), rows that sum to 1, float32 at least. At temperature 0, 1 for the largest
        logit, the first of equals, and 0 for all others.

    Raises:
        TypeError: ``logits`` is no floating-point tensor.
        ValueError: it has another shape, or the temperature is negative or no finite number.
    """
    require(logits=(logits, "N K", "float"))
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature: expected a finite number, 0 or more, got {temperature}")
    logits = at_least_float32(logits)
    if temperature == 0:
        first = logits.argmax(dim=1, keepdim=True)
        return torch.zeros_like(logits).scatter_(1, first, 1.0)
    largest = logits.amax(dim=1, keepdim=True)
    return ((logits - largest) / temperature).softmax(dim=1)
