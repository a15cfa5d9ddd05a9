import math
from functools import partial

import pytest
import torch
from support import regions
from torchvision import ops

from cvgen_course.detection.roi_pool import roi_pool

PLANE = torch.arange(48.0).reshape(1, 1, 6, 8)  # row i, column j: 8i + j
FIRST = torch.zeros(1, dtype=torch.int64)
random_regions = partial(regions.random_regions, step=2)  # halves after scaling, to be rounded


def torchvisions(features, boxes, image_of, output_size, scale=1.0):
    boxes = torch.cat([image_of[:, None].to(boxes.dtype), boxes], dim=1)
    return ops.roi_pool(features, boxes, output_size, scale)


def rounded(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def naive_roi_pool(features, boxes, image_of, size, scale):
    (ph, pw), (_, C, H, W) = size, features.shape
    out = features.new_zeros(len(boxes), C, ph, pw)
    for r, box in enumerate(boxes.tolist()):
        x1, y1, x2, y2 = (rounded(scale * each) for each in box)
        height, width = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        for p in range(ph):
            for q in range(pw):
                top, bottom = (
                    y1 + math.floor(p * height / ph),
                    y1 + math.ceil((p + 1) * height / ph),
                )
                left, right = x1 + math.floor(q * width / pw), x1 + math.ceil((q + 1) * width / pw)
                rows = [i for i in range(top, bottom) if 0 <= i < H]
                columns = [j for j in range(left, right) if 0 <= j < W]
                for c in range(C):
                    values = [features[image_of[r], c, i, j].item() for i in rows for j in columns]
                    out[r, c, p, q] = max(values, default=0.0)
    return out


def test_roi_pool_equals_one_worked_out_by_hand():
    # Rounded: columns 2 to 5, rows 1 to 3. Bins of 1.5 × 2 cells: rows 1–2 and 2–3.
    box = torch.tensor([[1.6, 1.4, 5.4, 2.6]])
    expected = torch.tensor([[8 * 2 + 3.0, 8 * 2 + 5], [8 * 3 + 3, 8 * 3 + 5]])
    torch.testing.assert_close(roi_pool(PLANE, box, FIRST, 2), expected[None, None])


@pytest.mark.parametrize("length", [29, 31, 57, 58])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_roi_pool_ends_at_the_last_cell_of_its_box(length, dtype):
    features = torch.arange(60, dtype=dtype).expand(1, 1, 2, 60)
    box = torch.tensor([[0, 0, length - 1, 1]], dtype=dtype)
    assert roi_pool(features, box, FIRST, (1, 7))[0, 0, 0, -1] == length - 1


def test_roi_pool_does_not_notice_a_box_that_moves_by_less_than_a_rounding():
    boxes = torch.tensor([2.0, 1.0, 5.0, 4.0]) + torch.tensor([[-0.4], [0.0], [0.4]])
    got = roi_pool(PLANE, boxes, FIRST.expand(3), 3)
    torch.testing.assert_close(got, got[:1].expand_as(got))


def test_roi_pool_repeats_a_cell_in_a_box_smaller_than_the_output():
    box = torch.tensor([[3.0, 2.0, 3.0, 2.0]])
    torch.testing.assert_close(roi_pool(PLANE, box, FIRST, 3), torch.full((1, 1, 3, 3), 19.0))


@pytest.mark.parametrize("scale", [0.25, 1.0])
@pytest.mark.parametrize("size", [(2, 3), (7, 1)])
def test_roi_pool_equals_a_loop(size, scale):
    features, boxes, image_of = random_regions(16)
    got = roi_pool(features, boxes, image_of, size, scale)
    torch.testing.assert_close(got, naive_roi_pool(features, boxes, image_of, size, scale))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(3, 2, 7, 9), (2, 5, 1, 1), (1, 1, 1, 6), (2, 3, 40, 2)])
@pytest.mark.parametrize("size", [1, 7, (3, 2)])
def test_roi_pool_equals_torchvisions(size, shape, dtype):
    features, boxes, image_of = random_regions(60, dtype=dtype, shape=shape)
    got = roi_pool(features, boxes, image_of, size, 0.25)
    assert got.dtype == dtype
    torch.testing.assert_close(got, torchvisions(features, boxes, image_of, size, 0.25))


def test_roi_pool_has_torchvisions_gradient():
    features, boxes, image_of = random_regions(60)
    features.requires_grad_()
    upstream = torch.randn(60, 2, 5, 5, generator=torch.Generator().manual_seed(1)).double()
    got, expected = (
        torch.autograd.grad(f(features, boxes, image_of, 5, 0.25), features, upstream)[0]
        for f in (roi_pool, torchvisions)
    )
    torch.testing.assert_close(got, expected)


def test_roi_pool_has_the_right_gradient():
    features, boxes, image_of = random_regions(8, shape=(2, 1, 4, 3))
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: roi_pool(x, boxes, image_of, (2, 3), 0.25), features)


def test_roi_pool_of_no_box_is_empty_and_can_be_differentiated():
    features, boxes, image_of = random_regions(0)
    features.requires_grad_()
    got = roi_pool(features, boxes, image_of, (3, 2))
    assert got.shape == (0, 2, 3, 2)
    got.sum().backward()
    assert torch.equal(features.grad, torch.zeros_like(features))


def test_roi_pool_of_boxes_outside_the_map_is_zero():
    features, boxes, image_of = random_regions(10)
    features.requires_grad_()
    got = roi_pool(features, boxes + 1000, image_of, 2, 0.25)
    assert torch.equal(got, torch.zeros(10, 2, 2, 2, dtype=torch.float64))
    got.sum().backward()
    assert torch.equal(features.grad, torch.zeros_like(features))


def test_roi_pool_looks_at_each_box_in_its_own_image_and_leaves_its_inputs_alone():
    features, boxes, image_of = random_regions(30)
    before = features.clone(), boxes.clone(), image_of.clone()
    together = roi_pool(features, boxes, image_of, 3, 0.25)
    for r in range(30):
        image = features[image_of[r] : image_of[r] + 1]
        alone = roi_pool(image, boxes[r : r + 1], FIRST, 3, 0.25)
        torch.testing.assert_close(together[r : r + 1], alone)
    for now, then in zip((features, boxes, image_of), before, strict=True):
        assert torch.equal(now, then)


def test_roi_pool_says_what_is_wrong_with_its_arguments():
    features, boxes, image_of = random_regions(10)
    with pytest.raises(ValueError, match=r"features: expected .* \(N, C, H, W\), got .*\(2, 7, 9"):
        roi_pool(features[0], boxes, image_of, 2)
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got .*int64"):
        roi_pool(features, boxes.long(), image_of, 2)
    with pytest.raises(TypeError, match=r"image_of: expected an int64 .* got .*int32"):
        roi_pool(features, boxes, image_of.int(), 2)
    with pytest.raises(ValueError, match=r"image_of: expected values in \[0, 3\), .* to 5"):
        roi_pool(features, boxes, image_of + 3, 2)
    with pytest.raises(ValueError, match=r"output_size: expected at least 1, got 0"):
        roi_pool(features, boxes, image_of, 0)
    boxes[3, 1] = math.nan
    with pytest.raises(ValueError, match=r"boxes: expected finite numbers, got NaN or infinity"):
        roi_pool(features, boxes, image_of, 2)
