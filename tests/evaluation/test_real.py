"""The metrics on real images, where ``CVGEN_DATA`` names a folder that holds them."""

import os
from pathlib import Path

import pytest
import torch

from cvgen_course.data import load
from cvgen_course.evaluation import (
    extract_features,
    feature_statistics,
    frechet_distance,
    glyph_classifier,
    kernel_distance,
    manifold,
)

ROOT = os.environ.get("CVGEN_DATA", "")

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not ROOT, reason="CVGEN_DATA names no folder of real data sets"),
]


@pytest.fixture(scope="module")
def features():
    """Features of 2000 digits for training, of as many for testing, and of as many clothes.

    They are drawn at random: MNIST's first digits for testing are neater than the others.
    """
    sets, rng = {}, torch.Generator().manual_seed(0)
    for key, name, split in (
        ("train", "mnist", "train"),
        ("test", "mnist", "test"),
        ("fashion", "fashion_mnist", "test"),
    ):
        folder = name.replace("_", "-")
        if not (Path(ROOT) / folder).is_dir():
            pytest.skip(f"CVGEN_DATA has no folder {folder}")
        images = load(name, split, root=ROOT).images
        drawn = images[torch.randperm(len(images), generator=rng)[:2000]]
        sets[key] = extract_features(glyph_classifier().features, drawn)
    return sets


def test_frechet_distance_within_mnist_is_far_below_that_to_fashion_mnist(features):
    train, test, fashion = map(feature_statistics, features.values())
    within = frechet_distance(train, test)
    to_fashion = frechet_distance(train, fashion)
    assert 0 < within < to_fashion / 50


def test_kernel_distance_within_mnist_is_far_below_that_to_fashion_mnist(features):
    train, test, fashion = (each[:1000] for each in features.values())
    assert kernel_distance(train, test).abs() < kernel_distance(train, fashion) / 50


def test_manifold_within_mnist_is_nearly_whole_and_that_of_fashion_mnist_is_not(features):
    within = manifold(features["train"], features["test"])
    fashion = manifold(features["train"], features["fashion"])
    assert min(within.precision, within.recall, within.coverage) > 0.9
    assert 0.9 < within.density < 1.1
    assert max(fashion.recall, fashion.density, fashion.coverage) < 0.3
