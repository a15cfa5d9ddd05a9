import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)
from torchvision.ops import box_convert

from cvgen_course.detection.exercises.decode_yolo import EXERCISE


def loop_over_cells(raw, num_boxes, image_size):
    H, W = image_size
    S_h, S_w = raw.shape[2:]
    boxes, scores = [], []
    for i in range(S_h):
        for j in range(S_w):
            for b in range(num_boxes):
                s = raw[:, 5 * b : 5 * b + 5, i, j].sigmoid()  # (N, 5)
                x, y = (j + s[:, 0]) * W / S_w, (i + s[:, 1]) * H / S_h
                w, h = W * s[:, 2] ** 2, H * s[:, 3] ** 2
                boxes.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1))
                scores.append(s[:, 4:] * raw[:, 5 * num_boxes :, i, j].softmax(dim=1))
    return torch.stack(boxes, dim=1), torch.stack(scores, dim=1)


def meshgrid_and_box_convert(raw, num_boxes, image_size):
    H, W = image_size
    N, _, S_h, S_w = raw.shape
    of_boxes, classes = raw.split([5 * num_boxes, raw.shape[1] - 5 * num_boxes], dim=1)
    of_boxes = torch.sigmoid(of_boxes.view(N, num_boxes, 5, S_h, S_w))
    rows, columns = torch.meshgrid(torch.arange(S_h), torch.arange(S_w), indexing="ij")
    parts = [
        (of_boxes[:, :, 0] + columns) / S_w * W,
        (of_boxes[:, :, 1] + rows) / S_h * H,
        of_boxes[:, :, 2].square() * W,
        of_boxes[:, :, 3].square() * H,
    ]
    boxes = box_convert(torch.stack(parts, dim=-1), "cxcywh", "xyxy")  # (N, B, S_h, S_w, 4)
    scores = torch.einsum("nbij,ncij->nijbc", of_boxes[:, :, 4], torch.softmax(classes, dim=1))
    boxes = boxes.permute(0, 2, 3, 1, 4).reshape(N, -1, 4)
    return [boxes, scores.reshape(N, -1, classes.shape[1])]


