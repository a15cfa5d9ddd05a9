"""A detector's average precision against pycocotools', from tensors to the numbers."""

import contextlib
import io

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cvgen_course.detection.detections import Detections
from cvgen_course.detection.metrics import detection_metrics
from cvgen_course.detection.targets import Target
from cvgen_course.seeding import generator

DETECTIONS, OBJECTS, CLASSES, SIZE = 100, 10, 5, 128
IMAGES = {"boxes": 100, "masks": 25}

pytestmark = pytest.mark.benchmark(
    group=f"Average precision: {DETECTIONS} detections and {OBJECTS} objects in each image"
)


def scene(chance):
    """Return one image's objects and detections, every second detection near an object."""
    side = 8 + torch.rand(OBJECTS, 2, generator=chance) * SIZE / 2
    corner = torch.rand(OBJECTS, 2, generator=chance) * (SIZE - side)
    truth = torch.cat([corner, corner + side], dim=1)
    labels = torch.randint(1, CLASSES + 1, (OBJECTS,), generator=chance)

    of = torch.randint(OBJECTS, (DETECTIONS,), generator=chance)
    noise = torch.randn(DETECTIONS, 4, generator=chance)
    noise *= torch.where(torch.arange(DETECTIONS) % 2 == 0, 3, 40)[:, None]
    boxes = (truth[of] + noise).clamp(0, SIZE - 4)
    boxes[:, 2:] = boxes[:, 2:].maximum(boxes[:, :2] + 4)
    scores = torch.rand(DETECTIONS, generator=chance).sort(descending=True).values
    found = Detections(boxes, scores, labels[of], drawn(boxes, chance))
    return found, Target(truth, labels, drawn(truth, chance))


def drawn(boxes, chance):
    """Return the ellipse inside each box, with a rough edge."""
    centre, radius = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    at = torch.arange(SIZE) + 0.5
    x = ((at - centre[:, :1]) / radius[:, :1]) ** 2
    y = ((at - centre[:, 1:]) / radius[:, 1:]) ** 2
    rough = 0.2 * torch.rand(len(boxes), SIZE, SIZE, generator=chance)
    return y[:, :, None] + x[:, None] + rough < 1.1


CHANCE = generator("benchmarks", "average precision")
FOUND, TRUTH = zip(*(scene(CHANCE) for _ in range(max(IMAGES.values()))), strict=True)


def ours(kind):
    """Return AP, AP50 and AP75."""
    num = IMAGES[kind]
    return torch.tensor(detection_metrics(FOUND[:num], TRUTH[:num], CLASSES + 1, kind)[:3])


def annotations(item, image, kind):
    """Return what pycocotools wants to know of an image's objects or detections."""
    boxes = torch.cat([item.boxes[:, :2], item.boxes[:, 2:] - item.boxes[:, :2]], dim=1)
    shapes = boxes.tolist()
    name, areas = "bbox", boxes[:, 2:].prod(dim=1).tolist()
    if kind == "masks":
        columns = item.masks.permute(1, 2, 0).numpy().astype(np.uint8, order="F")
        name, shapes = "segmentation", coco_masks.encode(columns)
        areas = coco_masks.area(shapes).tolist()
    parts = zip(item.labels.tolist(), shapes, areas, strict=True)
    return [
        {"image_id": image, "category_id": label, name: shape, "area": area, "iscrowd": 0}
        for label, shape, area in parts
    ]


def theirs(kind):
    """Return the same of pycocotools, without what it prints."""
    truth, found = [], []
    for image in range(IMAGES[kind]):
        detections, target = FOUND[image], TRUTH[image]
        truth += annotations(target, image, kind)
        of_image = annotations(detections, image, kind)
        for annotation, score in zip(of_image, detections.scores.tolist(), strict=True):
            annotation["score"] = score
        found += of_image
    for number, annotation in enumerate(truth, start=1):
        annotation["id"] = number
    data = COCO()
    data.dataset = {
        "info": {},
        "images": [{"id": image, "height": SIZE, "width": SIZE} for image in range(IMAGES[kind])],
        "categories": [{"id": label} for label in range(1, CLASSES + 1)],
        "annotations": truth,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        data.createIndex()
        run = COCOeval(data, data.loadRes(found), "bbox" if kind == "boxes" else "segm")
        run.params.maxDets = [DETECTIONS]
        run.evaluate()
        run.accumulate()
    precision = torch.from_numpy(run.eval["precision"])[..., 0, 0]  # (10, 101, classes)
    return torch.stack([precision.mean(), precision[0].mean(), precision[5].mean()])


@pytest.mark.parametrize("kind", ["boxes", "masks"])
def test_average_precision(side_by_side, kind):
    """Overlaps, matching and averages; for pycocotools its dictionaries and run lengths, too."""
    shapes = {"boxes": "boxes", "masks": f"masks of {SIZE} × {SIZE} pixels"}[kind]
    what = f"{shapes}, {IMAGES[kind]} images"
    side_by_side(what, lambda: ours(kind), "pycocotools", lambda: theirs(kind))
