"""What probes share: gradients, and inputs left alone."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.checks.outcome import WrongAnswer
from cvgen_course.checks.plain import as_tensor


def gradients(name: str, output: Tensor, upstream: Tensor, **inputs: Tensor) -> dict[str, Tensor]:
    """Send a gradient back through a student's function.

    Args:
        name: what the function returned, for the message, e.g. ``"the loss"``.
        output: what it returned.
        upstream: the gradient with respect to ``output``, of the shape that ``output`` should have.
        **inputs: leaves that require a gradient.

    Returns:
        ``{"the gradient of x": …}`` for each input; zeros where the output does not depend on it.

    Raises:
        WrongAnswer: the output has another shape, or depends on none of the inputs.
    """
    output = as_tensor(output, name, needs_grad=True)
    if output.shape != upstream.shape:
        raise WrongAnswer(
            f"{name} has shape {tuple(output.shape)}, expected {tuple(upstream.shape)}"
        )
    upstream = upstream.to(output.dtype)
    found = torch.autograd.grad(
        output, list(inputs.values()), upstream, allow_unused=True, retain_graph=True
    )
    if all(gradient is None for gradient in found):
        raise WrongAnswer(
            f"{name} depends on none of {', '.join(inputs)}, so nothing can be learnt from it; was "
            "it made anew, by torch.zeros(...) or torch.tensor(...)? (A sum over nothing is 0, "
            "and depends on what it sums.)"
        )
    return {
        f"the gradient of {key}": torch.zeros_like(leaf) if gradient is None else gradient
        for (key, leaf), gradient in zip(inputs.items(), found, strict=True)
    }


def require_unchanged(inputs: dict[str, Tensor], handed: dict[str, Tensor]) -> None:
    """Compare copies that were handed over with their originals: a copy hides a change in place.

    Args:
        inputs: the originals, by the names that students know.
        handed: the copies, by the same names.

    Raises:
        WrongAnswer: a copy has other values or another shape.
    """
    for name, copy in handed.items():
        if not torch.equal(copy, inputs[name]):
            raise WrongAnswer(
                f"your function changed its input `{name}` in place; work on a new tensor "
                "(or on .clone())"
            )
