"""An answer that is right in value, but through which nothing is learned, earns half at most."""

from __future__ import annotations

import pytest
from support.exercises import SEEDS, graded
from support.mutants import rebuilt

from cvgen_course.segmentation.exercises import EXERCISES

DIFFERENTIABLE = (
    *("dice_loss", "max_unpool", "conv_transpose2d", "fuse_skips"),
    *("unet_down", "unet_up", "unet_forward"),
)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_detached_answer_earns_half_at_most(name):
    exercise = EXERCISES[name]
    right = rebuilt(exercise.reference)

    def detached(*args, **kwargs):
        result = right(*args, **kwargs)
        if isinstance(result, tuple):
            return tuple(item.detach() for item in result)
        return result.detach()

    for seed in SEEDS[:2]:
        assert 0 < graded(exercise, detached, seed).points <= exercise.points / 2
