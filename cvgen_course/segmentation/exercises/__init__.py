"""The graded exercises of the chapter on segmentation, in the lecture's order."""

from cvgen_course.checks import Exercises
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

EXERCISES = Exercises(
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
check = EXERCISES.check
