import pickle

import pytest
import torch
from torch import nn

from cvgen_course.data import IGNORE, SegmentationItem
from cvgen_course.experiments import segmentation
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.segmentation import OFFER, RECIPES, collate, count, draw, evaluate

SMALL = RECIPES["scenes"]._replace(window=(32, 48), width=2, steps=2, batch_size=2)


class Colours(list):
    """Images whose colour says the class, of several sizes, with some void."""

    classes = ("background", "a", "b")

    def __init__(self, num=3):
        rng = torch.Generator().manual_seed(0)
        for i in range(num):
            mask = torch.randint(3, (40 + i, 56), generator=rng)
            image = nn.functional.one_hot(mask, 3).movedim(-1, 0).float() * 2 - 1
            mask[0] = IGNORE
            self.append(SegmentationItem(image, mask))


@pytest.mark.parametrize("turns", [True, False])
def test_draw_moves_image_and_mask_alike(turns):
    rng = torch.Generator().manual_seed(0)
    recipe = SMALL._replace(window=(48, 48), turns=turns)  # higher than the images
    for item in Colours():
        for _ in range(10):
            image, mask = draw(item, rng, recipe)
            assert image.shape == (3, 48, 48)
            assert mask.shape == (48, 48)
            counted = mask != IGNORE
            assert torch.equal(image.argmax(dim=0)[counted], mask[counted])
            assert (image[:, ~counted] == 0).all(dim=0).sum() >= 48 * (48 - len(item.mask))


def test_evaluate_counts_all_pixels_that_count():
    model = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.dirac_(model.weight)
    items = Colours()
    confusions = [count(model, item, num_classes=3) for item in items]
    assert sum(int(confusion.sum()) for confusion in confusions) == sum(
        (item.mask != IGNORE).sum() for item in items
    )
    assert evaluate(model, "val", map, {"val": items}) == {
        "mean_iou": 1,
        "pixel_accuracy": 1,
        "iou_background": 1,
        "iou_a": 1,
        "iou_b": 1,
    }


def test_run_trains_a_unet(tmp_path, monkeypatch):
    monkeypatch.setattr(segmentation, "load", lambda data, split: Colours())
    monkeypatch.setitem(RECIPES, "camvid", SMALL)
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")
    experiment = OFFER.build("camvid", "unet", 0)
    assert set(run(experiment, tmp_path, num_workers=0)) == {
        *("mean_iou", "pixel_accuracy", "iou_background", "iou_a", "iou_b")
    }
    draw_again, collate_again = pickle.loads(pickle.dumps((experiment.draw, experiment.collate)))
    again = collate_again([draw_again(experiment.train_set[0], torch.Generator())])
    assert again.image.shape == (1, 3, 32, 48)


def test_collate_makes_a_batch():
    rng = torch.Generator().manual_seed(0)
    batch = collate([draw(item, rng, SMALL) for item in Colours()])
    assert batch.image.shape == (3, 3, 32, 48)
    assert batch.mask.shape == (3, 32, 48)


@pytest.mark.parametrize("data", RECIPES)
def test_recipes_fit_the_model(data):
    recipe = RECIPES[data]
    assert min(recipe.window) >= recipe.stem_stride * 2**4
    assert OFFER.models[data] == ("unet",)
