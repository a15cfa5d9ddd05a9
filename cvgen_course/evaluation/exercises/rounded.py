"""Results as they are compared: numbers, with no more digits than were asked for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import as_tensor


def rounded(value: Any, what: str, dtype: torch.dtype) -> Tensor:
    """Return what an implementation returned, at most as precise as a dtype.

    Args:
        value: anything; a whole number, such as the 0 of ``max(0, x)``, is as good as another.
        what: what it is, in words, for the message.
        dtype: float64 is rounded to it. What is less precise stays as it is.

    Raises:
        WrongAnswer: it is no usable tensor or number.
    """
    tensor = as_tensor(float(value) if type(value) is int else value, what).detach()
    return tensor.to(dtype) if tensor.dtype == torch.float64 else tensor
