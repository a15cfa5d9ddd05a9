import copy

import pytest
import torch
from torch import nn

from cvgen_course.cyclegan import (
    PatchGAN,
    ResNetGenerator,
    cycle_loss,
    discriminator_step,
    generator_step,
    generators_loss,
    identity_loss,
)
from cvgen_course.cyclegan.steps import CYCLE_WEIGHT, IDENTITY_WEIGHT

torch.set_num_threads(1)


def networks(seed=0):
    torch.manual_seed(seed)
    generators = tuple(ResNetGenerator(2, 3, 1, 1, False).double() for _ in "ab")
    discriminators = tuple(PatchGAN(2, 3, 1).double() for _ in "ab")
    return generators, discriminators


def batches(N=2, M=3, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return [torch.rand(n, 2, 8, 10, generator=rng, dtype=torch.float64) * 2 - 1 for n in (N, M)]


def parameters(*modules):
    return [p for module in modules for p in module.parameters()]


def copies(modules):
    return [p.detach().clone() for p in parameters(*modules)]


def unchanged(before, modules):
    now = parameters(*modules)
    return all(torch.equal(was, each) for was, each in zip(before, now, strict=True))


def half_square(logits, target):
    return ((logits - target) ** 2).mean() / 2


def test_weights_are_half_those_of_the_paper():
    """Its least squares are not halved: to halve all is to halve the weights beside ours."""
    assert (CYCLE_WEIGHT, IDENTITY_WEIGHT) == (10 / 2, 0.5 * 10 / 2)


@pytest.mark.parametrize("weights", [(5.0, 5.0, 2.5), (10.0, 10.0, 0.1)])
def test_generators_loss_is_the_sum_of_its_losses(weights):
    (generators, (d_a, d_b)), (a, b) = networks(), batches()
    g_ab, g_ba = generators
    made = generators_loss(generators, (d_a, d_b), a, b, weights[:2], weights[2])
    torch.testing.assert_close(made.fake_a, g_ba(b))
    torch.testing.assert_close(made.fake_b, g_ab(a))
    assert list(made.parts) == ["adversarial", "cycle", "identity"]
    fooled = half_square(d_b(g_ab(a)), 1) + half_square(d_a(g_ba(b)), 1)
    torch.testing.assert_close(made.parts["adversarial"], fooled)
    expected = weights[0] * cycle_loss(g_ab, g_ba, a, b)
    torch.testing.assert_close(made.parts["cycle"], expected)
    expected = weights[2] * identity_loss(g_ab, g_ba, a, b)
    torch.testing.assert_close(made.parts["identity"], expected)
    assert all(part.shape == () for part in made.parts.values())


def test_generators_loss_weighs_both_ways_apart():
    (generators, discriminators), (a, b) = networks(), batches()
    g_ab, g_ba = generators
    from_a, from_b = (g_ba(g_ab(a)) - a).abs().mean(), (g_ab(g_ba(b)) - b).abs().mean()
    for weights in ((3.0, 7.0), (3.0, 0.0), (0.0, 7.0)):
        parts = generators_loss(generators, discriminators, a, b, weights).parts
        torch.testing.assert_close(parts["cycle"], weights[0] * from_a + weights[1] * from_b)


@pytest.mark.parametrize(
    ("weights", "names", "calls"),
    [
        (((1, 1), 1), {"adversarial", "cycle", "identity"}, (3, 3)),
        (((0, 0), 1), {"adversarial", "identity"}, (2, 2)),
        (((1, 1), 0), {"adversarial", "cycle"}, (2, 2)),
        (((1, 0), 0), {"adversarial", "cycle"}, (1, 2)),
        (((0, 1), 0), {"adversarial", "cycle"}, (2, 1)),
        (((0, 0), 0), {"adversarial"}, (1, 1)),
    ],
)
def test_generators_loss_does_not_compute_what_has_no_weight(weights, names, calls):
    (generators, discriminators), (a, b) = networks(), batches()
    called = [0, 0]

    def count(index):
        def hook(*_):
            called[index] += 1

        return hook

    for index, generator in enumerate(generators):
        generator.register_forward_hook(count(index))
    made = generators_loss(generators, discriminators, a, b, *weights)
    assert set(made.parts) == names
    assert tuple(called) == calls


def test_generators_loss_teaches_both_generators():
    (generators, discriminators), (a, b) = networks(), batches()
    for name in ("adversarial", "cycle", "identity"):
        loss = generators_loss(generators, discriminators, a, b).parts[name]
        gradients = torch.autograd.grad(loss, parameters(*generators))
        assert all(g.abs().max() > 0 for g in gradients if g.ndim == 4), name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"b": torch.zeros(3, 1, 8, 10)}, r"^b: .*to go with a"),
        ({"b": torch.zeros(3, 2, 10, 8)}, r"^b: .*to go with a"),
        ({"a": torch.zeros(0, 2, 8, 10)}, r"^a: expected at least one image"),
        ({"b": torch.zeros(0, 2, 8, 10)}, r"^b: expected at least one image"),
    ],
)
def test_generators_loss_says_what_does_not_fit(wrong, message):
    given = {"a": torch.zeros(2, 2, 8, 10), "b": torch.zeros(3, 2, 8, 10)} | wrong
    with pytest.raises(ValueError, match=message):
        generators_loss(*networks(), **given)


