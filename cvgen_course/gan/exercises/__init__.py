"""The graded exercises of the chapter on GANs, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.gan.exercises import alternating_step, gradient_penalty

EXERCISES = Exercises(alternating_step, gradient_penalty)
check = EXERCISES.check
