"""What a run leaves behind: a table of metrics, the same as JSON, and the model's weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save_model
from torch import nn

from cvgen_course.experiments.core.apart import EXTRA_STATE
from cvgen_course.files import replacing, write

METRICS, WEIGHTS = "metrics.json", "model.safetensors"


def table(metrics: Mapping[str, float]) -> str:
    """Return metrics as lines of text, a dash where a metric is not defined."""
    width = max(map(len, metrics), default=0)
    return "\n".join(
        f"{name:<{width}}  {'     –' if math.isnan(value) else f'{value:6.3f}'}"
        for name, value in metrics.items()
    )


def write_metrics(folder: Path, facts: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Write ``metrics.json``: what was measured, of what, when and where.

    Args:
        folder: the run's folder.
        facts: settings, seconds, machine and the like.
        metrics: numbers by name; NaN becomes ``null``, since JSON has no NaN.
    """
    content = {
        "date": date.today().isoformat(),
        "cvgen_course": version("cvgen-course"),
        **facts,
        "metrics": metrics,
    }
    write(folder / METRICS, json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n")


def write_weights(folder: Path, model: nn.Module) -> None:
    """Write ``model.safetensors``; ``safetensors.torch.load_model(model, path)`` reads it.

    Tensors that a module keeps beside its weights, only to go on with its training
    (``get_extra_state``), such as a pool of images, are written empty.
    """
    hook = model.register_state_dict_post_hook(_without_extra_state)
    try:
        with replacing(folder / WEIGHTS) as file:
            save_model(model, file.name)
    finally:
        hook.remove()


def _without_extra_state(
    model: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]
) -> None:
    for name in state:
        if name.endswith(EXTRA_STATE):
            state[name] = state[name][:0].clone()  # a view would still be of all of it


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
