"""The graded exercises of the chapter on segmentation, in the lecture's order."""

from __future__ import annotations

from typing import Any

from cvgen_course.checks import Exercise, check_by_name
from cvgen_course.segmentation.exercises import (
    bilinear_kernel,
    confusion_matrix,
    conv_transpose2d,
    dice_loss,
    fuse_skips,
    max_unpool,
    mean_iou,
    unet_down,
    unet_forward,
    unet_up,
)

EXERCISES: dict[str, Exercise] = {
    module.EXERCISE.name: module.EXERCISE
    for module in (
        confusion_matrix,
        mean_iou,
        dice_loss,
        max_unpool,
        conv_transpose2d,
        bilinear_kernel,
        fuse_skips,
        unet_down,
        unet_up,
        unet_forward,
    )
}


def check(name: str, namespace: dict[str, Any]) -> float:
    """Check a student's answer, show a table of what passed, and return the points.

    Args:
        name: the exercise's name, which is the name of the student's function.
        namespace: where to find it: ``globals()``.

    Returns:
        The points, a float in [0, full points].
    """
    return check_by_name(EXERCISES, name, namespace)
