import pytest
import torch

from cvgen_course.data import load
from cvgen_course.evaluation import GlyphClassifier, feature_statistics, glyph_classifier
from cvgen_course.evaluation.glyph_classifier import NUM_FEATURES


@pytest.fixture(scope="module")
def glyphs():
    return load("glyphs", "test", size=1000)


def test_embedded_weights_know_glyphs(glyphs):
    pred = glyph_classifier()(glyphs.images).argmax(dim=1)
    assert (pred == glyphs.labels).float().mean() >= 0.99


def test_embedded_features_have_full_rank_and_variance_1_on_average(glyphs):
    features = glyph_classifier().features(glyphs.images)
    assert features.shape == (1000, NUM_FEATURES)
    _, covariance = feature_statistics(features)
    assert torch.linalg.matrix_rank(covariance) == NUM_FEATURES
    assert covariance.trace() / NUM_FEATURES == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_features_do_not_depend_on_the_batch(glyphs, batch_size):
    model, images = glyph_classifier(), glyphs.images[:100]
    parts = [model.features(batch) for batch in images.split(batch_size)]
    torch.testing.assert_close(torch.cat(parts), model.features(images), rtol=1e-5, atol=1e-6)


def test_features_differ_between_classes_more_than_within(glyphs):
    features = glyph_classifier().features(glyphs.images)
    means = torch.stack([features[glyphs.labels == label].mean(dim=0) for label in range(10)])
    within = (features - means[glyphs.labels]).square().sum(dim=1).mean()
    assert torch.pdist(means).square().mean() > 2 * within


def test_embedded_classifier_is_one_and_learns_no_more():
    model = glyph_classifier()
    assert model is glyph_classifier()
    assert not model.training
    assert not any(x.requires_grad for x in model.parameters())


def test_classifier_is_small():
    convolutions = 16 * (9 + 1) + 32 * (9 * 16 + 1) + 64 * (9 * 32 + 1)
    linear = 64 * (64 * 16 + 1) + 10 * (64 + 1)
    assert sum(x.numel() for x in GlyphClassifier().parameters()) == convolutions + linear


def test_scale_divides_features_and_leaves_logits(glyphs):
    torch.manual_seed(0)
    model, images = GlyphClassifier().eval(), glyphs.images[:5]
    features, logits = model.features(images), model(images)
    model.scale.fill_(4.0)
    torch.testing.assert_close(model.features(images), features / 4)
    torch.testing.assert_close(model(images), logits)


def test_classify_and_features_are_what_forward_is_made_of(glyphs):
    model, images = glyph_classifier(), glyphs.images[:5]
    logits = model.classify(model.features(images))
    assert torch.equal(logits, model(images))
    assert logits.shape == (5, 10)


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (2, 1, 32, 32), (1, 28, 28)])
def test_features_refuse_other_shapes(shape):
    with pytest.raises(ValueError, match="images: expected a floating-point tensor of shape"):
        glyph_classifier().features(torch.zeros(shape))


def test_features_refuse_bytes():
    with pytest.raises(TypeError, match=r"images: .* got torch.uint8; use images.float\(\)"):
        glyph_classifier().features(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
