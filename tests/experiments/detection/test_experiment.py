import os
import pickle
from typing import NamedTuple

import pytest
import torch
from support.street import Street
from torch import nn

from cvgen_course.data.instances import boxes_of
from cvgen_course.detection import Detections, Targets
from cvgen_course.detection.backbone import STRIDES
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.detection import experiment as detection
from cvgen_course.experiments.detection.experiment import (
    OFFER,
    RECIPES,
    collate,
    draw,
    loss,
    make_model,
    measure,
    predict,
)
from cvgen_course.experiments.detection.pictures import Pictures

ROOT = os.environ.get("CVGEN_DATA", "")
SMALL = RECIPES["scenes"]._replace(window=(32, 48), steps=2, batch_size=2)


class Raw(NamedTuple):
    maps: list
    image_size: tuple


class TinyDetector(nn.Module):
    """A detector whose losses need a second stage; notes in which numbers it is asked."""

    def __init__(self, masks=False):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 1)
        self.masks, self.seen = masks, []

    def forward(self, images):
        x = self.first(images)
        self.seen.append(x.dtype)
        return Raw([x], images.shape[-2:])

    def losses(self, raw, targets):
        (x,) = raw.maps
        self.seen += [x.dtype, targets.boxes.dtype, self.second(x.mean(dim=(2, 3))).dtype]
        self.targets = targets
        pull = self.second(x.mean(dim=(2, 3))).square().mean()
        return {"first": x.square().mean(), "second": pull + 0 * targets.boxes.sum()}

    def detect(self, images):
        self.shape = images.shape
        H, W = images.shape[-2:]
        masks = torch.ones(1, H, W, dtype=torch.bool) if self.masks else None
        boxes = torch.tensor([[0.0, 0, W, H]])
        return [Detections(boxes, torch.ones(1), torch.ones(1).long(), masks)]


def pictures(shorter=None, **size):
    return Pictures(Street(**size), shorter)


def batch(with_masks=True, recipe=SMALL, shorter=None):
    rng = torch.Generator().manual_seed(0)
    return collate([draw(p, rng, recipe) for p in pictures(shorter)], with_masks)


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("window", [(32, 32), (32, 48), (64, 80)])
def test_draw_moves_image_boxes_and_masks_alike(turns, window):
    """An image that shows its own objects shows them wherever they are moved to."""
    recipe = SMALL._replace(turns=turns, window=window)
    rng = torch.Generator().manual_seed(0)
    for picture in pictures():
        own = picture.objects.ids.float().expand(3, -1, -1)
        original = picture.objects.ids
        for _ in range(20):
            image, objects = draw(picture._replace(image=own), rng, recipe)
            assert image.shape == (3, *window)
            target = objects.target()
            assert torch.equal(target.boxes, boxes_of(target.masks))
            for mask, label in zip(target.masks, target.labels, strict=True):
                (number,) = image[0][mask].unique().tolist()
                assert picture.objects.labels[int(number) - 1] == label
                assert ((original == number).sum() * 0.25) < mask.sum()


def test_draw_mirrors_only_where_up_is_up():
    picture = pictures()[0]
    above = torch.arange(48.0)[None, :, None].expand(3, 48, 64)
    rng = torch.Generator().manual_seed(0)
    recipe = SMALL._replace(window=(48, 64))
    for turns, wanted in ((False, 1), (True, 2)):
        tops = {
            draw(picture._replace(image=above), rng, recipe._replace(turns=turns))[0][
                0, 0, 0
            ].item()
            for _ in range(20)
        }
        assert len(tops) == wanted


