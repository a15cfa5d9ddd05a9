"""Measure a model on a data set, the work divided among the devices."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, distributed, nn
from tqdm import tqdm

from cvgen_course.experiments.core.experiment import Experiment

TITLES = {"val": "validation", "test": "test"}


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """Somebody pressed Ctrl-C; on every device at once."""


def evaluate(
    experiment: Experiment, model: nn.Module, split: str, fabric: Fabric, stop: Callable[[], bool]
) -> dict[str, float]:
    """Return the metrics of an experiment's model on a split, the same on every device.

    Args:
        experiment: says how the model is measured.
        model: its model, or the running mean of it.
        split: ``"val"`` or ``"test"``.
        fabric: knows the devices.
        stop: asked before each item.

    Raises:
        Stopped: ``stop`` said so, on any device.
    """
    _share_buffers(model, fabric)
    each = partial(_divided, fabric=fabric, stop=stop, title=TITLES[split])
    with evaluating(model):
        return experiment.evaluate(model, split, each)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Have a model in evaluation mode, and keep no gradients."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _divided(
    function: Callable[[Any], Any],
    items: Any,
    *,
    fabric: Fabric,
    stop: Callable[[], bool],
    title: str,
) -> list[Any]:
    """Return ``function(item)`` for each item; each device works on a part of them.

    Raises:
        Stopped: ``stop`` said so, on any device.
    """
    mine = range(fabric.global_rank, len(items), fabric.world_size)
    answers = []
    for i in tqdm(mine, desc=title, file=sys.stdout, leave=False, disable=not _watched(fabric)):
        if stop():
            break
        answers.append(function(items[i]))
    stopped = torch.tensor(float(len(answers) < len(mine)), device=fabric.device)
    if cast(Tensor, fabric.all_reduce(stopped, reduce_op="sum")) > 0:
        raise Stopped
    parts = [answers]
    if fabric.world_size > 1:
        parts = [[]] * fabric.world_size
        distributed.all_gather_object(parts, answers)
    return [parts[i % len(parts)][i // len(parts)] for i in range(len(items))]


def _share_buffers(model: nn.Module, fabric: Fabric) -> None:
    """Give every device the first one's running means: batch norm has seen other images on each."""
    if fabric.world_size > 1:
        for buffer in model.buffers():
            distributed.broadcast(buffer, src=0)


def _watched(fabric: Fabric) -> bool:
    return fabric.is_global_zero and sys.stdout.isatty()
