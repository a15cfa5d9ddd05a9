import pytest
import torch
from support.coordinates import centres, coordinate_maps, tell_coordinates
from support.detection_scenes import random_scenes
from torch import nn
from torchvision import ops
from torchvision.models.detection import rpn as theirs
from torchvision.models.detection._utils import BoxCoder

from cvgen_course.detection.anchors import pyramid_anchors
from cvgen_course.detection.dense_head import DensePredictions
from cvgen_course.detection.rpn import RPN, RPNHead
from cvgen_course.detection.targets import Targets, pad_targets

SIZES, RATIOS = ((8, 12), (16, 24)), (0.5, 1, 2)
SIZE = (32, 48)
SHAPES = [(8, 12), (4, 6)]
ANCHORS = pyramid_anchors(SHAPES, (4, 8), SIZES, RATIOS)


def random_predictions(N=3, seed=0, spread=0.5):
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(N, len(ANCHORS), 1, generator=rng)
    deltas = spread * torch.randn(N, len(ANCHORS), 4, generator=rng)
    return DensePredictions(logits, deltas, ANCHORS, SIZE)


def random_truth(N=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    _, truth = random_scenes(rng, N, 5, max_objects=4, max_detections=0, size=32)
    return truth


def make(num_proposals=6, **parts):
    torch.manual_seed(0)
    return RPN(4, SIZES, RATIOS, num_proposals, **parts)


def random_maps(N=2, channels=4):
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(N, channels, *shape, generator=rng) for shape in SHAPES]


def decoded(predictions, n):
    """Return one image's boxes, clipped; by torchvision."""
    boxes = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(predictions.deltas[n], predictions.anchors)
    return ops.clip_boxes_to_image(boxes, SIZE)


def naive_propose(predictions, num_proposals, threshold):
    proposals = torch.zeros(len(predictions.logits), num_proposals, 4)
    scores = torch.zeros(len(predictions.logits), num_proposals)
    for n, logits in enumerate(predictions.logits[..., 0]):
        boxes, kept = decoded(predictions, n), []
        iou = ops.box_iou(boxes, boxes).tolist()
        for a in logits.argsort(descending=True)[: 5 * num_proposals].tolist():
            x1, y1, x2, y2 = boxes[a].tolist()
            if x1 < x2 and y1 < y2 and all(iou[a][b] <= threshold for b in kept):
                kept.append(a)
        for rank, a in enumerate(kept[:num_proposals]):
            proposals[n, rank], scores[n, rank] = boxes[a], logits[a].sigmoid()
    return proposals, scores


def test_rpn_head_with_torchvisions_weights_gives_the_same():
    torch.manual_seed(0)
    mine, maps = RPNHead(4, 6), random_maps()
    other = theirs.RPNHead(4, 6)
    for p in other.parameters():
        nn.init.normal_(p, std=0.3)
    mine.conv.load_state_dict(other.conv[0][0].state_dict())
    mine.object_logits.load_state_dict(other.cls_logits.state_dict())
    mine.box_deltas.load_state_dict(other.bbox_pred.state_dict())
    logits, deltas = mine(maps)
    expected_logits, expected_deltas = theirs.concat_box_prediction_layers(*other(maps))
    assert logits.shape == (2, len(ANCHORS), 1)
    assert deltas.shape == (2, len(ANCHORS), 4)
    torch.testing.assert_close(logits.flatten(0, 1), expected_logits)
    torch.testing.assert_close(deltas.flatten(0, 1), expected_deltas)


def test_rpn_says_of_each_anchor_what_is_at_its_place():
    rpn = make()
    nn.init.dirac_(rpn.head.conv.weight)
    nn.init.zeros_(rpn.head.conv.bias)
    tell_coordinates(rpn.head.box_deltas)
    said = rpn(coordinate_maps(SIZE, (4, 8), channels=4), SIZE)
    assert torch.equal(said.anchors, ANCHORS)
    assert said.image_size == SIZE
    torch.testing.assert_close(said.deltas[0, :, :2], centres(ANCHORS))


