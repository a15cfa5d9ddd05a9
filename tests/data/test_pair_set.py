import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from cvgen_course.data import load, pairs
from cvgen_course.data.pair_set import ARRAYS, SIZES, load_pairs
from cvgen_course.data.unpaired import UnpairedImages
from cvgen_course.training.batches import endless_batches


@pytest.fixture(scope="module")
def animals(tmp_path_factory):
    return load_pairs("val", tmp_path_factory.mktemp("pairs"), size=40)


def test_load_pairs_items_have_the_documented_types(animals):
    a, b = animals[3]
    assert a.shape == b.shape == (3, 32, 32)
    assert a.dtype == b.dtype == torch.float32
    assert -1 <= min(a.min(), b.min()) < max(a.max(), b.max()) <= 1
    assert isinstance(animals, UnpairedImages)
    assert animals.classes == ("plain", "striped")
    assert len(animals) == len(list(animals)) == 40


def test_load_pairs_hands_out_what_was_drawn(animals):
    drawn = pairs.draw_split("val", 40, seed=0)
    for name in ("a", "b", "truths", "neither"):
        found = getattr(animals, name)
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found, drawn[name] / 127.5 - 1, atol=1e-6)
    assert animals.animals.shape == (40, 1, 32, 32)
    np.testing.assert_allclose(animals.animals[:, 0], drawn["animals"] / 255, atol=1e-6)


def test_load_pairs_truths_keep_the_ground_and_change_the_animal(animals):
    ground = animals.animals == 0
    difference = (animals.truths - animals.a).abs()
    assert (difference * ground).max() == 0
    assert (difference * animals.animals).sum() / (3 * animals.animals.sum()) > 0.4


def test_labelled_has_all_three_kinds_of_animals(animals):
    labelled = animals.labelled()
    assert labelled.classes == ("plain", "striped", "neither")
    assert len(labelled) == 120
    assert labelled.labels.tolist() == [0] * 40 + [1] * 40 + [2] * 40
    for label, name in enumerate(("a", "b", "neither")):
        assert torch.equal(labelled.images[labelled.labels == label], getattr(animals, name))


def test_load_pairs_sizes():
    assert SIZES == {"train": 2000, "val": 250, "test": 250}
    assert set(ARRAYS) == set(pairs.draw_split("val", 1, seed=0))


def test_load_pairs_smaller_size_is_a_prefix(animals):
    few = load("pairs", "val", size=5)
    assert len(few) == 5
    for name in ("a", "b", "truths", "neither", "animals"):
        assert torch.equal(getattr(few, name), getattr(animals, name)[:5])


def test_load_pairs_splits_and_seeds_differ():
    parts = [load("pairs", split, size=2).a for split in ("train", "val", "test")]
    parts.append(load("pairs", "train", size=2, seed=1).a)
    for i, part in enumerate(parts):
        assert not any(torch.equal(part, other) for other in parts[:i])


def test_load_pairs_reads_its_cache(tmp_path, monkeypatch):
    first = load("pairs", "val", root=tmp_path, size=3)
    assert len(list((tmp_path / "pairs").glob("val-3-0-*.npz"))) == 1
    monkeypatch.setattr("cvgen_course.data.pairs.draw_split", None)  # drawing again would fail
    again = load("pairs", "val", root=tmp_path, size=3)
    assert all(torch.equal(getattr(again, name), getattr(first, name)) for name in ARRAYS)


@pytest.mark.parametrize("size", [0, -1])
def test_load_pairs_rejects_a_size(size):
    with pytest.raises(ValueError, match="size: expected at least 1"):
        load("pairs", "train", size=size)


def test_load_pairs_batches_take_both_domains(animals):
    batch = next(endless_batches(animals, 7, torch.Generator().manual_seed(0)))
    assert batch.a.shape == batch.b.shape == (7, 3, 32, 32)
    index = next(i for i in range(40) if torch.equal(animals.a[i], batch.a[0]))
    assert torch.equal(animals.b[index], batch.b[0])


def test_pairs_can_not_be_told_apart_by_colours_alone():
    """The mean colour of an image says little; a judge has to look at the animal."""
    train, test = (load("pairs", split, size=150) for split in ("train", "test"))
    inputs, others = (torch.cat([x.a, x.b]).mean(dim=(2, 3)).numpy() for x in (train, test))
    labels = np.repeat([0, 1], 150)
    model = LogisticRegression(max_iter=500).fit(inputs, labels)
    assert model.score(others, labels) < 0.75
