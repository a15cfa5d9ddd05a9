import math

import pytest
import torch
from torchvision.models.detection._utils import BoxCoder

from cvgen_course.detection.box_coding import LARGEST_LOG_SCALE, decode_boxes, encode_boxes

ONES = (1.0, 1.0, 1.0, 1.0)
FAST_RCNN = (10.0, 10.0, 5.0, 5.0)
MIXED = (2.0, 3.0, 0.5, 7.0)
ANCHOR = torch.tensor([2.0, 4.0, 10.0, 8.0])  # centre (6, 6), 8 × 4


def random_boxes(*shape, seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    corner = 50 * torch.rand(*shape, 2, generator=rng, dtype=torch.float64)
    size = 1 + 30 * torch.rand(*shape, 2, generator=rng, dtype=torch.float64)
    return torch.cat([corner, corner + size], dim=-1).to(dtype)


def test_encode_boxes_equals_one_worked_out_by_hand():
    box = torch.tensor([8.0, 1.0, 12.0, 9.0])  # centre (10, 5), 4 × 8
    expected = [4 / 8, -1 / 4, math.log(1 / 2), math.log(2)]
    torch.testing.assert_close(encode_boxes(box, ANCHOR), torch.tensor(expected))
    weighted = [w * d for w, d in zip(MIXED, expected, strict=True)]
    torch.testing.assert_close(encode_boxes(box, ANCHOR, MIXED), torch.tensor(weighted))


def test_decode_boxes_equals_one_worked_out_by_hand():
    deltas = torch.tensor([4 / 8, -1 / 4, math.log(1 / 2), math.log(2)])
    expected = torch.tensor([8.0, 1.0, 12.0, 9.0])
    torch.testing.assert_close(decode_boxes(deltas, ANCHOR), expected)
    torch.testing.assert_close(decode_boxes(deltas * torch.tensor(MIXED), ANCHOR, MIXED), expected)


def test_a_box_that_is_its_anchor_has_deltas_of_zero():
    boxes = random_boxes(9)
    assert not encode_boxes(boxes, boxes).any()
    torch.testing.assert_close(decode_boxes(torch.zeros(9, 4), boxes), boxes)


@pytest.mark.parametrize("weights", [ONES, FAST_RCNN, MIXED])
def test_encode_boxes_equals_torchvisions(weights):
    boxes, anchors = random_boxes(40, seed=1), random_boxes(40, seed=2)
    expected = BoxCoder(weights).encode_single(boxes, anchors)
    torch.testing.assert_close(encode_boxes(boxes, anchors, weights), expected)


@pytest.mark.parametrize("weights", [ONES, FAST_RCNN, MIXED])
@pytest.mark.parametrize("scale", [0.5, 20.0])
def test_decode_boxes_equals_torchvisions(weights, scale):
    rng = torch.Generator().manual_seed(3)
    deltas, anchors = scale * torch.randn(40, 4, generator=rng), random_boxes(40, seed=4)
    expected = BoxCoder(weights).decode_single(deltas, anchors)
    torch.testing.assert_close(decode_boxes(deltas, anchors, weights), expected)


@pytest.mark.parametrize("weights", [ONES, MIXED])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 5)])
def test_decode_boxes_undoes_encode_boxes(shape, weights):
    boxes, anchors = (random_boxes(*shape, seed=seed, dtype=torch.float64) for seed in (5, 6))
    deltas = encode_boxes(boxes, anchors, weights)
    assert deltas.shape == (*shape, 4)
    torch.testing.assert_close(decode_boxes(deltas, anchors, weights), boxes)


def test_encode_boxes_does_not_change_under_translation_and_scaling():
    boxes, anchors = (random_boxes(9, seed=seed, dtype=torch.float64) for seed in (5, 6))
    moved = torch.tensor([3.0, -70.0, 3.0, -70.0], dtype=torch.float64)
    torch.testing.assert_close(
        encode_boxes(4 * boxes + moved, 4 * anchors + moved), encode_boxes(boxes, anchors)
    )


