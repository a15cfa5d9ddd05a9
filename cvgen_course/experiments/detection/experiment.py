"""Full-size experiments of chapter 02: five detectors on cells, nuclei, pedestrians and scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import torch
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor, nn

from cvgen_course.data import load
from cvgen_course.detection.augmentation import flip_and_turn_objects
from cvgen_course.detection.backbone import STRIDES
from cvgen_course.detection.detections import Detections
from cvgen_course.detection.faster_rcnn import FasterRCNN
from cvgen_course.detection.mask_rcnn import MaskRCNN
from cvgen_course.detection.metric_inputs import Kind
from cvgen_course.detection.metrics import DetectionMetrics, detection_metrics
from cvgen_course.detection.retinanet import RetinaNet
from cvgen_course.detection.rpn import RPN
from cvgen_course.detection.ssd import SSD
from cvgen_course.detection.targets import Target, Targets, pad_targets
from cvgen_course.detection.yolo import YOLO
from cvgen_course.experiments.core.crop import cut, padded, random_corner
from cvgen_course.experiments.core.experiment import Each, Experiment
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.detection.pictures import (
    Objects,
    Picture,
    Pictures,
    masks_of,
    published,
    window_of,
)
from cvgen_course.experiments.detection.recipes import RECIPES, DetectionRecipe
from cvgen_course.training.phase import Phase


class _Detector(Protocol):
    """What all models of the chapter can do."""

    def __call__(self, images: Tensor) -> Any:
        """Return raw predictions."""

    def losses(self, predictions: Any, targets: Targets) -> dict[str, Tensor]:
        """Return the parts of what is minimised."""

    def detect(self, images: Tensor) -> list[Detections]:
        """Return what is in each image."""


MODELS = ("faster_rcnn", "retinanet", "ssd", "yolo", "mask_rcnn")
BOXES = MODELS[:-1]


class Windows(NamedTuple):
    """Windows and what is in them.

    Attributes:
        images: float32 (N, 3, h, w) in [-1, 1].
        boxes: float32 (N, K, 4), zeros where there is no object.
        labels: int64 (N, K), 0 where there is no object.
        ids: int16 (N, h, w), k + 1 where the k-th object is; None where there are no masks. Bool
            masks would be K times as large, too much for the memory that processes share.
    """

    images: Tensor
    boxes: Tensor
    labels: Tensor
    ids: Tensor | None


def _build(data: str, model: str, seed: int) -> Experiment:
    """Return the experiment on a data set; see `Offer`."""
    recipe = RECIPES[data]
    splits = ("train", "val", "test")
    sets = {split: Pictures(load(data, split), recipe.shorter) for split in splits}
    with_masks = model == "mask_rcnn"
    return Experiment(
        chapter="detection",
        data=data,
        model_name=model,
        seed=seed,
        model=make_model(model, recipe, len(sets["train"].classes)),
        train_set=sets["train"],
        draw=partial(draw, recipe=recipe),
        collate=partial(collate, with_masks=with_masks),
        phases=(Phase("", loss),),
        evaluate=partial(
            _evaluate, sets=sets, with_masks=with_masks, max_detections=recipe.num_objects
        ),
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        lr=recipe.lr,
    )


def make_model(name: str, recipe: DetectionRecipe, num_classes: int) -> nn.Module:
    """Return a detector for objects of such sizes, and for as many of them."""
    found, sizes, ratios = recipe.num_objects, recipe.sizes, recipe.ratios
    if name == "yolo":
        return YOLO(num_classes, num_detections=found)
    if name == "ssd":
        ratios = (0.7, 1.0, 1.4) if ratios == (1.0,) else ratios
        return SSD(num_classes, sizes=recipe.ssd_sizes, ratios=ratios, num_detections=found)
    if name == "retinanet":
        return RetinaNet(num_classes, sizes=sizes, ratios=ratios, num_detections=found)
    two_stages = {"faster_rcnn": FasterRCNN, "mask_rcnn": MaskRCNN}[name]
    model = two_stages(
        num_classes,
        sizes=sizes,
        ratios=ratios,
        num_detections=found,
        num_proposals=recipe.num_proposals,
    )
    for part in model.modules():
        if isinstance(part, FasterRCNN):
            part.num_samples = recipe.num_proposals // 2
        elif isinstance(part, RPN):
            part.num_samples = 2 * recipe.num_proposals
    return model


def draw(picture: Picture, rng: torch.Generator, recipe: DetectionRecipe) -> tuple[Tensor, Objects]:
    """Cut a random window out of an image, and mirror or turn it with its objects."""
    corner = random_corner(picture.objects.size, recipe.window, rng)
    objects = window_of(picture.objects, corner, recipe.window)
    image = cut(picture.image, corner, recipe.window)
    # Numbered objects stand where masks would: they move like masks.
    masks = None if objects.ids is None else objects.ids[None, None]
    targets = Targets(objects.boxes[None], objects.labels[None], masks)
    images, targets = flip_and_turn_objects((image[None], targets), rng, turns=recipe.turns)
    ids = None if targets.masks is None else targets.masks[0, 0]
    return images[0], objects._replace(boxes=targets.boxes[0], ids=ids)


def collate(examples: list[tuple[Tensor, Objects]], with_masks: bool) -> Windows:
    """Make a batch of examples, with or without the objects' pixels."""
    images, objects = zip(*examples, strict=True)
    targets = pad_targets([Target(each.boxes, each.labels) for each in objects])
    ids = torch.stack([each.ids for each in objects]) if with_masks else None
    together = torch.stack(images).contiguous(memory_format=torch.channels_last)
    return Windows(together, targets.boxes, targets.labels, ids)


