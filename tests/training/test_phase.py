import pytest
import torch
from support.toy_models import GAME, Autoencoder, Game

from cvgen_course.training import Phase, constant, one_cycle
from cvgen_course.training.phase import phases_of, total


def no_loss(model, batch):
    raise AssertionError


def test_one_cycle_rises_for_a_quarter_and_falls_to_nearly_nothing():
    shares = [one_cycle(step, 40) for step in range(40)]
    assert shares.index(max(shares)) == 10
    assert shares[10] == 1
    assert shares[0] == pytest.approx(0.04)
    assert 0 < shares[-1] < 0.01
    assert {constant(step, 40) for step in range(40)} == {1.0}


def test_phase_trains_its_own_part_and_nothing_frozen():
    model = Game()
    model.generator[0].weight.requires_grad_(False)
    found = {id(p) for p in Phase("generator", no_loss).parameters(model)}
    assert found == {id(p) for p in model.generator.parameters()} - {id(model.generator[0].weight)}
    assert len(Phase("", no_loss).parameters(model)) == len(list(model.parameters())) - 1


def test_phase_has_a_learning_rate_of_its_own():
    phase = Phase("", no_loss, lr_factor=3.0, betas=(0.5, 0.9))
    optimizer = phase.optimizer(Autoencoder(), lr=0.1, weight_decay=0.2)
    phase.set_lr(optimizer, 0.1, step=10, steps=40)
    (group,) = optimizer.param_groups
    assert group["lr"] == pytest.approx(0.3)
    assert group["betas"] == (0.5, 0.9)
    assert group["weight_decay"] == 0.2


def test_phase_takes_part_in_the_first_step_and_in_every_so_many_th():
    assert [Phase("", no_loss, every=3).rests(step) for step in range(5)] == [
        *(False, True, True, False, True)
    ]


def test_phase_says_what_parts_there_are():
    with pytest.raises(ValueError, match=r"part: .* \(generator, discriminator\), got 'judge'"):
        Phase("judge", no_loss).parameters(Game())
    with pytest.raises(ValueError, match=r"part: expected parameters to train in 'encoder\.2'"):
        Phase("encoder.2", no_loss).parameters(Autoencoder())


def test_phases_of_a_loss_is_one_that_trains_everything():
    assert phases_of(no_loss) == (Phase("", no_loss),)
    assert phases_of(list(GAME)) == GAME
    assert [phase.name for phase in (*phases_of(no_loss), *GAME)] == [
        *("loss", "discriminator", "generator")
    ]


@pytest.mark.parametrize("parts", [[], ["generator", "generator"]])
def test_phases_of_wants_different_parts(parts):
    with pytest.raises(ValueError, match="loss: expected phases of different parts"):
        phases_of([Phase(part, no_loss) for part in parts])


def test_phases_of_says_that_a_phase_never_comes():
    with pytest.raises(ValueError, match="every: expected at least 1, got 0 for 'loss'"):
        phases_of([Phase("", no_loss, every=0)])


def test_total_is_the_sum_of_all_parts():
    a, b = torch.tensor(1.5), torch.tensor(2.0)
    assert total(a) is a
    assert total({"a": a, "b": b}) == 3.5
