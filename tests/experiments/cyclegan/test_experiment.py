import os
import pickle
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, load_model
from support.checkpoints import same, state
from support.runs import batch_of, pressing, result
from support.small_translations import SMALL, cifar, write_photographs
from support.toy_models import diverging

from cvgen_course.cyclegan import CycleGAN, linear_decay
from cvgen_course.data import UnpairedItem
from cvgen_course.data import load as load_data
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.errors import CourseError
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.cyclegan import domains, measures
from cvgen_course.experiments.cyclegan import experiment as cyclegan_experiment
from cvgen_course.experiments.cyclegan.experiment import (
    OFFER,
    collate,
    discriminators_loss,
    draw,
    generators_loss,
    make_model,
)
from cvgen_course.experiments.cyclegan.recipes import BETAS, MODELS, RECIPES

SIZES = {"pairs": 32, "cifar10:horse,deer": 32, "horse2zebra": 72}
PLAYERS = ("generators", "discriminators")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    write_photographs(folder, {"trainA": 20, "trainB": 20, "testA": 3, "testB": 2})
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch, cache):
    def load(data, split):
        if data == "horse2zebra":
            return load_data(data, split, cache)
        return load_pairs(split, size=7) if data == "pairs" else cifar()

    monkeypatch.setenv("CVGEN_CACHE", str(cache))
    monkeypatch.setattr(domains, "load", load)
    monkeypatch.setattr(cyclegan_experiment, "RECIPES", SMALL)
    # So that pools are full at once, and old fakes come out of them again.
    monkeypatch.setattr(cyclegan_experiment, "CycleGAN", partial(CycleGAN, capacity=2))
    monkeypatch.setattr(measures, "PIXELS_AT_ONCE", 4 * 32**2)
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")


def build(model="resnet", data="pairs"):
    torch.manual_seed(0)
    return OFFER.build(data, model, 0)


def go(folder, experiment, **options):
    return run(experiment, folder, num_workers=0, **options)


