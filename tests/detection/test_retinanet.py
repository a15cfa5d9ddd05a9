import pytest
import torch
from support.coordinates import centres, coordinate_maps, tell_coordinates
from support.detection_scenes import random_scenes
from torch import nn
from torchvision.models.detection._utils import BoxCoder, Matcher, _box_loss
from torchvision.models.detection.retinanet import RetinaNetClassificationHead
from torchvision.ops import box_iou

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.detections import select_detections
from cvgen_course.detection.retinanet import RetinaNet, RetinaNetHead
from cvgen_course.detection.targets import Targets, pad_targets

C, SIZE = 4, (32, 48)
SIZES, RATIOS = ((8, 12), (16, 24)), (0.5, 1.0)
ANCHORS = pyramid_anchors([(8, 12), (4, 6)], (4, 8), SIZES, RATIOS)


def make(**parts):
    torch.manual_seed(0)
    small = {"width": 4, "num_convs": 1, "channels": 8}
    return RetinaNet(C, sizes=SIZES, ratios=RATIOS, **small, **parts).eval()


def random_truth(N=6, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return random_scenes(rng, N, C, max_objects=3, max_detections=0, size=32)[1]


def predictions_of(model, N=6):
    rng = torch.Generator().manual_seed(1)
    said = model(torch.zeros(N, 3, *SIZE))
    return said._replace(
        logits=torch.randn(said.logits.shape, generator=rng),
        deltas=torch.randn(said.deltas.shape, generator=rng),
    )


def torchvisions_losses(model, said, truth):
    """Return their classes' and boxes' loss of each image, and its number of positive anchors."""
    head = RetinaNetClassificationHead(8, 1, C - 1)
    matcher = Matcher(model.high, model.low, allow_low_quality_matches=True)
    coder, found = BoxCoder((1.0, 1.0, 1.0, 1.0)), []
    for n, each in enumerate(truth):
        matches = torch.full((len(ANCHORS),), Matcher.BELOW_LOW_THRESHOLD)
        if len(each.labels):
            matches = matcher(box_iou(each.boxes, ANCHORS))
        of = [{"labels": each.labels - 1}]  # their columns
        classes = head.compute_loss(of, {"cls_logits": said.logits[n, None]}, [matches])
        positive = matches >= 0
        boxes = _box_loss(
            "smooth_l1",
            coder,
            ANCHORS[positive],
            each.boxes[matches[positive]],
            said.deltas[n, positive],
            {"beta": 0.1},
        )
        num_positive = int(positive.sum())
        found.append((classes, boxes / max(1, num_positive), num_positive))
    return found


def test_head_starts_from_the_prior():
    torch.manual_seed(0)
    maps = [torch.randn(2, 8, 6, 6)]
    for prior in (0.01, 0.2):
        logits, deltas = RetinaNetHead(8, 3, C, prior=prior)(maps)
        assert logits.sigmoid().mean().item() == pytest.approx(prior, rel=0.02)
        torch.testing.assert_close(
            logits.sigmoid(), torch.full_like(logits, prior), rtol=0.4, atol=0
        )
        assert deltas.abs().max() < 0.4


def test_model_starts_from_a_prior_of_one_percent():
    probs = make()(torch.randn(2, 3, *SIZE)).logits.sigmoid()
    torch.testing.assert_close(probs, torch.full_like(probs, 0.01), rtol=0.4, atol=0)


def test_prior_keeps_the_first_loss_small():
    """Without it, the background says ln 2 each time: it would drown the objects."""
    model, targets = make(), pad_targets(random_truth())
    said = model(torch.randn(6, 3, *SIZE))
    with_prior = model.losses(said, targets)["classes"]
    without = model.losses(said._replace(logits=torch.zeros_like(said.logits)), targets)["classes"]
    assert with_prior < without / 5


@pytest.mark.parametrize("num_convs", [1, 3])
def test_head_reads_all_levels_with_the_same_two_towers(num_convs):
    head = RetinaNetHead(8, 3, C, num_convs)
    assert sum(isinstance(layer, nn.Conv2d) for layer in head.modules()) == 2 * num_convs + 2
    maps = [torch.randn(2, 8, 4, 6), torch.randn(2, 8, 2, 3)]
    logits, deltas = head(maps)
    assert logits.shape == (2, (24 + 6) * 3, C - 1)
    assert deltas.shape == (2, (24 + 6) * 3, 4)
    for x, first, last in ((maps[0], 0, 72), (maps[1], 72, 90)):
        alone = head([x])
        torch.testing.assert_close(alone[0], logits[:, first:last])
        torch.testing.assert_close(alone[1], deltas[:, first:last])


def test_retinanet_says_of_each_anchor_what_is_at_its_place():
    model = make()
    said = model(torch.randn(2, 3, *SIZE))
    assert torch.equal(said.anchors, ANCHORS)
    assert said.logits.shape == (2, len(ANCHORS), C - 1)
    assert said.image_size == SIZE

    maps = coordinate_maps(SIZE, (4, 8), channels=8)
    model.pyramid.forward = lambda _: maps
    model.head.box_tower = nn.Identity()
    tell_coordinates(model.head.box_deltas)
    said = model(torch.zeros(1, 3, *SIZE))
    torch.testing.assert_close(said.deltas[0, :, :2], centres(ANCHORS))


def test_losses_of_an_image_equal_torchvisions():
    model, truth = make(), random_truth()
    said = predictions_of(model)
    assert {len(each.labels) for each in truth} >= {0, 1}
    for n, (classes, boxes, _) in enumerate(torchvisions_losses(model, said, truth)):
        alone = said._replace(logits=said.logits[n, None], deltas=said.deltas[n, None])
        losses = model.losses(alone, pad_targets(truth[n : n + 1]))
        torch.testing.assert_close(losses["classes"], classes)
        torch.testing.assert_close(losses["boxes"], boxes)


def test_losses_of_a_batch_are_divided_by_all_its_positive_anchors():
    model, truth = make(), random_truth()
    said = predictions_of(model)
    losses = model.losses(said, pad_targets(truth))
    images = torchvisions_losses(model, said, truth)
    total = sum(num for *_, num in images)
    for index, name in enumerate(("classes", "boxes")):
        expected = sum(each[index] * max(1, each[2]) for each in images) / total
        torch.testing.assert_close(losses[name], expected)


def test_losses_without_objects_are_about_background_only():
    model, said = make(), predictions_of(make())
    nothing = Targets(torch.zeros(6, 1, 4), torch.zeros(6, 1, dtype=torch.int64))
    losses = model.losses(said, nothing)
    p = said.logits.double().sigmoid()
    expected = -(0.75 * p**2 * (1 - p).log()).sum()
    assert losses["classes"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert losses["boxes"].item() == 0


def test_focal_loss_of_ones_own_is_used():
    seen = []

    def note(logits, labels):
        seen.append((logits, labels))
        return logits.sum()

    model = make(focal_loss=note)
    said = predictions_of(model)
    losses = model.losses(said, pad_targets(random_truth()))
    ((logits, labels),) = seen
    assert torch.equal(losses["classes"], said.logits.sum())
    assert torch.equal(logits, said.logits)
    assert set(labels.unique().tolist()) >= {-1, 0, 1}


def test_detect_equals_decoding_by_torchvision():
    model, images = make(num_detections=7), torch.randn(3, 3, *SIZE)
    with torch.no_grad():
        for conv in (model.head.class_logits, model.head.box_deltas):
            conv.weight.mul_(20)
        model.head.class_logits.bias.zero_()
    said = model(images)
    boxes = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(said.deltas.flatten(0, 1), [ANCHORS] * 3)
    expected = select_detections(
        boxes.view(3, -1, 4), said.logits.sigmoid(), SIZE, num_detections=7
    )
    for each, other in zip(model.detect(images), expected, strict=True):
        assert len(each.labels) == 7
        torch.testing.assert_close(each.boxes, other.boxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(each.scores, other.scores)
        assert torch.equal(each.labels, other.labels)
