from types import SimpleNamespace

import pytest
import torch
from support.coordinates import centres, coordinate_maps, tell_coordinates
from support.detection_scenes import random_scenes
from torch import nn
from torchvision.models.detection import ssd as theirs
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.ops import box_iou

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.detections import select_detections
from cvgen_course.detection.ssd import SSD
from cvgen_course.detection.targets import Targets, pad_targets

C, SIZE = 4, (48, 64)
SIZES, RATIOS = ((8, 12), (16, 24)), (0.5, 1.0, 2.0)
ANCHORS = pyramid_anchors([(6, 8), (3, 4)], (8, 16), SIZES, RATIOS)
CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))


def make(**parts):
    torch.manual_seed(0)
    return SSD(C, width=4, num_convs=1, sizes=SIZES, ratios=RATIOS, **parts).eval()


def random_truth(N=5, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return random_scenes(rng, N, C, max_objects=3, max_detections=0, size=48)[1]


def predictions_of(model, N=5, spread=1.0):
    rng = torch.Generator().manual_seed(1)
    said = model(torch.zeros(N, 3, *SIZE))
    return said._replace(
        logits=spread * torch.randn(said.logits.shape, generator=rng),
        deltas=spread * torch.randn(said.deltas.shape, generator=rng),
    )


def test_ssd_says_of_each_default_box_what_is_at_its_place():
    model = make()
    said = model(torch.randn(2, 3, *SIZE))
    assert torch.equal(said.anchors, ANCHORS)
    assert said.logits.shape == (2, len(ANCHORS), C)
    assert said.deltas.shape == (2, len(ANCHORS), 4)
    assert said.image_size == SIZE

    fine, middle = coordinate_maps(SIZE, (8, 16), channels=16)
    model.backbone = nn.Module()
    model.backbone.forward = lambda images: [None, fine, middle]
    for conv in model.box_deltas:
        tell_coordinates(conv)
    said = model(torch.zeros(1, 3, *SIZE))
    torch.testing.assert_close(said.deltas[0, :, :2], centres(ANCHORS))


def test_ssd_orders_logits_as_torchvision_does():
    model, images = make(), torch.randn(2, 3, *SIZE)
    maps = model.backbone(images)[1:]
    head = theirs.SSDClassificationHead([16, 16], [6, 6], C)
    for mine, other in zip(model.class_logits, head.module_list, strict=True):
        other.load_state_dict(mine.state_dict())
    torch.testing.assert_close(model(images).logits, head(maps))


def test_losses_equal_torchvisions():
    model, truth = make(), random_truth()
    said = predictions_of(model)
    losses = model.losses(said, pad_targets(truth))

    matcher, matches = Matcher(0.5, 0.5, allow_low_quality_matches=True), []
    for each in truth:
        none = torch.full((len(ANCHORS),), -1)
        matches.append(matcher(box_iou(each.boxes, ANCHORS)) if len(each.labels) else none)
    assert min(map(len, (each.labels for each in truth))) == 0
    expected = theirs.SSD.compute_loss(
        SimpleNamespace(box_coder=CODER, neg_to_pos_ratio=3),
        [{"boxes": each.boxes, "labels": each.labels} for each in truth],
        {"bbox_regression": said.deltas, "cls_logits": said.logits},
        [ANCHORS] * len(truth),
        matches,
    )
    torch.testing.assert_close(losses["classes"], expected["classification"])
    torch.testing.assert_close(losses["boxes"], expected["bbox_regression"])


def test_losses_of_a_perfect_answer_are_nearly_zero():
    model, truth = make(), [each for each in random_truth() if len(each.labels) > 1][:1]
    said = predictions_of(model, N=1)
    matches = Matcher(0.5, 0.5, True)(box_iou(truth[0].boxes, ANCHORS))
    labels = truth[0].labels[matches] * (matches >= 0)
    said = said._replace(
        logits=50 * nn.functional.one_hot(labels, C).float()[None],
        deltas=CODER.encode_single(truth[0].boxes[matches.clamp(min=0)], ANCHORS)[None],
    )
    losses = model.losses(said, pad_targets(truth))
    assert losses["classes"].item() == pytest.approx(0, abs=1e-6)
    assert losses["boxes"].item() == pytest.approx(0, abs=1e-6)


def test_losses_without_objects_are_zero():
    model = make()
    nothing = Targets(torch.zeros(5, 1, 4), torch.zeros(5, 1, dtype=torch.int64))
    losses = model.losses(predictions_of(model), nothing)
    assert {name: part.item() for name, part in losses.items()} == {"classes": 0, "boxes": 0}


def test_hard_negative_mining_of_ones_own_is_used():
    seen = []

    def every_negative(losses, positive):
        seen.append((losses, positive))
        return torch.ones_like(positive)

    model, truth = make(hard_negative_mining=every_negative), random_truth()
    said = predictions_of(model)
    said.logits.requires_grad_()
    losses = model.losses(said, pad_targets(truth))
    ((cross_entropy, positive),) = seen
    assert not cross_entropy.requires_grad
    torch.testing.assert_close(losses["classes"], cross_entropy.sum() / positive.sum())


def test_detect_equals_decoding_by_torchvision():
    model, images = make(num_detections=7), torch.randn(3, 3, *SIZE)
    with torch.no_grad():
        for p in (*model.class_logits.parameters(), *model.box_deltas.parameters()):
            p.mul_(3)
    said = model(images)
    boxes = CODER.decode(said.deltas.flatten(0, 1), [ANCHORS] * 3).view(3, -1, 4)
    probs = said.logits.softmax(dim=2)[..., 1:]
    expected = select_detections(boxes, probs, SIZE, num_detections=7)
    for each, other in zip(model.detect(images), expected, strict=True):
        assert len(each.labels) == 7
        torch.testing.assert_close(each.boxes, other.boxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(each.scores, other.scores)
        assert torch.equal(each.labels, other.labels)
