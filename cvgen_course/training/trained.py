"""Models that other chapters need: from the cache, or trained now."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from cvgen_course import profile, seeding
from cvgen_course.data.folders import cache_folder
from cvgen_course.files import replacing
from cvgen_course.training.code import code_of
from cvgen_course.training.loop import seeded


def trained(
    name: str,
    recipe: Mapping[str, Any],
    make: Callable[[], nn.Module],
    train: Callable[[nn.Module], Any],
) -> nn.Module:
    """Return a trained model: from the cache where the same has been trained before, or train it.

    The same is: the same recipe, profile, and code of ``make`` and ``train`` and of all that they
    use. Where the cache can't be written or its file is damaged, the model is trained all the same.
    A training that was stopped by hand is not kept.

    Args:
        name: what the model is called, e.g. ``"vae"``; begins the file's name.
        recipe: what the result follows from, numbers and texts by name: the data set, the seed,
            sizes, steps (of a named tuple: its ``_asdict()``).
        make: returns the untrained model: a function or class. Its first weights follow from
            ``recipe``.
        train: ``train(model)`` trains it in place; returns what `fit` does.

    Returns:
        The model in evaluation mode, on the GPU where there is one.

    Raises:
        TypeError: the recipe holds something else than numbers and texts.
    """
    words = json.dumps([name, dict(recipe), profile.current()], sort_keys=True)
    key = hashlib.sha256(f"{words} {code_of(make, train)}".encode()).hexdigest()[:16]
    path = cache_folder() / "models" / f"{name}-{key}.safetensors"
    device = profile.device()
    with seeded(seeding.derive_seed("trained", words), device):
        model = make().to(device)
        if not _read(path, model) and not getattr(train(model), "interrupted", False):
            with contextlib.suppress(OSError):
                _write(path, model)
    return model.eval()


def _write(path: Path, model: nn.Module) -> None:
    state = {name: x.detach().cpu().contiguous().clone() for name, x in model.state_dict().items()}
    with replacing(path) as file:
        file.write(save(state, {"sha256": _digest(state)}))


def _read(path: Path, model: nn.Module) -> bool:
    """Put a file's weights into a model; return whether it was there, whole, and fitted."""
    try:
        with safe_open(path, "pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            whole = (file.metadata() or {}).get("sha256") == _digest(state)
    except (OSError, SafetensorError):
        return False
    fits = {name: x.shape for name, x in model.state_dict().items()} == {
        name: x.shape for name, x in state.items()
    }
    if whole and fits:
        model.load_state_dict(state)
    return whole and fits


def _digest(state: dict[str, Tensor]) -> str:
    """Return a checksum, which the format itself has not: a flipped bit would go unnoticed."""
    return hashlib.sha256(save(state)).hexdigest()
