import json
import math
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.checkpoints import same, state

from cvgen_course.data import ImageItem
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.pixelcnn import experiment as pixelcnn
from cvgen_course.experiments.pixelcnn.experiment import (
    MODELS,
    OFFER,
    draw,
    levels_of,
    loss,
    make_model,
)
from cvgen_course.experiments.pixelcnn.recipes import RECIPES, Size
from cvgen_course.pixelcnn import DiagonalBiLSTM, GatedPixelCNN, PixelCNN, PixelRNN, RowLSTM
from cvgen_course.training import Phase

CHANNELS = {"glyphs": 1, "mnist": 1, "fashion_mnist": 1, "cifar10": 3}
SMALL = {
    data: recipe._replace(
        sizes=dict.fromkeys(MODELS, Size(6, 2)), steps=4, batch_size=3, lr=1e-2, every=2
    )
    for data, recipe in RECIPES.items()
}


def pictures(data, split):
    """Squares left of the middle, of one shade each, on black: the same in all splits."""
    rng = np.random.default_rng(0)
    images = np.zeros((7, CHANNELS[data], 6, 6), np.uint8)
    images[:, :, 1:5, 1:3] = rng.integers(100, 256, (7, CHANNELS[data], 1, 1))
    return LabelledImages(images, np.zeros(7), ["square"])


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(pixelcnn, "load", pictures)
    monkeypatch.setattr(pixelcnn, "RECIPES", SMALL)
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")


def build(model, data="glyphs"):
    torch.manual_seed(0)
    return OFFER.build(data, model, 0)


def batch_of(experiment, num=3):
    rng = torch.Generator().manual_seed(0)
    return experiment.collate([experiment.draw(experiment.train_set[i], rng) for i in range(num)])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", RECIPES)
def test_build_makes_a_model_for_its_data_s_levels(data, model):
    experiment = build(model, data)
    levels = batch_of(experiment)
    assert (levels.dtype, levels.shape) == (torch.int64, (3, CHANNELS[data], 6, 6))
    num_levels = 2 if data in ("glyphs", "mnist") else 256
    assert experiment.model(levels).shape == (3, num_levels, CHANNELS[data], 6, 6)
    bits = loss(experiment.model, levels)
    assert bits.isfinite()
    assert bits.item() == pytest.approx(math.log2(num_levels), abs=1)  # it has learned nothing


@pytest.mark.parametrize("data", RECIPES)
def test_build_follows_the_recipe(data):
    experiment, recipe = build("gated", data), SMALL[data]
    assert (experiment.steps, experiment.every) == (recipe.steps, recipe.every)
    assert (experiment.batch_size, experiment.lr) == (recipe.batch_size, recipe.lr)


@pytest.mark.parametrize(("data", "variants"), [("fashion_mnist", 1), ("cifar10", 2)])
def test_only_photographs_are_mirrored(data, variants):
    experiment, rng = build("gated", data), torch.Generator().manual_seed(0)
    drawn = [experiment.draw(experiment.train_set[0], rng) for _ in range(20)]
    assert len({tuple(levels.flatten().tolist()) for levels in drawn}) == variants


@pytest.mark.parametrize("model", MODELS)
def test_draw_and_collate_can_be_sent_to_another_process(model):
    experiment = build(model, "cifar10")
    again = replace(
        experiment,
        draw=pickle.loads(pickle.dumps(experiment.draw)),
        collate=pickle.loads(pickle.dumps(experiment.collate)),
    )
    assert torch.equal(batch_of(again), batch_of(experiment))


@pytest.mark.parametrize("model", MODELS)
def test_loss_falls(model):
    experiment = build(model)
    levels = batch_of(experiment, 7)
    optimizer = experiment.phases[0].optimizer(experiment.model, 1e-2, 1e-2)
    for _ in range(50):
        optimizer.zero_grad()
        found = loss(experiment.model, levels)
        found.backward()
        optimizer.step()
    assert found.item() < 0.5  # of 1 bit, while black places alone are 28 of 36


@pytest.mark.parametrize("model", MODELS)
def test_run_trains_a_model(tmp_path, model):
    found = run(build(model), tmp_path, num_workers=0)
    assert tuple(found) == ("negative_log_likelihood", "bits_per_dim")
    bits = found["negative_log_likelihood"] / math.log(2) / 36
    assert found["bits_per_dim"] == pytest.approx(bits)
    assert 0 < bits < 2


@pytest.mark.parametrize("model", MODELS)
def test_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, model):
    """With the pixels' coins, which are tossed anew at each showing."""
    run(build(model), tmp_path / "whole", num_workers=0)
    pressed = []

    def pressing(*arguments):
        pressed.append(1)
        if len(pressed) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(*arguments)

    broken = replace(build(model), phases=(Phase("", pressing),))
    assert run(broken, tmp_path / "broken", num_workers=0) is None
    assert state(tmp_path / "broken")["progress"]["step"] == 2
    run(build(model), tmp_path / "broken", num_workers=0)
    assert same(state(tmp_path / "broken"), state(tmp_path / "whole"))


