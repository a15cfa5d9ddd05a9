"""Training: one loop, its history, and predictions."""

from cvgen_course.training.augment import flip_and_turn, flip_and_turn_objects
from cvgen_course.training.loop import History, fit, predict

__all__ = ["History", "fit", "flip_and_turn", "flip_and_turn_objects", "predict"]
