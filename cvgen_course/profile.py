"""How large a notebook's experiments are, and whether it trains at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")

PROFILES = ("smoke", "cpu", "gpu")


def current() -> str:
    """Return the profile that ``CVGEN_PROFILE`` names; ``"cpu"`` where it names none.

    ``smoke``: a few steps, does every cell run? ``cpu``: good results on a laptop in minutes.
    ``gpu``: full-size experiments.

    Raises:
        ValueError: the variable names no profile.
    """
    name = os.environ.get("CVGEN_PROFILE") or "cpu"
    if name not in PROFILES:
        raise ValueError(f"CVGEN_PROFILE: expected one of {', '.join(PROFILES)}, got {name!r}")
    return name


def choose(profile: str, *, smoke: Value, cpu: Value, gpu: Value) -> Value:
    """Return a profile's value, e.g. ``choose(PROFILE, smoke=2, cpu=600, gpu=20_000)``."""
    return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[profile]


def trains() -> bool:
    """Return whether cells tagged ``train`` should train.

    False while nbgrader executes a notebook (``NBGRADER_EXECUTION``: autograde and Validate), so
    that grading takes seconds. No graded cell depends on a training.
    """
    return "NBGRADER_EXECUTION" not in os.environ


def device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
