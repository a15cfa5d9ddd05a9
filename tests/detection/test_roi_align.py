import math

import pytest
import torch
from support.regions import random_regions
from torchvision import ops

from cvgen_course.detection.roi_align import roi_align

# A plane: bilinear interpolation gives its value at every point inside exactly.
ROWS, COLUMNS = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
PLANE = (10 * ROWS + COLUMNS)[None, None]
FIRST = torch.zeros(1, dtype=torch.int64)


def torchvisions(features, boxes, image_of, output_size, scale=1.0, ratio=2, aligned=True):
    boxes = torch.cat([image_of[:, None].to(boxes.dtype), boxes], dim=1)
    return ops.roi_align(features, boxes, output_size, scale, ratio, aligned)


def value_at(plane, y, x):
    """Interpolate a map of lists between the four cells around a point."""
    H, W = len(plane), len(plane[0])
    if not (-1 <= y <= H and -1 <= x <= W):
        return 0.0
    y, x = min(max(y, 0.0), H - 1.0), min(max(x, 0.0), W - 1.0)
    i, j = min(int(y), max(H - 2, 0)), min(int(x), max(W - 2, 0))
    value = 0.0
    for row in {i, min(i + 1, H - 1)}:
        for column in {j, min(j + 1, W - 1)}:
            value += (1 - abs(y - row)) * (1 - abs(x - column)) * plane[row][column]
    return value


def naive_roi_align(features, boxes, image_of, size, scale, ratio, aligned):
    ph, pw = size
    out = features.new_zeros(len(boxes), features.shape[1], ph, pw)
    for r, box in enumerate(boxes.tolist()):
        x1, y1, x2, y2 = (scale * each - (0.5 if aligned else 0) for each in box)
        width, height = x2 - x1, y2 - y1
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        for c, plane in enumerate(features[image_of[r]].tolist()):
            for p in range(ph):
                for q in range(pw):
                    ys = [y1 + (p + (k + 0.5) / ratio) * height / ph for k in range(ratio)]
                    xs = [x1 + (q + (k + 0.5) / ratio) * width / pw for k in range(ratio)]
                    values = [value_at(plane, y, x) for y in ys for x in xs]
                    out[r, c, p, q] = sum(values) / len(values)
    return out


def test_roi_align_of_a_plane_is_its_value_in_the_middle_of_each_bin():
    # Rows 1 to 3, columns 2 to 6: bins of 1 × 2 cells, with centres at 1.5, 2.5 and at 3, 5. A
    # cell's value is that of its centre, half a cell further on.
    box = torch.tensor([[2.0, 1.0, 6.0, 3.0]])
    expected = torch.tensor([[10 * 1.0 + 2.5, 10 * 1.0 + 4.5], [10 * 2.0 + 2.5, 10 * 2.0 + 4.5]])
    for ratio in (1, 2, 3):
        got = roi_align(PLANE, box, FIRST, 2, sampling_ratio=ratio)
        torch.testing.assert_close(got, expected[None, None])
    torch.testing.assert_close(
        roi_align(PLANE, box, FIRST, 2, aligned=False), expected[None, None] + 5.5
    )


def test_roi_align_of_a_cell_is_its_value():
    box = torch.tensor([[48.0, 32.0, 64.0, 48.0]])  # with stride 16: row 2, column 3
    got = roi_align(PLANE, box, FIRST, 1, spatial_scale=1 / 16, sampling_ratio=1)
    assert got.item() == 23


def test_roi_align_moves_smoothly_with_the_box():
    boxes = torch.tensor([2.0, 1.0, 4.0, 4.0]) + torch.tensor([[0.0], [0.25], [0.5], [0.75]])
    got = roi_align(PLANE, boxes, FIRST.expand(4), 1).flatten()
    torch.testing.assert_close(got.diff(), torch.full((3,), 0.25 * 11))


def test_roi_align_goes_on_beyond_the_edge_for_one_cell_and_is_zero_then():
    x = torch.tensor([-1.0, -0.5, -0.01, 0.0, 7.0, 7.5, 8.0, 8.01, 20.0, -1.01])
    at = torch.stack([x, 0 * x, x, 0 * x], dim=1) + 0.5  # one point at (0, x)
    got = roi_align(1 + PLANE, at, FIRST.expand(10), 1, sampling_ratio=1).flatten()
    torch.testing.assert_close(got, torch.tensor([1.0, 1, 1, 1, 8, 8, 8, 0, 0, 0]))


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.25, 1.0])
def test_roi_align_equals_a_loop(scale, ratio, aligned):
    features, boxes, image_of = random_regions(16)
    got = roi_align(features, boxes, image_of, (2, 3), scale, ratio, aligned)
    expected = naive_roi_align(features, boxes, image_of, (2, 3), scale, ratio, aligned)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("shape", [(3, 2, 7, 9), (2, 5, 1, 1), (1, 1, 1, 6), (2, 3, 40, 2)])
@pytest.mark.parametrize("size", [1, 7, (3, 2)])
def test_roi_align_equals_torchvisions(size, shape, aligned):
    features, boxes, image_of = random_regions(60, shape=shape)
    got = roi_align(features, boxes, image_of, size, 0.25, aligned=aligned)
    expected = torchvisions(features, boxes, image_of, size, 0.25, aligned=aligned)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("seed", range(5))
