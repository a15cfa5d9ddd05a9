"""What the generators minimise together; a step of theirs, and one of a discriminator."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cvgen_course.cyclegan.losses import Translate, distance, identity_loss, require_domains
from cvgen_course.gan import least_squares_discriminator_loss, least_squares_generator_loss

CYCLE_WEIGHT, IDENTITY_WEIGHT = 5.0, 2.5
"""The paper has λ = 10, and half of it, beside least squares that are not halved as ours are."""


class Translated(NamedTuple):
    """What the generators have made, and what they pay for it.

    Attributes:
        fake_a: translations of b into domain A, (M, C, H, W).
        fake_b: translations of a into domain B, (N, C, H, W).
        parts: of the loss, 0-dimensional each, weighted already: ``"adversarial"``, ``"cycle"``,
            ``"identity"``.
    """

    fake_a: Tensor
    fake_b: Tensor
    parts: dict[str, Tensor]


def generators_loss(
    generators: tuple[Translate, Translate],
    discriminators: tuple[Translate, Translate],
    a: Tensor,
    b: Tensor,
    cycle_weights: tuple[float, float] = (CYCLE_WEIGHT, CYCLE_WEIGHT),
    identity_weight: float = IDENTITY_WEIGHT,
) -> Translated:
    """Translate both batches, there and back, and say what both generators minimise together.

    Args:
        generators: G_AB and G_BA.
        discriminators: D_A and D_B, images (N, C, H, W) → logits.
        a: images of domain A, float (N, C, H, W).
        b: images of domain B, float (M, C, H, W).
        cycle_weights: λ of the way from A to B and back, and of that from B to A and back. What
            has the weight 0 is not computed.
        identity_weight: of the identity loss, likewise.

    Returns:
        The translations with their graphs, and the parts of the loss: the least-squares losses of
        G_AB against D_B and of G_BA against D_A; the cycle loss; the identity loss.

    Raises:
        TypeError: ``a`` or ``b`` is no floating-point tensor.
        ValueError: the domains do not fit together, or one is empty.

    Source:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, arXiv:1703.10593, eq. 3, with the losses of sections 4 and 5.2.
    """
    require_domains(a, b)
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)
    fooled = least_squares_generator_loss(d_b(fake_b)) + least_squares_generator_loss(d_a(fake_a))
    parts = {"adversarial": fooled}
    if any(cycle_weights):
        ways = ((g_ba, fake_b, a), (g_ab, fake_a, b))
        parts["cycle"] = torch.stack(
            [
                weight * distance(back(fake), original)
                for weight, (back, fake, original) in zip(cycle_weights, ways, strict=True)
                if weight
            ]
        ).sum()
    if identity_weight:
        parts["identity"] = identity_weight * identity_loss(g_ab, g_ba, a, b)
    return Translated(fake_a, fake_b, parts)


def generator_step(
    generators: tuple[nn.Module, nn.Module],
    discriminators: tuple[nn.Module, nn.Module],
    a: Tensor,
    b: Tensor,
    optimizer: torch.optim.Optimizer,
    cycle_weight: float = CYCLE_WEIGHT,
    identity_weight: float = IDENTITY_WEIGHT,
) -> tuple[Tensor, Tensor, Tensor]:
    """Let both generators take a step together, against discriminators that stand still.

    Args:
        generators: G_AB and G_BA.
        discriminators: D_A and D_B; their parameters stay as they are.
        a: images of domain A, float (N, C, H, W).
        b: images of domain B, float (M, C, H, W).
        optimizer: of the parameters of both generators.
        cycle_weight: of the cycle loss.
        identity_weight: of the identity loss.

    Returns:
        The loss, 0-dimensional; G_BA(b), the fakes of A; G_AB(a), the fakes of B: all from before
        the step and without gradient. What ``.grad`` held before does not count.

    Raises:
        TypeError, ValueError: as `generators_loss`.

    Source:
        As `generators_loss`.
    """
    weights = (cycle_weight, cycle_weight)
    made = generators_loss(generators, discriminators, a, b, weights, identity_weight)
    loss = torch.stack([*made.parts.values()]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach(), made.fake_a.detach(), made.fake_b.detach()


def discriminator_step(
    discriminator: nn.Module, real: Tensor, fake: Tensor, optimizer: torch.optim.Optimizer
) -> Tensor:
    """Let a discriminator take a step; whoever made the fakes learns nothing from it.

    Args:
        discriminator: D_A or D_B, images (N, C, H, W) → logits.
        real: images of its domain, float (N, C, H, W).
        fake: translations into its domain, float (M, C, H, W), with a graph or without.
        optimizer: of the discriminator's parameters.

    Returns:
        Half the mean of (D(real) − 1)² plus half the mean of D(fake)², from before the step,
        0-dimensional, without gradient. What ``.grad`` held before does not count.

    Source:
        Zhu et al., arXiv:1703.10593, section 4: the discriminator's objective is halved.
    """
    loss = least_squares_discriminator_loss(discriminator(real), discriminator(fake.detach()))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()
