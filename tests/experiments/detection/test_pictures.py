import pytest
import torch
from support.street import Street, scene

from cvgen_course.data.instances import boxes_of, scene_item
from cvgen_course.data.items import DetectionItem
from cvgen_course.detection.detections import Detections
from cvgen_course.experiments.detection.pictures import (
    Objects,
    Pictures,
    masks_of,
    published,
    shrink,
    window_of,
)


def test_shrink_keeps_an_image_that_is_small_enough():
    item = scene()
    for shorter in (None, 48, 100):
        picture = shrink(item, shorter)
        assert picture.image is item.image
        assert picture.objects is picture.truth
        target = picture.truth.target()
        assert torch.equal(target.masks, item.instances)
        assert torch.equal(target.boxes, item.boxes)
        assert torch.equal(target.labels, item.labels)


def test_shrink_scales_boxes_and_masks_with_the_image():
    item = scene()
    picture = shrink(item, 24)
    assert picture.image.shape == (3, 24, 32)
    assert picture.objects.size == (24, 32)
    assert picture.truth.size == (48, 64)
    assert torch.equal(picture.objects.boxes, item.boxes / 2)
    masks = picture.objects.target().masks
    assert (boxes_of(masks) - item.boxes / 2).abs().max() <= 1
    assert torch.equal(picture.truth.target().masks, item.instances)


def test_shrink_keeps_the_mean_colour():
    item = scene()
    torch.testing.assert_close(
        shrink(item, 24).image.mean(dim=(1, 2)), item.image.mean(dim=(1, 2)), atol=0.02, rtol=0
    )


def test_shrink_leaves_out_what_vanishes_but_not_in_the_truth():
    ids = torch.zeros(40, 40, dtype=torch.int64)
    ids[10:30, 10:30] = 2
    ids[0, 1] = 1  # a single pixel
    item = scene_item(torch.zeros(3, 40, 40), ids, torch.tensor([1, 3]))
    picture = shrink(item, 10)
    assert picture.objects.labels.tolist() == [3]
    assert picture.objects.ids.unique().tolist() == [0, 1]
    assert picture.truth.labels.tolist() == [1, 3]


def test_shrink_takes_boxes_without_masks():
    item = DetectionItem(
        torch.zeros(3, 48, 64), torch.tensor([[2.0, 4, 10, 20]]), torch.tensor([2])
    )
    picture = shrink(item, 24)
    assert picture.objects.boxes.tolist() == [[1, 2, 5, 10]]
    assert picture.objects.target().masks is None


@pytest.mark.parametrize("shorter", [None, 24])
def test_shrink_leaves_out_what_is_difficult_but_not_in_the_truth(shorter):
    boxes = torch.tensor([[2.0, 4, 10, 20], [20, 4, 30, 20], [6, 6, 12, 12]])
    labels, difficult = torch.tensor([2, 1, 3]), torch.tensor([False, True, False])
    picture = shrink(DetectionItem(torch.zeros(3, 48, 64), boxes, labels, difficult), shorter)
    scale = 1 if shorter is None else 2
    assert torch.equal(picture.objects.boxes, boxes[[0, 2]] / scale)
    assert picture.objects.labels.tolist() == [2, 3]
    assert window_of(picture.objects, (0, 0), (24, 32)).labels.tolist() == [2, 3]
    truth = picture.truth.target()
    assert torch.equal(truth.boxes, boxes)
    assert torch.equal(truth.sought(), ~difficult)


def test_pictures_reads_every_item_once():
    class Counted(Street):
        reads = 0

        def __getitem__(self, index):
            self.reads += 1
            return super().__getitem__(index)

    items = Counted(3)
    pictures = Pictures(items, None)
    assert len(pictures) == 3
    assert pictures.classes == items.classes
    assert pictures[1] is pictures[1]
    assert items.reads == 1


