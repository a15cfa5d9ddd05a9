"""Images and their objects at the size that a detector works at, and the way back."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course.data.instances import boxes_of
from cvgen_course.detection.boxes import box_area, clip_boxes
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.targets import Target
from cvgen_course.experiments.core.crop import cut


class Objects(NamedTuple):
    """The K objects of an image, as small as they can be kept.

    Attributes:
        boxes: float32 (K, 4), x1, y1, x2, y2 in pixels.
        labels: int64 (K,), from 1.
        size: height H and width W of the image.
        ids: int16 (H, W), k + 1 where the k-th object is, else 0; None where there are no masks.
        difficult: bool (K,), which objects nobody is asked to find; None where there are none.
    """

    boxes: Tensor
    labels: Tensor
    size: tuple[int, int]
    ids: Tensor | None = None
    difficult: Tensor | None = None

    def target(self) -> Target:
        """Return the same with a mask for each object, as metrics want it."""
        masks = None if self.ids is None else masks_of(self.ids, len(self.labels))
        return Target(self.boxes, self.labels, masks, difficult=self.difficult)


class Picture(NamedTuple):
    """An image as a detector sees it, and its objects.

    Attributes:
        image: float32 (3, h, w) in [-1, 1].
        objects: in this image, to be learned: nothing difficult is among them.
        truth: in the image as published: what is measured against.
    """

    image: Tensor
    objects: Objects
    truth: Objects


class Pictures(Dataset[Picture]):
    """A data set's images, shrunk; read once and kept in memory.

    Args:
        items: a data set of ``SceneItem`` or ``DetectionItem``.
        shorter: how many pixels the shorter side of an image may have; None for any number.

    Attributes:
        classes: the classes' names.
    """

    def __init__(self, items: Any, shorter: int | None) -> None:
        self.items, self.shorter, self.classes = items, shorter, items.classes
        self._read: dict[int, Picture] = {}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Picture:
        if index not in self._read:
            self._read[index] = shrink(self.items[index], self.shorter)
        return self._read[index]


def masks_of(ids: Tensor, num_objects: int) -> Tensor:
    """Return masks, bool (…, K, H, W), of numbered objects (…, H, W)."""
    numbers = torch.arange(1, num_objects + 1, device=ids.device, dtype=ids.dtype)
    return ids.unsqueeze(-3) == numbers[:, None, None]


def shrink(item: Any, shorter: int | None) -> Picture:
    """Shrink an item of a data set until its shorter side has so many pixels; never enlarge it."""
    H, W = item.image.shape[1:]
    ids = _numbered(getattr(item, "instances", None))
    truth = Objects(item.boxes, item.labels, (H, W), ids, getattr(item, "difficult", None))
    sought = truth if truth.difficult is None else _only(truth, ~truth.difficult)
    if shorter is None or min(H, W) <= shorter:
        return Picture(item.image, sought, truth)
    h, w = (round(side * shorter / min(H, W)) for side in (H, W))
    image = F.interpolate(item.image[None], (h, w), mode="bilinear", antialias=True)[0]
    boxes = sought.boxes * torch.tensor([w / W, h / H, w / W, h / H])
    ids = sought.ids
    if ids is not None:
        ids = F.interpolate(ids[None, None].float(), (h, w), mode="nearest-exact")[0, 0].short()
    objects = sought._replace(boxes=boxes, size=(h, w), ids=ids)
    return Picture(image, _only(objects, _sizes(objects) > 0), truth)


def window_of(
    objects: Objects, corner: tuple[int, int], window: tuple[int, int], min_visible: float = 0.25
) -> Objects:
    """Return what can be seen of objects in a window.

    Args:
        objects: of the image.
        corner: the window's first row and column.
        window: its height and width.
        min_visible: of an object of which less can be seen nobody can say what it is: left out.
    """
    (top, left), (height, width) = corner, window
    limits = torch.tensor([width, height, width, height])
    boxes = (objects.boxes - torch.tensor([left, top, left, top])).clamp(min=0).minimum(limits)
    ids = None if objects.ids is None else cut(objects.ids, corner, window)
    seen = objects._replace(boxes=boxes, size=window, ids=ids)
    seen = _only(seen, _sizes(seen) > min_visible * _sizes(objects))
    if seen.ids is None or not len(seen.labels):
        return seen
    return seen._replace(boxes=boxes_of(masks_of(seen.ids, len(seen.labels))))


def published(found: Detections, picture: Picture) -> Detections:
    """Turn what was found in a picture into pixels of the published image, on the CPU.

    Args:
        found: in the picture's image, which may have been filled up at the right and at the bottom.
        picture: knows both sizes.
    """
    (h, w), (H, W) = picture.objects.size, picture.truth.size
    boxes = clip_boxes(found.boxes.cpu(), h, w) * torch.tensor([W / w, H / h, W / w, H / h])
    keep = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    masks = None if found.masks is None else found.masks.cpu()[keep, :h, :w]
    if masks is not None and (h, w) != (H, W):
        grown = F.interpolate(masks[:, None].float(), (H, W), mode="bilinear")
        masks = grown[:, 0] > 0.5
    return Detections(boxes[keep], found.scores.cpu()[keep], found.labels.cpu()[keep], masks)


def _numbered(instances: Tensor | None) -> Tensor | None:
    """Number objects: bool (K, H, W) → int16 (H, W)."""
    if instances is None:
        return None
    ids = torch.zeros(instances.shape[1:], dtype=torch.int16)
    for number, mask in enumerate(instances, start=1):
        ids[mask] = number
    return ids


def _sizes(objects: Objects) -> Tensor:
    """Return how many pixels each object has, or its box where there are no masks; float (K,)."""
    if objects.ids is None:
        return box_area(objects.boxes)
    K = len(objects.labels)
    return torch.bincount(objects.ids.flatten().int(), minlength=K + 1)[1 : K + 1].float()


def _only(objects: Objects, keep: Tensor) -> Objects:
    """Return some of the objects, bool (K,), numbered anew."""
    ids = objects.ids
    if ids is not None:
        new_number = torch.zeros(len(keep) + 1, dtype=torch.int16)  # by the old number
        new_number[1:][keep] = torch.arange(1, int(keep.sum()) + 1, dtype=torch.int16)
        ids = new_number[ids.int()]
    difficult = None if objects.difficult is None else objects.difficult[keep]
    return Objects(objects.boxes[keep], objects.labels[keep], objects.size, ids, difficult)