def test_validation_and_test_images_are_the_same_each_time_and_for_each_model():
    def images(split, model):
        kept = []

        def each(function, items):
            kept.extend(items[i] for i in range(len(items)))
            with torch.no_grad():
                return [function(levels) for levels in kept]

        experiment = build(model, "mnist")
        torch.manual_seed(len(model))
        experiment.evaluate(experiment.model, split, each)
        return torch.cat(kept)

    for split in ("val", "test"):
        assert torch.equal(images(split, "pixelcnn"), images(split, "gated"))
        assert images(split, "pixelcnn").unique().tolist() == [0, 1]
    assert not torch.equal(images("val", "gated"), images("test", "gated"))  # other coins


@pytest.mark.slow
def test_two_devices_learn_what_one_learns_and_nothing_is_warned_of(tmp_path):
    program = os.path.join(os.path.dirname(sys.executable), "cvgen")
    words = "train pixelcnn --data glyphs --model pixelcnn --steps 1 --batch-size 4"
    found = []
    for devices in ("1", "2"):
        done = subprocess.run(
            [program, *words.split(), "--devices", devices, "--out", devices],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found.append(json.loads((tmp_path / devices / "metrics.json").read_text())["metrics"])
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_loss_is_in_float32_where_the_network_is_not(model):
    experiment = build(model, "cifar10")
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(experiment.model, batch_of(experiment))
    assert found.dtype == torch.float32
    assert found.isfinite()


def test_loss_is_nats_per_image_in_bits_for_each_channel_of_each_pixel():
    experiment = build("gated", "cifar10")
    levels = batch_of(experiment)
    log_probs = experiment.model(levels).log_softmax(dim=1).gather(1, levels[:, None])
    bits = -log_probs.sum() / 3 / (3 * 6 * 6) / math.log(2)
    torch.testing.assert_close(loss(experiment.model, levels), bits)


def test_levels_of_tosses_a_coin_for_each_pixel_where_there_are_two():
    grey = torch.tensor([-1.0, -0.5, 0.8, 1.0]).view(4, 1, 1).expand(4, 100, 100)
    drawn = levels_of(grey, torch.Generator().manual_seed(0), 2)
    assert drawn.dtype == torch.int64
    shares = drawn.double().mean(dim=(1, 2)).tolist()
    assert shares == pytest.approx([0, 0.25, 0.9, 1], abs=0.02)
    assert (shares[0], shares[-1]) == (0, 1)


def test_levels_of_are_the_file_s_own_numbers_where_there_are_256():
    bytes_ = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    image = LabelledImages(bytes_, np.zeros(1), ["all"])[0].image
    assert torch.equal(levels_of(image, torch.Generator(), 256).flatten(), torch.arange(256))


def test_draw_tosses_new_coins_at_each_showing():
    item, rng = ImageItem(torch.zeros(1, 8, 8), torch.tensor(0)), torch.Generator()
    first, second = (draw(item, rng, 2, mirrored=False) for _ in range(2))
    assert not torch.equal(first, second)


def test_draw_mirrors_half_of_the_images_where_it_may():
    levels = torch.arange(12).view(1, 3, 4)
    item, rng = ImageItem(levels / 255 * 2 - 1, torch.tensor(0)), torch.Generator().manual_seed(0)
    drawn = [draw(item, rng, 256, mirrored=True) for _ in range(100)]
    mirrored = sum(torch.equal(each, levels.flip(-1)) for each in drawn)
    assert mirrored + sum(torch.equal(each, levels) for each in drawn) == 100
    assert 30 < mirrored < 70
    assert all(torch.equal(draw(item, rng, 256, mirrored=False), levels) for _ in range(20))


@pytest.mark.parametrize("data", RECIPES)
def test_make_model_makes_each_model_in_its_recipe_s_size(data):
    recipe, channels = RECIPES[data], CHANNELS[data]
    classes = {
        "pixelcnn": PixelCNN,
        "gated": GatedPixelCNN,
        "row_lstm": lambda *sizes: PixelRNN(*sizes, RowLSTM),
        "diagonal_bilstm": lambda *sizes: PixelRNN(*sizes, DiagonalBiLSTM),
    }
    assert OFFER.models[data] == tuple(classes)
    for name, make in classes.items():
        expected = make(recipe.num_levels, channels, *recipe.sizes[name])
        assert shapes(make_model(name, recipe, channels)) == shapes(expected)


def shapes(model):
    return {name: value.shape for name, value in model.state_dict().items()}