def flat_index_arithmetic(raw, num_boxes, image_size):
    H, W = image_size
    S_h, S_w = raw.shape[2:]
    rows = raw.double().flatten(2).transpose(1, 2)  # (N, S_h · S_w, channels)
    which = torch.arange(S_h * S_w).repeat_interleave(num_boxes)
    box = torch.arange(num_boxes).repeat(S_h * S_w)
    t = rows[:, which[:, None], 5 * box[:, None] + torch.arange(5)]
    t = 1 / (1 + torch.exp(-t.clamp(min=-700)))
    size = torch.stack([t[..., 2] ** 2 * W, t[..., 3] ** 2 * H], -1)
    cell = torch.stack([which % S_w, which // S_w], -1)
    centre = (cell + t[..., :2]) * torch.tensor([W / S_w, H / S_h], dtype=torch.float64)
    logits = rows[:, :, 5 * num_boxes :]
    e = (logits - logits.amax(-1, keepdim=True)).exp()
    probs = e / e.sum(-1, keepdim=True)
    return torch.cat([centre - size / 2, centre + size / 2], -1), t[..., 4:] * probs[:, which]


def own_sigmoid_with_tanh(raw, num_boxes, image_size):
    H, W = image_size
    N, _, S_h, S_w = raw.shape
    cells = raw.permute(0, 2, 3, 1)
    s = (1 + torch.tanh(cells[..., : 5 * num_boxes] / 2)) / 2
    s = s.reshape(N, S_h, S_w, num_boxes, 5)
    grid = torch.from_numpy(np.indices((S_h, S_w))[::-1].copy()).movedim(0, -1)  # (S_h, S_w, 2)
    scale = torch.tensor([W, H])
    centre = (s[..., :2] + grid[:, :, None]) * scale / torch.tensor([S_w, S_h])
    corner = centre - s[..., 2:4] ** 2 * scale / 2
    boxes = torch.cat([corner, 2 * centre - corner], dim=-1)
    probs = cells[..., 5 * num_boxes :].log_softmax(-1).exp()
    scores = torch.stack([s[..., b, 4:] * probs for b in range(num_boxes)], dim=3)
    return boxes.reshape(N, -1, 4), scores.reshape(N, S_h * S_w * num_boxes, -1)


def varied(**changes):
    """Return the right answer, with parts of it replaced."""

    def answer(raw, num_boxes, image_size):
        H, W = changes.get("image", lambda size: size)(image_size)
        of_boxes, classes = raw[:, : 5 * num_boxes], raw[:, 5 * num_boxes :]
        split = changes.get("split", lambda x, b: x.unflatten(1, (b, 5)))
        t = split(of_boxes, num_boxes).permute(0, 3, 4, 1, 2)  # (N, S_h, S_w, B, 5)
        S_h, S_w = t.shape[1:3]
        s = changes.get("sigmoid", torch.sigmoid)(t)
        column, row = torch.arange(S_w)[:, None], torch.arange(S_h)[:, None, None]
        offset = changes.get("offset", 0)
        x, y = (column + offset + s[..., 0]) * W / S_w, (row + offset + s[..., 1]) * H / S_h
        w, h = changes.get("size", lambda s, t, W, H: (W * s[..., 2] ** 2, H * s[..., 3] ** 2))(
            s, t, W, H
        )
        corners = changes.get(
            "corners", lambda x, y, w, h: (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        )
        boxes = torch.stack(corners(x, y, w, h), -1)
        probs = changes.get("softmax", lambda x: x.softmax(1))(classes)
        confidence = changes.get("confidence", lambda s, t: s[..., 4:])(s, t)
        scores = confidence * probs.permute(0, 2, 3, 1)[..., None, :]
        flat = changes.get("flat", lambda x: x.flatten(1, 3))
        return changes.get("end", lambda *both: both)(flat(boxes), flat(scores))

    return answer


def own_sigmoid(t):
    return t.exp() / (1 + t.exp())


WRONG_PARTS = {
    "interleaved channels": {"split": lambda x, b: x.unflatten(1, (5, b)).transpose(1, 2)},
    "own sigmoid": {"sigmoid": own_sigmoid},
    "no sigmoid": {"sigmoid": lambda t: t},
    "cell's middle": {"offset": 0.5},
    "cells from 1": {"offset": 1},
    "width first": {"image": lambda size: size[::-1]},
    "square image": {"image": lambda size: (size[0], size[0])},
    "relative to 1": {"image": lambda size: (1, 1)},
    "exponential": {"size": lambda s, t, W, H: (W * t[..., 2].exp(), H * t[..., 3].exp())},
    "square of logit": {"size": lambda s, t, W, H: (W * t[..., 2] ** 2, H * t[..., 3] ** 2)},
    "square root": {"size": lambda s, t, W, H: (W * s[..., 2] ** 0.5, H * s[..., 3] ** 0.5)},
    "square of product": {"size": lambda s, t, W, H: ((W * s[..., 2]) ** 2, (H * s[..., 3]) ** 2)},
    "height first": {"size": lambda s, t, W, H: (W * s[..., 3] ** 2, H * s[..., 2] ** 2)},
    "cxcywh": {"corners": lambda x, y, w, h: (x, y, w, h)},
    "xywh": {"corners": lambda x, y, w, h: (x - w / 2, y - h / 2, w, h)},
    "twice as large": {"corners": lambda x, y, w, h: (x - w, y - h, x + w, y + h)},
    "yxyx": {"corners": lambda x, y, w, h: (y - h / 2, x - w / 2, y + h / 2, x + w / 2)},
    "clipped": {
        "corners": lambda x, y, w, h: (
            (x - w / 2).clamp(min=0),
            (y - h / 2).clamp(min=0),
            x + w / 2,
            y + h / 2,
        )
    },
    "whole pixels": {
        "corners": lambda x, y, w, h: tuple(
            z.round() for z in (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        )
    },
    "own softmax": {"softmax": lambda x: x.exp() / x.exp().sum(1, keepdim=True)},
    "softmax of rows": {"softmax": lambda x: x.softmax(2)},
    "softmax of batch": {"softmax": lambda x: x.softmax(0)},
    "log softmax": {"softmax": lambda x: x.log_softmax(1)},
    "class logits": {"softmax": lambda x: x},
    "one-hot": {"softmax": lambda x: (x == x.amax(1, keepdim=True)).to(x.dtype)},
    "no squashed confidence": {"confidence": lambda s, t: t[..., 4:]},
    "wrong channel": {"confidence": lambda s, t: s[..., 3:4]},
    "best box's confidence": {"confidence": lambda s, t: s[..., 4:].amax(3, keepdim=True)},
    "columns first": {"flat": lambda x: x.transpose(1, 2).flatten(1, 3)},
    "cells kept": {"flat": lambda x: x.flatten(1, 2)},
    "one list for all images": {"flat": lambda x: x.flatten(0, 3)},
    "class axis lost": {"end": lambda boxes, scores: (boxes, scores.squeeze(-1))},
    "boxes only": {"end": lambda boxes, scores: boxes},
    "best class only": {"end": lambda boxes, scores: (boxes, scores.max(-1).values)},
    "exchanged": {"end": lambda boxes, scores: (scores, boxes)},
    "float32": {"end": lambda boxes, scores: (boxes.float(), scores.float())},
    "boxes detached": {"end": lambda boxes, scores: (boxes.detach(), scores)},
    "scores detached": {"end": lambda boxes, scores: (boxes, scores.detach())},
}


def first_image_only(raw, num_boxes, image_size):
    return varied()(raw[:1], num_boxes, image_size)


def changes_raw_in_place(raw, num_boxes, image_size):
    raw[:, 5 * num_boxes :] -= raw[:, 5 * num_boxes :].detach().amax(1, keepdim=True)
    return varied()(raw, num_boxes, image_size)


RIGHT = [
    *(loop_over_cells, meshgrid_and_box_convert, flat_index_arithmetic, own_sigmoid_with_tanh),
    varied(),
]
WRONG = [
    *(first_image_only, changes_raw_in_place),
    *(pytest.param(varied(**parts), id=name) for name, parts in WRONG_PARTS.items()),
]
EQUIVALENT = {
    "decode_yolo: torch.arange(S_w, device=raw.device) -> torch.arange(S_w)": "all is on the CPU",
    "decode_yolo: torch.arange(S_h, device=raw.device) -> torch.arange(S_h)": "all is on the CPU",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_decode_yolo_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_decode_yolo_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_decode_yolo_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
