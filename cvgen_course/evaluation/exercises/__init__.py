"""The graded exercises of the chapter on evaluation, in the lecture's order."""

from cvgen_course.checks import Exercises
from cvgen_course.evaluation.exercises import (
    frechet_distance,
    inception_score,
    kernel_distance,
    kl_divergence,
    merge_moments,
    precision_recall,
    root_trace,
    streaming_statistics,
)

EXERCISES = Exercises(
    kl_divergence,
    inception_score,
    merge_moments,
    streaming_statistics,
    root_trace,
    frechet_distance,
    kernel_distance,
    precision_recall,
)
check = EXERCISES.check
