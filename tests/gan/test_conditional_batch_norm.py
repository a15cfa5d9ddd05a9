import copy

import pytest
import torch
from torch import nn

from cvgen_course.gan import ConditionalBatchNorm2d, conditional_batch_norm


def random(*shape, seed=0, dtype=torch.float64):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def arguments(N=3, C=2, H=4, W=5):
    return random(N, C, H, W), random(N, C, seed=1), random(N, C, seed=2)


def layer_and_inputs(N=4, C=3, condition_size=5):
    torch.manual_seed(0)
    layer = ConditionalBatchNorm2d(C, condition_size)
    return layer, torch.randn(N, C, 4, 4), torch.randn(N, condition_size)


def test_conditional_batch_norm_equals_numbers_worked_out_by_hand():
    x = torch.tensor([1.0, 3.0, 5.0, 7.0]).view(2, 1, 1, 2)  # mean 4, variance 5
    gain, bias = torch.tensor([[0.0], [1.0]]), torch.tensor([[10.0], [0.0]])
    expected = [10 - 3 / 5**0.5, 10 - 1 / 5**0.5, 2 / 5**0.5, 6 / 5**0.5]
    got = conditional_batch_norm(x, gain, bias, eps=1e-12)
    torch.testing.assert_close(got.flatten(), torch.tensor(expected))
    # with eps of 4, it is divided by the root of 9
    got = conditional_batch_norm(x, gain, 0 * bias, eps=4.0)
    torch.testing.assert_close(got.flatten(), torch.tensor([-1.0, -1 / 3, 2 / 3, 2.0]))
    # mean 1 and variance 4 of all training
    statistics = torch.tensor([1.0]), torch.tensor([4.0])
    got = conditional_batch_norm(x, gain, bias, statistics, eps=0.0)
    assert got.flatten().tolist() == [10, 11, 4, 6]


@pytest.mark.parametrize("given", [False, True])
def test_conditional_batch_norm_equals_loops(given):
    x, gain, bias = arguments()
    statistics = (random(2, seed=3), random(2, seed=4).square()) if given else None
    got = conditional_batch_norm(x, gain, bias, statistics, eps=1e-3)
    for c in range(2):
        numbers = x[:, c].flatten().tolist()
        mean = sum(numbers) / len(numbers)
        var = sum((number - mean) ** 2 for number in numbers) / len(numbers)
        if statistics is not None:
            mean, var = statistics[0][c], statistics[1][c]
        for n in range(3):
            expected = (x[n, c] - mean) / (var + 1e-3) ** 0.5 * (1 + gain[n, c]) + bias[n, c]
            torch.testing.assert_close(got[n, c], expected)


def test_conditional_batch_norm_without_gain_and_bias_is_batch_norm():
    x, gain, _ = arguments()
    expected = nn.BatchNorm2d(2, affine=False).double()(x)
    torch.testing.assert_close(conditional_batch_norm(x, 0 * gain, 0 * gain), expected)


def test_conditional_batch_norm_gives_each_image_its_own_deviation():
    """Over all images a channel is standard normal before; gain and bias come after."""
    x, gain, bias = arguments(N=2, H=30, W=30)
    x = x[:1].repeat(2, 1, 1, 1)
    out = conditional_batch_norm(x, gain, bias)
    torch.testing.assert_close(out.mean(dim=(2, 3)), bias, rtol=0, atol=1e-9)
    std = out.std(dim=(2, 3), unbiased=False)
    torch.testing.assert_close(std, (1 + gain).abs(), rtol=1e-4, atol=0)


def test_conditional_batch_norm_with_statistics_treats_each_image_by_itself():
    x, gain, bias = arguments()
    statistics = random(2, seed=3), random(2, seed=4).square()
    before = [each.clone() for each in statistics]
    together = conditional_batch_norm(x, gain, bias, statistics)
    alone = conditional_batch_norm(x[1:2], gain[1:2], bias[1:2], statistics)
    torch.testing.assert_close(together[1:2], alone)
    assert all(torch.equal(a, b) for a, b in zip(statistics, before, strict=True))


