import pytest
import torch
from torchvision import ops

from cvgen_course.detection.boxes import (
    box_area,
    box_iou,
    clip_boxes,
    cxcywh_to_xyxy,
    generalized_box_iou,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_xywh,
)

PAIRWISE = [box_iou, generalized_box_iou]
CONVERSIONS = [xyxy_to_cxcywh, cxcywh_to_xyxy, xyxy_to_xywh, xywh_to_xyxy]
EMPTY = torch.tensor(
    [
        [2.0, 2.0, 2.0, 5.0],  # no width
        [2.0, 2.0, 5.0, 2.0],  # no height
        [5.0, 2.0, 2.0, 5.0],  # x2 < x1
        [5.0, 5.0, 2.0, 2.0],  # both: the product of the lengths is positive
        [0.0, 0.0, 0.0, 0.0],  # padding
    ]
)


def random_boxes(*shape, seed=0, dtype=torch.float32):
    """Boxes with positive sides, many of which overlap; some lie on whole pixels."""
    rng = torch.Generator().manual_seed(seed)
    corner = 40 * torch.rand(*shape, 2, generator=rng, dtype=torch.float64)
    size = 0.1 + 30 * torch.rand(*shape, 2, generator=rng, dtype=torch.float64)
    boxes = torch.cat([corner, corner + size], dim=-1)
    whole = torch.rand(*shape, 1, generator=rng) < 0.3
    lower = boxes[..., :2].floor()
    on_pixels = torch.cat([lower, lower + boxes[..., 2:].sub(lower).ceil()], dim=-1)
    return boxes.where(~whole, on_pixels).to(dtype)


def naive_iou(box1, box2, generalized):
    def overlap(low1, high1, low2, high2):
        return max(0.0, min(high1, high2) - max(low1, low2))

    def area(box):
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    intersection = overlap(box1[0], box1[2], box2[0], box2[2])
    intersection *= overlap(box1[1], box1[3], box2[1], box2[3])
    union = area(box1) + area(box2) - intersection
    iou = intersection / union if union > 0 else 0.0
    if not generalized:
        return iou
    low = [min(a, b) for a, b in zip(box1[:2], box2[:2], strict=True)]
    high = [max(a, b) for a, b in zip(box1[2:], box2[2:], strict=True)]
    hull = area(low + high)
    return iou - (hull - union) / hull if hull > 0 else 0.0


def naive(boxes1, boxes2, function):
    generalized = function is generalized_box_iou
    rows = [
        [naive_iou(a, b, generalized) for b in boxes2.double().tolist()]
        for a in boxes1.double().tolist()
    ]
    return torch.tensor(rows, dtype=torch.float64)


def test_box_area_equals_one_worked_out_by_hand():
    assert box_area(torch.tensor([1.0, 2.0, 4.0, 7.5])).item() == 3 * 5.5


def test_box_area_of_one_pixel_is_one():
    assert box_area(torch.tensor([[3.0, 2.0, 4.0, 3.0]])).tolist() == [1.0]


def test_box_area_of_an_empty_box_is_zero():
    assert box_area(EMPTY).tolist() == [0.0] * 5


def test_box_area_equals_torchvisions():
    boxes = random_boxes(50)
    assert torch.equal(box_area(boxes), ops.box_area(boxes))


def test_box_iou_equals_one_worked_out_by_hand():
    one = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
    others = torch.tensor(
        [
            [2.0, 1.0, 6.0, 3.0],  # shares 2 × 1 of 8 + 8 - 2
            [0.0, 0.0, 4.0, 2.0],  # the same box
            [1.0, 0.0, 2.0, 2.0],  # lies inside: 2 of 8
            [4.0, 0.0, 8.0, 2.0],  # touches
            [1.0, 5.0, 2.0, 6.0],  # right below: only the columns overlap
            [9.0, 9.0, 10.0, 10.0],  # far: both overlaps are negative
        ]
    )
    expected = torch.tensor([[2 / 14, 1, 2 / 8, 0, 0, 0]])
    torch.testing.assert_close(box_iou(one, others), expected)
    torch.testing.assert_close(box_iou(others, one), expected.T)


def test_generalized_box_iou_equals_one_worked_out_by_hand():
    one = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
    others = torch.tensor(
        [
            [2.0, 1.0, 6.0, 3.0],  # hull 6 × 3, union 14
            [0.0, 0.0, 4.0, 2.0],  # the same box
            [1.0, 0.0, 2.0, 2.0],  # lies inside: the hull is the union
            [8.0, 0.0, 9.0, 2.0],  # hull 9 × 2, union 10
        ]
    )
    expected = torch.tensor([[2 / 14 - 4 / 18, 1, 2 / 8, -8 / 18]])
    torch.testing.assert_close(generalized_box_iou(one, others), expected)


