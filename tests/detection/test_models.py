"""What must hold for all five detectors."""

import pytest
import torch
from torch import nn

from cvgen_course import detection, training
from cvgen_course.data.scene_set import load_scenes
from cvgen_course.detection import DetectionSet, Targets

SMALL = {"width": 8, "channels": 16}
MODELS = {
    "Faster R-CNN": lambda: detection.FasterRCNN(5, **SMALL, hidden=16),
    "YOLO": lambda: detection.YOLO(5, width=8),
    "SSD": lambda: detection.SSD(5, width=8),
    "RetinaNet": lambda: detection.RetinaNet(5, **SMALL),
    "Mask R-CNN": lambda: detection.MaskRCNN(5, **SMALL, hidden=16),
}

torch.set_num_threads(1)
every_model = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> DetectionSet:
    return DetectionSet(load_scenes("train", tmp_path_factory.mktemp("scenes"), size=4))


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name]()


def loss(model, batch):
    images, targets = batch
    return model.losses(model(images), targets)


@every_model
def test_losses_are_finite_parts_and_every_parameter_learns(name, scenes):
    model = make(name)
    parts = model.losses(model(scenes.images), scenes.targets)
    assert all(part.ndim == 0 and part.isfinite() and part >= 0 for part in parts.values())
    torch.stack(list(parts.values())).sum().backward()
    unmoved = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert unmoved == []


@every_model
def test_losses_of_images_without_objects_are_finite(name, scenes):
    model = make(name)
    nothing = Targets(torch.zeros(4, 1, 4), torch.zeros(4, 1, dtype=torch.int64))
    if name == "Mask R-CNN":
        nothing = nothing._replace(masks=torch.zeros(4, 1, 64, 64, dtype=torch.bool))
    parts = model.losses(model(scenes.images), nothing)
    total = torch.stack(list(parts.values())).sum()
    total.backward()
    assert total.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@every_model
def test_losses_of_an_object_of_one_pixel_are_finite(name, scenes):
    model = make(name)
    dot = Targets(torch.tensor([[[7.0, 9.0, 8.0, 10.0]]]), torch.tensor([[2]]))
    if name == "Mask R-CNN":
        masks = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
        masks[0, 0, 9, 7] = True
        dot = dot._replace(masks=masks)
    parts = model.losses(model(scenes.images[:1]), dot)
    assert all(part.isfinite() for part in parts.values())


@every_model
def test_losses_do_not_depend_on_the_padding(name, scenes):
    model = make(name).eval()
    K = scenes.targets.labels.shape[1]
    more = Targets(
        torch.cat([scenes.targets.boxes, torch.zeros(4, 3, 4)], dim=1),
        torch.cat([scenes.targets.labels, torch.zeros(4, 3, dtype=torch.int64)], dim=1),
        torch.cat([scenes.targets.masks, torch.zeros(4, 3, 64, 64, dtype=torch.bool)], dim=1),
    )
    assert more.labels.shape[1] == K + 3
    if "R-CNN" in name:  # draws regions at random, from all proposals here
        stage = getattr(model, "detector", model)
        stage.num_samples = stage.rpn.num_samples = 10_000
        stage.positive_fraction = 1.0
    for targets in (scenes.targets, more):
        torch.manual_seed(1)
        parts = model.losses(model(scenes.images), targets)
        if targets is scenes.targets:
            first = parts
    for key in first:
        torch.testing.assert_close(parts[key], first[key])


@every_model
@pytest.mark.parametrize(
    ("box", "label", "message"),
    [
        ([7.0, 9.0, 9.0, 12.0], 5, r"labels: expected values in \[0, 5\)"),
        ([7.0, 9.0, 9.0, 12.0], -1, r"labels: expected values in \[0, 5\)"),
    ],
)
def test_losses_refuse_targets_that_can_not_be_learned(name, scenes, box, label, message):
    model = make(name)
    masks = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    targets = Targets(torch.tensor([[box]]), torch.tensor([[label]]), masks)
    with pytest.raises(ValueError, match=message):
        model.losses(model(scenes.images[:1]), targets)


def test_losses_of_mask_rcnn_refuse_masks_of_another_size(scenes):
    model = make("Mask R-CNN")
    small = scenes.targets._replace(masks=scenes.targets.masks[..., ::2, ::2])
    with pytest.raises(ValueError, match=r"masks: expected .*64, 64.*got .*32, 32"):
        model.losses(model(scenes.images), small)


@every_model
def test_losses_refuse_targets_of_other_images(name, scenes):
    model = make(name)
    with pytest.raises(ValueError, match=r"boxes: expected .* = \(2, K, 4\), got shape \(4, "):
        model.losses(model(scenes.images[:2]), scenes.targets)


@pytest.mark.parametrize(
    "make_model",
    [
        lambda: detection.SSD(5, sizes=((8, 9), (10,))),
        lambda: detection.RetinaNet(5, sizes=((8, 9), (10,))),
        lambda: detection.FasterRCNN(5, sizes=((8, 9), (10,))),
    ],
)
def test_levels_with_different_numbers_of_sizes_are_refused(make_model):
    with pytest.raises(ValueError, match=r"sizes: expected as many for each map, got \[2, 1\]"):
        make_model()