def test_draw_follows_from_its_generator():
    picture = pictures()[0]
    first, again, other = (
        draw(picture, torch.Generator().manual_seed(seed), SMALL)[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_draw_leaves_the_picture_as_it_was():
    picture = pictures()[0]
    image, ids = picture.image.clone(), picture.objects.ids.clone()
    draw(picture, torch.Generator(), SMALL)
    assert torch.equal(picture.image, image)
    assert torch.equal(picture.objects.ids, ids)


def test_collate_pads_and_keeps_masks_only_where_they_are_wanted():
    found = batch()
    assert found.images.shape == (4, 3, 32, 48)
    assert found.images.is_contiguous(memory_format=torch.channels_last)
    assert found.ids.dtype == torch.int16
    counts = (found.labels > 0).sum(dim=1)
    assert torch.equal(found.ids.flatten(1).amax(dim=1).long(), counts)
    assert found.boxes.shape == (4, counts.max(), 4)
    assert batch(with_masks=False).ids is None


def test_collate_takes_windows_without_objects():
    far = SMALL._replace(window=(32, 32))
    picture = pictures()[0]
    empty = picture._replace(
        objects=picture.objects._replace(
            boxes=torch.zeros(0, 4),
            labels=torch.zeros(0, dtype=torch.int64),
            ids=torch.zeros_like(picture.objects.ids),
        )
    )
    found = collate([draw(empty, torch.Generator(), far)] * 2, with_masks=True)
    assert found.labels.tolist() == [[0], [0]]
    for name in detection.MODELS:
        value = loss(make_model(name, SMALL, 4), found)
        assert value.isfinite()
        value.backward()


def test_loss_gives_a_detector_its_targets_with_masks():
    model, found = TinyDetector(), batch()
    value = loss(model, found)
    assert value.ndim == 0
    assert isinstance(model.targets, Targets)
    assert model.targets.masks.dtype == torch.bool
    assert torch.equal(model.targets.masks.any(dim=1), found.ids > 0)
    assert torch.equal(model.targets.masks.flatten(2).any(dim=2), found.labels > 0)
    loss(model, batch(with_masks=False))
    assert model.targets.masks is None


def test_run_rounds_the_network_and_neither_boxes_nor_losses(tmp_path, monkeypatch):
    monkeypatch.setattr(detection, "load", lambda data, split: Street())
    monkeypatch.setattr(detection, "make_model", lambda *arguments: TinyDetector())
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")
    monkeypatch.setitem(RECIPES, "scenes", SMALL)
    experiment = OFFER.build("scenes", "faster_rcnn", 0)
    before = experiment.model.second.weight.clone()
    run(experiment, tmp_path, precision="bf16-mixed", num_workers=0)
    step = [torch.bfloat16, torch.float32, torch.float32, torch.float32]
    assert experiment.model.seen == 2 * step
    assert not torch.equal(experiment.model.second.weight, before)


@pytest.mark.parametrize("masks", [True, False])
def test_predict_asks_for_the_whole_image_filled_up_and_answers_in_published_pixels(masks):
    model = TinyDetector(masks)
    (picture,) = pictures(shorter=24, num=1, height=50, width=70)
    found = predict(model, picture)
    assert picture.image.shape == (3, 24, 34)
    assert model.shape == (1, 3, 32, 48)
    torch.testing.assert_close(found.boxes, torch.tensor([[0.0, 0, 70, 50]]))
    assert found.masks is None or found.masks.shape == (1, 50, 70)


@pytest.mark.parametrize("with_masks", [True, False])
def test_measure_says_1_where_everything_is_found_and_names_every_class(with_masks):
    items = pictures()
    answers = []
    for picture in items:
        target = picture.truth.target()
        scores = torch.ones(len(target.labels))
        answers.append(Detections(target.boxes, scores, target.labels, target.masks))
    found = measure(answers, items, with_masks, max_detections=100)
    assert next(iter(found)) == ("mask_ap" if with_masks else "ap")
    assert found["ap"] == found["ap50"] == found["ap_a"] == found["ap_c"] == 1
    assert ("mask_ap_b" in found) == with_masks


def test_measure_is_against_the_published_masks_not_the_shrunk_ones():
    items = pictures(shorter=24)
    answers = []
    for picture in items:
        target = picture.objects.target()
        scores = torch.ones(len(target.labels))
        found = Detections(target.boxes, scores, target.labels, target.masks)
        answers.append(detection.published(found, picture))
    found = measure(answers, items, True, max_detections=100)
    assert 0.4 < found["mask_ap"] < 1  # coarse masks cost something
    assert found["ap"] == 1


def test_measure_counts_as_many_detections_as_it_is_told():
    """COCO's 100 would be too few for nuclei."""
    picture = pictures(num=1)[0]
    boxes = torch.cartesian_prod(torch.arange(15.0), torch.arange(10.0))
    boxes = torch.cat([boxes * 4, boxes * 4 + 3], dim=1)
    labels = torch.ones(len(boxes), dtype=torch.int64)
    picture = picture._replace(truth=picture.truth._replace(boxes=boxes, labels=labels, ids=None))

    class One(list):
        classes = Street.classes

    answers = [Detections(boxes, torch.ones(len(boxes)), labels)]
    assert measure(answers, One([picture]), False, max_detections=400)["ap"] == 1
    assert measure(answers, One([picture]), False, max_detections=100)["ap"] < 0.7


@pytest.mark.parametrize("data", RECIPES)
def test_recipes_fit_the_models(data):
    recipe = RECIPES[data]
    assert all(side % STRIDES[-1] == 0 for side in recipe.window)
    for levels in (recipe.sizes, recipe.ssd_sizes):
        assert len({len(sizes) for sizes in levels}) == 1
        flat = [size for sizes in levels for size in sizes]
        assert flat == sorted(flat)
    for name in OFFER.models[data]:
        model = make_model(name, recipe._replace(window=(32, 32)), 3).eval()
        limits = [m.num_detections for m in model.modules() if hasattr(m, "num_detections")]
        assert limits == [recipe.num_objects]
        (found,) = model.detect(torch.zeros(1, 3, *recipe.window))
        assert (found.masks is not None) == (name == "mask_rcnn")


@pytest.mark.parametrize("name", detection.MODELS)
def test_every_model_learns_a_batch(name):
    torch.manual_seed(0)
    model, found = make_model(name, SMALL, 4), batch(with_masks=name == "mask_rcnn")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    values = []
    for _ in range(12):
        value = loss(model, found)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.8 * values[0]


def test_experiment_can_be_given_to_processes_that_load_data(monkeypatch):
    monkeypatch.setattr(detection, "load", lambda data, split: Street())
    experiment = OFFER.build("dsb2018", "mask_rcnn", 0)
    draw_again, collate_again = pickle.loads(pickle.dumps((experiment.draw, experiment.collate)))
    example = draw_again(experiment.train_set[0], torch.Generator())
    assert collate_again([example]).ids.shape == (1, 256, 256)


@pytest.mark.data
@pytest.mark.skipif(not ROOT, reason="CVGEN_DATA names no folder of real data sets")
@pytest.mark.parametrize("data", ["bccd", "dsb2018"])
def test_real_data_perfectly_found_at_the_network_s_size_gives_full_marks(data, monkeypatch):
    monkeypatch.setenv("CVGEN_DATA", ROOT)
    experiment = OFFER.build(data, OFFER.models[data][0], 0)
    val_set = Pictures(detection.load(data, "val"), RECIPES[data].shorter)
    items = [val_set[i] for i in range(4)]
    answers = []
    for picture in items:
        target = picture.objects.target()
        scores = torch.ones(len(target.labels))
        found = Detections(target.boxes, scores, target.labels, target.masks)
        answers.append(detection.published(found, picture))
    found = experiment.evaluate(experiment.model, "val", lambda function, items: answers)
    assert next(iter(found.values())) == pytest.approx(1.0)
    examples = [experiment.draw(picture, torch.Generator()) for picture in items]
    value = loss(experiment.model, experiment.collate(examples))
    assert value.isfinite()
