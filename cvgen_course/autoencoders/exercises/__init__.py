"""The graded exercises of the chapter on autoencoders, in the lecture's order."""

from cvgen_course.autoencoders.exercises import (
    elbo,
    ema_update,
    from_rows,
    gaussian_kl_per_item,
    pca,
    perplexity,
    quantize,
    reparametrize,
    to_rows,
    vq_losses,
)
from cvgen_course.checks import Exercises

EXERCISES = Exercises(
    pca,
    reparametrize,
    gaussian_kl_per_item,
    elbo,
    to_rows,
    from_rows,
    quantize,
    vq_losses,
    ema_update,
    perplexity,
)
check = EXERCISES.check