def test_rpn_propose_keeps_the_best_of_each_place():
    predictions = random_predictions(N=1, spread=0)
    predictions.logits[0, :, 0] = -5.0
    # Two anchors of one cell with IoU 1/2, a third elsewhere, all inside of the image.
    cell = 3 * 12 + 5
    small, large, elsewhere = 6 * cell + 1, 6 * cell + 4, 6 * (cell + 15) + 1
    iou = ops.box_iou(ANCHORS[[small]], ANCHORS[[large]]).item()
    assert iou == pytest.approx(8**2 / 12**2)
    predictions.logits[0, [small, large, elsewhere], 0] = torch.tensor([1.0, 3.0, 2.0])
    rpn = make(num_proposals=3)
    for threshold, expected in ((0.4, [large, elsewhere]), (0.5, [large, elsewhere, small])):
        rpn.nms_threshold = threshold
        proposals, scores = rpn.propose(predictions)
        assert torch.equal(proposals[0, : len(expected)], ANCHORS[expected])
        logits = predictions.logits[0, expected, 0]
        torch.testing.assert_close(scores[0, : len(expected)], logits.sigmoid())


@pytest.mark.parametrize("num_proposals", [1, 6, 40, 1000])
@pytest.mark.parametrize("threshold", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_rpn_propose_equals_a_loop(num_proposals, threshold, spread):
    rpn, predictions = make(num_proposals), random_predictions(N=2, spread=spread)
    rpn.nms_threshold = threshold
    if num_proposals == 1000:  # more than there are; few anchors, for the loop's sake
        few = slice(0, None, 10)
        logits, deltas = predictions.logits[:, few], predictions.deltas[:, few]
        predictions = DensePredictions(logits, deltas, ANCHORS[few], SIZE)
    proposals, scores = rpn.propose(predictions)
    expected, expected_scores = naive_propose(predictions, num_proposals, threshold)
    assert proposals.shape == (2, num_proposals, 4)
    torch.testing.assert_close(proposals, expected, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(scores, expected_scores)


@pytest.mark.parametrize("threshold", [0.3, 0.7])
def test_rpn_propose_equals_torchvisions(threshold):
    P = 8
    rpn, predictions = make(P), random_predictions(N=4, spread=1.0)
    rpn.nms_threshold = threshold
    tops = {"training": 5 * P, "testing": 5 * P}, {"training": P, "testing": P}
    other = theirs.RegionProposalNetwork(None, None, 0.7, 0.3, 64, 0.5, *tops, threshold)
    boxes = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(predictions.deltas.flatten(0, 1), [ANCHORS] * 4)
    expected, expected_scores = other.filter_proposals(
        boxes.view(4, -1, 4), predictions.logits.flatten(), [SIZE] * 4, [len(ANCHORS)]
    )
    proposals, scores = rpn.propose(predictions)
    for n in range(4):
        found = len(expected[n])
        torch.testing.assert_close(proposals[n, :found], expected[n], rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(scores[n, :found], expected_scores[n])
        assert not proposals[n, found:].any()
        assert not scores[n, found:].any()


def test_rpn_propose_leaves_out_what_is_outside_of_the_image():
    predictions = random_predictions(N=2)
    best = predictions.logits[0, :, 0].argmax()
    predictions.deltas[0, best, 0] = 100.0
    proposals, scores = make().propose(predictions)
    assert (proposals[..., 2:] > proposals[..., :2]).all()
    assert (scores[0] < predictions.logits[0, best, 0].sigmoid()).all()


def test_rpn_propose_treats_images_one_by_one_and_needs_no_gradient():
    rpn, predictions = make(), random_predictions()
    predictions.deltas.requires_grad_()
    proposals, scores = rpn.propose(predictions)
    assert not proposals.requires_grad
    for n in range(3):
        one = predictions._replace(
            logits=predictions.logits[n : n + 1], deltas=predictions.deltas[n : n + 1]
        )
        alone = rpn.propose(one)
        assert torch.equal(alone[0][0], proposals[n])
        assert torch.equal(alone[1][0], scores[n])


def test_rpn_losses_of_all_anchors_equal_torchvisions():
    predictions, truth = random_predictions(N=6), random_truth(N=6)
    assert min(len(each.labels) for each in truth) == 0
    rpn = make()
    rpn.num_samples = 10_000
    losses = rpn.losses(predictions, pad_targets(truth))
    other = theirs.RegionProposalNetwork(None, None, rpn.high, rpn.low, 10_000, 0.5, {}, {}, 0.7)
    named = [{"boxes": each.boxes} for each in truth]
    labels, boxes = other.assign_targets_to_anchors([ANCHORS] * 6, named)
    wanted = other.box_coder.encode(boxes, [ANCHORS] * 6)
    logits, deltas = predictions.logits.flatten(0, 1), predictions.deltas.flatten(0, 1)
    objectness, regression = other.compute_loss(logits, deltas, labels, wanted)
    torch.testing.assert_close(losses["objects"], objectness)
    torch.testing.assert_close(losses["proposals"], regression)


def test_rpn_losses_look_at_a_balanced_sample():
    seen = []

    def note(logits, deltas, labels, target_deltas):
        seen.append((labels, target_deltas))
        return logits.sum(), deltas.sum()

    rpn, predictions = make(rpn_loss=note), random_predictions(N=6)
    targets = pad_targets(random_truth(N=6))
    rpn.num_samples = 8
    losses = rpn.losses(predictions, targets)
    torch.testing.assert_close(losses["objects"], predictions.logits.sum())
    torch.testing.assert_close(losses["proposals"], predictions.deltas.sum())
    ((labels, wanted),) = seen
    assert labels.unique().tolist() == [-1, 0, 1]
    assert ((labels >= 0).sum(dim=1) == 8).all()
    assert ((labels == 1).sum(dim=1) <= 4).all()
    coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
    for n, a in (labels == 1).nonzero().tolist():  # what is wanted leads to an object
        box = coder.decode_single(wanted[n, a, None], ANCHORS[a, None]).view(1, 4)
        objects = targets.boxes[n][targets.labels[n] > 0]
        assert (box - objects).abs().amax(dim=1).min() < 1e-3


def test_rpn_losses_draw_from_torchs_generator():
    rpn, predictions = make(), random_predictions()
    rpn.num_samples = 8
    targets = pad_targets(random_truth())
    torch.manual_seed(3)
    first = rpn.losses(predictions, targets)
    torch.manual_seed(3)
    assert rpn.losses(predictions, targets) == first
    assert rpn.losses(predictions, targets) != first


def test_rpn_losses_without_objects_are_about_background_only():
    predictions = random_predictions()
    nothing = Targets(torch.zeros(3, 1, 4), torch.zeros(3, 1, dtype=torch.int64))
    rpn = make()
    rpn.num_samples = 10_000
    losses = rpn.losses(predictions, nothing)
    torch.testing.assert_close(losses["objects"], nn.functional.softplus(predictions.logits).mean())
    assert losses["proposals"].item() == 0


def test_rpn_learns_to_propose_the_objects():
    torch.manual_seed(0)
    rpn = RPN(8, SIZES, RATIOS, num_proposals=4)
    maps = [x[:1] for x in random_maps(channels=8)]
    targets = Targets(
        torch.tensor([[[4.0, 6.0, 18.0, 20.0], [24, 8, 32, 20]]]), torch.tensor([[1, 2]])
    )
    optimizer = torch.optim.Adam(rpn.parameters(), lr=0.02)
    for _ in range(80):
        losses = rpn.losses(rpn(maps, SIZE), targets)
        optimizer.zero_grad()
        (losses["objects"] + losses["proposals"]).backward()
        optimizer.step()
    proposals, scores = rpn.propose(rpn(maps, SIZE))
    assert (ops.box_iou(proposals[0], targets.boxes[0]).amax(dim=0) > 0.8).all()
    assert scores[0, 0] > 0.9