def loss(model: nn.Module, batch: Windows) -> Tensor:
    """Return the sum of a detector's losses, in float32 whatever the network computes in."""
    masks = None if batch.ids is None else masks_of(batch.ids, batch.labels.shape[1])
    targets = Targets(batch.boxes, batch.labels, masks)
    detector = cast(_Detector, model)
    outputs = apply_to_collection(detector(batch.images), Tensor, _in_float32)
    with torch.autocast(batch.images.device.type, enabled=False):
        parts = detector.losses(outputs, targets)
        return torch.stack(list(parts.values())).sum()


def _evaluate(
    model: nn.Module,
    split: str,
    each: Each,
    sets: Mapping[str, Pictures],
    with_masks: bool,
    max_detections: int,
) -> dict[str, float]:
    """Find the objects of every image, and measure what was found."""
    answers = each(partial(predict, model), sets[split])
    return measure(answers, sets[split], with_masks, max_detections)


def predict(model: nn.Module, picture: Picture) -> Detections:
    """Find the objects of one image, whole, in pixels of the published image."""
    device = next(model.parameters()).device
    image = padded(picture.image[None], STRIDES[-1]).to(device)
    (found,) = cast(_Detector, model).detect(image.contiguous(memory_format=torch.channels_last))
    return published(found, picture)


def measure(
    answers: Sequence[Detections], items: Pictures, with_masks: bool, max_detections: int
) -> dict[str, float]:
    """Return COCO's averages, of masks first where the model draws any, and of every class."""
    truth = [items[i].truth.target() for i in range(len(answers))]
    classes = items.classes
    kinds: tuple[Kind, ...] = ("masks", "boxes") if with_masks else ("boxes",)
    found: dict[str, float] = {}
    for kind in kinds:
        prefix = "mask_" if kind == "masks" else ""
        averages = detection_metrics(
            answers, truth, len(classes), kind, max_detections=max_detections
        )
        found |= {prefix + name: value for name, value in _by_name(averages, classes).items()}
    return found


def _by_name(averages: DetectionMetrics, classes: Sequence[str]) -> dict[str, float]:
    named = averages._asdict()
    per_class = named.pop("per_class").tolist()
    return named | {f"ap_{name}": ap for name, ap in zip(classes[1:], per_class, strict=True)}


def _in_float32(x: Tensor) -> Tensor:
    return x.float() if x.is_floating_point() else x


OFFER = Offer(
    {
        "scenes": ("faster_rcnn", "retinanet", "ssd", "yolo", "mask_rcnn"),
        "bccd": BOXES,
        "dsb2018": ("mask_rcnn", *BOXES),
        "penn_fudan": ("mask_rcnn", *BOXES),
        "voc_detection": BOXES,
    },
    _build,
)
