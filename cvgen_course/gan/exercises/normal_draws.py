"""What can be said of numbers from a truncated normal distribution, however they were drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Draw = Callable[[torch.Generator | None], Tensor]
"""Draws numbers, with a generator or with torch's own."""

DEVIATIONS = 6.0
"""How far a mean may be off, in its own standard deviations: farther it is once in 5e8 times."""

SURE = math.log(2e12)
"""So the distribution function is farther off than it may be once in 1e12 times, at most."""


def described(z: Tensor, psi: float) -> dict[str, list[str]]:
    """Return what is true of thousands of numbers, in words.

    A right answer is described wrongly once in 1e7 times, at most. The limits:

    - Nothing lies beyond ±psi. A rounded inverse distribution function goes too far by 1e-5 of
      psi, so 1e-3 are allowed. At psi of 10 and more it may give infinity for a 0 among its
      uniform numbers, once in 2^24 times: there, nobody looks, and ±7 stands for what is farther.
    - Within 1e-4 psi of ±psi lies one number in 10,000 at most; more than 8 + n / 2500 are a heap
      (as a Poisson variable of mean n / 10,000, that comes once in 1e10 times).
    - Hardly any float32 comes twice, so nine in ten numbers come once.
    - The means of z and of z² are near to what they should be: of z in deviations of the numbers
      themselves, so that a spread too large is no wrong mean, too; of z² in those that E z⁴ says.
    - The distribution function is near to the right one: by the inequality of Dvoretzky, Kiefer
      and Wolfowitz, the largest distance is above sqrt(log(2 / δ) / 2n) with probability δ at most.

    What is near at hand is found all the same: of 40,000 numbers at psi of 1.3, with those beyond
    drawn evenly from [-psi, psi], the mean of z² is ten deviations off.

    Args:
        z: what was drawn, any shape.
        psi: where the tails are to end.
    """
    z, n = z.double().flatten(), z.numel()
    kept = math.erf(psi / math.sqrt(2))
    edge = 2 * math.exp(-(psi**2) / 2) / math.sqrt(2 * math.pi) / kept
    square = 1 - psi * edge  # E z²
    fourth = 3 * square - psi**3 * edge  # E z⁴
    far = z.abs() / psi
    beyond = int((far > 1.001).sum()) if psi < 10 else 0
    heap = int(((far - 1).abs() < 1e-4).sum())
    inside = z.clamp(-7, 7)
    mean = inside.mean().item() / (inside.std().item() + 1e-9) * math.sqrt(n)
    excess = (inside.square().mean().item() - square) / math.sqrt((fourth - square**2) / n)
    below = 0.5 + torch.erf(z.sort().values.clamp(-psi, psi) / math.sqrt(2)) / (2 * kept)
    steps = torch.arange(n + 1) / n
    distance = torch.maximum(below - steps[:-1], steps[1:] - below).max().item()
    farthest = ", even beyond ±2 psi" if psi < 10 and (far > 2).any() else ""
    spread = "as it should be"
    if abs(excess) > DEVIATIONS:
        spread = "too large" if excess > 0 else "too small"
    return {
        "numbers beyond ±psi": [f"some{farthest}" if beyond else "none"],
        "numbers at ±psi": ["a heap of them" if heap > 8 + n / 2500 else "hardly any"],
        "numbers that come once": ["nearly all" if len(z.unique()) > 0.9 * n else "too few"],
        "the mean": ["about 0" if abs(mean) < DEVIATIONS else "not 0"],
        "the spread": [spread],
        "the distribution": [
            "as it should be" if distance < math.sqrt(SURE / (2 * n)) else "another one"
        ],
    }


def compared(draw: Draw, seed: int) -> dict[str, list[str]]:
    """Return what is the same, and what isn't, in calls with generators of some seeds."""
    rng, again, other = (torch.Generator().manual_seed(s) for s in (seed, seed, seed + 1))
    before = torch.get_rng_state()
    z = draw(rng)
    answer = {
        "the next call": _same(z, draw(rng)),
        "another seed": _same(z, draw(other)),
        "the same seed": _same(z, draw(again)),
    }
    untouched = torch.equal(before, torch.get_rng_state())
    return {**answer, "torch's own generator": ["stays as it was" if untouched else "moves on"]}


def compared_without_generator(draw: Draw, seed: int) -> dict[str, list[str]]:
    """Return what is the same, and what isn't, in calls without a generator."""
    torch.manual_seed(seed)
    z = draw(None)
    answer = {"the next call": _same(z, draw(None))}
    torch.manual_seed(seed)
    return {**answer, "a call after torch.manual_seed": _same(z, draw(None))}


def _same(z: Tensor, others: Tensor) -> list[str]:
    return [f"draws {'the same' if torch.equal(z, others) else 'other'} numbers"]


def raised(call: Callable[[], Any]) -> list[str]:
    """Return the name of the exception that a call raises, or that there is none."""
    try:
        call()
    except ValueError:
        return ["ValueError"]
    except Exception as error:
        return [type(error).__name__]
    return ["no exception"]
