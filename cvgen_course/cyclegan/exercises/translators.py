"""Small generators made from plain tensors, and what is asked of a loss of two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cvgen_course.checks import WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients

APART = 1e-3
"""No number comes nearer to what it is compared with: there the gradient of an absolute value jumps
from -1 to 1, and rounding would decide."""


class ToyTranslator(nn.Module):
    """x + gain · tanh(weight · x + shift): mixes an image's channels, pixel by pixel.

    Each image is translated by itself, so that it does not matter in which batch it comes; and in
    float64 if asked to. Its last step is a sum, so that what it returns may change in place.

    Args:
        weight: float (C, C).
        shift: float (C,).
        gain: float (C,).
    """

    def __init__(self, weight: Tensor, shift: Tensor, gain: Tensor) -> None:
        super().__init__()
        self.weight, self.shift, self.gain = map(nn.Parameter, (weight, shift, gain))

    def forward(self, images: Tensor) -> Tensor:
        """Return translations, (N, C, H, W)."""
        C = len(self.gain)
        if not isinstance(images, Tensor) or images.ndim != 4 or images.shape[1] != C:
            got = tuple(images.shape) if isinstance(images, Tensor) else "none, as it is no tensor"
            raise WrongAnswer(
                f"a generator was called; of what it got, the shape is {got}, expected "
                f"(N, {C}, H, W)"
            )
        dtype = torch.promote_types(images.dtype, self.weight.dtype)
        weight, shift, gain = (p.to(dtype) for p in (self.weight, self.shift, self.gain))
        images = images.to(dtype)
        mixed = torch.einsum("dc,nchw->ndhw", weight, images) + shift[:, None, None]
        return images + gain[:, None, None] * mixed.tanh()


def drawn(
    rng: torch.Generator,
    num_a: int,
    num_b: int,
    shape: tuple[int, int, int],
    gradient: bool = False,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Any]:
    """Return images of both domains, and what both generators are made from.

    Args:
        rng: where the numbers come from.
        num_a: images of A.
        num_b: images of B.
        shape: of an image, (C, H, W).
        gradient: whether the loss's gradients are asked for.
        dtype: of all numbers.
    """

    def numbers(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

    def generator() -> dict[str, Tensor]:
        C = shape[0]
        gain = numbers(C)
        gain += 0.5 * gain.sign()
        return {"weight": numbers(C, C), "shift": 0.5 * numbers(C), "gain": gain}

    while True:
        found: dict[str, Any] = {
            "a": numbers(num_a, *shape),
            "b": numbers(num_b, *shape),
            "g_ab": generator(),
            "g_ba": generator(),
        }
        if _is_apart(**found):
            return {**found, "gradient": gradient}


def _is_apart(a: Tensor, b: Tensor, g_ab: dict[str, Tensor], g_ba: dict[str, Tensor]) -> bool:
    """Return whether no number is near to the one that it is compared with, in either loss."""
    to_b, to_a = ToyTranslator(**g_ab), ToyTranslator(**g_ba)
    with torch.no_grad():
        pairs = (to_a(to_b(a)), a), (to_b(to_a(b)), b), (to_a(a), a), (to_b(b), b)
        return all(bool(((x - y).abs() > APART).all()) for x, y in pairs)


def loss_of(
    implementation: Callable[..., Any],
    a: Tensor,
    b: Tensor,
    g_ab: dict[str, Tensor],
    g_ba: dict[str, Tensor],
    gradient: bool,
) -> dict[str, Any]:
    """Return a loss and, where it is asked for, its gradient by the parameters of both generators.

    Args:
        implementation: ``implementation(g_ab, g_ba, a, b)`` returns the loss.
        a: images of A.
        b: images of B.
        g_ab: what the generator from A to B is made from.
        g_ba: likewise, from B to A.
        gradient: whether the gradient is asked for.
    """
    generators = {"G_AB": ToyTranslator(**g_ab), "G_BA": ToyTranslator(**g_ba)}
    value = implementation(*generators.values(), a, b)
    loss = as_tensor(value, "the loss", needs_grad=gradient)
    found: dict[str, Any] = {"the loss": loss.detach()}
    if not gradient:
        return found
    parameters = {
        f"{name}'s {each}": parameter
        for name, generator in generators.items()
        for each, parameter in generator.named_parameters()
    }
    found |= gradients("the loss", loss, torch.ones((), dtype=a.dtype), **parameters)
    left = any(parameter.grad is not None for parameter in parameters.values())
    found["gradients left in the generators' .grad"] = ["some" if left else "none"]
    return found
