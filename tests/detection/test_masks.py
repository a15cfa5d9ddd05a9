import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align as torchvision_roi_align

from cvgen_course.detection.masks import (
    crop_masks,
    mask_area,
    mask_intersection,
    mask_iou,
    mask_loss,
    paste_masks,
)


def random_answer(R=3, C=4, M=5, dtype=torch.float32, seed=0):
    rng = torch.Generator().manual_seed(seed)
    logits = (2 * torch.randn(R, C - 1, M, M, generator=rng, dtype=torch.float64)).to(dtype)
    labels = torch.randint(1, C, (R,), generator=rng)
    targets = torch.rand(R, M, M, generator=rng, dtype=torch.float64).to(dtype)
    return logits, labels, targets


def random_masks(*shape, seed=0, share=0.5):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


def random_boxes(R, H, W, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(R, 2, generator=rng, dtype=torch.float64) * side for side in (W, H))
    x, y = x.sort(dim=1).values, y.sort(dim=1).values
    return torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], dim=1)


def paste_with_grid_sample(probs, boxes, height, width):
    """Return the probabilities in the image, float (R, H, W)."""
    y, x = torch.arange(height).double() + 0.5, torch.arange(width).double() + 0.5
    pasted = torch.zeros(len(boxes), height, width, dtype=probs.dtype)
    for r, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        v, u = 2 * (y - y1) / (y2 - y1) - 1, 2 * (x - x1) / (x2 - x1) - 1
        grid = torch.stack(torch.meshgrid(v, u, indexing="ij")[::-1], dim=-1)[None]
        of_box = F.grid_sample(
            probs[r, None, None], grid, mode="bilinear", padding_mode="border", align_corners=False
        )[0, 0]
        inside = ((y >= y1) & (y < y2))[:, None] & ((x >= x1) & (x < x2))
        pasted[r] = of_box * inside
    return pasted


def test_mask_loss_equals_one_worked_out_by_hand():
    # Probabilities of the own class: 1/4 and 3/4; the first pixel is object, the second is not.
    p = torch.tensor([0.25, 0.75, 0.75, 0.25]).reshape(1, 1, 2, 2)
    own = torch.logit(p)
    logits = torch.cat([torch.full_like(own, 9.0), own, torch.full_like(own, -9.0)], dim=1)
    targets = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    expected = -(2 * torch.tensor(0.25).log() + 2 * torch.tensor(0.75).log()) / 4
    torch.testing.assert_close(mask_loss(logits, torch.tensor([2]), targets), expected)


def test_mask_loss_equals_a_loop():
    logits, labels, targets = random_answer(dtype=torch.float64)
    total, num = 0.0, 0
    for r, label in enumerate(labels.tolist()):
        for i in range(5):
            for j in range(5):
                p, t = logits[r, label - 1, i, j].sigmoid(), targets[r, i, j]
                total -= (t * p.log() + (1 - t) * (1 - p).log()).item()
                num += 1
    assert mask_loss(logits, labels, targets).item() == pytest.approx(total / num, rel=1e-12)


def test_mask_loss_equals_torchs_of_the_own_channel():
    logits, labels, targets = random_answer(R=6)
    own = torch.stack([each[label - 1] for each, label in zip(logits, labels, strict=True)])
    expected = F.binary_cross_entropy_with_logits(own, targets)
    torch.testing.assert_close(mask_loss(logits, labels, targets), expected)


def test_mask_loss_sees_no_other_class():
    logits, labels, targets = random_answer()
    logits.requires_grad_()
    (gradient,) = torch.autograd.grad(mask_loss(logits, labels, targets), logits)
    own = F.one_hot(labels - 1, 3).bool()
    assert (gradient[own] != 0).all()
    assert (gradient[~own] == 0).all()


def test_mask_loss_has_the_right_gradient():
    logits, labels, targets = random_answer(M=3, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: mask_loss(x, labels, targets), logits.requires_grad_()
    )


