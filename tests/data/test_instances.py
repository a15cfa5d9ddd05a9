import numpy as np
import torch
from torchvision import ops

from cvgen_course.data.instances import boxes_of, number_masks, scene_item


def test_boxes_of_one_pixel_has_width_one():
    instances = torch.zeros(1, 5, 7, dtype=torch.bool)
    instances[0, 2, 3] = True
    assert boxes_of(instances).tolist() == [[3, 2, 4, 3]]


def test_boxes_of_equals_torchvisions_whose_maxima_are_inclusive():
    rng = torch.Generator().manual_seed(0)
    share = torch.tensor([0.01, 0.02, 0.1, 0.9]).repeat(10)[:, None, None]
    instances = torch.rand(40, 13, 17, generator=rng) < share
    instances = instances[instances.flatten(1).any(dim=1)]
    assert len(instances) > 30
    expected = ops.masks_to_boxes(instances) + torch.tensor([0, 0, 1, 1])
    assert torch.equal(boxes_of(instances), expected)


def test_boxes_of_no_object_is_empty():
    assert boxes_of(torch.zeros(0, 5, 7, dtype=torch.bool)).shape == (0, 4)


def test_number_masks_earlier_keeps_the_pixel_and_empty_gets_no_number():
    first, empty, second = np.zeros((3, 2, 3))
    first[0, :2] = 255
    second[0, 1:] = 255
    np.testing.assert_array_equal(
        number_masks([first, empty, second], 2, 3), [[1, 1, 2], [0, 0, 0]]
    )


def test_number_masks_a_hidden_mask_gets_no_number():
    mask = np.ones((2, 2))
    np.testing.assert_array_equal(number_masks([mask, mask], 2, 2), mask)


def test_scene_item_maps_numbers_to_classes():
    ids = torch.tensor([[0, 1], [2, 2]])
    item = scene_item(torch.zeros(3, 2, 2), ids, torch.tensor([4, 1]))
    assert item.mask.tolist() == [[0, 4], [1, 1]]
    assert item.instances.tolist() == [
        [[False, True], [False, False]],
        [[False, False], [True, True]],
    ]
    assert item.boxes.tolist() == [[1, 0, 2, 1], [0, 1, 2, 2]]
