import os
import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_model
from support.checkpoints import same, state
from support.runs import batch_of, pressing, result
from support.small_gans import SIZE, pictures
from support.toy_models import diverging
from torch import nn

from cvgen_course.data import ImageItem
from cvgen_course.errors import CourseError
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.gan import experiment as gan_experiment
from cvgen_course.experiments.gan import measures, samples
from cvgen_course.experiments.gan.experiment import (
    MODELS,
    OFFER,
    collate,
    discriminator_loss,
    draw,
    generator_loss,
    make_model,
)
from cvgen_course.experiments.gan.recipes import GAMES, RECIPES

CHANNELS = {"glyphs": 1, "mnist": 1, "fashion_mnist": 1, "cifar10": 3}
SMALL = {
    data: recipe._replace(
        widths=dict.fromkeys(MODELS, 8), steps=4, batch_size=3, every=2, judge_steps=2
    )
    for data, recipe in RECIPES.items()
}
PLAYERS = ("discriminator", "generator")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def small(monkeypatch, cache):
    def load(data, split):
        return pictures(20 if split == "train" else 7, CHANNELS[data])

    monkeypatch.setenv("CVGEN_CACHE", str(cache))
    monkeypatch.setattr(gan_experiment, "load", load)
    monkeypatch.setattr(gan_experiment, "RECIPES", SMALL)
    for module in (samples, measures):
        monkeypatch.setattr(module, "AT_ONCE", 4)
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")


def build(model, data="glyphs"):
    torch.manual_seed(0)
    return OFFER.build(data, model, 0)


