"""What is true of an image: its objects; and how the objects of several images become one batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from cvgen_course.require import Argument, require, require_range


class Target(NamedTuple):
    """The objects of one image.

    Attributes:
        boxes: float32 (K, 4), x1, y1, x2, y2 in pixels, x2 and y2 exclusive.
        labels: int64 (K,), the class of each object, from 1.
        masks: bool (K, H, W), the visible pixels of each object; None where nobody drew them.
        crowd: bool (K,), whether a box holds a whole group; None where none does. A detector is
            neither rewarded nor punished for finding something in a crowd.
        difficult: bool (K,), which objects nobody is asked to find; None where there are none. A
            detector is neither rewarded nor punished for finding one.
    """

    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None
    crowd: Tensor | None = None
    difficult: Tensor | None = None

    def sought(self) -> Tensor:
        """Return which objects are to be found, bool (K,): no crowds, nothing difficult."""
        sought = torch.ones(len(self.labels), dtype=torch.bool, device=self.labels.device)
        for mark in (self.crowd, self.difficult):
            if mark is not None:
                sought &= ~mark
        return sought


class Targets(NamedTuple):
    """The objects of N images, padded to the largest number K of objects.

    Attributes:
        boxes: float32 (N, K, 4); zeros where there is no object.
        labels: int64 (N, K); 0 where there is no object.
        masks: bool (N, K, H, W), or None.
    """

    boxes: Tensor
    labels: Tensor
    masks: Tensor | None = None

    def at(self, index: Tensor) -> Targets:
        """Return the targets of some of the images; ``index`` is int64 (n,)."""
        masks = None if self.masks is None else self.masks[index]
        return Targets(self.boxes[index], self.labels[index], masks)

    def to(self, device: torch.device | str) -> Targets:
        """Return the targets on a device."""
        masks = None if self.masks is None else self.masks.to(device)
        return Targets(self.boxes.to(device), self.labels.to(device), masks)


def pad_targets(targets: Sequence[Target]) -> Targets:
    """Make a batch of the objects of several images of one size.

    Args:
        targets: of each image; only the objects that are to be found are learned.

    Returns:
        The batch; K is the largest number of objects, at least 1. Masks where all have them.

    Raises:
        TypeError: a tensor of another type.
        ValueError: ``targets`` is empty, shapes do not belong together, or an object has the label
            of the background, or a box without width or height or one that is not finite.
    """
    if not targets:
        raise ValueError("targets: expected those of at least one image, got none")
    targets = [_sought_only(target) for target in targets]
    for number, target in enumerate(targets):
        _require_sound(f"targets[{number}]", target)
    size = (len(targets), max(1, *(len(target.labels) for target in targets)))
    boxes, labels = torch.zeros(*size, 4), torch.zeros(size, dtype=torch.int64)
    for row, target in enumerate(targets):
        boxes[row, : len(target.boxes)] = target.boxes
        labels[row, : len(target.labels)] = target.labels
    if any(target.masks is None for target in targets):
        return Targets(boxes, labels)
    shapes = {tuple(target.masks.shape[1:]) for target in targets if target.masks is not None}
    if len(shapes) > 1:
        raise ValueError(f"targets: expected masks of one size, got {sorted(shapes)}")
    masks = torch.zeros(*size, *shapes.pop(), dtype=torch.bool)
    for row, target in enumerate(targets):
        if target.masks is not None:
            masks[row, : len(target.masks)] = target.masks
    return Targets(boxes, labels, masks)


def require_targets(targets: Targets, num_classes: int, num_images: int) -> None:
    """Raise unless a batch's objects are those of its images, and of classes that exist.

    Args:
        targets: the batch.
        num_classes: C, the background included.
        num_images: N, of the batch that they are the objects of.

    Raises:
        TypeError: a tensor of another type.
        ValueError: shapes that do not belong together, or a label outside [0, C).
    """
    boxes, labels = targets.boxes, targets.labels
    require(boxes=(boxes, "N K 4", "float"), labels=(labels, "N K", "int64"), N=num_images)
    require_range("labels", labels, 0, num_classes, "0 is no object")


class DetectionSet(Dataset[tuple[Tensor, Target]]):
    """Images of one size and their objects, in memory.

    ``__getitems__(indices)`` is a batch for a training: images (N, 3, H, W) and their `Targets`.
    A ``DataLoader`` takes it as it is with ``collate_fn=lambda batch: batch``.

    Args:
        items: with ``image``, ``boxes``, ``labels`` and, where there are masks, ``instances``:
            `cvgen_course.data.SceneItem` or `cvgen_course.data.DetectionItem`.
        side: images are stretched to squares of so many pixels; None leaves them as they are.

    Attributes:
        images: float32 (N, 3, H, W) in [-1, 1].
        truth: for each image, a `Target`.
        targets: the same as one padded batch.

    Raises:
        ValueError: there is no item.
    """

    def __init__(self, items: Iterable[Any], side: int | None = None) -> None:
        images, self.truth = [], []
        for item in items:
            image, target = (
                item.image,
                Target(
                    item.boxes,
                    item.labels,
                    masks=getattr(item, "instances", None),
                    difficult=getattr(item, "difficult", None),
                ),
            )
            if side is not None:
                image, target = _stretched(image, target, side)
            images.append(image)
            self.truth.append(target)
        if not images:
            raise ValueError("items: expected at least one, got an empty set")
        self.images = torch.stack(images)
        self.targets = pad_targets(self.truth)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        return self.images[index], self.truth[index]

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Targets]:
        chosen = torch.tensor(indices)
        return self.images[chosen], self.targets.at(chosen)


def _stretched(image: Tensor, target: Target, side: int) -> tuple[Tensor, Target]:
    """Stretch an image and its objects to a square."""
    H, W = image.shape[1:]
    size = (side, side)
    image = F.interpolate(image[None], size, mode="bilinear", antialias=True)[0].clamp(-1, 1)
    boxes = target.boxes * torch.tensor([side / W, side / H, side / W, side / H])
    masks = target.masks
    if masks is not None:
        masks = F.interpolate(masks[None].float(), size, mode="nearest-exact")[0].bool()
    return image, target._replace(boxes=boxes, masks=masks)


def _sought_only(target: Target) -> Target:
    keep = target.sought()
    if keep.all():
        return target
    masks = None if target.masks is None else target.masks[keep]
    return Target(target.boxes[keep], target.labels[keep], masks)


def _require_sound(name: str, target: Target) -> None:
    """Raise unless the objects of an image can be learned."""
    parts: dict[str, Argument] = {
        f"{name}.boxes": (target.boxes, "K 4", "float"),
        f"{name}.labels": (target.labels, "K", "int64"),
    }
    if target.masks is not None:
        parts[f"{name}.masks"] = (target.masks, "K H W", "bool")
    require(**parts)
    if (target.labels < 1).any():
        got = int(target.labels.min())
        raise ValueError(f"{name}.labels: expected classes from 1, 0 is background; got {got}")
    boxes = target.boxes
    sound = (boxes[:, :2] < boxes[:, 2:]).all(dim=1) & boxes.isfinite().all(dim=1)
    if not sound.all():
        k = int((~sound).nonzero()[0])
        raise ValueError(
            f"{name}.boxes: expected x1 < x2 and y1 < y2, got {boxes[k].tolist()} as object {k}; "
            "mend or leave out such boxes"
        )
