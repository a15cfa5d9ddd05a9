import pytest
import torch
from support.image_files import fill, pixels
from support.toy_extractor import Pooled, array_source, no_progress, toy_extractor

from cvgen_course.errors import CourseError
from cvgen_course.evaluation import feature_statistics
from cvgen_course.experiments.evaluation import summary as summary_module
from cvgen_course.experiments.evaluation.image_folder import ImageFolder
from cvgen_course.experiments.evaluation.scores import NUM_SPLITS
from cvgen_course.experiments.evaluation.summary import Facts, summarise


def summary_of(source, seed=0, batch_size=50):
    return summarise(source, toy_extractor(), seed, batch_size, no_progress)


def same(first, second):
    assert first.facts == second.facts
    for a, b in zip(
        [*first.moments[1:], *first.sums, first.kept],
        [*second.moments[1:], *second.sums, second.kept],
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_summarise_gives_the_same_in_batches_of_any_size(tmp_path, batch_size):
    source = array_source(tmp_path, pixels(40, 8, 8))
    same(summary_of(source, batch_size=batch_size), summary_of(source))


def test_summarise_gives_what_all_images_at_once_give(tmp_path):
    images = pixels(40, 8, 8)
    found = summary_of(array_source(tmp_path, images), batch_size=7)
    features = Pooled().features(torch.from_numpy(images)[:, None] / 127.5 - 1)
    mean, covariance = feature_statistics(features)
    torch.testing.assert_close(found.kept, features)
    torch.testing.assert_close(found.moments.statistics, (mean, covariance))
    assert found.moments.num == found.facts.num == 40
    probs = Pooled().classify(features).softmax(dim=1)
    torch.testing.assert_close(found.sums.probs.sum(dim=0), probs.double().sum(dim=0))
    assert found.sums.num.tolist() == [4] * NUM_SPLITS


def test_summarise_keeps_features_of_some_and_statistics_of_all(tmp_path, monkeypatch):
    source = array_source(tmp_path, pixels(40, 8, 8))
    whole = summary_of(source)
    monkeypatch.setattr(summary_module, "KEPT", 15)
    some, others = summary_of(source), summary_of(source, seed=1)
    assert some.kept.shape == others.kept.shape == (15, 4)
    assert not torch.equal(some.kept, others.kept)
    places = [(whole.kept == row).all(dim=1).nonzero().item() for row in some.kept]
    assert len(set(places)) == 15
    assert max(places) > 20 > min(places)  # not the first
    torch.testing.assert_close(some.moments, whole.moments)
    same(some, summary_of(source, batch_size=3))


def test_summarise_leaves_out_what_can_t_be_read(tmp_path):
    images = pixels(10, 8, 8)
    folder = fill(tmp_path / "broken", images)
    for name in ("000.png", "004.png"):
        (folder / name).write_bytes(b"no picture")
    found = summary_of(ImageFolder("FAKE", folder), batch_size=3)
    whole = summary_of(ImageFolder("FAKE", fill(tmp_path / "whole", images)))
    torch.testing.assert_close(found.kept, whole.kept[[1, 2, 3, 5, 6, 7, 8, 9]])
    assert (found.facts.num, found.facts.unreadable) == (8, 2)
    assert found.facts.first_unreadable == "000.png"
    assert found.facts.formats == {"PNG": 8}


def test_summarise_of_unreadable_files_only_is_an_error(tmp_path):
    folder = fill(tmp_path, pixels(3, 8, 8))
    for path in folder.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(CourseError, match=r"FAKE: .* got 3 files .* first is '000\.png'"):
        summary_of(ImageFolder("FAKE", folder))


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_summarise_says_how_many_features_are_not_finite(tmp_path, monkeypatch, broken):
    class Broken(Pooled):
        def features(self, images):
            features = super().features(images)
            return features.where(images.mean(dim=(1, 2, 3))[:, None] < 1, broken)

    images = pixels(30, 8, 8)
    images[[21, 24, 29]] = 255
    monkeypatch.setattr("support.toy_extractor.Pooled", Broken)
    with pytest.raises(CourseError, match=r"REAL: expected finite .* for 2 of the first 25 images"):
        summary_of(array_source(tmp_path, images), batch_size=5)


def test_summarise_tells_how_far_it_is(tmp_path):
    told = []
    source = array_source(tmp_path, pixels(12, 8, 8))
    summarise(source, toy_extractor(), 0, 5, told.append)
    assert told == [5, 5, 2]


def test_facts_by_hand(tmp_path):
    images = pixels(6, 8, 8, 4)
    images[..., 3] = 255
    images[:2, ..., :3] = 100  # grey
    images[3, 0, 0, 3] = 0
    found = summary_of(array_source(tmp_path, images)).facts
    assert found == Facts(num=6, sizes={"8 × 8": 6}, grey=2, transparent=1)


def test_facts_count_sizes_and_formats(tmp_path):
    fill(tmp_path / "a", pixels(2, 8, 8))
    fill(tmp_path / "b", pixels(3, 6, 9), ".jpg")
    found = summary_of(ImageFolder("REAL", tmp_path)).facts
    assert found.sizes == {"8 × 8": 2, "6 × 9": 3}
    assert found.formats == {"PNG": 2, "JPEG": 3}
