import torch

from cvgen_course.detection.detections import Detections
from cvgen_course.detection.metric_inputs import flatten_detections, flatten_targets
from cvgen_course.detection.targets import Target

BOXES = [
    torch.tensor([[0.0, 0, 2, 3], [1, 1, 2, 2]]),
    torch.zeros(0, 4),
    torch.tensor([[0.0, 0, 4, 5]]),
]
LABELS = [torch.tensor([2, 1]), torch.zeros(0, dtype=torch.int64), torch.tensor([1])]
MASKS = [torch.ones(2, 2, 2).bool(), torch.zeros(0, 2, 2).bool(), torch.eye(2)[None].bool()]


def detections():
    scores = torch.tensor([0.5, 0.75]), torch.zeros(0), torch.tensor([1.0])
    return list(map(Detections, BOXES, scores, LABELS, MASKS))


def test_flatten_detections_puts_one_image_after_another():
    flat = flatten_detections(detections(), 3, "boxes")
    assert flat.image.tolist() == [0, 0, 2]
    assert flat.number.tolist() == [0, 1, 0]
    assert flat.labels.tolist() == [2, 1, 1]
    assert flat.areas.tolist() == [6, 1, 20]
    assert flat.scores.tolist() == [0.5, 0.75, 1]
    assert flat.boxes.dtype == flat.areas.dtype == torch.float64
    assert not flat.crowd.any()
    assert flat.sought.all()


def test_flatten_detections_has_areas_of_masks_for_masks():
    assert flatten_detections(detections(), 3, "masks").areas.tolist() == [4, 4, 2]


def test_flatten_targets_takes_crowds_where_there_are_some():
    crowds = torch.tensor([True, False]), None, None
    targets = list(map(Target, BOXES, LABELS, MASKS, crowds))
    flat = flatten_targets(targets, 3, "boxes")
    assert flat.crowd.tolist() == [True, False, False]
    assert flat.sought.tolist() == [False, True, True]
    assert flat.image.tolist() == [0, 0, 2]


def test_flat_at_and_groups():
    flat = flatten_detections(detections(), 3, "boxes").at(torch.tensor([2, 0]))
    assert flat.scores.tolist() == [1, 0.5]
    assert flat.groups(3).tolist() == [2 * 3 + 1, 2]