@pytest.mark.parametrize("function", PAIRWISE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_box_ious_equal_a_loop(function, dtype):
    boxes1 = torch.cat([random_boxes(12, seed=1, dtype=dtype), EMPTY.to(dtype)])
    boxes2 = torch.cat([EMPTY.to(dtype), random_boxes(9, seed=2, dtype=dtype)])
    got = function(boxes1, boxes2)
    assert got.dtype == dtype
    torch.testing.assert_close(got, naive(boxes1, boxes2, function).to(dtype))


@pytest.mark.parametrize(
    ("function", "theirs"),
    [(box_iou, ops.box_iou), (generalized_box_iou, ops.generalized_box_iou)],
)
@pytest.mark.parametrize(("N", "M"), [(60, 70), (1, 5), (5, 1), (0, 3), (3, 0), (0, 0)])
def test_box_ious_equal_torchvisions(function, theirs, N, M):
    boxes1, boxes2 = random_boxes(N, seed=3), random_boxes(M, seed=4)
    got = function(boxes1, boxes2)
    assert got.shape == (N, M)
    torch.testing.assert_close(got, theirs(boxes1, boxes2))


@pytest.mark.parametrize("function", PAIRWISE)
@pytest.mark.parametrize(
    ("first", "second"), [((2,), (2,)), ((2,), ()), ((), (3,)), ((3, 1), (2,)), ((1,), (2,))]
)
def test_box_ious_broadcast_leading_dimensions(function, first, second):
    boxes1, boxes2 = random_boxes(*first, 4, seed=5), random_boxes(*second, 6, seed=6)
    got = function(boxes1, boxes2)
    shape = torch.broadcast_shapes(first, second)
    assert got.shape == (*shape, 4, 6)
    each1 = boxes1.expand(*shape, 4, 4).reshape(-1, 4, 4)
    each2 = boxes2.expand(*shape, 6, 4).reshape(-1, 6, 4)
    one_by_one = [function(a, b) for a, b in zip(each1, each2, strict=True)]
    assert torch.equal(got.reshape(-1, 4, 6), torch.stack(one_by_one))


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_take_boxes_that_are_a_view(function):
    boxes = random_boxes(4, 6)
    got = function(boxes[:, 1], boxes.transpose(0, 1)[2])
    expected = function(boxes[:, 1].contiguous(), boxes.transpose(0, 1)[2].contiguous())
    assert torch.equal(got, expected)


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_are_symmetric_and_one_for_the_same_box(function):
    boxes = random_boxes(30)
    iou = function(boxes, boxes)
    assert torch.equal(iou, iou.T)
    assert torch.equal(iou.diagonal(), torch.ones(30))
    assert iou.min() >= (0 if function is box_iou else -1)
    assert iou.max() == 1


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_do_not_change_under_translation_and_scaling(function):
    boxes1, boxes2 = (random_boxes(9, seed=seed, dtype=torch.float64) for seed in (1, 2))
    moved = torch.tensor([3.0, -70.0, 3.0, -70.0], dtype=torch.float64)
    torch.testing.assert_close(
        function(5 * boxes1 + moved, 5 * boxes2 + moved), function(boxes1, boxes2)
    )


def test_box_iou_of_empty_boxes_is_zero_with_everything():
    around = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    assert not box_iou(EMPTY, torch.cat([EMPTY, around])).any()
    assert not box_iou(torch.cat([EMPTY, around]), EMPTY).any()


def test_generalized_box_iou_of_empty_boxes_is_finite():
    around = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    iou = generalized_box_iou(EMPTY, torch.cat([EMPTY, around]))
    assert iou.isfinite().all()
    assert not iou.diagonal().any()  # the hull is empty


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_of_tiny_and_of_distant_boxes(function):
    tiny = torch.tensor([[0.0, 0.0, 1e-4, 1e-4], [0.0, 0.0, 1e-4, 2e-4]], dtype=torch.float64)
    expected = torch.tensor([[1, 0.5], [0.5, 1]], dtype=torch.float64)
    torch.testing.assert_close(function(tiny, tiny), expected)
    pixel = torch.tensor([[4095.0, 4095.0, 4096.0, 4096.0]])
    assert function(pixel, pixel).item() == 1


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_have_the_right_gradient(function):
    boxes1 = random_boxes(2, 3, seed=7, dtype=torch.float64)
    boxes2 = boxes1[:1] + 0.03 * random_boxes(1, 3, seed=8, dtype=torch.float64)
    assert function(boxes1, boxes2).count_nonzero() >= 6
    inputs = boxes1.requires_grad_(), boxes2.requires_grad_()
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_have_a_finite_gradient_for_empty_boxes(function):
    boxes1 = torch.cat([EMPTY, random_boxes(2)]).requires_grad_()
    boxes2 = torch.cat([EMPTY, random_boxes(2)]).requires_grad_()
    function(boxes1, boxes2).sum().backward()
    assert boxes1.grad.isfinite().all()
    assert boxes2.grad.isfinite().all()


def test_generalized_box_iou_pulls_distant_boxes_together():
    box = torch.tensor([[20.0, 0.0, 24.0, 4.0]], requires_grad=True)
    generalized_box_iou(box, torch.tensor([[0.0, 0.0, 4.0, 4.0]])).sum().backward()
    assert box.grad[0, 0] < 0  # the larger x1, the smaller


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_leave_their_arguments_alone(function):
    boxes1, boxes2 = random_boxes(4, seed=1), random_boxes(1, seed=2)
    before = boxes1.clone(), boxes2.clone()
    function(boxes1, boxes2)
    assert torch.equal(boxes1, before[0])
    assert torch.equal(boxes2, before[1])


def test_clip_boxes_equals_one_worked_out_by_hand():
    boxes = torch.tensor(
        [[-2.0, 1.5, 9.0, 3.0], [1.0, -4.0, 2.0, 50.0], [20.0, 1.0, 30.0, 2.0], [0.0, 0, 6, 4]]
    )
    expected = [[0, 1.5, 6, 3], [1, 0, 2, 4], [6, 1, 6, 2], [0, 0, 6, 4]]
    clipped = clip_boxes(boxes, height=4, width=6)
    assert clipped.tolist() == expected
    assert box_area(clipped)[2] == 0


def test_clip_boxes_equals_torchvisions():
    boxes = 3 * random_boxes(40).reshape(8, 5, 4) - 40
    got = clip_boxes(boxes, 37, 53)
    assert torch.equal(got, ops.clip_boxes_to_image(boxes, (37, 53)))


def test_clip_boxes_has_the_right_gradient():
    boxes = (2 * random_boxes(6, dtype=torch.float64) - 20.05).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: clip_boxes(x, 30, 20), boxes)


