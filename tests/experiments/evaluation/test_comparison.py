import pytest
import torch
from support.image_files import pixels
from support.toy_extractor import toy_extractor, toy_side

from cvgen_course.data import load
from cvgen_course.evaluation import (
    estimate_manifold,
    extract_features,
    feature_statistics,
    frechet_distance,
    glyph_classifier,
    kernel_distance,
)
from cvgen_course.experiments.evaluation import comparison as comparison_module
from cvgen_course.experiments.evaluation import summary as summary_module
from cvgen_course.experiments.evaluation.comparison import (
    FEWEST,
    compare,
    frechet_bias,
    measure,
)
from cvgen_course.experiments.evaluation.scores import score


@pytest.fixture
def sides(tmp_path):
    real, fake = pixels(60, 8, 8), pixels(50, 8, 8, seed=1)
    fake[:, :4] //= 2
    return toy_side(tmp_path, real), toy_side(tmp_path, fake)


def distance(first, second):
    return frechet_distance(feature_statistics(first), feature_statistics(second)).item()


def test_measure_gives_what_the_library_gives(sides):
    real, fake = (side.summary for side in sides)
    found = measure(real, fake, 0)
    assert found["frechet_distance"].value == pytest.approx(distance(real.kept, fake.kept))
    assert found["kernel_distance"].value == kernel_distance(real.kept, fake.kept).item()
    assert found["inception_score"] == score(fake.sums)
    assert found["inception_score_of_real"] == score(real.sums)
    for name, estimate in estimate_manifold(real.kept, fake.kept).items():
        assert found[name] == estimate


def test_measure_follows_from_the_seed_alone(sides):
    real, fake = (side.summary for side in sides)
    torch.manual_seed(1)
    first = measure(real, fake, 0)
    torch.manual_seed(2)
    assert measure(real, fake, 0) == first
    another = measure(real, fake, 1)
    assert another["frechet_distance"].error != first["frechet_distance"].error
    assert another["frechet_distance"].value == first["frechet_distance"].value


def test_measure_of_a_copy(sides):
    found = measure(sides[0].summary, sides[0].summary, 0)
    assert found["frechet_distance"].value == pytest.approx(0, abs=1e-9)
    assert found["kernel_distance"].value < 0  # no image is paired with itself, but with its copy
    for name in ("precision", "recall", "coverage"):
        assert found[name] == (1, 0)


def test_measure_of_as_few_images_as_are_allowed(tmp_path):
    sides = [toy_side(tmp_path, pixels(FEWEST, 8, 8, seed=seed)).summary for seed in (0, 1)]
    assert all(torch.tensor(estimate).isfinite().all() for estimate in measure(*sides, 0).values())


def test_measure_takes_the_statistics_of_all_images(tmp_path, monkeypatch):
    some = [pixels(60, 8, 8, seed=seed) for seed in (0, 1)]
    whole = [toy_side(tmp_path, images).summary for images in some]
    monkeypatch.setattr(summary_module, "KEPT", 30)
    found = measure(*(toy_side(tmp_path, images).summary for images in some), 0)
    expected = measure(*whole, 0)
    for name in ("frechet_distance", "inception_score", "inception_score_of_real"):
        assert found[name].value == pytest.approx(expected[name].value)
    assert found["kernel_distance"] != expected["kernel_distance"]


def test_frechet_bias_is_by_how_much_glyphs_seem_to_be_apart_from_glyphs(tmp_path):
    """Two hundred against two hundred others of the same kind: all of the distance is bias."""
    extract = glyph_classifier().features
    images = load("glyphs", "train", size=2000).images
    parts = extract_features(extract, images).split(200)
    sides = [side._replace(kept=part) for side, part in zip(_summaries(parts), parts, strict=True)]
    pairs = [*zip(sides[::2], sides[1::2], strict=True)]
    found = torch.tensor([frechet_bias(*pair) for pair in pairs])
    truth = torch.tensor([distance(a.kept, b.kept) for a, b in pairs])
    assert found.mean() == pytest.approx(truth.mean(), rel=0.3)


def _summaries(parts):
    from cvgen_course.evaluation import moments
    from cvgen_course.experiments.evaluation.scores import no_sums
    from cvgen_course.experiments.evaluation.summary import Facts, Summary

    return [Summary(Facts(len(x)), moments(x), no_sums(10), x) for x in parts]


def test_frechet_bias_counts_sides_that_are_kept_as_a_whole_only(sides, monkeypatch):
    real, fake = (side.summary for side in sides)
    assert frechet_bias(real, fake) > 0
    monkeypatch.setattr(comparison_module, "KEPT", 55)  # fewer than there are real images
    halves = [feature_statistics(fake.kept[first::2]) for first in (0, 1)]
    expected = [frechet_distance(real.moments.statistics, half).item() for half in halves]
    of_all = distance(real.kept, fake.kept)
    assert frechet_bias(real, fake) == pytest.approx(sum(expected) / 2 - of_all)
    monkeypatch.setattr(comparison_module, "KEPT", 40)
    assert frechet_bias(real, fake) == 0


def test_compare_holds_all_that_was_found(sides):
    extractor = toy_extractor()
    found = compare(*sides, extractor, 3)
    assert (found.real, found.fake, found.extractor, found.seed) == (*sides, extractor, 3)
    assert found.metrics == measure(*(side.summary for side in sides), 3)
    assert found.bias == frechet_bias(*(side.summary for side in sides))
