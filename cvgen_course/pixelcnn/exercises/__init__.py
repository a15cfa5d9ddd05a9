"""The graded exercises of the chapter on PixelCNN, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.pixelcnn.exercises import (
    at_temperature,
    bits_per_dim,
    causal_mask,
    complete,
    gated_block,
    log_prob_per_item,
    masked_conv2d,
    sample,
    vertical_conv2d,
)

EXERCISES = Exercises(
    causal_mask,
    masked_conv2d,
    log_prob_per_item,
    bits_per_dim,
    sample,
    at_temperature,
    complete,
    vertical_conv2d,
    gated_block,
)
check = EXERCISES.check
