"""Runs in this process; `test_processes.py` has those that are killed, or have several devices."""

import io
import json
import math
import os
import signal

import pytest
import torch
from support.tiny_experiment import Coloured, evaluate, loss, plain_model, predict, tiny
from torch import nn

from cvgen_course.errors import CourseError
from cvgen_course.experiments.core import run as run_module
from cvgen_course.experiments.core import session
from cvgen_course.experiments.core.checkpoint import HEADER, NAME
from cvgen_course.experiments.core.run import run


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run_module.machine, "describe", lambda: "a machine")


def go(folder, experiment=None, **options):
    return run(experiment or tiny(), folder, **{"num_workers": 0} | options)


def read(folder):
    """Return the content of a checkpoint."""
    whole = (folder / NAME).read_bytes()
    return torch.load(io.BytesIO(whole[len(HEADER) + 32 :]), weights_only=True)


def result(folder):
    """Return all that a run leaves, but the time that it took."""
    content = read(folder)
    content["state"]["progress"].pop("seconds")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics.pop("seconds")
    return content, metrics, (folder / "model.safetensors").read_bytes()


def same(a, b):
    """Compare nested dictionaries and lists with tensors in them, bit for bit; NaN is NaN."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    return a == b or (a != a and b != b)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module.machine, "describe", lambda: "a machine")
        metrics = go(folder)
    return metrics, result(folder)


def interrupting(function, call, presses=1):
    """Press Ctrl-C in the n-th call of a function of an experiment."""
    calls = []

    def pressed(*arguments):
        calls.append(1)
        if len(calls) == call:
            for _ in range(presses):
                os.kill(os.getpid(), signal.SIGINT)
        return function(*arguments)

    return pressed


def test_run_learns_what_can_be_learned(tmp_path):
    metrics = go(tmp_path, tiny(plain_model, steps=80, lr=5e-2, train_set=Coloured(60, seed=1)))
    assert metrics["accuracy"] == 1.0


def test_run_writes_what_it_found(tmp_path, uninterrupted):
    metrics, (_, written, _) = uninterrupted
    assert written["metrics"] == {"accuracy": metrics["accuracy"], "undefined": None}
    assert [record["step"] for record in written["validation"]] == [2, 4, 6]
    assert {"step", "loss", "accuracy", "undefined"} == set(written["validation"][0])
    for name, value in {
        "chapter": "tiny",
        "data": "coloured",
        "model": "net",
        "steps": 6,
        "batch_size": 4,
        "lr": 0.01,
        "seed": 0,
        "precision": "32-true",
        "machine": "a machine",
        "num_parameters": sum(p.numel() for p in tiny().model.parameters()),
    }.items():
        assert written[name] == value


def test_run_measures_the_model_that_it_saves(tmp_path, uninterrupted):
    from safetensors.torch import load_model

    (tmp_path / "weights").write_bytes(uninterrupted[1][2])
    experiment = tiny(seed=5)
    load_model(experiment.model, str(tmp_path / "weights"))
    with torch.no_grad():
        found = evaluate(experiment.model.eval(), "test", lambda *each: list(map(*each)))
    assert found["accuracy"] == uninterrupted[0]["accuracy"]


def test_run_gives_the_same_again_whoever_loads_the_data(tmp_path, uninterrupted):
    torch.randn(3)
    go(tmp_path, num_workers=2)
    assert same(result(tmp_path), uninterrupted[1])


def test_run_with_another_seed_gives_something_else(tmp_path, uninterrupted):
    go(tmp_path, tiny(seed=1))
    assert result(tmp_path)[2] != uninterrupted[1][2]


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("presses", [1, 2])
def test_run_stopped_at_any_step_ends_as_if_it_had_not_been(
    tmp_path, capfd, step, presses, uninterrupted
):
    assert go(tmp_path, tiny(loss=interrupting(loss, step, presses))) is None
    assert f"Stopped after step {step} of 6. The same command" in capfd.readouterr().out
    assert not (tmp_path / "metrics.json").exists()
    metrics = go(tmp_path)
    assert f"Going on after step {step}" in capfd.readouterr().out
    assert same(metrics, uninterrupted[0])
    assert same(result(tmp_path), uninterrupted[1])


@pytest.mark.parametrize("call", [1, 5, 6, 15, 16, 21])
def test_run_stopped_while_it_measures_ends_as_if_it_had_not_been(tmp_path, call, uninterrupted):
    """There are three evaluations of 5 images and one of 6."""
    stopped = go(tmp_path, tiny(predict=interrupting(predict, call)))
    assert (stopped is None) == (call != 21)  # after the last image there is nothing to stop
    assert same(go(tmp_path), uninterrupted[0])
    assert same(result(tmp_path), uninterrupted[1])


def test_run_stopped_again_and_again_ends_as_if_it_had_not_been(tmp_path, uninterrupted):
    sessions = 0
    while go(tmp_path, tiny(loss=interrupting(loss, 1))) is None:
        sessions += 1
    assert sessions == 6
    assert same(result(tmp_path), uninterrupted[1])


def test_run_killed_goes_on_from_the_last_checkpoint(tmp_path, uninterrupted):
    def dies(model, batch, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 4:
            raise MemoryError("as if killed")
        return loss(model, batch)

    with pytest.raises(MemoryError):
        go(tmp_path, tiny(loss=dies), save_every=0.0)
    go(tmp_path)
    assert same(result(tmp_path), uninterrupted[1])


def test_run_writes_no_checkpoint_before_it_is_time(tmp_path):
    def dies(model, batch):
        raise MemoryError

    with pytest.raises(MemoryError):
        go(tmp_path, tiny(loss=dies))
    assert not (tmp_path / NAME).exists()


def test_run_adds_up_the_seconds_of_all_sessions_and_names_all_machines(tmp_path, monkeypatch):
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr(session.time, "monotonic", lambda: float(next(clock)))
    go(tmp_path, tiny(loss=interrupting(loss, 3)))
    monkeypatch.setattr(run_module.machine, "describe", lambda: "another machine")
    go(tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["seconds"] >= 80  # the clock goes on by 10 each time somebody looks
    assert written["machine"] == "a machine | another machine"


def test_run_that_is_done_says_so_and_shows_the_result(tmp_path, capsys, uninterrupted):
    go(tmp_path)
    before = result(tmp_path)
    capsys.readouterr()

    def never(model, batch):
        raise AssertionError

    assert same(go(tmp_path, tiny(loss=never, predict=never)), uninterrupted[0])
    shown = capsys.readouterr().out
    assert "All steps have been done before; --fresh starts anew." in shown
    assert "accuracy" in shown
    assert same(result(tmp_path), before)


def test_run_fresh_starts_anew(tmp_path, capsys, uninterrupted):
    go(tmp_path, tiny(seed=1))
    assert go(tmp_path, tiny(loss=interrupting(loss, 2)), fresh=True) is None
    assert [path.name for path in tmp_path.iterdir()] == [NAME]  # no results of another run
    go(tmp_path, fresh=True)
    assert same(result(tmp_path), uninterrupted[1])


def test_run_fresh_does_not_look_at_a_damaged_checkpoint(tmp_path, uninterrupted):
    (tmp_path / NAME).write_bytes(b"rubbish")
    with pytest.raises(CourseError, match="is damaged, or no checkpoint"):
        go(tmp_path)
    go(tmp_path, fresh=True)
    assert same(result(tmp_path), uninterrupted[1])


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"steps": 7}, {}, "steps 6 (now 7)"),
        ({"lr": 0.5}, {}, "lr 0.01 (now 0.5)"),
        ({"seed": 2}, {}, "seed 0 (now 2)"),
        ({"model_name": "other"}, {}, "model 'net' (now 'other')"),
        ({}, {"precision": "bf16-mixed"}, "precision '32-true' (now 'bf16-mixed')"),
    ],
)
def test_run_does_not_go_on_with_other_settings(tmp_path, changes, options, words):
    go(tmp_path, tiny(loss=interrupting(loss, 2)))
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(CourseError) as error:
        go(tmp_path, tiny(**changes), **options)
    assert words in str(error.value)
    assert (tmp_path / NAME).read_bytes() == before


def test_run_says_that_the_model_has_changed(tmp_path):
    go(tmp_path, tiny(loss=interrupting(loss, 2)))
    with pytest.raises(CourseError, match=r"doesn't fit: the model's code has changed .* --fresh"):
        go(tmp_path, tiny(plain_model))


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"steps": 0}, {}, "--steps: expected more than 0, got 0"),
        ({"batch_size": -1}, {}, "--batch-size: expected more than 0, got -1"),
        ({"lr": math.nan}, {}, "--lr: expected more than 0, got nan"),
        ({}, {"devices": 0}, "--devices: expected more than 0, got 0"),
        ({}, {"devices": 3}, "--batch-size: expected a multiple of the 3 devices"),
        ({}, {"precision": "8-bit"}, "--precision: expected one of 32-true, bf16-mixed, 16-mixed"),
    ],
)
def test_run_says_which_option_is_wrong(tmp_path, changes, options, words):
    with pytest.raises(CourseError) as error:
        go(tmp_path / "new", tiny(**changes), **options)
    assert words in str(error.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_run_says_that_half_precision_needs_a_gpu(tmp_path):
    with pytest.raises(CourseError, match="16-mixed needs a GPU, and there is none; take bf16"):
        go(tmp_path, precision="16-mixed")


def test_run_stops_before_the_weights_take_in_a_loss_that_is_not_finite(tmp_path):
    experiment = tiny(loss=lambda model, batch: loss(model, batch) * math.nan)
    before = [p.clone() for p in experiment.model.parameters()]
    with pytest.raises(CourseError, match="loss: expected a finite number, got nan at step 1; try"):
        go(tmp_path, experiment)
    assert all(map(torch.equal, experiment.model.parameters(), before))


def test_run_in_mixed_precision_computes_in_bfloat16_and_learns(tmp_path):
    seen = []

    def watched(model, batch):
        seen.append((model[0](batch.image).dtype, batch.image.dtype))
        return loss(model, batch)

    experiment = tiny(plain_model, steps=80, lr=5e-2, train_set=Coloured(60, seed=1), loss=watched)
    assert go(tmp_path, experiment, precision="bf16-mixed")["accuracy"] == 1.0
    assert set(seen) == {(torch.bfloat16, torch.float32)}  # the data is not rounded
    assert experiment.model[0].weight.dtype == torch.float32


def test_run_in_mixed_precision_goes_on_as_if_never_stopped(tmp_path):
    go(tmp_path / "a", precision="bf16-mixed")
    go(tmp_path / "b", tiny(loss=interrupting(loss, 3)), precision="bf16-mixed")
    go(tmp_path / "b", precision="bf16-mixed")
    assert same(result(tmp_path / "a"), result(tmp_path / "b"))


def test_run_takes_one_cycle_of_the_learning_rate(tmp_path):
    rates = []

    class Spy(torch.optim.AdamW):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Spy)
        go(tmp_path, tiny(steps=40, lr=1e-3))
    assert len(rates) == 40
    assert rates.index(max(rates)) == 10
    assert max(rates) == pytest.approx(1e-3)
    assert rates[0] == pytest.approx(4e-5)
    assert rates[-1] < 1e-5


def test_run_shows_a_bar_on_stdout_and_nothing_on_stderr(tmp_path, capfd):
    go(tmp_path)
    shown = capfd.readouterr()
    assert shown.err == ""
    assert "net with" in shown.out
    assert "net on coloured: 100%" in shown.out
    assert "6/6" in shown.out
    assert "loss=" in shown.out
    assert "step 2: loss" in shown.out
    assert "accuracy" in shown.out.splitlines()[-3]


def test_run_leaves_signals_as_they_were(tmp_path):
    go(tmp_path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_model_is_in_the_right_mode_whenever_it_is_called(tmp_path):
    modes = []

    def in_training(model, batch):
        modes.append(("loss", model.training))
        return loss(model, batch)

    def in_evaluation(model, item):
        modes.append(("predict", model.training))
        assert not torch.is_grad_enabled()
        return predict(model, item)

    go(tmp_path, tiny(loss=in_training, predict=in_evaluation))
    assert set(modes) == {("loss", True), ("predict", False)}


def test_run_trains_parts_that_only_the_loss_calls(tmp_path):
    class TwoStages(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = plain_model(), nn.Linear(3, 3)

        def forward(self, image):
            return self.first(image)

    def second_stage(model, batch):
        logits = model.second(model(batch.image))
        return nn.functional.cross_entropy(logits, batch.label)

    experiment = tiny(TwoStages, loss=second_stage)
    before = experiment.model.second.weight.clone()
    go(tmp_path, experiment)
    assert not torch.equal(experiment.model.second.weight, before)
