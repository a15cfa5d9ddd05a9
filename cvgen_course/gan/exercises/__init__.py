"""The graded exercises of the chapter on GANs, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.gan.exercises import alternating_step

EXERCISES = Exercises(alternating_step)
check = EXERCISES.check