def go(folder, experiment):
    return run(experiment, folder, num_workers=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What uninterrupted runs leave; each is made when it is first asked for."""
    found = {}

    def of(model):
        if model not in found:
            folder = tmp_path_factory.mktemp(model)
            found[model] = go(folder, build(model)), folder
        return found[model]

    return of


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("data", RECIPES)
def test_build_makes_a_game_for_its_data(data, model):
    experiment = build(model, data)
    batch = batch_of(experiment)
    assert batch.image.shape == (3, CHANNELS[data], SIZE, SIZE)
    assert batch.image.is_contiguous(memory_format=torch.channels_last)
    assert (batch.label.dtype, batch.label.tolist()) == (torch.int64, [0, 1, 2])
    assert [phase.part for phase in experiment.phases] == [*PLAYERS]
    for phase in experiment.phases:
        found = phase.loss(experiment.model, batch)
        assert found.shape == ()
        assert found.isfinite()
        assert phase.betas == GAMES[model].betas
    assert (experiment.weight_decay, experiment.ema) == (0, GAMES[model].ema)


@pytest.mark.parametrize("data", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_build_follows_the_recipe(model, data):
    experiment, recipe = build(model, data), SMALL[data]
    assert (experiment.steps, experiment.every) == (recipe.steps, recipe.every)
    assert (experiment.batch_size, experiment.lr) == (recipe.batch_size, GAMES[model].lr)
    expected = make_model(model, recipe, 10, CHANNELS[data], SIZE)
    shapes = [{n: x.shape for n, x in m.state_dict().items()} for m in (experiment.model, expected)]
    assert shapes[0] == shapes[1]


def test_build_s_first_weights_do_not_depend_on_whether_the_judge_was_there(cache, monkeypatch):
    first = build("dcgan").model
    monkeypatch.setenv("CVGEN_CACHE", str(cache / "empty"))
    assert same(build("dcgan").model.state_dict(), first.state_dict())


@pytest.mark.parametrize(("data", "variants"), [("fashion_mnist", 1), ("cifar10", 2)])
def test_only_photographs_are_mirrored(data, variants):
    experiment, rng = build("dcgan", data), torch.Generator().manual_seed(0)
    drawn = [experiment.draw(experiment.train_set[0], rng) for _ in range(20)]
    assert len({tuple(item.image.flatten().tolist()) for item in drawn}) == variants


def test_draw_mirrors_half_of_the_images_and_leaves_labels():
    item = ImageItem(torch.arange(12.0).view(1, 3, 4), torch.tensor(5))
    rng = torch.Generator().manual_seed(0)
    drawn = [draw(item, rng, mirrored=True) for _ in range(100)]
    mirrored = sum(torch.equal(each.image, item.image.flip(-1)) for each in drawn)
    assert mirrored + sum(torch.equal(each.image, item.image) for each in drawn) == 100
    assert 30 < mirrored < 70
    assert {each.label.item() for each in drawn} == {5}


def test_draw_and_collate_can_be_sent_to_another_process():
    experiment = build("biggan", "cifar10")
    again = replace(
        experiment,
        draw=pickle.loads(pickle.dumps(experiment.draw)),
        collate=pickle.loads(pickle.dumps(experiment.collate)),
    )
    assert same(batch_of(again), batch_of(experiment))


@pytest.mark.parametrize("model", MODELS)
def test_losses_are_those_of_the_game_and_tell_classes_to_who_knows_them(model):
    game, batch = build(model).model, collate([*pictures(6)])
    told = (batch.label,) if model == "biggan" else ()
    for loss, expected in (
        (discriminator_loss, game.discriminator_loss),
        (generator_loss, game.generator_loss),
    ):
        torch.manual_seed(1)
        found = loss(game, batch)
        torch.manual_seed(1)
        torch.testing.assert_close(found, expected(batch.image, *told))


@pytest.mark.parametrize("model", MODELS)
def test_losses_are_in_float32_where_the_networks_are_not(model):
    experiment = build(model, "cifar10")
    for loss in (discriminator_loss, generator_loss):
        with torch.autocast("cpu", torch.bfloat16):
            found = loss(experiment.model, batch_of(experiment))
        assert found.dtype == torch.float32
        assert found.isfinite()


@pytest.mark.parametrize("model", MODELS)
def test_run_trains_both_networks(model, whole):
    metrics, folder = whole(model)
    first, last = build(model).model.state_dict(), state(folder)["model"]
    for part in PLAYERS:
        changed = [not torch.equal(first[n], last[n]) for n in first if n.startswith(part)]
        assert sum(changed) > len(changed) / 2
    assert tuple(metrics)[:2] == ("frechet_distance", "classes_covered")
    assert ("class_agreement" in metrics) == (model == "biggan")
    assert metrics["frechet_distance"] > 0
    assert 1 <= metrics["classes_covered"] <= 10


@pytest.mark.parametrize("model", MODELS)
def test_a_checkpoint_holds_both_networks_both_optimizers_and_the_running_mean(model, whole):
    found = state(whole(model)[1])
    for weights in (
        found["model"],
        {n.removeprefix("module."): x for n, x in found["mean"].items()},
    ):
        assert {name.partition(".")[0] for name in weights} >= {*PLAYERS}
    sizes = [len([*part.parameters()]) for part in map(build(model).model.get_submodule, PLAYERS)]
    assert [len(optimizer["state"]) for optimizer in found["optimizers"]] == sizes
    assert {s["step"].item() for o in found["optimizers"] for s in o["state"].values()} == {4}
    assert found["mean"]["n_averaged"] == 4


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("player", [0, 1])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, model, player, step, whole):
    experiment = build(model)
    phases = list(experiment.phases)
    phases[player] = phases[player]._replace(loss=pressing(phases[player].loss, step))
    assert go(tmp_path, replace(experiment, phases=tuple(phases))) is None
    assert state(tmp_path)["progress"]["step"] == step
    go(tmp_path, build(model))
    assert same(result(tmp_path), result(whole(model)[1]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("call", [1, 3, 5])
def test_run_stopped_while_it_measures_ends_as_if_it_had_not_been(
    tmp_path, model, call, whole, monkeypatch
):
    """There are three evaluations of two batches each; in the first batch of each it is stopped."""
    with monkeypatch.context() as patch:
        patch.setattr(measures, "look_at", pressing(measures.look_at, call))
        assert go(tmp_path, build(model)) is None
    go(tmp_path, build(model))
    assert same(result(tmp_path), result(whole(model)[1]))


@pytest.mark.parametrize("model", MODELS)
def test_a_run_that_is_measured_more_often_learns_the_same(tmp_path, model, whole):
    metrics = go(tmp_path, replace(build(model), every=1))
    found, expected = state(tmp_path), state(whole(model)[1])
    assert metrics == whole(model)[0]
    for part in ("model", "mean", "optimizers"):
        assert same(found[part], expected[part])


@pytest.mark.parametrize("model", MODELS)
def test_what_is_measured_and_kept_is_the_running_mean_with_its_statistics(model, whole):
    metrics, folder = whole(model)
    experiment, found = build(model), state(folder)
    kept = experiment.model.eval()
    load_model(kept, str(folder / "model.safetensors"))
    for name, x in kept.state_dict().items():
        assert torch.equal(x, found["mean"][f"module.{name}"])
    norms = [layer for layer in kept.generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {norm.num_batches_tracked.item() for norm in norms} == {16}  # standing statistics

    def each(function, items):
        return [function(item) for item in items]

    with torch.no_grad():
        assert experiment.evaluate(kept, "test", each) == pytest.approx(metrics, rel=1e-4)


@pytest.mark.parametrize(("model", "rows"), [("dcgan", 8), ("biggan", 10)])
def test_run_leaves_sheets_of_samples(model, rows, whole):
    _, folder = whole(model)
    names = [f"samples-000000{step}.png" for step in (2, 4)]
    assert sorted(path.name for path in folder.glob("*.png")) == names
    with Image.open(folder / names[-1]) as picture:
        assert picture.size == (8 * (SIZE + 2) + 2, rows * (SIZE + 2) + 2)
    assert len({(folder / name).read_bytes() for name in names}) == 2


@pytest.mark.parametrize(
    ("player", "call", "message"),
    [
        (0, 3, "loss of the generator: expected a finite number, got nan at step 3; the disc"),
        (1, 3, "loss of the discriminator: expected a finite number, got nan at step 4; the gen"),
        (1, 4, "weights: expected finite numbers after step 4; the generator diverged; try"),
    ],
)
def test_run_that_ends_in_nan_says_which_network_diverged(tmp_path, player, call, message):
    experiment = build("dcgan")
    phases = list(experiment.phases)
    phases[player] = diverging(phases[player], call)
    with pytest.raises(CourseError, match=message):
        go(tmp_path, replace(experiment, phases=tuple(phases)))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_two_devices_play_and_nothing_is_warned_of(tmp_path, model):
    program = os.path.join(os.path.dirname(sys.executable), "cvgen")
    words = f"train gan --data glyphs --model {model} --steps 1 --batch-size 4 --devices 2"
    done = subprocess.run(
        [program, *words.split(), "--out", "here"],
        cwd=tmp_path,
        env=os.environ | {"CVGEN_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.suffix for path in (tmp_path / "here").iterdir()} == {
        *(".bin", ".json", ".safetensors", ".png")
    }
