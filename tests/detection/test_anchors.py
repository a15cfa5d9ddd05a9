import math

import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator

from cvgen_course.detection.anchors import grid_anchors, pyramid_anchors


def naive_anchors(height, width, stride, sizes, ratios):
    anchors = []
    for i in range(height):
        for j in range(width):
            for size in sizes:
                for ratio in ratios:
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    x, y = (j + 0.5) * stride, (i + 0.5) * stride
                    anchors.append([x - w / 2, y - h / 2, x + w / 2, y + h / 2])
    return torch.tensor(anchors).reshape(-1, 4)


def torchvisions(shapes, strides, sizes, ratios):
    """Anchors of another library with our order, and our centres: theirs lie half a cell before."""
    generator = AnchorGenerator(tuple(map(tuple, sizes)), (tuple(ratios),) * len(sizes))
    generator.set_cell_anchors(torch.float32, torch.device("cpu"))
    pairs = [[torch.tensor(stride)] * 2 for stride in strides]
    levels = []
    for anchors, stride, level_sizes in zip(
        generator.grid_anchors(shapes, pairs), strides, sizes, strict=True
    ):
        ratio_then_size = anchors.reshape(-1, len(ratios), len(level_sizes), 4)
        levels.append(ratio_then_size.transpose(1, 2).reshape(-1, 4) + stride / 2)
    return torch.cat(levels)


def test_grid_anchors_equals_one_worked_out_by_hand():
    # The cell's centre is (1.5 · 4, 0.5 · 4) = (6, 2); ratio 4 makes 6 × 6 to 3 × 12.
    anchors = grid_anchors(1, 2, 4, sizes=[6], ratios=[1, 4])
    assert anchors[2:].tolist() == [[3, -1, 9, 5], [4.5, -4, 7.5, 8]]


@pytest.mark.parametrize(
    ("height", "width", "stride", "sizes", "ratios"),
    [
        (3, 5, 16, [32.0, 64.0, 128.0], [0.5, 1.0, 2.0]),
        (1, 4, 8, (10,), (0.3, 3)),
        (4, 1, 2.5, (1, 7.5), (1,)),
        (2, 2, 1, (1,), (1,)),
    ],
)
def test_grid_anchors_equals_a_loop(height, width, stride, sizes, ratios):
    anchors = grid_anchors(height, width, stride, sizes, ratios)
    assert anchors.dtype == torch.float32
    assert anchors.is_contiguous()
    assert anchors.shape == (height * width * len(sizes) * len(ratios), 4)
    torch.testing.assert_close(anchors, naive_anchors(height, width, stride, sizes, ratios))


def test_grid_anchors_equals_torchvisions_where_nothing_is_rounded():
    arguments = [(3, 5)], [16], [(32, 64)], (0.25, 1.0, 4.0)
    expected = torchvisions(*arguments)
    assert torch.equal(grid_anchors(3, 5, 16, (32, 64), (0.25, 1.0, 4.0)), expected)


def test_grid_anchors_has_not_torchvisions_rounding():
    sizes, ratios = (30, 50, 100), (0.5, 1.0, 2.0)
    difference = grid_anchors(4, 3, 8, sizes, ratios) - torchvisions([(4, 3)], [8], [sizes], ratios)
    assert 0.1 < difference.abs().max() <= 0.5 + 1e-5


def test_grid_anchors_have_the_area_the_ratio_and_the_centre_that_they_should():
    sizes, ratios = torch.tensor([12.0, 50.0]), torch.tensor([0.4, 1.0, 2.5])
    anchors = grid_anchors(3, 4, 8, sizes.tolist(), ratios.tolist()).reshape(3, 4, 2, 3, 4)
    size = anchors[..., 2:] - anchors[..., :2]
    torch.testing.assert_close(
        size.prod(dim=-1), (sizes**2)[:, None].expand(3, 4, 2, 3), rtol=1e-4, atol=0
    )
    torch.testing.assert_close(
        size[..., 1] / size[..., 0], ratios.expand(3, 4, 2, 3), rtol=1e-4, atol=0
    )
    centre = (anchors[..., :2] + anchors[..., 2:]) / 2
    torch.testing.assert_close(centre[2, 1, 0, 0], torch.tensor([12.0, 20.0]))
    assert torch.allclose(centre[0, :, 1, 2, 0], torch.tensor([4.0, 12.0, 20.0, 28.0]))


@pytest.mark.parametrize(("height", "width"), [(0, 3), (3, 0), (0, 0)])
def test_grid_anchors_of_an_empty_map_are_none(height, width):
    assert grid_anchors(height, width, 8, [16], [1]).shape == (0, 4)


def test_pyramid_anchors_puts_level_after_level():
    shapes, strides, sizes, ratios = [(4, 6), (2, 3)], [8, 16], [(16,), (32, 40)], [0.5, 1]
    anchors = pyramid_anchors(shapes, strides, sizes, ratios)
    assert anchors.shape == (4 * 6 * 2 + 2 * 3 * 4, 4)
    assert torch.equal(anchors[:48], grid_anchors(4, 6, 8, (16,), ratios))
    assert torch.equal(anchors[48:], grid_anchors(2, 3, 16, (32, 40), ratios))


def test_pyramid_anchors_equals_torchvisions_where_nothing_is_rounded():
    shapes, strides = [(6, 8), (3, 4), (2, 2)], [4, 8, 16]
    sizes, ratios = [(16, 32), (32, 64), (64, 128)], (0.25, 1.0, 4.0)
    expected = torchvisions(shapes, strides, sizes, ratios)
    assert torch.equal(pyramid_anchors(shapes, strides, sizes, ratios), expected)


def test_pyramid_anchors_of_no_level_are_none():
    anchors = pyramid_anchors([], [], [], [1.0])
    assert anchors.shape == (0, 4)
    assert anchors.dtype == torch.float32


def test_grid_anchors_says_what_is_wrong_with_its_arguments():
    with pytest.raises(ValueError, match=r"height, width: expected 0 or more .* got -1 and 3"):
        grid_anchors(-1, 3, 8, [16], [1])
    with pytest.raises(ValueError, match=r"stride: expected positive numbers, got \(0,\)"):
        grid_anchors(2, 3, 0, [16], [1])
    with pytest.raises(ValueError, match=r"sizes: expected positive numbers, got \(16, -1\)"):
        grid_anchors(2, 3, 8, [16, -1], [1])
    with pytest.raises(ValueError, match=r"ratios: expected positive numbers, got \(0, 1\)"):
        grid_anchors(2, 3, 8, [16], [0, 1])
    with pytest.raises(ValueError, match=r"ratios: expected positive numbers, got \(nan,\)"):
        grid_anchors(2, 3, 8, [16], [math.nan])


def test_pyramid_anchors_says_which_levels_are_missing():
    with pytest.raises(ValueError, match=r"one entry for each level, got 2, 1 and 2"):
        pyramid_anchors([(2, 2), (1, 1)], [8], [(16,), (32,)], [1])
