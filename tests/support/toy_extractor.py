"""An extractor that needs no weights, and summaries of what it has looked at."""

import numpy as np
import torch
from torch.nn import functional as F

from cvgen_course.experiments.evaluation.array_file import ArrayFile
from cvgen_course.experiments.evaluation.comparison import Side
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor
from cvgen_course.experiments.evaluation.summary import summarise


class Pooled:
    """The means of an image's four quarters are its features; three of them speak for a class."""

    def features(self, images):
        return F.adaptive_avg_pool2d(images.mean(dim=1, keepdim=True), 2).flatten(1)

    def classify(self, features):
        return 20 * features[:, :3]


def toy_extractor(name="glyphs", published=False):
    channels = {"glyphs": 1, "inception": 3}[name]
    device = torch.device("cpu")
    return FeatureExtractor(name, Pooled(), device, channels, 8, "0123456789abcdef", published)


def no_progress(num):
    """Take note of nothing."""


def array_source(folder, images):
    np.savez(folder / "images.npz", images)
    return ArrayFile("REAL", folder / "images.npz")


def toy_side(folder, images, text="toys", **options):
    """Return what is kept of images, uint8 (N, H, W) or (N, H, W, C)."""
    source = array_source(folder, images)
    summary = summarise(source, toy_extractor(**options), 0, 50, no_progress)
    return Side(text, str(hash(images.tobytes())), summary)