def test_conversions_equal_some_worked_out_by_hand():
    corners = torch.tensor([1.0, 2.0, 5.0, 8.0])
    assert xyxy_to_cxcywh(corners).tolist() == [3, 5, 4, 6]
    assert xyxy_to_xywh(corners).tolist() == [1, 2, 4, 6]
    assert cxcywh_to_xyxy(torch.tensor([3.0, 5.0, 4.0, 6.0])).tolist() == corners.tolist()
    assert xywh_to_xyxy(torch.tensor([1.0, 2.0, 4.0, 6.0])).tolist() == corners.tolist()


@pytest.mark.parametrize("convert", CONVERSIONS)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3)])
def test_conversions_equal_torchvisions(convert, shape):
    boxes = random_boxes(*shape)
    before, after = convert.__name__.split("_to_")
    got = convert(boxes)
    assert got.shape == (*shape, 4)
    torch.testing.assert_close(got, ops.box_convert(boxes, before, after))


@pytest.mark.parametrize(
    ("there", "back"), [(xyxy_to_cxcywh, cxcywh_to_xyxy), (xyxy_to_xywh, xywh_to_xyxy)]
)
def test_conversions_can_be_undone(there, back):
    boxes = random_boxes(20, dtype=torch.float64)
    torch.testing.assert_close(back(there(boxes)), boxes)
    torch.testing.assert_close(there(back(boxes)), boxes)


@pytest.mark.parametrize("convert", [*CONVERSIONS, lambda boxes: clip_boxes(boxes, 20, 20)])
def test_functions_of_boxes_keep_dtype_and_argument(convert):
    for dtype in (torch.float32, torch.float64):
        boxes = random_boxes(3, dtype=dtype)
        before = boxes.clone()
        assert convert(boxes).dtype == dtype
        assert torch.equal(boxes, before)


@pytest.mark.parametrize("function", [box_area, *CONVERSIONS, lambda b: clip_boxes(b, 2, 2)])
def test_functions_of_boxes_say_what_is_wrong_with_their_argument(function):
    with pytest.raises(TypeError, match=r"boxes: expected .* tensor .* got list"):
        function([[0, 0, 1, 1]])
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got torch\.int64; "):
        function(torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"boxes: expected .* \(\.\.\., 4\), got shape \(4, 5\)"):
        function(torch.zeros(4, 5))
    with pytest.raises(ValueError, match=r"boxes: expected .* \(\.\.\., 4\), got shape \(\)"):
        function(torch.tensor(1.0))


@pytest.mark.parametrize("function", PAIRWISE)
def test_box_ious_say_what_is_wrong_with_their_arguments(function):
    boxes = random_boxes(3)
    with pytest.raises(TypeError, match=r"boxes1: expected .* tensor .* got NoneType"):
        function(None, boxes)
    with pytest.raises(TypeError, match=r"boxes2: expected a floating-point .* got torch\.int64"):
        function(boxes, boxes.long())
    with pytest.raises(ValueError, match=r"boxes1: expected .* \(\.\.\., N, 4\), got"):
        function(boxes[0], boxes)
    with pytest.raises(ValueError, match=r"boxes2: .* boxes1 \(2, 3, 4\), got shape \(3, 3, 4\)"):
        function(boxes.expand(2, 3, 4), boxes.expand(3, 3, 4))
