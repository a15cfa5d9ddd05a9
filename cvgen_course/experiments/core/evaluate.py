"""Measure a model on a data set, the images divided among the devices."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from cvgen_course.experiments.experiment import Experiment


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """Somebody pressed Ctrl-C; on every device at once."""


@torch.no_grad()
def evaluate(
    experiment: Experiment,
    items: Dataset[Any],
    fabric: Fabric,
    stop: Callable[[], bool],
    title: str,
) -> dict[str, float]:
    """Return the metrics of an experiment's model on a data set.

    Args:
        experiment: whose model it is, and who says how it predicts and is measured.
        items: the data set.
        fabric: knows the devices; each predicts for a part of the images.
        stop: asked before each image.
        title: stands before the progress bar.

    Returns:
        Metrics by name; on every device but the first an empty dictionary.

    Raises:
        Stopped: ``stop`` said so, on any device.
    """
    model = experiment.model
    _share_buffers(model, fabric)
    num_items = len(items)  # type: ignore[arg-type]  # torch's Dataset promises no length
    mine = range(fabric.global_rank, num_items, fabric.world_size)
    answers = []
    model.eval()
    for i in tqdm(mine, desc=title, file=sys.stdout, leave=False, disable=not _watched(fabric)):
        if stop():
            break
        answers.append(experiment.predict(model, items[i]))
    model.train()
    stopped = torch.tensor(float(len(answers) < len(mine)), device=fabric.device)
    if cast(Tensor, fabric.all_reduce(stopped, reduce_op="sum")) > 0:
        raise Stopped
    parts = _gather(answers, fabric)
    if not fabric.is_global_zero:
        return {}
    return experiment.measure(
        [parts[i % len(parts)][i // len(parts)] for i in range(num_items)], items
    )


def _gather(answers: list[Any], fabric: Fabric) -> list[list[Any]]:
    """Return every device's answers on the first, and nothing on the others."""
    if fabric.world_size == 1:
        return [answers]
    parts: list[Any] | None = [None] * fabric.world_size if fabric.is_global_zero else None
    distributed.gather_object(answers, parts)
    return parts or []


def _share_buffers(model: nn.Module, fabric: Fabric) -> None:
    """Give every device the first one's running means: batch norm has seen other images on each."""
    if fabric.world_size > 1:
        for buffer in model.buffers():
            distributed.broadcast(buffer, src=0)


def _watched(fabric: Fabric) -> bool:
    return fabric.is_global_zero and sys.stdout.isatty()
