"""The graded exercises of the chapter on GANs, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.gan.exercises import (
    alternating_step,
    discriminator_loss,
    gradient_penalty,
    non_saturating_loss,
    optimal_discriminator,
    saturating_loss,
)

EXERCISES = Exercises(
    discriminator_loss,
    saturating_loss,
    non_saturating_loss,
    optimal_discriminator,
    alternating_step,
    gradient_penalty,
)
check = EXERCISES.check
