import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cvgen_course.gan import alternating_step

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.5, 0.99)),
}


def networks():
    torch.manual_seed(0)
    # No bias just before a batch norm: its gradient is rounding alone, and Adam makes steps of it.
    generator = nn.Sequential(
        nn.Linear(2, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3), nn.Tanh()
    )
    discriminator = nn.Sequential(
        nn.Linear(3, 6, bias=False),
        nn.BatchNorm1d(6),
        nn.LeakyReLU(0.2),
        nn.Linear(6, 1),
        nn.Flatten(0),
    )
    return generator, discriminator


def batch(seed):
    rng = torch.Generator().manual_seed(seed)
    shapes = ((7, 3), (5, 2), (6, 2))  # real images, and noise for each player
    real, *z = (torch.randn(shape, generator=rng) for shape in shapes)
    return 2 + real, tuple(z)


def backward_into(module, loss):
    """Put the gradients of a module's parameters in their place, and no others."""
    parameters = list(module.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient


def step_by_hand(generator, discriminator, real, z, optimizers):
    """Do both steps with binary cross-entropies, and no zero_grad to be forgotten."""
    fake = generator(z[0]).detach()
    right, caught = discriminator(real), discriminator(fake)
    loss_d = F.binary_cross_entropy(right.sigmoid(), torch.ones(7))
    loss_d = loss_d + F.binary_cross_entropy(caught.sigmoid(), torch.zeros(5))
    backward_into(discriminator, loss_d)
    optimizers[1].step()
    loss_g = F.binary_cross_entropy(discriminator(generator(z[1])).sigmoid(), torch.ones(6))
    backward_into(generator, loss_g)
    optimizers[0].step()
    return loss_d.detach(), loss_g.detach()


@pytest.mark.parametrize("leftover", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_alternating_step_equals_steps_by_hand(name, leftover):
    mine = networks()
    theirs = copy.deepcopy(mine)
    my_optimizers, their_optimizers = (
        tuple(OPTIMIZERS[name](network.parameters()) for network in pair) for pair in (mine, theirs)
    )
    if leftover:  # gradients of before do not count
        for network in mine:
            for parameter in network.parameters():
                parameter.grad = torch.full_like(parameter, 9.0)
    for seed in range(4):
        real, z = batch(seed)
        losses = alternating_step(*mine, real, z, my_optimizers)
        torch.testing.assert_close(losses, step_by_hand(*theirs, real, z, their_optimizers))
    for network, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(network.state_dict(), other.state_dict())


def test_alternating_step_of_numbers_worked_out_by_hand():
    """G(z) = θ and D(x) = ψx, at θ = 1 and ψ = 0, with data at 3."""
    theta, psi = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.ones_(theta.weight)
    nn.init.zeros_(psi.weight)
    one = torch.ones(1, 1)
    optimizers = tuple(torch.optim.SGD(each.parameters(), lr=1.0) for each in (theta, psi))
    loss_d, loss_g = alternating_step(theta, psi, 3 * one, (one, one), optimizers)
    # ψ = 0 - (-3 / 2 + 1 / 2) = 1; then θ = 1 + ψ (1 - D(θ)) with D(1) = 1 / (1 + 1 / e)
    D = torch.tensor(1.0).sigmoid().item()
    assert psi.weight.item() == pytest.approx(1)
    assert theta.weight.item() == pytest.approx(1 + (1 - D))
    assert loss_d.item() == pytest.approx(2 * torch.tensor(2.0).log().item())
    assert loss_g.item() == pytest.approx(-torch.tensor(D).log().item())


def test_alternating_step_returns_plain_losses_and_keeps_modes():
    for training in (True, False):
        generator, discriminator = (network.train(training) for network in networks())
        optimizers = tuple(torch.optim.SGD(n.parameters(), 0.1) for n in (generator, discriminator))
        losses = alternating_step(generator, discriminator, *batch(0), optimizers)
        for loss in losses:
            assert loss.shape == ()
            assert not loss.requires_grad
        assert generator.training == discriminator.training == training


def test_alternating_step_learns_a_distribution():
    """A generator that can only shift its noise finds the data's mean."""
    rng = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    shift = nn.Linear(1, 1)
    nn.init.ones_(shift.weight).requires_grad_(False)
    discriminator = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizers = tuple(torch.optim.Adam(n.parameters(), 0.02) for n in (shift, discriminator))
    means = []
    for _ in range(400):
        real, *z = (torch.randn(64, 1, generator=rng) for _ in range(3))
        alternating_step(shift, discriminator, 2 + real, tuple(z), optimizers)
        means.append(shift.bias.item())
    assert sum(means[-200:]) / 200 == pytest.approx(2, abs=0.3)
