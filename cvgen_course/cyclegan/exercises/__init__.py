"""The graded exercises of the chapter on CycleGAN, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.cyclegan.exercises import (
    discriminator_step,
    generator_step,
    receptive_field,
    residual_block,
)

EXERCISES = Exercises(
    residual_block,
    receptive_field,
    generator_step,
    discriminator_step,
)
check = EXERCISES.check