@pytest.mark.parametrize("corner", [(0, 0), (3, 5), (20, 30), (40, 52)])
def test_window_of_is_what_a_loop_over_objects_finds(corner):
    for seed in range(5):
        item = scene(seed=seed)
        objects = shrink(item, None).objects
        (top, left), (height, width) = corner, (24, 24)
        seen = window_of(objects, corner, (height, width))
        expected = []
        for mask, label in zip(item.instances, item.labels, strict=True):
            part = mask[top : top + height, left : left + width]
            if part.sum() > 0.25 * mask.sum():
                full = torch.zeros(height, width, dtype=torch.bool)
                full[: part.shape[0], : part.shape[1]] = part
                expected.append((full, int(label)))
        target = seen.target()
        assert target.labels.tolist() == [label for _, label in expected]
        for mask, (wanted, _) in zip(target.masks, expected, strict=True):
            assert torch.equal(mask, wanted)
        if expected:
            assert torch.equal(target.boxes, boxes_of(target.masks))


def test_window_of_cuts_boxes_where_there_are_no_masks():
    boxes = torch.tensor([[0.0, 0, 10, 10], [8, 8, 12, 12], [20, 20, 30, 30]])
    objects = Objects(boxes, torch.tensor([1, 2, 3]), (40, 40))
    seen = window_of(objects, (5, 4), (10, 10))
    # Of the first, 6 × 5 of 10 × 10 are left; of the third, nothing.
    assert seen.boxes.tolist() == [[0, 0, 6, 5], [4, 3, 8, 7]]
    assert seen.labels.tolist() == [1, 2]
    assert window_of(objects, (5, 4), (10, 10), min_visible=0.5).labels.tolist() == [2]


def test_window_of_may_be_empty():
    objects = shrink(scene(), None).objects
    seen = window_of(objects, (100, 100), (8, 8))
    assert seen.boxes.shape == (0, 4)
    assert seen.target().masks.shape == (0, 8, 8)


def test_masks_of_a_batch():
    ids = torch.tensor([[[0, 1], [2, 2]], [[1, 1], [0, 3]]], dtype=torch.int16)
    masks = masks_of(ids, 3)
    assert masks.shape == (2, 3, 2, 2)
    assert masks[1, 2].tolist() == [[False, False], [False, True]]
    assert torch.equal(masks.sum(dim=1) == 0, ids == 0)


@pytest.mark.parametrize("shorter", [None, 24])
def test_published_brings_the_whole_truth_back(shorter):
    """What a perfect detector finds in the shrunk image fits the published one."""
    item = scene()
    picture = shrink(item, shorter)
    target = picture.objects.target()
    masks = torch.nn.functional.pad(target.masks, (0, 5, 0, 3))  # as if filled up
    found = Detections(target.boxes, torch.ones(len(target.boxes)), target.labels, masks)
    back = published(found, picture)
    assert back.masks.shape == item.instances.shape
    torch.testing.assert_close(back.boxes, item.boxes)
    wrong = (back.masks != item.instances).float().mean()
    assert wrong == 0 if shorter is None else wrong < 0.03  # at the edges


def test_published_leaves_out_what_lies_in_the_filling():
    picture = shrink(scene(20, 20), None)
    boxes = torch.tensor([[10.0, 10, 30, 30], [20, 0, 28, 9]])
    found = Detections(boxes, torch.tensor([0.9, 0.8]), torch.tensor([1, 2]))
    back = published(found, picture)
    assert back.boxes.tolist() == [[10, 10, 20, 20]]
    assert back.scores.tolist() == pytest.approx([0.9])
    assert back.labels.tolist() == [1]
    assert back.masks is None


def test_published_takes_no_detections():
    found = Detections(
        torch.zeros(0, 4), torch.zeros(0), torch.zeros(0).long(), torch.zeros(0, 24, 32).bool()
    )
    back = published(found, shrink(scene(), 24))
    assert back.masks.shape == (0, 48, 64)
