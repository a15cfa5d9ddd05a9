"""What each device has of its own beside the weights that all share, such as a pool of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightning_fabric import Fabric
from torch import distributed

EXTRA_STATE = "_extra_state"
"""The end of the names that torch gives to what a module's ``get_extra_state`` returns."""


def take_out(state: dict[str, Any], fabric: Fabric) -> list[dict[str, Any]]:
    """Take out of a model's state what this device has of its own; all devices do so at once.

    Args:
        state: of the model; is changed in place.
        fabric: knows the devices.

    Returns:
        Of each device what it had, on the CPU.
    """
    names = [name for name in state if name.endswith(EXTRA_STATE)]
    own = {name: state.pop(name).cpu() for name in names}
    apart = [own] * fabric.world_size
    if fabric.world_size > 1 and own:
        distributed.all_gather_object(apart, own)
    return apart


def of_device(apart: Sequence[dict[str, Any]], device: int) -> dict[str, Any]:
    """Return what a device had; where there were fewer of them, what the last one had."""
    return apart[min(device, len(apart) - 1)]