def test_conditional_batch_norm_passes_gradcheck():
    leaves = tuple(each.requires_grad_() for each in arguments(N=2, H=2, W=2))
    assert torch.autograd.gradcheck(conditional_batch_norm, leaves)
    statistics = random(2, seed=3), random(2, seed=4).square()
    assert torch.autograd.gradcheck(lambda *x: conditional_batch_norm(*x, statistics), leaves)


def test_conditional_batch_norm_says_what_is_wrong():
    x, gain, bias = arguments()
    with pytest.raises(ValueError, match=r"gain: expected .* = \(3, 2\) to go with x"):
        conditional_batch_norm(x, gain[:, :1], bias)
    with pytest.raises(ValueError, match=r"bias: expected .* got shape \(2, 2\)"):
        conditional_batch_norm(x, gain, bias[:2])
    with pytest.raises(ValueError, match=r"x: expected .*\(N, C, H, W\), got shape \(3, 2\)"):
        conditional_batch_norm(gain, gain, bias)
    with pytest.raises(ValueError, match=r"var: expected .*\(C,\) = \(2,\), got shape \(3,\)"):
        conditional_batch_norm(x, gain, bias, (gain[0], x[:, 0, 0, 0]))
    with pytest.raises(TypeError, match=r"gain: .*floating-point.* got torch.int64"):
        conditional_batch_norm(x, gain.long(), bias)


def test_conditional_batch_norm_2d_begins_as_batch_norm():
    layer, x, condition = layer_and_inputs()
    plain = nn.BatchNorm2d(3, affine=False)
    for _ in range(3):
        assert torch.equal(layer(x, condition), plain(x))
    assert torch.equal(layer.running_mean, plain.running_mean)
    assert torch.equal(layer.running_var, plain.running_var)
    assert torch.equal(layer.eval()(x, condition), plain.eval()(x))


@pytest.mark.parametrize("training", [True, False])
def test_conditional_batch_norm_2d_equals_the_function(training):
    layer, x, condition = layer_and_inputs()
    nn.init.normal_(layer.to_gain.weight)
    nn.init.normal_(layer.to_bias.weight)
    layer(x + 1, condition)  # for running statistics that are not those of x
    layer.train(training)
    gain, bias = condition @ layer.to_gain.weight.T, condition @ layer.to_bias.weight.T
    statistics = None if training else (layer.running_mean, layer.running_var)
    expected = conditional_batch_norm(x, gain, bias, statistics)
    torch.testing.assert_close(layer(x, condition), expected)


def test_conditional_batch_norm_2d_has_two_maps_to_learn():
    layer, x, condition = layer_and_inputs()
    assert sum(p.numel() for p in layer.parameters()) == 2 * 5 * 3
    (layer(x, condition) * torch.randn(4, 3, 4, 4)).sum().backward()
    assert layer.to_gain.weight.grad.abs().min() > 0
    assert layer.to_bias.weight.grad.abs().min() > 0


def test_conditional_batch_norm_2d_in_evaluation_stays_as_it_is():
    layer, x, condition = layer_and_inputs()
    before = copy.deepcopy(layer.state_dict())
    layer.eval()
    assert torch.equal(layer(x, condition), layer(x, condition))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_conditional_batch_norm_2d_state_can_be_saved_and_loaded():
    layer, x, condition = layer_and_inputs()
    nn.init.normal_(layer.to_gain.weight)
    layer(x, condition)
    other = ConditionalBatchNorm2d(3, 5)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other.eval()(x, condition), layer.eval()(x, condition))


def test_conditional_batch_norm_2d_says_what_is_wrong():
    layer, x, condition = layer_and_inputs()
    with pytest.raises(ValueError, match=r"condition: expected .*\(N, 5\) = \(4, 5\) to go with x"):
        layer(x, condition[:2])
    with pytest.raises(ValueError, match=r"condition: expected .*\(N, 5\), got shape \(4, 4\)"):
        layer(x, condition[:, :4])
    with pytest.raises(ValueError, match=r"x: expected .*\(N, 3, H, W\), got shape \(4, 2, 4, 4\)"):
        layer(x[:, :2], condition)
    with pytest.raises(TypeError, match=r"condition: .* got torch.int64"):
        layer(x, condition.long())
