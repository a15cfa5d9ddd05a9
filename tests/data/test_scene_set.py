import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import jaccard_score

from cvgen_course.data import CLASSES, load
from cvgen_course.data.scene_set import load_scenes


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    return load_scenes("train", tmp_path_factory.mktemp("scenes"), size=150)


def test_scenes_items_have_the_documented_types(train):
    image, mask, instances, boxes, labels = train[3]
    K = len(labels)
    assert image.shape == (3, 64, 64)
    assert image.dtype == boxes.dtype == torch.float32
    assert -1 <= image.min() < image.max() <= 1
    assert mask.shape == (64, 64)
    assert mask.dtype == labels.dtype == torch.int64
    assert instances.shape == (K, 64, 64)
    assert instances.dtype == torch.bool
    assert boxes.shape == (K, 4)
    assert train.classes == CLASSES == ("background", "disc", "square", "triangle", "star")


def test_scenes_items_agree_with_themselves(train):
    for item in train:
        assert (item.instances.sum(dim=0) <= 1).all()
        assert ((item.mask > 0) == item.instances.any(dim=0)).all()
        for instance, box, label in zip(item.instances, item.boxes, item.labels, strict=True):
            assert (item.mask[instance] == label).all()
            rows, columns = instance.nonzero(as_tuple=True)  # the box, the slow way
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert box.tolist() == [int(number) for number in expected]


def test_scenes_batches_agree_with_items(train):
    assert train.images.shape == (150, 3, 64, 64)
    assert train.masks.shape == (150, 64, 64)
    for index in (0, 70, 149):
        assert torch.equal(train.images[index], train[index].image)
        assert torch.equal(train.masks[index], train[index].mask)


def test_scenes_has_an_end(train):
    assert len(list(train)) == len(train) == 150
    assert torch.equal(train[-1].image, train[149].image)
    with pytest.raises(IndexError):
        train[150]


def test_load_scenes_smaller_size_is_a_prefix(train):
    few = load("scenes", "train", size=5)
    assert len(few) == 5
    assert torch.equal(few.images, train.images[:5])


def test_load_scenes_splits_and_seeds_differ():
    parts = [load("scenes", split, size=2).images for split in ("train", "val", "test")]
    parts.append(load("scenes", "train", size=2, seed=1).images)
    for i, part in enumerate(parts):
        assert not any(torch.equal(part, other) for other in parts[:i])


def test_load_scenes_reads_its_cache(tmp_path, monkeypatch):
    first = load("scenes", "val", root=tmp_path, size=3)
    assert len(list((tmp_path / "scenes").glob("val-3-0-*.npz"))) == 1
    monkeypatch.setattr("cvgen_course.data.scenes.draw_split", None)  # drawing again would fail
    assert torch.equal(load("scenes", "val", root=tmp_path, size=3).images, first.images)


def test_load_scenes_draws_anew_where_the_code_has_changed(tmp_path, monkeypatch):
    load("scenes", "val", root=tmp_path, size=1)
    monkeypatch.setattr("cvgen_course.data.drawn.code_hash", lambda module: f"new-{module}")
    load("scenes", "val", root=tmp_path, size=1)
    names = sorted(path.name for path in (tmp_path / "scenes").iterdir())
    assert len(names) == 2
    assert names[1] == "val-1-0-new-cvgen_course.data.scenes.npz"


@pytest.mark.parametrize("size", [0, -1])
def test_load_scenes_rejects_a_size(size):
    with pytest.raises(ValueError, match="size: expected at least 1"):
        load("scenes", "train", size=size)


def patches(images: torch.Tensor, width: int) -> np.ndarray:
    """The width × width pixels around each pixel: (N, 3, 64, 64) → (N · 64 · 64, 3 · width²)."""
    padded = torch.nn.functional.pad(images, (width // 2,) * 4, mode="reflect")
    columns = torch.nn.functional.unfold(padded, width)  # (N, 3 · width², 64 · 64)
    return columns.transpose(1, 2).flatten(0, 1).numpy()


@pytest.mark.parametrize("balanced", [None, "balanced"])
@pytest.mark.parametrize("width", [1, 5])
def test_scenes_defeat_a_linear_pixel_classifier(train, width, balanced):
    chosen = np.random.default_rng(0).choice(100 * 64 * 64, 8000, replace=False)
    inputs, targets = (
        patches(train.images[:100], width)[chosen],
        train.masks[:100].flatten()[chosen],
    )
    model = LogisticRegression(class_weight=balanced, max_iter=500).fit(inputs, targets)
    found = model.predict(patches(train.images[100:], width))
    iou = jaccard_score(train.masks[100:].flatten(), found, average=None, zero_division=0)
    assert iou.mean() < 0.22
    assert iou[1:].max() < 0.16  # no class gives itself away
