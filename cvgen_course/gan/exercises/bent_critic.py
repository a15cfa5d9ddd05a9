"""A critic whose slopes are known, and tell where they were taken."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from cvgen_course.checks import WrongAnswer
from cvgen_course.checks.probes import gradients

MANY = 1000
"""From so many images on it can be said whether alphas are evenly spread."""

SURE = math.log(2e12)
NEAR = 0.01


class BentCritic(nn.Module):
    """An image x gets weight · x + bend / 2 · (direction · x)².

    Its slope there is weight + bend · (direction · x) · direction. Where a line runs across
    ``direction``, all of its points have the same.

    Args:
        weight: float (C, H, W).
        direction: float (C, H, W).
        bend: float (K,), for each image one; its number stands in its first pixel, which is not
            looked at for anything else. With K = 1, all have the same.
    """

    def __init__(self, weight: Tensor, direction: Tensor, bend: Tensor) -> None:
        super().__init__()
        self.weight, self.bend = nn.Parameter(weight), nn.Parameter(bend)
        self.direction = direction

    def forward(self, images: Tensor) -> Tensor:
        """Return a number for each image, (N,)."""
        if images.shape[1:] != self.weight.shape:
            expected = ", ".join(map(str, self.weight.shape))
            raise WrongAnswer(
                f"the critic was asked about images of shape {tuple(images.shape)}, expected "
                f"(N, {expected})"
            )
        x = images.flatten(1)
        number = x[:, 0].detach().round().long().clamp(0, len(self.bend) - 1)
        along = x @ self.direction.flatten()
        return x @ self.weight.flatten() + self.bend[number] / 2 * along.square()


def ramp(rng: torch.Generator, num: int, shape: tuple[int, int, int]) -> dict[str, Tensor]:
    """Return a critic's tensors, and images, of which `alphas` can say where slopes were taken.

    The critic's slope has the length 2 at each fake, and rises evenly to 3 at its real image.
    """
    direction = torch.randn(shape, generator=rng)
    direction[0, 0, 0] = 0  # where the image's number stands
    direction /= direction.norm()

    def images(along: float) -> Tensor:
        """Return images x with direction · x = along."""
        x = torch.randn(num, *shape, generator=rng)
        now = (x * direction).sum(dim=(1, 2, 3), keepdim=True)
        x += (along - now) * direction
        x[:, 0, 0, 0] = torch.arange(num)
        return x

    weight, bend = torch.zeros(shape), torch.ones(num)
    critic = {"weight": weight, "direction": direction, "bend": bend}
    return {**critic, "real": images(3), "fake": images(2)}


def alphas(critic: BentCritic, penalty: Tensor) -> Tensor:
    """Return how far on the way from fake to real the slope of each image of a `ramp` was taken.

    There it has the length bend · (2 + alpha). So the gradient of the penalty, the mean of
    (length - 1)², by an image's own bend, is 2 / N · (1 + alpha) · (2 + alpha).

    Args:
        critic: that of the ramp.
        penalty: what an implementation returned for it.

    Returns:
        float (N,); NaN where the penalty is no such mean.

    Raises:
        WrongAnswer: it does not depend on the critic's parameters.
    """
    one = torch.ones((), dtype=critic.bend.dtype)
    slopes = gradients("the penalty", penalty, one, bend=critic.bend)["the gradient of bend"]
    product = slopes.double() * len(slopes) / 2  # alpha² + 3 alpha + 2
    return (product + 0.25).sqrt() - 1.5


def described(alpha: Tensor) -> dict[str, list[str]]:
    """Return whether alphas, float (N,), are as they should be: from [0, 1], and one an image.

    Of many it is also said whether they are evenly spread. By the inequality of Dvoretzky, Kiefer
    and Wolfowitz, the shares of numbers below any limit are all within sqrt(log(2 / δ) / 2 N) of
    what is expected but for a probability of δ, here 1e-12.
    """
    low, high = alpha.min().item(), alpha.max().item()
    if not (low > -NEAR and high < 1 + NEAR):  # NaN, too
        where = "elsewhere, too, or the penalty is wrong in itself"
    elif high < NEAR or low > 1 - NEAR:
        where = f"at {'fake' if high < NEAR else 'real'} images"
    else:
        where = "between fake and real"
    differs = "differs from image to image" if high - low > NEAR else "is the same for all images"
    found = {"slopes are taken": [where], "alpha": [differs]}
    if len(alpha) >= MANY:
        steps = (torch.arange(len(alpha)) + 0.5) / len(alpha)
        even = bool((alpha.sort().values - steps).abs().max() < math.sqrt(SURE / (2 * len(alpha))))
        found["alphas are spread"] = ["evenly" if even else "unevenly"]
    return found
