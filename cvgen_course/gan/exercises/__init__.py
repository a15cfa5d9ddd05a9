"""The graded exercises of the chapter on GANs, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.gan.exercises import (
    alternating_step,
    conditional_batch_norm,
    discriminator_loss,
    ema_update,
    gradient_penalty,
    non_saturating_loss,
    optimal_discriminator,
    saturating_loss,
    spectral_norm,
    truncated_normal,
)

EXERCISES = Exercises(
    discriminator_loss,
    saturating_loss,
    optimal_discriminator,
    alternating_step,
    non_saturating_loss,
    gradient_penalty,
    spectral_norm,
    ema_update,
    conditional_batch_norm,
    truncated_normal,
)
check = EXERCISES.check
