import math

import pytest
import torch
from support.detection_scenes import random_scenes
from torchvision.ops import box_iou

from cvgen_course.detection.decode_yolo import decode_yolo
from cvgen_course.detection.detections import select_detections
from cvgen_course.detection.targets import Targets, pad_targets
from cvgen_course.detection.yolo import YOLO, Grid

C, B, SIZE = 4, 2, (32, 48)  # 4 × 6 cells of 8 × 8 pixels


def make(**parts):
    torch.manual_seed(0)
    return YOLO(C, num_boxes=B, width=4, num_convs=1, **parts).eval()


def random_grid(N=3, num_boxes=B, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return Grid(torch.randn(N, 5 * num_boxes + C - 1, 4, 6, generator=rng, dtype=dtype), SIZE)


def random_targets(N=3, max_objects=8, seed=0):
    rng = torch.Generator().manual_seed(seed)
    targets = pad_targets(random_scenes(rng, N, C, max_objects, 0, size=32)[1])
    return targets._replace(boxes=targets.boxes.double())


def objects(*boxes, labels=None):
    labels = [1] * len(boxes) if labels is None else labels
    return Targets(torch.tensor([boxes], dtype=torch.float64), torch.tensor([labels]))


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def naive_losses(grid, targets, num_boxes, coord_weight=5.0, no_object_weight=0.5):
    """Equation 3 of the paper, cell by cell."""
    N, _, S_h, S_w = grid.raw.shape
    H, W = grid.image_size
    coordinates = objects = no_objects = classes = count = 0
    for n in range(N):
        owner = {}  # of each cell, the object whose centre lies in it
        for k, box in enumerate(targets.boxes[n].tolist()):
            if targets.labels[n, k] > 0:
                x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
                cell = min(int(y * S_h / H), S_h - 1), min(int(x * S_w / W), S_w - 1)
                owner.setdefault(cell, k)
        count += len(owner)
        for i in range(S_h):
            for j in range(S_w):
                numbers = grid.raw[n, :, i, j].tolist()
                said = [[sigmoid(t) for t in numbers[5 * b : 5 * b + 5]] for b in range(num_boxes)]
                responsible = None
                if (i, j) in owner:
                    box = targets.boxes[n, owner[i, j]]
                    x1, y1, x2, y2 = box.tolist()
                    overlaps = []
                    for x, y, w, h, _ in said:
                        cx, cy, w, h = (j + x) * W / S_w, (i + y) * H / S_h, W * w**2, H * h**2
                        predicted = [[cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]]
                        overlaps.append(box_iou(torch.tensor(predicted).double(), box[None]).item())
                    responsible = overlaps.index(max(overlaps))
                    x, y, w, h, confidence = said[responsible]
                    coordinates += (x - ((x1 + x2) / 2 * S_w / W - j)) ** 2
                    coordinates += (y - ((y1 + y2) / 2 * S_h / H - i)) ** 2
                    coordinates += (w - math.sqrt((x2 - x1) / W)) ** 2
                    coordinates += (h - math.sqrt((y2 - y1) / H)) ** 2
                    objects += (confidence - overlaps[responsible]) ** 2
                    powers = [math.exp(t) for t in numbers[5 * num_boxes :]]
                    for c, power in enumerate(powers, start=1):
                        truth = float(targets.labels[n, owner[i, j]] == c)
                        classes += (power / sum(powers) - truth) ** 2
                for b in range(num_boxes):
                    if b != responsible:
                        no_objects += said[b][4] ** 2
    parts = {
        "centres and sizes": coord_weight * coordinates,
        "objects": objects,
        "no objects": no_object_weight * no_objects,
        "classes": classes,
    }
    return {name: part / max(1, count) for name, part in parts.items()}


def assert_equals_the_loop(model, grid, targets):
    losses = model.losses(grid, targets)
    expected = naive_losses(
        grid, targets, model.num_boxes, model.coord_weight, model.no_object_weight
    )
    assert {name: part.item() for name, part in losses.items()} == pytest.approx(expected, rel=1e-6)


def test_weights_are_the_papers():
    assert (YOLO.coord_weight, YOLO.no_object_weight) == (5.0, 0.5)


def test_forward_gives_each_cell_its_numbers():
    grid = make()(torch.zeros(2, 3, *SIZE))
    assert grid.raw.shape == (2, 5 * B + C - 1, 4, 6)
    assert grid.image_size == SIZE


def test_losses_equal_one_worked_out_by_hand():
    model = YOLO(3, num_boxes=1, width=4, num_convs=1)
    raw = torch.zeros(
        1, 7, 2, 2
    )  # all sigmoids 1/2, both classes 1/2: boxes a quarter of the image
    grid = Grid(raw, (16, 16))
    # The object's centre is (6, 5), its size 4 × 4: in the cell (0, 0), whose box is (2, 2, 6, 6).
    targets = Targets(torch.tensor([[[4.0, 3.0, 8.0, 7.0]]]), torch.tensor([[2]]))
    iou = (2 * 3) / (16 + 16 - 6)
    losses = model.losses(grid, targets)
    assert {name: part.item() for name, part in losses.items()} == pytest.approx(
        {
            "centres and sizes": 5 * ((1 / 2 - 6 / 8) ** 2 + (1 / 2 - 5 / 8) ** 2),
            "objects": (1 / 2 - iou) ** 2,
            "no objects": 0.5 * 3 / 4,
            "classes": 2 / 4,
        }
    )


@pytest.mark.parametrize("num_boxes", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_losses_equal_a_loop(num_boxes, seed):
    model = YOLO(C, num_boxes=num_boxes, width=4, num_convs=1)
    assert_equals_the_loop(model, random_grid(4, num_boxes, seed), random_targets(4, seed=seed))


def test_losses_use_the_models_weights():
    model = make()
    model.coord_weight, model.no_object_weight = 2.0, 3.0
    assert_equals_the_loop(model, random_grid(), random_targets())


@pytest.mark.parametrize(
    "box",
    [
        [0.0, 0.0, 2.0, 2.0],
        [46.0, 30.0, 48.0, 32.0],
        [0.0, 0.0, 48.0, 32.0],
        [8.0, 8.0, 24.0, 24.0],  # the centre is the corner of four cells
        [44.0, 28.0, 52.0, 36.0],  # the centre is the image's last corner
        [47.0, 31.0, 60.0, 50.0],  # the centre is outside
        [7.0, 9.0, 8.0, 10.0],
    ],
)
def test_losses_of_an_object_at_the_border_equal_a_loop(box):
    model, grid = make(), random_grid(1)
    assert_equals_the_loop(model, grid, objects(box))


def test_losses_of_a_cell_with_two_objects_are_about_the_first():
    model, grid = make(), random_grid(1)
    first, second, other = [8, 8, 16, 16], [9, 9, 14, 14], [30, 10, 40, 20]
    both = model.losses(grid, objects(first, second, other, labels=[2, 3, 1]))
    expected = model.losses(grid, objects(first, other, labels=[2, 1]))
    swapped = model.losses(grid, objects(second, first, other, labels=[3, 2, 1]))
    for name in expected:
        torch.testing.assert_close(both[name], expected[name])
    assert not torch.isclose(swapped["classes"], expected["classes"])
    assert_equals_the_loop(model, grid, objects(second, first, other, labels=[3, 2, 1]))


def test_losses_padding_never_takes_a_cell():
    model, grid = make(), random_grid(1)
    corner = [0.0, 0.0, 4.0, 4.0]  # in the cell in which the padding's "centre" lies
    expected = model.losses(grid, objects(corner, labels=[3]))
    padded = model.losses(grid, objects([0.0] * 4, corner, [0.0] * 4, labels=[0, 3, 0]))
    nothing = model.losses(grid, objects([0.0] * 4, labels=[0]))
    for name in expected:
        torch.testing.assert_close(padded[name], expected[name])
    assert nothing["objects"] == nothing["classes"] == nothing["centres and sizes"] == 0
    squares = grid.raw[:, [4, 9]].sigmoid().square().sum()
    torch.testing.assert_close(nothing["no objects"], model.no_object_weight * squares)


def test_losses_ask_the_box_that_fits_best():
    model, grid = make(), random_grid(1)
    grid.raw.zero_()
    grid.raw[0, 7:9] = -2.0  # the second boxes are small, the first a quarter of the image
    grid.raw.requires_grad_()
    for box, best in (([16.0, 8.0, 30.0, 18.0], 0), ([19.0, 11.0, 20.0, 12.0], 1)):
        grid.raw.grad = None
        model.losses(grid, objects(box))["centres and sizes"].backward()
        asked = grid.raw.grad[0].flatten(1).any(dim=1)
        assert asked[5 * best : 5 * best + 4].any()
        assert asked.sum() <= 4
        assert not asked[5 - 5 * best : 9 - 5 * best].any()


def test_losses_take_the_iou_for_a_fixed_target():
    model, grid = make(), random_grid()
    grid.raw.requires_grad_()
    model.losses(grid, random_targets())["objects"].backward()
    with_gradient = grid.raw.grad.abs().sum(dim=(0, 2, 3)).nonzero().flatten()
    assert set(with_gradient.tolist()) <= {4, 9}
    assert len(with_gradient)


def test_losses_have_the_right_gradient():
    model, targets = make(), objects([3.0, 1.0, 12.0, 6.0], [4.0, 9.0, 8.0, 15.0], labels=[3, 1])

    def all_but_objects(raw):  # there the IoU moves, too
        losses = model.losses(Grid(raw, (16, 16)), targets)
        return torch.stack([part for name, part in losses.items() if name != "objects"])

    raw = random_grid(1).raw[..., :2, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(all_but_objects, raw)


def test_a_perfect_answer_costs_nothing_and_is_found():
    model = make()
    boxes = [[4.0, 6.0, 20.0, 16.0], [26.0, 10.0, 44.0, 30.0]]
    targets, grid = objects(*boxes, labels=[3, 1]), random_grid(1)
    grid.raw.zero_()
    grid.raw[0, [4, 9]] = -30.0
    for (x1, y1, x2, y2), label in zip(boxes, (3, 1), strict=True):
        x, y = (x1 + x2) / 2 / 8, (y1 + y2) / 2 / 8
        i, j = int(y), int(x)
        said = [x - j, y - i, math.sqrt((x2 - x1) / 48), math.sqrt((y2 - y1) / 32)]
        grid.raw[0, :4, i, j] = torch.tensor(said, dtype=torch.float64).logit()
        grid.raw[0, 4, i, j] = 30.0
        grid.raw[0, 5 * B + label - 1, i, j] = 30.0
    losses = model.losses(grid, targets)
    assert all(part.item() == pytest.approx(0, abs=1e-10) for part in losses.values())
    model.forward = lambda images: grid
    (found,) = model.detect(torch.zeros(1, 3, *SIZE))
    assert sorted(found.labels.tolist()) == [1, 3]
    order = found.labels.argsort(descending=True)
    torch.testing.assert_close(found.boxes[order], targets.boxes[0])
    assert (found.scores > 0.999).all()


def test_detect_selects_from_the_decoded_grid():
    model, images = make(num_detections=5), torch.randn(3, 3, *SIZE)
    with torch.no_grad():
        model.head[-1].weight.mul_(5)
    grid = model(images)
    boxes, scores = decode_yolo(grid.raw, B, SIZE)
    expected = select_detections(boxes, scores, SIZE, num_detections=5)
    for each, other in zip(model.detect(images), expected, strict=True):
        assert len(each.labels) == 5
        assert all(map(torch.equal, each[:3], other[:3]))