def pressing_in(experiment, player, call):
    """Press Ctrl-C in the n-th call of a player's loss."""
    phases = list(experiment.phases)
    phases[player] = phases[player]._replace(loss=pressing(phases[player].loss, call))
    return replace(experiment, phases=tuple(phases))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What uninterrupted runs leave; each is made when it is first asked for."""
    found = {}

    def of(model, precision="32-true"):
        if (model, precision) not in found:
            folder = tmp_path_factory.mktemp(model)
            metrics = go(folder, build(model), precision=precision)
            found[model, precision] = metrics, folder
        return found[model, precision]

    return of


@pytest.mark.parametrize("data", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_build_makes_a_game_for_its_domains(model, data):
    experiment, recipe = build(model, data), SMALL[data]
    batch = batch_of(experiment)
    for images in batch:
        assert images.shape == (3, 3, SIZES[data], SIZES[data])
        assert images.is_contiguous(memory_format=torch.channels_last)
    assert [phase.part for phase in experiment.phases] == [*PLAYERS]
    for phase in experiment.phases:
        found = phase.loss(experiment.model, batch)
        parts = found.values() if isinstance(found, dict) else [found]
        assert all(part.isfinite() and part.shape == () for part in parts)
        assert (phase.betas, phase.schedule) == (BETAS, linear_decay)
    assert (experiment.weight_decay, experiment.ema) == (0, None)
    assert (experiment.steps, experiment.every) == (recipe.steps, recipe.every)
    assert (experiment.batch_size, experiment.lr) == (recipe.batch_size, recipe.lr)
    expected = make_model(model, recipe)
    shapes = [{n: x.shape for n, x in m.named_parameters()} for m in (experiment.model, expected)]
    assert shapes[0] == shapes[1]


def test_build_s_first_weights_do_not_depend_on_whether_the_judge_was_there(cache, monkeypatch):
    first = build().model
    monkeypatch.setenv("CVGEN_CACHE", str(cache / "empty"))
    assert same(build().model.state_dict(), first.state_dict())


def test_draw_mirrors_half_of_the_images_of_each_domain_by_itself():
    item = UnpairedItem(torch.arange(12.0).view(1, 3, 4), torch.arange(12.0, 24.0).view(1, 3, 4))
    rng, seen = torch.Generator().manual_seed(0), []
    for _ in range(200):
        drawn = draw(item, rng, None)
        pairs = list(zip(drawn, item, strict=True))
        assert all(torch.equal(x.flip(-1), y) or torch.equal(x, y) for x, y in pairs)
        seen.append(tuple(torch.equal(x, y) for x, y in pairs))
    counts = [seen.count((a, b)) for a in (True, False) for b in (True, False)]
    assert min(counts) > 25


def test_draw_cuts_a_part_out_of_an_enlarged_image():
    """Of a slope, of which each part is recognised; enlarged from 16 to 20, so by 5/4."""
    slope = torch.linspace(-0.9, 0.9, 16).expand(3, 16, 16)
    rng = torch.Generator().manual_seed(0)
    firsts = set()
    for _ in range(60):
        a, _ = draw(UnpairedItem(slope, slope.mT), rng, 20)
        assert a.shape == (3, 16, 16)
        assert a.abs().max() <= 1
        a = a if a[0, 0, 0] < a[0, 0, -1] else a.flip(-1)
        assert (a[0, 0, 10] - a[0, 0, 5]).item() == pytest.approx(5 * 0.12 * 0.8, rel=0.05)
        firsts.add(round(a[0, 0, 0].item(), 3))
    assert len(firsts) == 5  # corners from 0 to 4


def test_draw_and_collate_can_be_sent_to_another_process():
    experiment = build(data="horse2zebra")
    again = replace(
        experiment,
        draw=pickle.loads(pickle.dumps(experiment.draw)),
        collate=pickle.loads(pickle.dumps(experiment.collate)),
    )
    assert same(batch_of(again), batch_of(experiment))


@pytest.mark.parametrize("model", MODELS)
def test_losses_are_in_float32_where_the_networks_are_not(model):
    experiment = build(model)
    batch = batch_of(experiment)
    with torch.autocast("cpu", torch.bfloat16):
        found = [*generators_loss(experiment.model, batch).values()]
        found.append(discriminators_loss(experiment.model, batch))
    assert [x.dtype for x in found] == [torch.float32] * 4
    assert all(x.isfinite() for x in found)


@pytest.mark.parametrize("model", MODELS)
def test_run_trains_all_four_networks(model, whole):
    metrics, folder = whole(model)
    first, last = build(model).model.state_dict(), state(folder)["model"]
    assert last.keys() == dict(build(model).model.named_parameters()).keys()
    for part in ("generators.ab", "generators.ba", "discriminators.a", "discriminators.b"):
        changed = [not torch.equal(first[n], last[n]) for n in last if n.startswith(part)]
        assert sum(changed) > len(changed) / 2
    assert tuple(metrics)[:3] == ("judged", "judged_back", "ground_psnr")
    assert 0 <= metrics["judged"] <= 1


@pytest.mark.parametrize("data", ["cifar10:horse,deer", "horse2zebra"])
def test_run_on_photographs_measures_distances(data, tmp_path):
    metrics = go(tmp_path, build(data=data))
    assert tuple(metrics) == (
        *("judged", "judged_back", "frechet_distance", "cycle_l1", "judge_accuracy"),
    )
    assert metrics["frechet_distance"] > 0
    with Image.open(tmp_path / "samples-0000004.png") as picture:
        columns = {"cifar10:horse,deer": 6, "horse2zebra": 2}[data]
        size = SIZES[data] + 2
        assert picture.size == (columns * size + 2, 6 * size + 2)


def test_a_checkpoint_holds_networks_optimizers_and_pools(whole):
    found = state(whole("resnet")[1])
    sizes = [len([*part.parameters()]) for part in map(build().model.get_submodule, PLAYERS)]
    assert [len(optimizer["state"]) for optimizer in found["optimizers"]] == sizes
    (pools,) = found["apart"]
    assert {name: x.shape for name, x in pools.items()} == {
        f"pools.{of}._extra_state": (2, 3, 32, 32) for of in "ab"
    }


@pytest.mark.parametrize(
    ("model", "player", "step", "precision"),
    [
        ("resnet", 0, 1, "32-true"),
        ("resnet", 1, 2, "32-true"),
        ("resnet", 1, 3, "32-true"),
        ("unet", 0, 3, "32-true"),
        ("resnet", 1, 1, "bf16-mixed"),
    ],
)
def test_run_that_was_stopped_ends_as_if_it_had_not_been(
    tmp_path, model, player, step, precision, whole
):
    assert go(tmp_path, pressing_in(build(model), player, step), precision=precision) is None
    assert state(tmp_path)["progress"]["step"] == step
    go(tmp_path, build(model), precision=precision)
    assert same(result(tmp_path), result(whole(model, precision)[1]))


def test_run_without_its_pools_would_end_otherwise(tmp_path, whole):
    """So the test before this one sees whether they are there."""
    assert go(tmp_path, pressing_in(build(), 1, 3)) is None
    experiment = build()
    for pool in experiment.model.pools.values():
        pool.set_extra_state = lambda state: None
    go(tmp_path, experiment)
    assert not same(state(tmp_path)["model"], state(whole("resnet")[1])["model"])


@pytest.mark.parametrize("call", [1, 4, 9])
def test_run_stopped_while_it_measures_ends_as_if_it_had_not_been(
    tmp_path, call, whole, monkeypatch
):
    """There are three evaluations of four batches each; one of each of them."""
    with monkeypatch.context() as patch:
        patch.setattr(measures, "look_at", pressing(measures.look_at, call))
        assert go(tmp_path, build()) is None
    go(tmp_path, build())
    assert same(result(tmp_path), result(whole("resnet")[1]))


def test_what_is_kept_gives_the_same_metrics_and_has_no_pools(whole):
    metrics, folder = whole("resnet")
    path = folder / "model.safetensors"
    experiment = build()
    kept = experiment.model.eval()
    load_model(kept, str(path))
    assert all(x.numel() == 0 for name, x in load_file(path).items() if "pools" in name)

    def each(function, items):
        return [function(item) for item in items]

    with torch.no_grad():
        assert experiment.evaluate(kept, "test", each) == pytest.approx(metrics, rel=1e-4)


def test_run_leaves_sheets_of_translations(whole):
    _, folder = whole("resnet")
    names = [f"samples-000000{step}.png" for step in (2, 4)]
    assert sorted(path.name for path in folder.glob("*.png")) == names
    with Image.open(folder / names[-1]) as picture:
        assert picture.size == (7 * 34 + 2, 7 * 34 + 2)
    assert len({(folder / name).read_bytes() for name in names}) == 2


@pytest.mark.parametrize("player", [0, 1])
def test_run_that_ends_in_nan_says_which_networks_diverged(tmp_path, player):
    """In step 3 the discriminators still see what the generators made before they diverged."""
    experiment = build()
    phases = list(experiment.phases)
    phases[player] = diverging(phases[player], 3)
    message = f"loss of the generators: .* got nan at step 4; the {PLAYERS[player]} diverged"
    with pytest.raises(CourseError, match=message):
        go(tmp_path, replace(experiment, phases=tuple(phases)))


def test_collate_keeps_domains_apart():
    examples = [UnpairedItem(torch.full((3, 2, 2), i), torch.full((3, 2, 2), -i)) for i in (1.0, 2)]
    batch = collate(examples)
    assert batch.a[:, 0, 0, 0].tolist() == [1, 2]
    assert batch.b[:, 0, 0, 0].tolist() == [-1, -2]


@pytest.mark.slow
def test_two_devices_translate_and_nothing_is_warned_of(tmp_path):
    program = os.path.join(os.path.dirname(sys.executable), "cvgen")
    words = "train cyclegan --data pairs --model unet --steps 2 --batch-size 2 --devices 2"
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