def test_mask_loss_survives_large_logits():
    logits = torch.tensor([1000.0, -1000.0, 1000.0, -1000.0]).reshape(1, 1, 2, 2).requires_grad_()
    targets = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    loss = mask_loss(logits, torch.tensor([1]), targets)
    loss.backward()
    assert loss.item() == 500
    assert logits.grad.flatten().tolist() == [0, 0, 0.25, -0.25]


def test_mask_loss_without_objects_is_zero_and_so_is_its_gradient():
    logits = torch.zeros(0, 3, 4, 4, requires_grad=True)
    loss = mask_loss(logits, torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4, 4))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.shape == logits.shape


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mask_loss_keeps_the_dtype_and_the_inputs(dtype):
    inputs = random_answer(dtype=dtype)
    before = [each.clone() for each in inputs]
    loss = mask_loss(*inputs)
    assert loss.dtype == dtype
    assert loss.shape == ()
    assert all(map(torch.equal, inputs, before))


def test_mask_loss_says_what_is_wrong_with_its_arguments():
    logits, labels, targets = random_answer()
    with pytest.raises(TypeError, match=r"logits: expected .* tensor .* got NoneType"):
        mask_loss(None, labels, targets)
    with pytest.raises(TypeError, match=r"targets: expected a floating-point .* got torch\.bool"):
        mask_loss(logits, labels, targets > 0.5)
    with pytest.raises(TypeError, match=r"labels: expected an int64 .* got torch\.int32"):
        mask_loss(logits, labels.int(), targets)
    with pytest.raises(
        ValueError, match=r"labels: .* = \(3,\) to go with logits .* got shape \(2,\)"
    ):
        mask_loss(logits, labels[:2], targets)
    with pytest.raises(
        ValueError, match=r"targets: .* = \(3, 5, 5\) to go with .* got shape \(3, 4, 5\)"
    ):
        mask_loss(logits, labels, targets[:, :4])
    for wrong in (0, 4):
        with pytest.raises(ValueError, match=r"labels: expected values in \[1, 4\).* got values"):
            mask_loss(logits, torch.tensor([1, wrong, 1]), targets)


def test_crop_masks_with_cells_of_four_pixels_averages_them():
    masks = random_masks(3, 12, 16)
    boxes = torch.tensor([[2.0, 1.0, 10.0, 9.0], [8.0, 4.0, 16.0, 12.0], [0.0, 0.0, 8.0, 8.0]])
    of = torch.tensor([1, 0, 1])
    parts = torch.stack([masks[1, 1:9, 2:10], masks[0, 4:12, 8:16], masks[1, 0:8, 0:8]])
    expected = F.avg_pool2d(parts.float(), 2)  # the points are the pixels' centres
    torch.testing.assert_close(crop_masks(masks, boxes, of, 4), expected)


def test_crop_masks_equals_torchvisions_roi_align():
    masks, boxes = random_masks(3, 20, 30), random_boxes(8, 20, 30).float()
    of = torch.arange(8) % 3
    rois = torch.cat([of[:, None].float(), boxes], dim=1)
    expected = torchvision_roi_align(
        masks[:, None].float(), rois, 7, sampling_ratio=2, aligned=True
    )[:, 0]
    got = crop_masks(masks, boxes, of, 7)
    assert got.dtype == torch.float32
    assert 0 <= got.min() < got.max() <= 1
    torch.testing.assert_close(got, expected)


def test_crop_masks_knows_no_left_and_right():
    masks, boxes, of = random_masks(2, 20, 30), random_boxes(4, 20, 30).float(), torch.arange(4) % 2
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    mirrored = torch.stack([30 - x2, y1, 30 - x1, y2], dim=1)
    expected = crop_masks(masks, boxes, of, 6).flip(-1)
    torch.testing.assert_close(crop_masks(masks.flip(-1), mirrored, of, 6), expected)


def test_crop_masks_takes_no_boxes():
    none = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    for num_masks in (0, 2):
        masks = torch.zeros(num_masks, 8, 8, dtype=torch.bool)
        assert crop_masks(masks, *none, 5).shape == (0, 5, 5)


