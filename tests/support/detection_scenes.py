"""Random truth and random detections, and what pycocotools says about them."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor

from cvgen_course.detection.detections import Detections
from cvgen_course.detection.targets import Target

AREAS = (32.0**2, 96.0**2)


def random_scenes(
    rng: torch.Generator,
    num_images: int,
    num_classes: int,
    max_objects: int,
    max_detections: int,
    *,
    size: int = 128,
    grid: float = 0.0,
    crowds: float = 0.0,
    difficult: float = 0.0,
    masks: bool = False,
) -> tuple[list[Detections], list[Target]]:
    """Return images with up to so many objects and detections, none included.

    About half of the detections are near an object, and scores have two decimals, so that many
    are equal. With a ``grid`` corners are multiples of it, so that many IoUs are equal, too.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng)

    def whole(highest: int, *shape: int) -> Tensor:
        return torch.randint(highest + 1, shape, generator=rng)

    detections, targets = [], []
    for _ in range(num_images):
        K, D = int(whole(max_objects)), int(whole(max_detections))
        side = 4 + uniform(K, 2) * (size / 2)
        corner = uniform(K, 2) * (size - side)
        truth = torch.cat([corner, corner + side], dim=1)
        labels = 1 + whole(num_classes - 2, K)

        ends = (uniform(D, 2, 2) * size).sort(dim=1).values  # (D, corner, axis)
        boxes, classes = ends.flatten(1), 1 + whole(num_classes - 2, D)
        if K:
            of = whole(K - 1, D)
            noise = torch.randn(D, 4, generator=rng) * side[of].mean(dim=1, keepdim=True) / 10
            near = truth[of] + noise
            near[:, 2:] = near[:, 2:].maximum(near[:, :2])
            is_near = uniform(D) < 0.6
            boxes = torch.where(is_near[:, None], near, boxes)
            classes = torch.where(is_near & (uniform(D) < 0.9), labels[of], classes)
        if grid:
            truth, boxes = (truth / grid).round() * grid, (boxes / grid).round() * grid
        drawn = [_draw(each, size, rng) if masks else None for each in (truth, boxes)]
        scores = (uniform(D) * 100).round() / 100
        marks = [uniform(K) < chance if chance else None for chance in (crowds, difficult)]
        targets.append(Target(truth, labels, drawn[0], *marks))
        detections.append(Detections(boxes, scores, classes, drawn[1]))
    return detections, targets


def coco_metrics(
    detections: Sequence[Detections],
    targets: Sequence[Target],
    num_classes: int,
    kind: str = "boxes",
    areas: tuple[float, float] = AREAS,
    max_detections: int = 100,
) -> Tensor:
    """Return pycocotools' six averages and its AP of each class, float64 (6 + C - 1,)."""
    truth = {
        "info": {},
        "images": [_image(number, target) for number, target in enumerate(targets, start=1)],
        "categories": [{"id": c} for c in range(1, num_classes)],
        "annotations": _annotations(targets, kind),
    }
    results = _annotations(detections, kind)
    with contextlib.redirect_stdout(io.StringIO()):
        true, found = COCO(), COCO()
        true.dataset = truth
        true.createIndex()
        if results:
            found = true.loadRes(results)
        run = _Evaluation(true, found, {"boxes": "bbox", "masks": "segm"}[kind])
        run.params.areaRng = [[0, 1e10], [0, areas[0]], list(areas), [areas[1], 1e10]]
        run.params.maxDets = [max_detections]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][..., 0]  # (thresholds, recalls, classes, ranges)
    everything = precision[..., 0]
    parts = [everything, everything[0], everything[5], *np.moveaxis(precision[..., 1:], -1, 0)]
    means = [_mean(each) for each in (*parts, *np.moveaxis(everything, -1, 0))]
    return torch.tensor(means, dtype=torch.float64)


class _Evaluation(COCOeval):
    """The benchmark's own, in which a difficult object is a crowd that has an IoU like others."""

    def computeIoU(self, imgId: int, catId: int) -> Any:  # noqa: N802  # its name for it
        objects = self._gts[imgId, catId]
        for each in objects:
            each["iscrowd"] = each["crowd"]
        iou = super().computeIoU(imgId, catId)
        for each in objects:
            each["iscrowd"] = each["crowd"] or each["difficult"]
        return iou


def _draw(boxes: Tensor, size: int, rng: torch.Generator) -> Tensor:
    """Return a mask for each box, bool (n, size, size), with holes."""
    at = torch.arange(size) + 0.5
    x1, y1, x2, y2 = boxes[:, :, None].unbind(dim=1)  # (n, 1)
    rows, columns = (at >= y1) & (at < y2), (at >= x1) & (at < x2)
    holes = torch.rand(len(boxes), size, size, generator=rng) < 0.1
    return rows[:, :, None] & columns[:, None] & ~holes


def _image(number: int, target: Target) -> dict[str, int]:
    height, width = (0, 0) if target.masks is None else target.masks.shape[1:]
    return {"id": number, "height": height, "width": width}


def _annotations(items: Sequence[Detections] | Sequence[Target], kind: str) -> list[dict[str, Any]]:
    """Return objects or detections as pycocotools wants them, which is without areas for those."""
    annotations: list[dict[str, Any]] = []
    for number, item in enumerate(items, start=1):
        boxes = item.boxes.double()
        boxes = torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1)  # x, y, w, h
        for k, (box, label) in enumerate(zip(boxes.tolist(), item.labels.tolist(), strict=True)):
            of = {"image_id": number, "category_id": label}
            if kind == "boxes":
                of |= {"bbox": box, "area": box[2] * box[3]}
            else:
                code = coco_masks.encode(np.asfortranarray(item.masks[k].numpy().view(np.uint8)))
                of |= {"segmentation": code, "area": float(coco_masks.area(code))}
            if isinstance(item, Detections):
                of["score"] = item.scores[k].item()
            else:
                of["crowd"] = 0 if item.crowd is None else int(item.crowd[k])
                of["difficult"] = 0 if item.difficult is None else int(item.difficult[k])
                of["iscrowd"] = of["crowd"] or of["difficult"]
                of["id"] = len(annotations) + 1
            annotations.append(of)
    return annotations


def _mean(values: np.ndarray) -> float:
    values = values[values > -1]
    return float(values.mean()) if values.size else math.nan