def test_anchors_serve_all_images_of_a_batch():
    boxes, anchors = random_boxes(3, 5, seed=7), random_boxes(5, seed=8)
    deltas = encode_boxes(boxes, anchors)
    assert torch.equal(deltas, torch.stack([encode_boxes(each, anchors) for each in boxes]))
    torch.testing.assert_close(decode_boxes(deltas, anchors), boxes)


@pytest.mark.parametrize("weights", [ONES, (1.0, 1.0, 5.0, 0.5)])
def test_decode_boxes_clamps_the_size_after_dividing_by_the_weights(weights):
    just_below = torch.tensor([0.0, 0.0, 4.0, 4.1]) * torch.tensor(weights)
    x1, y1, x2, y2 = decode_boxes(just_below, ANCHOR, weights).tolist()
    assert x2 - x1 == pytest.approx(8 * math.exp(4.0), rel=1e-5)
    assert y2 - y1 == pytest.approx(4 * math.exp(4.1), rel=1e-5)
    above = torch.tensor([0.0, 0.0, 4.2, 1000.0]) * torch.tensor(weights)
    x1, y1, x2, y2 = decode_boxes(above, ANCHOR, weights).tolist()
    assert (x2 - x1, y2 - y1) == pytest.approx((8 * 62.5, 4 * 62.5), rel=1e-5)
    assert (x1 + x2) / 2 == pytest.approx(6, abs=1e-3)
    assert math.exp(LARGEST_LOG_SCALE) == pytest.approx(62.5)


def test_decode_boxes_clamps_neither_small_sizes_nor_shifts():
    x1, y1, x2, y2 = decode_boxes(torch.tensor([100.0, 0.0, -30.0, 0.0]), ANCHOR).tolist()
    assert (x1, x2) == pytest.approx((806, 806))
    assert (y1, y2) == pytest.approx((4, 8))


def test_encode_boxes_has_the_right_gradient():
    boxes, anchors = (random_boxes(3, seed=seed, dtype=torch.float64) for seed in (1, 2))
    inputs = boxes.requires_grad_(), anchors.requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: encode_boxes(*x, MIXED), inputs)


def test_decode_boxes_has_the_right_gradient():
    rng = torch.Generator().manual_seed(9)
    deltas = torch.randn(3, 4, generator=rng, dtype=torch.float64)
    deltas[0, 2:] = 30.0  # clamped: no gradient
    inputs = deltas.requires_grad_(), random_boxes(3, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda *x: decode_boxes(*x, MIXED), inputs)
    decode_boxes(deltas, inputs[1]).sum().backward()
    assert not deltas.grad[0, 2:].any()


@pytest.mark.parametrize("function", [encode_boxes, decode_boxes])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_box_coding_keeps_the_dtype_and_the_arguments(function, dtype):
    boxes, anchors = (random_boxes(4, seed=seed, dtype=dtype) for seed in (1, 2))
    before = boxes.clone(), anchors.clone()
    assert function(boxes, anchors, MIXED).dtype == dtype
    assert torch.equal(boxes, before[0])
    assert torch.equal(anchors, before[1])


@pytest.mark.parametrize(("function", "name"), [(encode_boxes, "boxes"), (decode_boxes, "deltas")])
def test_box_coding_says_what_is_wrong_with_its_arguments(function, name):
    boxes = random_boxes(3)
    with pytest.raises(TypeError, match=rf"{name}: expected .* tensor .* got NoneType"):
        function(None, boxes)
    with pytest.raises(TypeError, match=r"anchors: expected a floating-point .* got torch\.int64"):
        function(boxes, boxes.long())
    with pytest.raises(ValueError, match=r"anchors: expected .* \(\.\.\., 4\), got shape \(3, 3\)"):
        function(boxes, boxes[:, :3])
    with pytest.raises(
        ValueError, match=rf"anchors: .* go with {name} \(3, 4\), got shape \(2, 4\)"
    ):
        function(boxes, boxes[:2])
    with pytest.raises(ValueError, match=r"unpack|argument"):
        function(boxes, boxes, (1.0, 1.0, 1.0))