def test_crop_masks_says_what_is_wrong_with_its_arguments():
    masks, boxes = random_masks(1, 8, 8), torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    with pytest.raises(TypeError, match=r"masks: expected a bool .* got torch\.float32"):
        crop_masks(masks.float(), boxes, torch.tensor([0]), 2)
    with pytest.raises(ValueError, match=r"masks: expected a bool tensor of shape \(K, H, W\)"):
        crop_masks(masks[0], boxes, torch.tensor([0]), 2)
    with pytest.raises(TypeError, match=r"mask_of: expected an int64 .* got torch\.float32"):
        crop_masks(masks, boxes, torch.tensor([0.0]), 2)
    with pytest.raises(ValueError, match=r"mask_of: expected values in \[0, 1\), got .* 1 to 1"):
        crop_masks(masks, boxes, torch.tensor([1]), 2)
    with pytest.raises(ValueError, match=r"mask_of: expected values in \[0, 0\)"):
        crop_masks(masks[:0], boxes, torch.tensor([0]), 2)
    with pytest.raises(TypeError, match="boxes: expected a floating-point tensor"):
        crop_masks(masks, boxes.long(), torch.tensor([0]), 2)


def test_paste_masks_equals_one_worked_out_by_hand():
    # Cells of 2 × 2 pixels. Pixel centres along an axis are read at -1/4, 1/4, 3/4, 5/4 cells;
    # the first and the last are the outermost cells' own values.
    probs = torch.tensor([[[0.0, 1.0], [0.0, 1.0]]])
    boxes = torch.tensor([[1.0, 0.0, 5.0, 4.0]])
    for threshold, columns in ((0.1, [2, 3, 4]), (0.5, [3, 4]), (0.8, [4])):
        expected = torch.zeros(1, 4, 6, dtype=torch.bool)
        expected[:, :, columns] = True
        assert torch.equal(paste_masks(probs, boxes, 4, 6, threshold), expected)


def test_paste_masks_equals_grid_sample():
    rng = torch.Generator().manual_seed(1)
    probs = torch.rand(20, 7, 7, generator=rng, dtype=torch.float64)
    boxes = random_boxes(20, 40, 50)
    boxes[:5] += 15  # beyond the image's edge
    boxes[5:10] -= 15
    expected = paste_with_grid_sample(probs, boxes, 40, 50)
    for threshold in (0.3, 0.5, 0.7):
        got = paste_masks(probs, boxes, 40, 50, threshold)
        assert torch.equal(got, expected > threshold)
        assert got.any()


def test_paste_masks_fills_the_box_and_nothing_else():
    boxes = torch.tensor([[2.0, 1.0, 5.0, 7.0], [3.0, 3.0, 3.0, 6.0], [6.0, 2.0, 4.0, 5.0]])
    got = paste_masks(torch.ones(3, 4, 4), boxes, 8, 8)
    expected = torch.zeros(3, 8, 8, dtype=torch.bool)
    expected[0, 1:7, 2:5] = True  # the other boxes are empty
    assert torch.equal(got, expected)
    assert not paste_masks(torch.zeros(3, 4, 4), boxes, 8, 8, threshold=0.0).any()


def test_paste_masks_outside_of_the_box_is_no_object_whatever_the_threshold():
    got = paste_masks(torch.zeros(1, 4, 4), torch.tensor([[2.0, 1.0, 5.0, 7.0]]), 8, 8, -1.0)
    assert got.sum() == 3 * 6


