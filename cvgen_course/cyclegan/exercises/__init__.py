"""The graded exercises of the chapter on CycleGAN, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.cyclegan.exercises import (
    discriminator_step,
    generator_step,
    make_patchgan,
    receptive_field,
    residual_block,
    seen_pixels,
)

EXERCISES = Exercises(
    residual_block,
    receptive_field,
    seen_pixels,
    make_patchgan,
    generator_step,
    discriminator_step,
)
check = EXERCISES.check
