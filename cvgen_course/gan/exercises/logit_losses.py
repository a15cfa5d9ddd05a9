"""Losses of logits: what they are asked, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged


def uniform(rng: torch.Generator, num: int, low: float, high: float) -> Tensor:
    """Return logits between two numbers, float64 (num,)."""
    return low + (high - low) * torch.rand(num, generator=rng, dtype=torch.float64)


def thousands(rng: torch.Generator) -> Tensor:
    """Return logits of about ±1000, ±100, ±40, and some that are near 0, float64 (9,).

    In float32 an exponential is infinite from 89 on, but 1 - sigmoid is 0 from 17 on: what is wrong
    with ±100, or with 40 already, tells them apart.
    """
    sizes = torch.tensor([1000, -1000, 100, -100, 40, -40, 2, -2, 0.5], dtype=torch.float64)
    return (sizes * uniform(rng, 9, 0.9, 1))[torch.randperm(9, generator=rng)]


def questions(rng: torch.Generator, hints: dict[str, str]) -> list[Case]:
    """Return the questions to a loss of a generator, with the hints for them, by their titles."""

    def case(
        title: str,
        weight: float,
        logits: Tensor,
        gradient: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> Case:
        inputs = {"fake_logits": logits.to(dtype), "gradient": gradient}
        return Case(title, inputs, weight, hints[title])

    def with_gradient(title: str, weight: float, logits: Tensor, **options: Any) -> Case:
        return case(f"{title}: loss and gradient", weight, logits, gradient=True, **options)

    return [
        case("six images", 1, uniform(rng, 6, -3, 3)),
        case("a single image", 1, uniform(rng, 1, 0.5, 2)),
        case("two hundred images", 1, uniform(rng, 200, -4, 4)),
        with_gradient("generated images are recognised", 2, uniform(rng, 5, -8, -4)),
        with_gradient("generated images pass for real", 2, uniform(rng, 4, 4, 8)),
        with_gradient("float64", 2, uniform(rng, 5, -3, 3), dtype=torch.float64),
        with_gradient("logits of ±1000", 4, thousands(rng)),
    ]


def loss_of(
    implementation: Callable[..., Any], gradient: bool, **logits: Tensor
) -> dict[str, Tensor]:
    """Return a loss and, where it is asked for, its gradient by each of the logits.

    Logits are handed over as a network's output, which must not change in place.
    """
    leaves = {name: each.requires_grad_() for name, each in logits.items()}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}
    loss = as_tensor(implementation(*handed.values()), "the loss", needs_grad=gradient)
    require_unchanged(leaves, handed)
    found = {"the loss": loss.detach()}
    if gradient:
        one = torch.ones((), dtype=next(iter(leaves.values())).dtype)
        found |= gradients("the loss", loss, one, **leaves)
    return found
