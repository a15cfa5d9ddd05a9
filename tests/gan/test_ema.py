import copy

import pytest
import torch
from torch import nn

from cvgen_course.gan import (
    ConditionalBatchNorm2d,
    ema_update,
    spectrally_normalised,
    standing_statistics,
)


class Network(nn.Module):
    """Parameters, running statistics, and a count."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))
        self.layers(torch.randn(4, 1, 5, 5) + seed)  # the statistics have seen something

    def forward(self, x):
        return self.layers(x)


def copied(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def noise(seed, N=6):
    return torch.randn(N, 1, 5, 5, generator=torch.Generator().manual_seed(seed))


def test_ema_update_equals_numbers_worked_out_by_hand():
    average, model = nn.Linear(2, 1, bias=False), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        average.weight.copy_(torch.tensor([[1.0, 8.0]]))
        model.weight.copy_(torch.tensor([[5.0, 0.0]]))
    ema_update(average, model, 0.75)
    assert average.weight.tolist() == [[2.0, 6.0]]
    ema_update(average, model, 0.5)
    assert average.weight.tolist() == [[3.5, 3.0]]


@pytest.mark.parametrize("decay", [0, 0.5, 0.999, 1])
def test_ema_update_moves_parameters_and_buffers_and_copies_counts(decay):
    average, model = Network(0), Network(1)
    model(noise(0))  # a batch more
    before, new = copied(average), copied(model)
    assert ema_update(average, model, decay) is None
    for name, value in average.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert value.item() == 2
        else:
            torch.testing.assert_close(value, decay * before[name] + (1 - decay) * new[name])
    for name, value in model.state_dict().items():
        assert torch.equal(value, new[name])


def test_ema_update_of_many_steps_is_a_weighted_sum():
    average, model = nn.Linear(1, 1), nn.Linear(1, 1)
    values = [0.5, -1.0, 2.0, 3.0]
    for value in values:
        nn.init.constant_(model.weight, value)
        if value == values[0]:
            average.load_state_dict(model.state_dict())
        ema_update(average, model, 0.9)
    weights = [0.9**3, 0.1 * 0.9**2, 0.1 * 0.9, 0.1]
    expected = sum(weight * value for weight, value in zip(weights, values, strict=True))
    assert average.weight.item() == pytest.approx(expected)


def test_ema_update_keeps_no_tensor_of_the_model_and_no_graph():
    average, model = Network(0), Network(1)
    average.requires_grad_(False)
    parameters = list(average.parameters())
    ema_update(average, model, 0.0)
    assert all(a is b for a, b in zip(parameters, average.parameters(), strict=True))
    assert not any(p.requires_grad or p.grad_fn for p in average.parameters())
    before = copied(average)
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    for name, value in average.state_dict().items():
        assert torch.equal(value, before[name])


def test_ema_update_of_a_model_that_stands_still_arrives_at_it():
    average, model = Network(0), Network(1)
    for _ in range(60):
        ema_update(average, model, 0.7)
    x = noise(2)
    torch.testing.assert_close(average.eval()(x), model.eval()(x))


def test_ema_update_takes_spectrally_normalised_networks():
    model = nn.Sequential(spectrally_normalised(nn.Linear(3, 4)))
    average = copy.deepcopy(model)
    nn.init.normal_(model[0].parametrizations.weight.original)
    before, new = copied(average), copied(model)
    ema_update(average, model, 0.75)
    for name, value in average.state_dict().items():
        torch.testing.assert_close(value, 0.75 * before[name] + 0.25 * new[name])
    assert "0.parametrizations.weight.0.u" in before


@pytest.mark.parametrize("decay", [-0.1, 1.001, float("nan"), 999])
def test_ema_update_refuses_decays_out_of_range(decay):
    with pytest.raises(ValueError, match=rf"decay: expected a number in \[0, 1\], got {decay}"):
        ema_update(nn.Linear(1, 1), nn.Linear(1, 1), decay)


@pytest.mark.parametrize(
    ("average", "different"),
    [(nn.Linear(3, 2), "weight"), (nn.Linear(2, 2, bias=False), "bias"), (Network(), "bias")],
)
def test_ema_update_refuses_networks_that_are_no_copies(average, different):
    before = copied(average)
    with pytest.raises(ValueError, match=f"average: expected a copy .* different is '{different}"):
        ema_update(average, nn.Linear(2, 2), 0.9)
    assert all(torch.equal(value, before[name]) for name, value in average.state_dict().items())


def drawn(batches):
    """Return a function that hands out batches, one a call."""
    rest = iter(batches)
    return lambda: (next(rest),)


def test_standing_statistics_are_plain_means_of_the_batches_statistics():
    generator = Network()
    weights = [p.detach().clone() for p in generator.parameters()]
    batches = [noise(seed) + seed for seed in range(5)]
    standing_statistics(generator, drawn(batches), num_batches=5)
    maps = [generator.layers[0](batch).detach() for batch in batches]
    means = torch.stack([each.mean(dim=(0, 2, 3)) for each in maps])
    variances = torch.stack([each.var(dim=(0, 2, 3)) for each in maps])  # unbiased, as torch's
    norm = generator.layers[1]
    torch.testing.assert_close(norm.running_mean, means.mean(dim=0))
    torch.testing.assert_close(norm.running_var, variances.mean(dim=0))
    assert norm.num_batches_tracked == 5
    assert norm.momentum == 0.1
    assert not generator.training
    for before, after in zip(weights, generator.parameters(), strict=True):
        assert torch.equal(before, after)


def test_standing_statistics_forget_what_was_before():
    first, second = Network(), Network()
    first(100 * noise(0))
    for generator in (first, second):
        standing_statistics(generator, drawn([noise(1), noise(2)]), num_batches=2)
    assert torch.equal(first.layers[1].running_var, second.layers[1].running_var)


def test_standing_statistics_take_labels_and_conditional_norms():
    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = ConditionalBatchNorm2d(1, 3)

        def forward(self, z, labels):
            return self.norm(z, nn.functional.one_hot(labels, 3).float())

    generator = Conditional()
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    standing_statistics(generator, lambda: (noise(0) + 7, labels), num_batches=3)
    torch.testing.assert_close(generator.norm.running_mean, (noise(0) + 7).mean().view(1))


def test_standing_statistics_change_nothing_but_the_norms():
    """No dropout, no step of power iteration: it is measured what evaluation will show."""
    torch.manual_seed(0)
    generator = nn.Sequential(
        spectrally_normalised(nn.Conv2d(1, 3, 3)), nn.Dropout(0.5), nn.BatchNorm2d(3)
    )
    u = generator[0].parametrizations.weight[0].u
    before = u.clone()
    standing_statistics(generator, lambda: (noise(0),), num_batches=4)
    assert torch.equal(u, before)
    out = generator(noise(0))
    torch.testing.assert_close(out.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(out.var(dim=(0, 2, 3)), torch.ones(3), rtol=1e-3, atol=0)
    assert not any(module.training for module in generator.modules())


def test_standing_statistics_restore_the_momentum_where_drawing_fails():
    generator = nn.Sequential(nn.BatchNorm2d(1, momentum=0.3), nn.BatchNorm2d(1, momentum=None))
    with pytest.raises(StopIteration):
        standing_statistics(generator, drawn([noise(0)]), num_batches=2)
    assert [norm.momentum for norm in generator] == [0.3, None]
    assert not any(module.training for module in generator.modules())


def test_standing_statistics_keep_no_graph():
    generator = Network()
    standing_statistics(generator, lambda: (noise(0),), num_batches=1)
    assert not any(buffer.requires_grad for buffer in generator.buffers())
    assert all(parameter.grad is None for parameter in generator.parameters())


@pytest.mark.parametrize("num_batches", [0, -1])
def test_standing_statistics_refuse_no_batch(num_batches):
    generator = Network()
    before = copied(generator)
    with pytest.raises(ValueError, match=f"num_batches: expected at least 1, got {num_batches}"):
        standing_statistics(generator, lambda: (noise(0),), num_batches)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
