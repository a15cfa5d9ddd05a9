import pytest
import torch
from support.detection_scenes import random_scenes
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import box_iou

from cvgen_course.detection.anchors import grid_anchors
from cvgen_course.detection.assignment import assign_objects
from cvgen_course.detection.matching import IGNORED, NEGATIVE
from cvgen_course.detection.targets import Targets, pad_targets

ANCHORS = grid_anchors(8, 8, 8, (16, 32), (0.5, 1, 2))


def random_truth(num_images=4, seed=0):
    rng = torch.Generator().manual_seed(seed)
    _, truth = random_scenes(rng, num_images, 5, max_objects=4, max_detections=0, size=64)
    return truth


def test_assign_objects_equals_one_worked_out_by_hand():
    anchors = torch.tensor([[0, 0, 8, 8], [0, 0, 8, 16], [0, 4, 8, 12], [40, 0, 48, 8.0]])
    boxes = torch.tensor([[[40, 0, 48, 8], [0, 0, 8, 8.0]], [[0, 0, 0, 0], [0, 0, 0, 0.0]]])
    targets = Targets(boxes, torch.tensor([[3, 1], [0, 0]]))
    matches, labels, own = assign_objects(anchors, targets, 0.4, 0.7)
    # IoUs with the second object: 1, 1/2, 1/3, 0.
    assert matches.tolist() == [[1, IGNORED, NEGATIVE, 0], [NEGATIVE] * 4]
    assert labels.tolist() == [[1, -1, 0, 3], [0, 0, 0, 0]]
    assert torch.equal(own[0, [0, 3]], boxes[0, [1, 0]])


@pytest.mark.parametrize("keep_best", [True, False])
def test_assign_objects_equals_a_loop(keep_best):
    truth = random_truth()
    assigned = assign_objects(ANCHORS, pad_targets(truth), 0.3, 0.5, keep_best=keep_best)
    for n, target in enumerate(truth):
        iou = box_iou(ANCHORS, target.boxes)  # (A, K)
        for a in range(len(ANCHORS)):
            label = assigned.labels[n, a].item()
            largest = iou[a].max().item() if len(target.labels) else 0.0
            best = keep_best and any((iou[a, k] == iou[:, k].max()) for k in range(iou.shape[1]))
            if largest >= 0.5 or (best and largest > 0):
                k = iou[a].argmax().item()
                assert assigned.matches[n, a] == k
                assert label == target.labels[k]
                assert torch.equal(assigned.boxes[n, a], target.boxes[k])
            else:
                assert label == (0 if largest < 0.3 else -1)


def test_assign_objects_equals_torchvisions():
    truth = [each for each in random_truth(8) if len(each.labels)]
    rpn = RegionProposalNetwork(None, None, 0.7, 0.3, 64, 0.5, {}, {}, 0.7)
    named = [{"boxes": each.boxes} for each in truth]
    labels, boxes = rpn.assign_targets_to_anchors([ANCHORS] * len(truth), named)
    assigned = assign_objects(ANCHORS, pad_targets(truth), 0.3, 0.7)
    assert torch.equal(assigned.labels.clamp(max=1), torch.stack(labels).long())
    positive = assigned.labels > 0
    assert torch.equal(assigned.boxes[positive], torch.stack(boxes)[positive])


def test_assign_objects_takes_anchors_of_each_image():
    targets = pad_targets(random_truth())
    rng = torch.Generator().manual_seed(1)
    anchors = torch.stack([ANCHORS[torch.randperm(len(ANCHORS), generator=rng)] for _ in range(4)])
    together = assign_objects(anchors, targets, 0.3, 0.6)
    for n in range(4):
        alone = assign_objects(anchors[n], targets.at(torch.tensor([n])), 0.3, 0.6)
        assert all(torch.equal(a[0], b[n]) for a, b in zip(alone, together, strict=True))
    same = assign_objects(ANCHORS.expand(4, -1, -1), targets, 0.3, 0.6)
    expected = assign_objects(ANCHORS, targets, 0.3, 0.6)
    assert all(map(torch.equal, same, expected))


def test_assign_objects_does_not_see_padding():
    targets = pad_targets(random_truth())
    more = Targets(
        torch.cat([targets.boxes, torch.zeros(4, 2, 4)], dim=1),
        torch.cat([targets.labels, torch.zeros(4, 2, dtype=torch.int64)], dim=1),
    )
    expected = assign_objects(ANCHORS, targets, 0.3, 0.6)
    assigned = assign_objects(ANCHORS, more, 0.3, 0.6)
    assert torch.equal(assigned.matches, expected.matches)
    assert torch.equal(assigned.labels, expected.labels)
    assert ((assigned.matches < 0) | (assigned.labels > 0)).all()
