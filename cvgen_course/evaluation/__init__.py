"""How good generated images are: the Fréchet distance of two sets of features."""

from cvgen_course.evaluation.frechet import feature_statistics, frechet_distance

__all__ = ["feature_statistics", "frechet_distance"]
