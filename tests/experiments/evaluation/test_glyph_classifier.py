import sys
from functools import partial

import pytest
import torch
from safetensors.torch import load_file

from cvgen_course.data import load
from cvgen_course.evaluation import (
    GlyphClassifier,
    extract_features,
    feature_statistics,
    glyph_classifier,
)
from cvgen_course.experiments.evaluation import glyph_classifier as training
from cvgen_course.experiments.evaluation.glyph_classifier import main, train_glyph_classifier


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def quick(monkeypatch):
    """Let the command train for a moment only."""
    short = partial(train_glyph_classifier, num_images=200, steps=2)
    monkeypatch.setattr(training, "train_glyph_classifier", short)


def test_train_glyph_classifier_learns_glyphs():
    torch.manual_seed(5)  # it seeds for itself
    model = train_glyph_classifier(num_images=300, steps=40)
    test_set = load("glyphs", "test", size=200)
    assert (model(test_set.images).argmax(dim=1) == test_set.labels).float().mean() > 0.5
    assert not model.training


def test_train_glyph_classifier_s_features_have_variance_1_on_average():
    model = train_glyph_classifier(num_images=200, steps=2)
    features = extract_features(model.features, load("glyphs", "train", size=200).images)
    _, covariance = feature_statistics(features)
    assert covariance.trace() / 64 == pytest.approx(1, rel=1e-4)


def test_train_glyph_classifier_is_the_same_again():
    first, second = (train_glyph_classifier(num_images=200, steps=2) for _ in range(2))
    for name, x in first.state_dict().items():
        assert torch.equal(x, second.state_dict()[name])


def test_main_writes_weights_that_fit_the_embedded_ones(tmp_path, monkeypatch, quick):
    path = tmp_path / "new" / "weights.safetensors"
    monkeypatch.setattr(sys, "argv", ["glyph_classifier", str(path)])
    main()
    state = load_file(path)
    GlyphClassifier().load_state_dict(state)
    embedded = glyph_classifier().state_dict()
    assert {n: x.shape for n, x in state.items()} == {n: x.shape for n, x in embedded.items()}


def test_main_writes_nothing_where_it_was_stopped(tmp_path, monkeypatch, quick):
    def stopped(model, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_loss", stopped)
    monkeypatch.setattr(sys, "argv", ["glyph_classifier", str(tmp_path / "weights.safetensors")])
    with pytest.raises(KeyboardInterrupt):
        main()
    assert not (tmp_path / "weights.safetensors").exists()


def test_main_says_that_it_needs_a_path(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["glyph_classifier"])
    with pytest.raises(SystemExit, match=r"usage: python -m .*glyph_classifier PATH"):
        main()
