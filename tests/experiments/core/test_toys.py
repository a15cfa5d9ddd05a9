"""An autoencoder and a game of two players through the machinery of `cvgen train`."""

import json

import pytest
import torch
from safetensors.torch import load_model
from support.checkpoints import same, state
from support.runs import pressing
from support.toy_models import (
    GAME,
    Autoencoder,
    Game,
    diverging,
    error,
    evaluate_autoencoder,
    evaluate_game,
    reconstruction_loss,
    samples,
    toy_experiment,
)

from cvgen_course.errors import CourseError
from cvgen_course.experiments.core import run as run_module
from cvgen_course.experiments.core.run import run
from cvgen_course.training import Phase

KINDS = ("autoencoder", "game")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run_module.machine, "describe", lambda: "a machine")


def go(folder, experiment, **options):
    return run(experiment, folder, **{"num_workers": 0} | options)


def result(folder):
    """Return all that a run leaves, but the time that it took."""
    found = state(folder)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics.pop("seconds")
    return found, metrics, (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module.machine, "describe", lambda: "a machine")
        for kind in KINDS:
            folder = tmp_path_factory.mktemp(kind)
            go(folder, toy_experiment(kind))
            found[kind] = result(folder)
    return found


def test_an_autoencoder_learns_the_line(tmp_path):
    phases = (Phase("", reconstruction_loss),)
    metrics = go(
        tmp_path, toy_experiment("autoencoder", phases=phases, steps=100, lr=5e-2, every=50)
    )
    assert metrics["error"] < 0.05


def test_a_game_brings_the_samples_near_the_points(tmp_path, capsys):
    metrics = go(tmp_path, toy_experiment("game", steps=150, lr=1e-2, every=75, ema=0.95))
    assert metrics["distance"] < 0.4
    shown = capsys.readouterr().out
    assert "step 75: discriminator " in shown
    assert ", generator " in shown


@pytest.mark.parametrize("step", [1, 2, 3, 6])
@pytest.mark.parametrize("player", [0, 1])
def test_a_game_stopped_in_either_player_s_turn_ends_as_if_it_had_not_been(
    tmp_path, step, player, uninterrupted
):
    phases = list(GAME)
    turns = step if player == 0 else (step + 1) // 2  # the generator plays in every second step
    phases[player] = phases[player]._replace(loss=pressing(phases[player].loss, turns))
    assert go(tmp_path, toy_experiment("game", phases=tuple(phases))) is None
    assert go(tmp_path, toy_experiment("game"), num_workers=1) is not None
    assert same(result(tmp_path), uninterrupted["game"])


@pytest.mark.parametrize("step", [1, 4, 6])
def test_an_autoencoder_stopped_at_any_step_ends_as_if_it_had_not_been(
    tmp_path, step, uninterrupted
):
    phases = (Phase("", pressing(reconstruction_loss, step)),)
    assert go(tmp_path, toy_experiment("autoencoder", phases=phases)) is None
    go(tmp_path, toy_experiment("autoencoder"))
    assert same(result(tmp_path), uninterrupted["autoencoder"])


@pytest.mark.parametrize(
    ("kind", "evaluate"),
    [
        ("autoencoder", lambda *a: evaluate_autoencoder(*a, error=pressing(error, 4))),
        ("game", lambda *a: evaluate_game(*a, samples=pressing(samples, 3))),
    ],
)
def test_stopped_while_it_measures_ends_as_if_it_had_not_been(
    tmp_path, kind, evaluate, uninterrupted
):
    assert go(tmp_path, toy_experiment(kind, evaluate=evaluate)) is None
    go(tmp_path, toy_experiment(kind))
    assert same(result(tmp_path), uninterrupted[kind])


def test_a_checkpoint_holds_every_player_s_optimizer_and_the_running_mean(uninterrupted):
    found, metrics, _ = uninterrupted["game"]
    steps = [{int(s["step"]) for s in o["state"].values()} for o in found["optimizers"]]
    assert steps == [{6}, {3}]
    assert found["mean"]["n_averaged"] == 6
    assert set(metrics["validation"][0]) == {"step", "discriminator", "generator", "distance"}


@pytest.mark.parametrize(("kind", "make"), [("autoencoder", Autoencoder), ("game", Game)])
def test_what_is_measured_and_kept_is_the_running_mean(tmp_path, kind, make, uninterrupted):
    found, metrics, weights = uninterrupted[kind]
    (tmp_path / "weights").write_bytes(weights)
    model = make()
    load_model(model, str(tmp_path / "weights"))
    for name, value in model.state_dict().items():
        assert torch.equal(value, found["mean"][f"module.{name}"])
        if name.endswith("weight"):
            assert not torch.equal(value, found["model"][name])
        elif "running" in name or "num_batches" in name:
            assert torch.equal(value, found["model"][name])
    evaluate = {"autoencoder": evaluate_autoencoder, "game": evaluate_game}[kind]
    with torch.no_grad():
        again = evaluate(model.eval(), "test", lambda function, items: list(map(function, items)))
    assert again == metrics["metrics"]


def test_a_game_in_mixed_precision_goes_on_as_if_never_stopped(tmp_path):
    go(tmp_path / "a", toy_experiment("game"), precision="bf16-mixed")
    phases = (GAME[0]._replace(loss=pressing(GAME[0].loss, 3)), GAME[1])
    assert go(tmp_path / "b", toy_experiment("game", phases=phases), precision="bf16-mixed") is None
    go(tmp_path / "b", toy_experiment("game"), precision="bf16-mixed")
    assert same(result(tmp_path / "a"), result(tmp_path / "b"))


@pytest.mark.parametrize(
    ("every", "player", "message"),
    [
        (6, 0, r"loss of the generator: .* nan at step 3; the discriminator diverged \(its weig"),
        (6, 1, r"loss of the discriminator: .* nan at step 4; the generator diverged .*; try a s"),
        (3, 1, r"weights: expected finite numbers after step 3; the generator diverged; try a s"),
    ],
)
def test_a_game_that_ends_in_nan_says_which_network_diverged(tmp_path, every, player, message):
    """The generator plays in steps 1, 3 and 5; in step 3 one of both has a gradient of NaN."""
    phases = list(GAME)
    phases[player] = diverging(phases[player], call=(3, 2)[player])
    with pytest.raises(CourseError, match=message):
        go(tmp_path, toy_experiment("game", phases=tuple(phases), every=every))


def test_an_autoencoder_whose_weights_are_nan_in_the_end_is_not_kept(tmp_path):
    phases = (diverging(Phase("", reconstruction_loss), call=6),)
    with pytest.raises(CourseError, match=r"weights: .* after step 6; the model diverged; try a s"):
        go(tmp_path, toy_experiment("autoencoder", phases=phases))
    assert not (tmp_path / "model.safetensors").exists()
