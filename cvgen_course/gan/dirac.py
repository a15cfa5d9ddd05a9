"""The smallest GAN: one number against one number.

All data is 0. The generator draws θ, always the same; the discriminator is the line D(x) = ψx. The
best of both would be θ = ψ = 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.gan.losses import discriminator_loss, saturating_loss
from cvgen_course.require import require


def dirac_gradients(theta: Tensor, psi: Tensor, r1: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return where steps of gradient descent would take θ and ψ: minus each player's gradient.

    The generator's loss is that of the minimax game.

    Args:
        theta: θ, float of any shape; each number is a game of its own.
        psi: ψ, of the same shape.
        r1: γ of the R1 penalty, γ / 2 · ψ², which the discriminator pays.

    Returns:
        The directions of θ and of ψ, of the same shape.

    Source:
        Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018,
        arXiv:1801.04406, section 2 and appendix.
    """
    require(theta=(theta, "*S", "float"), psi=(psi, "*S", "float"))
    theta, psi = theta.detach().requires_grad_(), psi.detach().requires_grad_()
    fake, count = psi * theta, theta.numel()
    loss = discriminator_loss(0 * psi, fake) + r1 / 2 * psi.square().mean()
    (slope_g,) = torch.autograd.grad(saturating_loss(fake), theta, retain_graph=True)
    (slope_d,) = torch.autograd.grad(loss, psi)
    return -count * slope_g, -count * slope_d


def dirac_path(
    theta: float,
    psi: float,
    lr: float,
    num_steps: int,
    alternating: bool = False,
    r1: float = 0.0,
) -> Tensor:
    """Return the way that the two numbers take, (num_steps + 1, 2), θ and ψ, in float64.

    Args:
        theta: where θ begins.
        psi: where ψ begins.
        lr: the length of a step, as a multiple of the gradient.
        num_steps: of both players.
        alternating: whether the generator answers the discriminator's new ψ; else both move at
            once, each from where the other was.
        r1: see `dirac_gradients`.
    """
    here = torch.tensor([theta, psi], dtype=torch.float64)
    path = [here]
    for _ in range(num_steps):
        theta_0, psi_0 = here
        direction_g, direction_d = dirac_gradients(theta_0, psi_0, r1)
        psi_1 = psi_0 + lr * direction_d
        if alternating:
            direction_g, _ = dirac_gradients(theta_0, psi_1, r1)
        here = torch.stack([theta_0 + lr * direction_g, psi_1])
        path.append(here)
    return torch.stack(path)