def test_roi_align_in_float32_equals_torchvisions(seed):
    features, boxes, image_of = random_regions(60, seed, torch.float32)
    got = roi_align(features, boxes, image_of, 5, 0.25)
    assert got.dtype == torch.float32
    expected = torchvisions(features, boxes, image_of, 5, 0.25)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_roi_align_of_no_box_is_empty_and_can_be_differentiated():
    features, boxes, image_of = random_regions(0)
    features.requires_grad_()
    got = roi_align(features, boxes, image_of, (3, 2))
    assert got.shape == (0, 2, 3, 2)
    got.sum().backward()
    assert torch.equal(features.grad, torch.zeros_like(features))


@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align_has_the_right_gradient(aligned):
    features, boxes, image_of = random_regions(8, shape=(2, 1, 4, 3))
    features.requires_grad_()

    def pooled(x):
        return roi_align(x, boxes, image_of, (2, 3), 0.25, aligned=aligned)

    assert torch.autograd.gradcheck(pooled, features)
    assert torch.autograd.gradgradcheck(pooled, features)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_roi_align_has_torchvisions_gradient(layout):
    features, boxes, image_of = random_regions(60)
    features = features.to(memory_format=layout).requires_grad_()
    upstream = torch.randn(60, 2, 5, 5, generator=torch.Generator().manual_seed(1)).double()
    got, expected = (
        torch.autograd.grad(f(features, boxes, image_of, 5, 0.25), features, upstream)[0]
        for f in (roi_align, torchvisions)
    )
    torch.testing.assert_close(got, expected)


def test_roi_align_gives_boxes_no_gradient():
    features, boxes, image_of = random_regions(10)
    pooled = roi_align(features, boxes.requires_grad_(), image_of, 2, 0.25)
    assert not pooled.requires_grad
    roi_align(features.requires_grad_(), boxes, image_of, 2, 0.25).sum().backward()
    assert boxes.grad is None


def test_roi_align_looks_at_each_box_in_its_own_image():
    features, boxes, image_of = random_regions(30)
    together = roi_align(features, boxes, image_of, 3, 0.25)
    for r in range(30):
        image = features[image_of[r] : image_of[r] + 1]
        alone = roi_align(image, boxes[r : r + 1], FIRST, 3, 0.25)
        torch.testing.assert_close(together[r : r + 1], alone)


def test_roi_align_takes_boxes_of_another_dtype_and_leaves_its_inputs_alone():
    features, boxes, image_of = random_regions(10)
    before = features.clone(), boxes.clone(), image_of.clone()
    got = roi_align(features, boxes.float(), image_of, 2, 0.25)
    torch.testing.assert_close(
        got, roi_align(features, boxes, image_of, 2, 0.25), rtol=0, atol=1e-4
    )
    assert got.dtype == torch.float64
    for now, then in zip((features, boxes, image_of), before, strict=True):
        assert torch.equal(now, then)


def test_roi_align_says_what_is_wrong_with_its_arguments():
    features, boxes, image_of = random_regions(10)
    with pytest.raises(ValueError, match=r"features: expected .* \(N, C, H, W\), got .*\(2, 7, 9"):
        roi_align(features[0], boxes, image_of, 2)
    with pytest.raises(TypeError, match=r"features: expected a floating-point .* got .*int64"):
        roi_align(features.long(), boxes, image_of, 2)
    with pytest.raises(ValueError, match=r"boxes: expected .* \(R, 4\), got shape \(1, 10, 4\)"):
        roi_align(features, boxes[None], image_of, 2)
    with pytest.raises(ValueError, match=r"boxes: expected .* got shape \(10, 3\)"):
        roi_align(features, boxes[:, :3], image_of, 2)
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got .*int64"):
        roi_align(features, boxes.long(), image_of, 2)
    with pytest.raises(TypeError, match=r"image_of: expected an int64 .* got .*int32"):
        roi_align(features, boxes, image_of.int(), 2)
    with pytest.raises(
        ValueError, match=r"image_of: .* = \(10,\) to go with boxes .* got shape \(9,\)"
    ):
        roi_align(features, boxes, image_of[:9], 2)
    with pytest.raises(ValueError, match=r"image_of: expected values in \[0, 3\), .* to 5"):
        roi_align(features, boxes, image_of + 3, 2)
    with pytest.raises(ValueError, match=r"image_of: expected values in \[0, 3\), .* from -1"):
        roi_align(features, boxes, image_of - 1, 2)
    with pytest.raises(ValueError, match=r"output_size: expected at least 1, got \(3, 0\)"):
        roi_align(features, boxes, image_of, (3, 0))
    with pytest.raises(ValueError, match=r"sampling_ratio: expected at least 1, got 0"):
        roi_align(features, boxes, image_of, 2, sampling_ratio=0)
    for value in (math.nan, math.inf):
        boxes[3, 1] = value
        with pytest.raises(ValueError, match=r"boxes: expected finite numbers, got NaN or inf"):
            roi_align(features, boxes, image_of, 2)
