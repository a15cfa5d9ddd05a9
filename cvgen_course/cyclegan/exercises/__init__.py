"""The graded exercises of the chapter on CycleGAN, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.cyclegan.exercises import (
    cycle_loss,
    discriminator_step,
    generator_step,
    identity_loss,
    make_patchgan,
    query_pool,
    receptive_field,
    residual_block,
    seen_pixels,
)

EXERCISES = Exercises(
    cycle_loss,
    identity_loss,
    residual_block,
    receptive_field,
    seen_pixels,
    make_patchgan,
    query_pool,
    generator_step,
    discriminator_step,
)
check = EXERCISES.check