def test_paste_masks_undoes_crop_masks():
    y, x = torch.meshgrid(torch.arange(48) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    masks = torch.stack([(x - 20) ** 2 + (y - 25) ** 2 < 144, (x - 40).abs() / 2 + abs(y - 30) < 9])
    boxes = torch.tensor([[8.0, 13.0, 32.0, 37.0], [22.0, 21.0, 58.0, 39.0]])
    for size, least in ((8, 0.9), (14, 0.95), (28, 0.98)):
        cropped = crop_masks(masks, boxes, torch.arange(2), size)
        back = paste_masks(cropped, boxes, 48, 64)
        assert mask_iou(back, masks).diagonal().min() > least, size


def test_paste_masks_takes_no_masks():
    assert paste_masks(torch.zeros(0, 4, 4), torch.zeros(0, 4), 8, 9).shape == (0, 8, 9)


def test_paste_masks_says_what_is_wrong_with_its_arguments():
    probs, boxes = torch.rand(2, 4, 4), torch.rand(2, 4)
    with pytest.raises(TypeError, match=r"probs: expected a floating-point .* got torch\.bool"):
        paste_masks(probs > 0.5, boxes, 8, 8)
    with pytest.raises(TypeError, match=r"boxes: expected a floating-point .* got torch\.int64"):
        paste_masks(probs, boxes.long(), 8, 8)
    with pytest.raises(ValueError, match=r"probs: expected .* \(R, M, M\), got shape \(2, 4, 3\)"):
        paste_masks(probs[..., :3], boxes, 8, 8)
    with pytest.raises(
        ValueError, match=r"boxes: .* to go with probs \(2, 4, 4\), got shape \(1, 4\)"
    ):
        paste_masks(probs, boxes[:1], 8, 8)


def test_mask_iou_equals_one_worked_out_by_hand():
    a = torch.tensor([[[1, 1, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]).bool()
    b = torch.tensor(
        [[[0, 1, 1], [0, 1, 0]], [[1, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 0, 0]]]
    ).bool()
    assert mask_intersection(a, b).tolist() == [[2, 3, 0], [0, 0, 0]]
    assert mask_iou(a, b).tolist() == [[0.5, 1, 0], [0, 0, 0]]
    assert mask_iou(a[1:], a[1:]).tolist() == [[0]]


def test_mask_iou_equals_a_loop():
    a, b = random_masks(5, 9, 11, seed=1), random_masks(7, 9, 11, seed=2, share=0.2)
    expected = [[((p & q).sum() / (p | q).sum()).item() for q in b] for p in a]
    torch.testing.assert_close(mask_iou(a, b).float(), torch.tensor(expected))
    assert torch.equal(mask_iou(a, b), mask_iou(b, a).T)


def test_mask_iou_takes_no_masks():
    masks = random_masks(2, 4, 4)
    assert mask_iou(masks[:0], masks).shape == (0, 2)
    assert mask_iou(masks, masks[:0]).shape == (2, 0)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (8, 8), (5, 13), (16, 8), (0, 4)])
def test_mask_intersection_equals_a_product_of_matrices_whatever_the_size(size):
    a, b = random_masks(5, *size, seed=1), random_masks(7, *size, seed=2)
    expected = a.flatten(1).double() @ b.flatten(1).double().T
    assert torch.equal(mask_intersection(a, b), expected)
    assert torch.equal(mask_intersection(a, a).diagonal(), mask_area(a))
    columns = a.transpose(1, 2), b.transpose(1, 2)  # not contiguous
    assert torch.equal(mask_intersection(*columns), expected)
    assert torch.equal(mask_area(columns[0]), mask_area(a))


def test_mask_area_equals_one_worked_out_by_hand():
    masks = torch.tensor([[[1, 1, 1], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]).bool()
    assert mask_area(masks).tolist() == [4, 0]
    assert mask_area(torch.ones(1, 300, 300).bool()).item() == 90_000  # more than a byte holds


def test_mask_iou_says_what_is_wrong_with_its_arguments():
    masks = random_masks(2, 4, 5)
    with pytest.raises(TypeError, match=r"masks2: expected a bool .* got torch\.uint8"):
        mask_iou(masks, masks.byte())
    with pytest.raises(ValueError, match=r"masks1: expected a bool tensor of shape \(N, H, W\)"):
        mask_iou(masks[0], masks)
    with pytest.raises(
        ValueError, match=r"masks2: .* = \(M, 4, 5\) to go .* got shape \(\d, 4, 4\)"
    ):
        mask_iou(masks, masks[..., :4])
