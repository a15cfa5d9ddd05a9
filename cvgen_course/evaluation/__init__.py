"""How good generated images are: what is measured, how sure one can be of it, and what it misses.

Features of images, statistics of features, distances of statistics: three steps, three files. The
Inception Score, the Fréchet distance (FID), the kernel distance (KID), precision and recall,
density and coverage, and perceptual path length; with an Inception network for photographs and an
embedded classifier for glyphs.
"""

from cvgen_course.evaluation.estimates import (
    estimate_frechet_distance,
    estimate_inception_score,
    estimate_kernel_distance,
    estimate_manifold,
)
from cvgen_course.evaluation.extrapolation import extrapolated_frechet_distance
from cvgen_course.evaluation.features import Extractor, extract_features, in_batches
from cvgen_course.evaluation.frechet import frechet_distance, root_trace
from cvgen_course.evaluation.glyph_classifier import GlyphClassifier, glyph_classifier
from cvgen_course.evaluation.inception import Inception, load_inception
from cvgen_course.evaluation.inception_score import inception_score, kl_divergence
from cvgen_course.evaluation.kernel import kernel_distance, polynomial_kernel
from cvgen_course.evaluation.manifold import (
    Manifold,
    manifold,
    manifold_per_item,
    nearest_radii,
    precision_recall,
)
from cvgen_course.evaluation.path_length import path_lengths
from cvgen_course.evaluation.resizing import resize
from cvgen_course.evaluation.statistics import (
    Moments,
    feature_statistics,
    merge_moments,
    moments,
    streaming_statistics,
)
from cvgen_course.evaluation.uncertainty import Estimate, bootstrap_error, mean_with_error

__all__ = [
    "Estimate",
    "Extractor",
    "GlyphClassifier",
    "Inception",
    "Manifold",
    "Moments",
    "bootstrap_error",
    "estimate_frechet_distance",
    "estimate_inception_score",
    "estimate_kernel_distance",
    "estimate_manifold",
    "extract_features",
    "extrapolated_frechet_distance",
    "feature_statistics",
    "frechet_distance",
    "glyph_classifier",
    "in_batches",
    "inception_score",
    "kernel_distance",
    "kl_divergence",
    "load_inception",
    "manifold",
    "manifold_per_item",
    "mean_with_error",
    "merge_moments",
    "moments",
    "nearest_radii",
    "path_lengths",
    "polynomial_kernel",
    "precision_recall",
    "resize",
    "root_trace",
    "streaming_statistics",
]
