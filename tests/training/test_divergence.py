import copy
import math

import pytest
import torch
from support.toy_models import GAME, Autoencoder, Game, Points, diverging

from cvgen_course.errors import CourseError
from cvgen_course.training import Phase, fit
from cvgen_course.training.divergence import require_finite, require_finite_weights


def no_loss(model, batch):
    raise AssertionError


def spoil(part):
    """One number of many is enough."""
    with torch.no_grad():
        [*part.parameters()][-1].view(-1)[-1] = math.inf


def message(loss, phase, model, step=7):
    with pytest.raises(CourseError) as error:
        require_finite(loss, step, phase, model, "try again")
    return str(error.value)


@pytest.mark.parametrize("phase", [Phase("", no_loss), *GAME])
def test_require_finite_says_nothing_of_finite_losses(phase):
    model = Game()
    spoil(model.generator)  # whether weights are finite is asked where a loss is not
    for loss in (0.0, -1e30, 5.0):
        require_finite(loss, 1, phase, model, "try again")


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_require_finite_says_at_which_step(loss):
    found = message(loss, Phase("", no_loss), Autoencoder(), step=12)
    assert found == f"loss: expected a finite number, got {loss} at step 12; try again"


def test_require_finite_says_whose_loss_it_is():
    for phase in GAME:
        assert message(math.nan, phase, Game()) == (
            f"loss of the {phase.part}: expected a finite number, got nan at step 7; try again"
        )


@pytest.mark.parametrize("diverged", ["generator", "discriminator"])
def test_require_finite_says_which_network_diverged_whoever_s_loss_shows_it(diverged):
    for phase in GAME:
        model = Game()
        spoil(model.get_submodule(diverged))
        assert message(math.nan, phase, model) == (
            f"loss of the {phase.part}: expected a finite number, got nan at step 7; "
            f"the {diverged} diverged (its weights are no longer finite); try again"
        )


def test_require_finite_names_every_network_that_diverged():
    model = Game()
    spoil(model.generator)
    spoil(model.discriminator)
    found = message(math.nan, GAME[0], model)
    assert found.index("the generator diverged") < found.index("the discriminator diverged")


def test_require_finite_of_a_model_without_players_does_not_name_its_layers():
    model = Autoencoder()
    spoil(model.decoder)
    assert message(math.nan, Phase("", no_loss), model) == (
        "loss: expected a finite number, got nan at step 7; "
        "the model diverged (its weights are no longer finite); try again"
    )


def test_require_finite_blames_nobody_for_statistics_of_another_s_images():
    """The generator has batch norm, whose running mean takes in what it sees."""
    model = Game()
    model.generator[1].running_mean[0] = math.nan
    assert "diverged" not in message(math.nan, GAME[0], model)


@pytest.mark.parametrize("phases", [(Phase("", no_loss),), GAME])
def test_require_finite_weights_says_nothing_of_finite_ones(phases):
    model = Game()
    with torch.no_grad():
        model.generator[0].weight.fill_(1e30)
    model.generator[1].running_var.fill_(math.nan)
    require_finite_weights(3, phases, model, "try again")


@pytest.mark.parametrize(
    ("phases", "diverged", "names"),
    [
        (GAME, ("generator",), "the generator"),
        (GAME, ("discriminator",), "the discriminator"),
        (GAME, ("discriminator", "generator"), "the generator and the discriminator"),
        ((Phase("", no_loss),), ("generator",), "the model"),
    ],
)
def test_require_finite_weights_says_whose_are_not(phases, diverged, names):
    model = Game()
    for part in diverged:
        spoil(model.get_submodule(part))
    with pytest.raises(CourseError) as error:
        require_finite_weights(3, phases, model, "try again")
    assert str(error.value) == (
        f"weights: expected finite numbers after step 3; {names} diverged; try again"
    )


def learn(model, phases):
    return fit(model, Points(), phases, steps=6, batch_size=8, lr=1e-2, seed=0)


@pytest.mark.parametrize(
    ("player", "message"),
    [
        ("generator", r"loss of the discriminator: .* nan at step 4; the generator diverged \("),
        ("discriminator", r"loss of the generator: .* nan at step 3; the discriminator diverged"),
    ],
)
def test_fit_says_which_network_diverged(player, message):
    """In step 3 the gradient is NaN although the loss is not; the next loss shows it."""
    calls = {"discriminator": 3, "generator": 2}  # who plays in every second step
    phases = [diverging(p, calls[player]) if p.part == player else p for p in GAME]
    with pytest.raises(CourseError, match=message):
        learn(Game(), phases)


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_fit_stops_before_the_weights_take_in_a_loss_that_is_not_finite(player):
    def spoiled(model, batch):
        before.update(copy.deepcopy(model.state_dict()))
        return sum(p.sum() for p in model.get_submodule(player).parameters()) * math.nan

    before, model = {}, Game()
    with pytest.raises(CourseError, match=rf"loss of the {player}: .* nan at step 1; try a lower"):
        learn(model, [phase._replace(loss=spoiled) for phase in GAME if phase.part == player])
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())