@pytest.mark.parametrize("leftover", [False, True])
@pytest.mark.parametrize("weights", [(5.0, 2.5), (1.0, 0.0), (0.0, 0.0)])
def test_generator_step_equals_a_step_by_hand(weights, leftover):
    (generators, discriminators), (a, b) = networks(), batches()
    twins = copy.deepcopy(generators)
    optimizers = [torch.optim.Adam(parameters(*each), 0.01) for each in (generators, twins)]
    if leftover:
        for parameter in parameters(*generators, *discriminators):
            parameter.grad = torch.ones_like(parameter)
    made = generator_step(generators, discriminators, a, b, optimizers[0], *weights)

    (g_ab, g_ba), (d_a, d_b) = twins, discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)
    loss = half_square(d_b(fake_b), 1) + half_square(d_a(fake_a), 1)
    ways = (g_ba(fake_b) - a).abs().mean() + (g_ab(fake_a) - b).abs().mean()
    same = (g_ab(b) - b).abs().mean() + (g_ba(a) - a).abs().mean()
    loss = loss + weights[0] * ways + weights[1] * same
    gradients = torch.autograd.grad(loss, parameters(*twins))
    for parameter, gradient in zip(parameters(*twins), gradients, strict=True):
        parameter.grad = gradient
    optimizers[1].step()

    for found, expected in zip(made, (loss, fake_a, fake_b), strict=True):
        assert not found.requires_grad
        torch.testing.assert_close(found, expected.detach())
    for found, expected in zip(parameters(*generators), parameters(*twins), strict=True):
        torch.testing.assert_close(found, expected)


def test_generator_step_leaves_the_discriminators_as_they_are():
    (generators, discriminators), (a, b) = networks(), batches()
    before, own = copies(discriminators), copies(generators)
    generator_step(generators, discriminators, a, b, torch.optim.SGD(parameters(*generators), 0.1))
    assert unchanged(before, discriminators)
    assert not unchanged(own, generators)
    assert all(p.requires_grad for p in parameters(*discriminators))


def test_generator_step_lowers_its_own_loss():
    (generators, discriminators), (a, b) = networks(), batches()
    optimizer = torch.optim.Adam(parameters(*generators), 0.003)
    losses = [
        generator_step(generators, discriminators, a, b, optimizer)[0].item() for _ in range(30)
    ]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("leftover", [False, True])
def test_discriminator_step_equals_a_step_by_hand(leftover):
    _, (discriminator, twin) = networks()
    twin.load_state_dict(discriminator.state_dict())
    real, fake = batches()
    optimizers = [torch.optim.Adam(parameters(each), 0.01) for each in (discriminator, twin)]
    if leftover:
        for parameter in discriminator.parameters():
            parameter.grad = torch.ones_like(parameter)
    found = discriminator_step(discriminator, real, fake, optimizers[0])
    expected = half_square(twin(real), 1) + half_square(twin(fake), 0)
    expected.backward()
    optimizers[1].step()
    assert not found.requires_grad
    assert found.shape == ()
    torch.testing.assert_close(found, expected.detach())
    for one, other in zip(discriminator.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_discriminator_step_teaches_nobody_else():
    ((generator, _), (discriminator, _)), (a, b) = networks(), batches()
    before = copies([generator])
    fake = generator(b)
    optimizer = torch.optim.SGD(parameters(generator, discriminator), 0.1)
    discriminator_step(discriminator, a, fake, optimizer)
    assert unchanged(before, [generator])
    assert all(p.grad is None for p in generator.parameters())
    fake.sum().backward()  # its graph is still there


def test_discriminator_step_lowers_its_own_loss():
    _, (discriminator, _) = networks()
    real, fake = batches()
    optimizer = torch.optim.Adam(discriminator.parameters(), 0.01)
    losses = [discriminator_step(discriminator, real, fake, optimizer).item() for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


def test_steps_together_learn_a_translation():
    """Dark images and light ones: a few steps, and each generator finds the other's brightness."""
    torch.manual_seed(0)
    generators = tuple(nn.Conv2d(1, 1, 1) for _ in "ab")
    discriminators = tuple(nn.Conv2d(1, 1, 1) for _ in "ab")
    players = generators, *((each,) for each in discriminators)
    both, of_a, of_b = (torch.optim.Adam(parameters(*p), 0.03, (0.5, 0.999)) for p in players)
    for _ in range(300):
        a, b = torch.rand(8, 1, 4, 4) - 1, torch.rand(8, 1, 4, 4)
        _, fake_a, fake_b = generator_step(generators, discriminators, a, b, both, 1.0, 0.0)
        discriminator_step(discriminators[0], a, fake_a, of_a)
        discriminator_step(discriminators[1], b, fake_b, of_b)
    with torch.no_grad():
        assert generators[0](a).mean().item() == pytest.approx(0.5, abs=0.3)
        assert generators[1](b).mean().item() == pytest.approx(-0.5, abs=0.3)
