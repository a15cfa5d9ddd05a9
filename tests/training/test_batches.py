from typing import NamedTuple

import pytest
import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from cvgen_course.data.scene_set import load_scenes
from cvgen_course.detection import DetectionSet, Targets
from cvgen_course.training.batches import endless_batches, on_device


class Item(NamedTuple):
    image: torch.Tensor
    number: int


class Items(Dataset):
    def __init__(self, num=5):
        self.num = num

    def __len__(self):
        return self.num

    def __getitem__(self, index):
        return Item(torch.full((1, 2, 2), float(index)), index)


class AsList(Items):
    """Torch's own reading of `__getitems__`."""

    def __getitems__(self, indices):
        return [self[i] for i in indices]


class Whole(Items):
    def __getitems__(self, indices):
        return {"numbers": torch.tensor(indices)}


def first(train_set, batch_size=3):
    return next(endless_batches(train_set, batch_size, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("kind", [Items, AsList])
def test_endless_batches_put_items_together_part_by_part(kind):
    batch = first(kind())
    assert type(batch) is Item
    assert batch.image.shape == (3, 1, 2, 2)
    assert torch.equal(batch.image[:, 0, 0, 0].long(), batch.number)


def test_endless_batches_take_a_set_s_own_batches_as_they_are():
    assert torch.equal(first(Whole())["numbers"], first(Items()).number)
    numbers = first(Subset(Whole(), [4, 3, 2, 1, 0]))["numbers"]
    assert torch.equal(4 - numbers, first(Items()).number)


def test_endless_batches_take_torch_s_tensor_data_set():
    x = torch.arange(5.0)
    a, b = first(TensorDataset(x, 2 * x))
    assert torch.equal(b, 2 * a)


def test_endless_batches_show_everything_once_before_anything_again():
    batches = endless_batches(Items(7), 3, torch.Generator().manual_seed(0))
    numbers = torch.cat([next(batches).number for _ in range(7)]).view(3, 7)
    assert numbers.sort(dim=1).values.tolist() == 3 * [list(range(7))]


def test_scenes_and_detection_sets_make_their_own_batches(tmp_path):
    scenes = load_scenes("train", tmp_path, size=3)
    indices = [2, 0]
    batch = scenes.__getitems__(indices)
    for row, index in enumerate(indices):
        assert torch.equal(batch.image[row], scenes[index].image)
        assert torch.equal(batch.mask[row], scenes[index].mask)
    images, targets = DetectionSet(scenes).__getitems__(indices)
    assert torch.equal(images, batch.image)
    assert torch.equal(targets.boxes[1, : len(scenes[0].boxes)], scenes[0].boxes)
    loader = torch.utils.data.DataLoader(scenes, batch_size=2, collate_fn=lambda batch: batch)
    assert next(iter(loader)).image.shape == (2, 3, 64, 64)


def test_on_device_moves_what_is_nested_and_keeps_its_types():
    image = torch.zeros(2, 3, 4, 4)
    targets = Targets(torch.zeros(2, 1, 4), torch.zeros(2, 1).long())
    batch = {"pair": (image, targets), "names": ["a", "b"], "item": Item(image.bool(), 3)}
    moved = on_device(batch, torch.device("meta"))
    assert moved["pair"][0].device.type == "meta"
    assert type(moved["pair"][1]) is Targets
    assert moved["pair"][1].labels.device.type == "meta"
    assert moved["pair"][1].masks is None
    assert moved["names"] == ["a", "b"]
    assert type(moved["item"]) is Item
    assert moved["item"].number == 3


def test_on_device_stores_images_channels_last_and_nothing_else():
    image = torch.randn(2, 3, 4, 4)
    moved, masks = on_device((image, image > 0), torch.device("cpu"))
    assert moved.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved, image)
    assert masks.is_contiguous()
