"""Runs of experiments: stopped by hand, and what they leave behind."""

import json
import os
import signal

import torch
from support.checkpoints import state


def pressing(function, call):
    """Press Ctrl-C in the n-th call of a function."""
    calls = []

    def pressed(*arguments):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments)

    return pressed


def result(folder):
    """Return all that a run leaves, but the time that it took."""
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics.pop("seconds")
    pictures = {path.name: path.read_bytes() for path in folder.glob("*.png")}
    return state(folder), metrics, [(folder / "model.safetensors").read_bytes(), pictures]


def batch_of(experiment, num=3):
    """Return a batch of the first items, drawn with a seed."""
    rng = torch.Generator().manual_seed(0)
    return experiment.collate([experiment.draw(experiment.train_set[i], rng) for i in range(num)])
