"""Training: one loop for whatever has a loss, its history, and trained models from a cache."""

from cvgen_course.training.ema import averaged
from cvgen_course.training.history import History
from cvgen_course.training.loop import fit
from cvgen_course.training.phase import Phase, constant, one_cycle
from cvgen_course.training.trained import trained

__all__ = ["History", "Phase", "averaged", "constant", "fit", "one_cycle", "trained"]
