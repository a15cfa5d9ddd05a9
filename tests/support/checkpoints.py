"""What a run has written down, and whether two runs have written the same."""

import io

import torch

from cvgen_course.experiments.core.checkpoint import HEADER, NAME


def state(folder):
    """Return what the checkpoint of a run holds, but the time that it took."""
    whole = (folder / NAME).read_bytes()
    found = torch.load(io.BytesIO(whole[len(HEADER) + 32 :]), weights_only=True)["state"]
    found["progress"].pop("seconds")
    return found


def same(a, b):
    """Return whether two states are equal, to the last bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
