import pytest
import torch

from cvgen_course.data.instances import boxes_of
from cvgen_course.data.symmetries import (
    apply_symmetries,
    apply_symmetry,
    draw_symmetries,
    move_boxes,
)


def test_apply_symmetry_gives_the_square_s_eight():
    square = torch.arange(9).view(3, 3)
    moved = [apply_symmetry(square, symmetry) for symmetry in range(8)]
    assert len({tuple(each.flatten().tolist()) for each in moved}) == 8
    assert torch.equal(moved[0], square)
    assert torch.equal(moved[1], square.flip(1))
    assert torch.equal(moved[3], square.rot90(2))
    assert torch.equal(moved[4], square.T)


@pytest.mark.parametrize("symmetry", range(8))
def test_move_boxes_goes_with_the_masks(symmetry):
    masks = torch.zeros(2, 7, 9, dtype=torch.bool)
    masks[0, 1:3, 2:8], masks[1, 4:7, 0:1] = True, True
    moved = move_boxes(boxes_of(masks), symmetry, height=7, width=9)
    assert torch.equal(moved, boxes_of(apply_symmetry(masks, symmetry)))


@pytest.mark.parametrize(
    ("size", "turns", "number"), [((3, 3), True, 8), ((3, 4), True, 4), ((3, 3), False, 2)]
)
def test_draw_symmetries_draws_those_that_keep_the_size(size, turns, number):
    images = torch.zeros(200, 1, *size)
    drawn = draw_symmetries(images, torch.Generator().manual_seed(0), turns)
    assert drawn.unique().tolist() == list(range(number))


def test_apply_symmetries_moves_each_by_its_own():
    maps = torch.randn(8, 2, 3, 3)
    moved = apply_symmetries(maps, torch.arange(8))
    for symmetry in range(8):
        assert torch.equal(moved[symmetry], apply_symmetry(maps[symmetry], symmetry))
