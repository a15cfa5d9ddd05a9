import math

import pytest
import torch

from cvgen_course.detection.decode_yolo import decode_yolo


def random_raw(*shape, seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def naive_decode_yolo(raw, num_boxes, image_size):
    H, W = image_size
    N, channels, S_h, S_w = raw.shape
    all_boxes, all_scores = [], []
    for n in range(N):
        boxes, scores = [], []
        for i in range(S_h):
            for j in range(S_w):
                numbers = raw[n, :, i, j].tolist()
                exps = [math.exp(x) for x in numbers[5 * num_boxes :]]
                for b in range(num_boxes):
                    x, y, w, h, confidence = map(sigmoid, numbers[5 * b : 5 * b + 5])
                    cx, cy = (j + x) * W / S_w, (i + y) * H / S_h
                    w, h = W * w * w, H * h * h
                    boxes.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
                    scores.append([confidence * e / sum(exps) for e in exps])
        all_boxes.append(boxes)
        all_scores.append(scores)
    assert channels == 5 * num_boxes + len(exps)
    return [torch.tensor(each, dtype=raw.dtype) for each in (all_boxes, all_scores)]


def test_decode_yolo_equals_one_worked_out_by_hand():
    # A 2 × 4 grid on an image 100 high and 200 wide, so cells of 50 × 50; all zeros but one cell.
    raw = torch.zeros(1, 7, 2, 4)
    raw[0, :, 1, 2] = torch.tensor([3.0, 1 / 3, 1.0, 3.0, 9.0, 1.0, 3.0]).log()
    boxes, scores = decode_yolo(raw, 1, (100, 200))
    assert boxes.shape == (1, 8, 4)
    # σ = 1/2 everywhere: centre of the first cell at (25, 25), a quarter of the image's sides.
    torch.testing.assert_close(boxes[0, 0], torch.tensor([0.0, 12.5, 50.0, 37.5]))
    torch.testing.assert_close(scores[0, 0], torch.tensor([0.25, 0.25]))
    # Row 1, column 2: centre (2.75 · 50, 1.25 · 50), width 200 / 4, height 100 · 9 / 16.
    expected = torch.tensor([137.5 - 25, 62.5 - 28.125, 137.5 + 25, 62.5 + 28.125])
    torch.testing.assert_close(boxes[0, 1 * 4 + 2], expected)
    torch.testing.assert_close(scores[0, 1 * 4 + 2], torch.tensor([0.9 / 4, 0.9 * 3 / 4]))


@pytest.mark.parametrize(
    ("shape", "num_boxes"),
    [((2, 13, 3, 5), 2), ((1, 6, 1, 1), 1), ((2, 19, 4, 2), 3), ((0, 12, 2, 3), 2)],
)
def test_decode_yolo_equals_a_loop(shape, num_boxes):
    raw = random_raw(*shape, dtype=torch.float64)
    boxes, scores = decode_yolo(raw, num_boxes, (96, 128))
    assert boxes.shape == (shape[0], shape[2] * shape[3] * num_boxes, 4)
    assert scores.shape == (*boxes.shape[:2], shape[1] - 5 * num_boxes)
    if shape[0]:
        torch.testing.assert_close([boxes, scores], naive_decode_yolo(raw, num_boxes, (96, 128)))


def test_decode_yolo_keeps_centres_in_their_cells():
    raw = random_raw(2, 12, 3, 4)
    boxes, _ = decode_yolo(raw, 2, (60, 80))  # cells of 20 × 20
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    cells = (centres / 20).floor().unflatten(1, (3, 4, 2))  # (N, S_h, S_w, B, 2)
    assert torch.equal(cells[..., 0], torch.arange(4.0)[:, None].expand(2, 3, 4, 2))
    assert torch.equal(cells[..., 1], torch.arange(3.0)[:, None, None].expand(2, 3, 4, 2))


def test_decode_yolo_scores_of_a_box_add_up_to_its_confidence():
    raw = random_raw(2, 14, 3, 3)
    _, scores = decode_yolo(raw, 2, (32, 32))
    confidence = raw[:, [4, 9]].sigmoid().permute(0, 2, 3, 1).flatten(1)  # (N, S_h · S_w · B)
    torch.testing.assert_close(scores.sum(dim=-1), confidence)


def test_decode_yolo_exchanges_axes_with_the_image():
    raw = random_raw(1, 9, 3, 5)
    boxes, scores = decode_yolo(raw, 1, (48, 64))
    turned = raw.mT[:, [1, 0, 3, 2, 4, 5, 6, 7, 8]]  # x and y, w and h change places
    other_boxes, other_scores = decode_yolo(turned, 1, (64, 48))
    as_grid = other_boxes.unflatten(1, (5, 3)).transpose(1, 2).flatten(1, 2)
    torch.testing.assert_close(as_grid[..., [1, 0, 3, 2]], boxes)
    torch.testing.assert_close(
        other_scores.unflatten(1, (5, 3)).transpose(1, 2).flatten(1, 2), scores
    )


def test_decode_yolo_survives_large_numbers():
    raw = 500 * random_raw(1, 8, 3, 3)
    raw.requires_grad_()
    boxes, scores = decode_yolo(raw, 1, (100, 200))
    (boxes.sum() + scores.sum()).backward()
    assert all(tensor.isfinite().all() for tensor in (boxes, scores, raw.grad))
    assert (boxes[..., 2:] >= boxes[..., :2]).all()
    assert (boxes[..., 2:] - boxes[..., :2] <= torch.tensor([200.0, 100.0])).all()


def test_decode_yolo_has_the_right_gradient():
    raw = random_raw(1, 12, 2, 1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: decode_yolo(x, 2, (4, 6)), raw)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_decode_yolo_keeps_the_dtype_and_the_input(dtype):
    raw = random_raw(2, 7, 2, 2, dtype=dtype)
    before = raw.clone()
    boxes, scores = decode_yolo(raw, 1, (32, 32))
    assert boxes.dtype == scores.dtype == dtype
    assert torch.equal(raw, before)


def test_decode_yolo_says_what_is_wrong_with_its_arguments():
    raw = random_raw(1, 12, 3, 3)
    with pytest.raises(TypeError, match=r"raw: expected .* tensor of shape .* got NoneType"):
        decode_yolo(None, 2, (32, 32))
    with pytest.raises(TypeError, match=r"raw: expected a floating-point .* got torch\.int64"):
        decode_yolo(raw.long(), 2, (32, 32))
    with pytest.raises(ValueError, match=r"raw: expected .* tensor of .* got shape \(12, 3, 3\)"):
        decode_yolo(raw[0], 2, (32, 32))
    with pytest.raises(ValueError, match=r"raw: expected more than 15 channels .* \(1, 12, 3, 3\)"):
        decode_yolo(raw, 3, (32, 32))
    with pytest.raises(ValueError, match=r"raw: expected more than 10 channels"):
        decode_yolo(raw[:, :10], 2, (32, 32))  # no class
    with pytest.raises(ValueError, match=r"num_boxes: expected at least 1, got 0"):
        decode_yolo(raw, 0, (32, 32))
    with pytest.raises(ValueError, match=r"image_size: expected a positive .* got \(32, 0\)"):
        decode_yolo(raw, 2, (32, 0))
