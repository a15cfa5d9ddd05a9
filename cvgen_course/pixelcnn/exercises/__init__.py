"""The graded exercises of the chapter on PixelCNN, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.pixelcnn.exercises import (
    causal_mask,
    masked_conv2d,
)

EXERCISES = Exercises(
    causal_mask,
    masked_conv2d,
)
check = EXERCISES.check
