"""The graded exercises of the chapter on evaluation, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.evaluation.exercises import (
    frechet_distance,
    inception_score,
    kernel_distance,
    kl_divergence,
    precision_recall,
    root_trace,
)

EXERCISES = Exercises(
    kl_divergence,
    inception_score,
    root_trace,
    frechet_distance,
    kernel_distance,
    precision_recall,
)
check = EXERCISES.check
