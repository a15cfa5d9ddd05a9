"""An autoencoder and a game of two players through `fit`."""

import copy

import pytest
import torch
from support.toy_models import (
    GAME,
    Autoencoder,
    Game,
    Point,
    Points,
    discriminator_loss,
    evaluate_autoencoder,
    evaluate_game,
    generator_loss,
    jitter,
    reconstruction_loss,
)

from cvgen_course.training import Phase, fit


def each(function, items):
    return [function(items[i]) for i in range(len(items))]


def learn(model, loss, **changes):
    torch.manual_seed(0)
    model = model()
    arguments = {"steps": 6, "batch_size": 8, "lr": 1e-2, "seed": 0, "augment": jitter} | changes
    return model, fit(model, Points(), loss, **arguments)


def weights(model):
    return copy.deepcopy(model.state_dict())


def same(a, b):
    return all(map(torch.equal, a.values(), b.values()))


def test_an_autoencoder_learns_the_line():
    model, history = learn(Autoencoder, reconstruction_loss, steps=60, lr=0.1)
    with torch.no_grad():
        assert evaluate_autoencoder(model, "val", each)["error"] < 0.05
    assert set(history.parts) == {"reconstruction", "size"}
    sums = [sum(step) for step in zip(*history.parts.values(), strict=True)]
    assert history.losses == pytest.approx(sums)


def test_a_game_brings_the_samples_near_the_points():
    model, history = learn(Game, GAME, steps=150, lr=1e-2, ema=0.95)
    with torch.no_grad():
        before = evaluate_game(Game().eval(), "val", each)["distance"]
        assert evaluate_game(model, "val", each)["distance"] < 0.4 < before
    assert list(history.parts) == [
        *("discriminator", "discriminator.real", "discriminator.fake", "generator")
    ]
    assert {len(values) for values in history.parts.values()} == {150}
    sums = [a + b for a, b in zip(*[history.parts[p.part] for p in GAME], strict=True)]
    assert history.losses == pytest.approx(sums)


def test_a_phase_that_rests_keeps_its_weights_and_its_last_loss():
    seen = []

    def watch(step, model, history):
        seen.append(weights(model.generator))

    _, history = learn(Game, GAME, steps=4, on_step=watch, every=1)
    losses = history.parts["generator"]
    assert losses[0] == losses[1] != losses[2] == losses[3]
    parameters = [
        {name: x for name, x in state.items() if "weight" in name or "bias" in name}
        for state in seen
    ]
    assert same(parameters[0], parameters[1])
    assert not same(parameters[1], parameters[2])
    assert same(parameters[2], parameters[3])


@pytest.mark.parametrize("alone", GAME)
def test_a_phase_moves_its_own_part_only(alone):
    torch.manual_seed(0)
    before = Game()
    model, _ = learn(Game, [alone._replace(every=1)], steps=3)
    for name, parameter in before.named_parameters():
        moved = not torch.equal(parameter, model.get_parameter(name))
        assert moved == name.startswith(alone.part)


def test_gradients_of_one_player_never_reach_the_step_of_the_other():
    """A loop by hand that keeps them apart by `torch.autograd.grad` gives the same.

    In float64: the gradient of a bias before a normalisation is a sum that rounds to nearly zero,
    and differently in each order of the items; Adam would make a whole step of it.
    """
    phases = [Phase("discriminator", discriminator_loss), Phase("generator", generator_loss)]
    phases = [phase._replace(schedule=lambda step, steps: 1.0) for phase in phases]
    data = Points(num=8)
    data.points = data.points.double()
    batch = Point(data.points, torch.arange(8))
    torch.manual_seed(0)
    by_hand = Game().double()
    model = copy.deepcopy(by_hand)

    optimizers = [phase.optimizer(by_hand, 1e-2, 1e-2) for phase in phases]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Game, "sample", lambda self, num: self.generator(data.points[:num, :1]))
        fit(model, data, phases, steps=5, batch_size=8, lr=1e-2, seed=0)
        for _ in range(5):
            for phase, optimizer in zip(phases, optimizers, strict=True):
                parameters = phase.parameters(by_hand)
                parts = phase.loss(by_hand, batch)
                value = sum(parts.values()) if isinstance(parts, dict) else parts
                for p, gradient in zip(
                    parameters, torch.autograd.grad(value, parameters), strict=True
                ):
                    p.grad = gradient
                optimizer.step()
    for name, parameter in by_hand.named_parameters():
        torch.testing.assert_close(model.get_parameter(name), parameter, atol=1e-9, rtol=1e-7)


def test_fit_gives_a_game_the_same_again():
    first, history = learn(Game, GAME, ema=0.9)
    torch.randn(3)
    second, again = learn(Game, GAME, ema=0.9)
    assert same(weights(first), weights(second))
    assert history.parts == again.parts


def test_fit_leaves_the_running_mean_and_shows_it_on_the_way():
    seen = []

    def watch(step, model, history):
        assert not model.training
        seen.append(weights(model))

    model, history = learn(Game, GAME, ema=0.9, on_step=watch, every=3)
    last, plain = learn(Game, GAME)
    assert history.parts == plain.parts  # who is averaged learns the same
    assert same(seen[-1], weights(model))
    assert not same(weights(model), weights(last))
    for name, buffer in last.named_buffers():
        assert torch.equal(model.get_buffer(name), buffer)


def test_fit_stopped_by_hand_leaves_the_running_mean_too():
    calls = []

    def stop(model, batch):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return generator_loss(model, batch)

    phases = [GAME[0], GAME[1]._replace(loss=stop, every=1)]
    model, history = learn(Game, phases, ema=0.5)
    assert history.interrupted
    assert history.steps == [1, 2]
    assert {len(values) for values in history.parts.values()} == {2}
    two_steps, _ = learn(Game, [GAME[0], GAME[1]._replace(every=1)], ema=0.5, steps=2)
    for name, parameter in two_steps.named_parameters():
        assert torch.equal(model.get_parameter(name), parameter)


def test_fit_shows_every_player_s_loss(capsys, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    learn(Game, GAME)
    shown = capsys.readouterr().out
    assert "discriminator=" in shown
    assert "generator=" in shown