@every_model
def test_detections_are_sound(name, scenes):
    model = make(name)
    training.fit(model, scenes, loss, steps=10, batch_size=4, lr=3e-3, seed=0)
    found = model.detect(scenes.images)
    assert len(found) == 4
    assert sum(len(each.labels) for each in found) > 0
    for each in found:
        assert each.scores.tolist() == sorted(each.scores.tolist(), reverse=True)
        assert ((each.scores > 0) & (each.scores <= 1)).all()
        assert ((each.labels >= 1) & (each.labels <= 4)).all()
        assert (each.boxes[:, 2:] > each.boxes[:, :2]).all()
        assert ((each.boxes >= 0) & (each.boxes <= 64)).all()
        if name == "Mask R-CNN":
            assert each.masks.dtype == torch.bool
            assert each.masks.shape == (len(each.labels), 64, 64)
            for mask, (x1, y1, x2, y2) in zip(each.masks, each.boxes.tolist(), strict=True):
                ys, xs = mask.nonzero().unbind(1)
                assert ((xs + 0.5 > x1 - 1) & (xs + 0.5 < x2 + 1)).all()
                assert ((ys + 0.5 > y1 - 1) & (ys + 0.5 < y2 + 1)).all()


@every_model
def test_detections_do_not_depend_on_the_batch(name, scenes):
    model = make(name).eval()
    for p in model.parameters():  # spread the scores: equal ones would be ordered by chance
        p.data.mul_(1.5)
    if name == "RetinaNet":  # knows no class for sure yet, and would find nothing
        nn.init.zeros_(model.head.class_logits.bias)
    together = model.detect(scenes.images)
    assert all(len(each.labels) for each in together)
    for image, expected in zip(scenes.images, together, strict=True):
        (alone,) = model.detect(image[None])
        torch.testing.assert_close(alone.scores, expected.scores, rtol=1e-4, atol=1e-5)
        assert len(alone.boxes) == len(expected.boxes)


@every_model
def test_images_may_be_of_another_shape(name):
    model = make(name).eval()
    if name == "RetinaNet":
        nn.init.zeros_(model.head.class_logits.bias)
    found = model.detect(torch.rand(1, 3, 50, 83))
    assert len(found) == 1
    assert len(found[0].labels)
    assert (found[0].boxes[:, [0, 2]] <= 83).all()
    assert (found[0].boxes[:, [1, 3]] <= 50).all()


@every_model
def test_images_that_are_too_small_are_refused(name):
    model, least = make(name), 8 if name == "YOLO" else 16
    for mode in (True, False):
        model.train(mode)
        message = (
            rf"images: expected H and W of at least {least}, got shape \(1, 3, {least - 1}, 64\)"
        )
        with pytest.raises(ValueError, match=message):
            model(torch.zeros(1, 3, least - 1, 64))
    smallest = torch.zeros(1, 3, least, least)
    assert len(model.detect(smallest)) == 1
    with pytest.raises(ValueError, match=rf"in training, or H or W of at least {2 * least}, got"):
        model.train()(smallest)
    model(smallest.expand(2, -1, -1, -1))


@every_model
def test_no_images_give_no_detections(name):
    assert make(name).eval().detect(torch.zeros(0, 3, 64, 64)) == []


@every_model
@pytest.mark.parametrize("mixed", [True, False])
def test_half_precision_gives_losses_and_boxes_in_float32(name, mixed, scenes):
    model = make(name)
    images = scenes.images
    if not mixed:  # nothing but half precision, the weights as well
        model, images = model.to(torch.bfloat16), images.to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        parts = loss(model, (images, scenes.targets))
    assert all(part.isfinite() and part.dtype == torch.float32 for part in parts.values())
    torch.stack(list(parts.values())).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        found = model.eval().detect(images)
    assert len(found) == 4
    assert all(each.boxes.dtype == each.scores.dtype == torch.float32 for each in found)


@every_model
def test_nothing_found_is_an_empty_answer(name):
    model = make(name).eval()
    with torch.no_grad():
        for key, p in model.named_parameters():
            if key.endswith("class_logits.bias") and name != "YOLO":
                p.fill_(-50.0)
                if name != "RetinaNet":  # softmax: background wins
                    p[0 :: 5 if name == "SSD" else len(p)] = 50.0
            elif "class_logits" in key and key.endswith(".bias"):
                p.fill_(-50.0)
                p[0::5] = 50.0
        if name == "YOLO":
            model.head[-1].bias[[4, 9]] = -50.0
    (found,) = model.detect(torch.zeros(1, 3, 64, 64))
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)
    assert found.labels.dtype == torch.int64
    if name == "Mask R-CNN":
        assert found.masks.shape == (0, 64, 64)


@every_model
def test_state_can_be_saved_and_loaded(name, scenes, tmp_path):
    from safetensors.torch import load_file, save_file

    model, other = make(name), MODELS[name]()
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    pair = (each.eval().detect(scenes.images) for each in (model, other))
    for a, b in zip(*pair, strict=True):
        torch.testing.assert_close(a.boxes, b.boxes)


@pytest.mark.slow
@every_model
def test_overfits_one_batch(name, scenes):
    model = make(name)
    training.fit(model, scenes, loss, steps=200, batch_size=4, lr=4e-3, seed=0)
    kind = "masks" if name == "Mask R-CNN" else "boxes"
    metrics = detection.detection_metrics(model.detect(scenes.images), scenes.truth, 5, kind)
    assert metrics.ap50 > 0.8
