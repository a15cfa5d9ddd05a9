"""Exercise: the gradient penalty of WGAN-GP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients
from cvgen_course.gan import gradient_penalty
from cvgen_course.gan.exercises.bent_critic import BentCritic, alphas, described, ramp
from cvgen_course.pixelcnn.exercises.draws import compared, compared_without_generator

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: critics with known slopes, where slopes are taken, generators."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=rng, dtype=torch.float64)

    def ask(
        num: int,
        shape: tuple[int, int, int],
        steep: float,
        bend: float = 0.0,
        same: bool = False,
        gradient: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Any]:
        """Return images, and a critic whose slope is the same all the way from a fake to its real.

        It is about as long as ``steep``, for each image; and longer, unlike for each, if the critic
        is bent.
        """
        direction = normal(*shape)
        direction *= 0 if bend == 0 else 1 / direction.norm()

        def across(x: Tensor) -> Tensor:
            along = (x * direction).sum(dim=(-3, -2, -1), keepdim=True)
            return x - along * direction

        weight = across(normal(*shape))
        weight *= steep * uniform(0.8, 1.2) / weight.norm()
        along = (torch.arange(num) + uniform(0.2, 0.8, num)) / num
        fake = across(normal(num, *shape)) + along.view(-1, 1, 1, 1) * direction
        real = fake if same else fake + across(normal(num, *shape))
        tensors = {"weight": weight, "direction": direction, "real": real, "fake": fake}
        tensors["bend"] = torch.tensor([bend])
        found = {name: each.to(dtype) for name, each in tensors.items()}
        return {**found, "asked": "penalty", "gradient": gradient}

    def ask_alphas(num: int, shape: tuple[int, int, int], asked: str = "alphas") -> dict[str, Any]:
        seed = int(torch.randint(2**31, (), generator=rng))
        return {**ramp(rng, num, shape), "asked": asked, "seed": seed}

    return [
        Case(
            "four images, and a critic that is linear",
            ask(4, (3, 4, 5), steep=2.5, gradient=False),
            weight=1,
            hint="Its slope is the same everywhere. The length is that of all C * H * W numbers of "
            "an image: slopes.flatten(1).norm(dim=1).",
        ),
        Case(
            "a slope below 1",
            ask(3, (3, 2, 4), steep=0.4),
            weight=4,
            hint="Slopes below 1 are punished, too: no max(0, …). For a gradient of the penalty, "
            "torch.autograd.grad needs create_graph=True.",
        ),
        Case(
            "slopes that differ from image to image",
            ask(5, (2, 3, 4), steep=0.5, bend=1.5),
            weight=4,
            hint="A length for each image, (length - 1)² of each, then their mean. On the line "
            "from a fake to its real image alpha changes no slope; beside it, slopes differ.",
        ),
        Case(
            "three images of 3 × 3 × 3 numbers",
            ask(3, (3, 3, 3), steep=0.8, bend=2.0),
            weight=2,
            hint="New here: N = C = H = W, so that nothing complains of a wrong dimension. alpha "
            "has shape (N, 1, 1, 1), and lengths have shape (N,).",
        ),
        Case(
            "a single image",
            ask(1, (1, 3, 5), steep=1.3, bend=2.0),
            weight=1,
            hint="New here: N is 1; no squeeze.",
        ),
        Case(
            "images of a single number",
            ask(6, (1, 1, 1), steep=1.7),
            weight=1,
            hint="New here: C, H and W are 1; no squeeze. The length is the absolute value then.",
        ),
        Case(
            "float64, and a steep critic",
            ask(3, (2, 4, 3), steep=60.0, bend=50.0, dtype=torch.float64),
            weight=1,
            hint="New here: float64; the penalty is as precise as the images.",
        ),
        Case(
            "real and fake are the same",
            ask(4, (3, 2, 3), steep=0.3, bend=1.0, same=True),
            weight=1,
            hint="New here: whatever alpha is, the slope is that at these images.",
        ),
        Case(
            "where slopes are taken, with 2000 images",
            ask_alphas(2000, (1, 3, 3)),
            weight=5,
            hint="Alphas are read off the penalty: see to failed cases above first. Then: "
            "torch.rand(N, 1, 1, 1), one for each image, evenly from [0, 1], for all its pixels.",
        ),
        Case(
            "where slopes are taken, with 30 images",
            ask_alphas(30, (3, 4, 4)),
            weight=4,
            hint="Alphas are read off the penalty here, too. Each image has one of its own, and "
            "its point lies on the line from fake to real.",
        ),
        Case(
            "all draws come from rng",
            ask_alphas(5, (2, 3, 3), asked="rng"),
            weight=9,
            hint="alpha is drawn anew in each call, by torch.rand(…, generator=rng). "
            "torch.rand_like takes no generator.",
        ),
        Case(
            "no generator is given",
            ask_alphas(5, (1, 4, 2), asked="no rng"),
            weight=1,
            hint="alpha is drawn anew in each call; without `rng`, from torch's own generator: "
            "generator=None does that.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return penalty and gradients where no draw matters, else what is true of the draws."""
    critic = BentCritic(inputs["weight"], inputs["direction"], inputs["bend"])
    asked = inputs["asked"]

    def penalty(rng: torch.Generator | None = None, needs_grad: bool = False) -> Tensor:
        options = {} if rng is None else {"rng": rng}
        value = implementation(critic, inputs["real"], inputs["fake"], **options)
        return as_tensor(value, "the penalty", needs_grad=needs_grad)

    if asked == "penalty":
        value = penalty(needs_grad=inputs["gradient"])
        found: dict[str, Any] = {"the penalty": value.detach()}
        if inputs["gradient"]:
            one = torch.ones((), dtype=inputs["real"].dtype)
            found |= gradients("the penalty", value, one, **dict(critic.named_parameters()))
            left = any(parameter.grad is not None for parameter in critic.parameters())
            found["gradients left in the critic's .grad"] = ["some" if left else "none"]
        return found
    if asked == "alphas":
        return described(alphas(critic, penalty(needs_grad=True)))

    def draw(rng: torch.Generator | None) -> Tensor:
        return alphas(critic, penalty(rng, needs_grad=True)).nan_to_num()

    return (compared if asked == "rng" else compared_without_generator)(draw, inputs["seed"])


def _alpha(real, rng):
    return torch.rand(len(real), 1, 1, 1, generator=rng)


def _between(real, fake, alpha):
    return (alpha * real + (1 - alpha) * fake).requires_grad_()


def _slopes(critic, real, fake, rng, alpha=None):
    """Return the gradient of each image's number by the image, (N, C, H, W)."""
    images = _between(real, fake, _alpha(real, rng) if alpha is None else alpha)
    return torch.autograd.grad(critic(images).sum(), images, create_graph=True)[0]


def _lengths(critic, real, fake, rng, alpha=None):
    return _slopes(critic, real, fake, rng, alpha).flatten(1).norm(dim=1)


def _penalty(lengths):
    return (lengths - 1).square().mean()


@mistakes.when(
    "each pixel has an alpha of its own: the point is to lie on the line between two images, so "
    "all pixels of an image share one. torch.rand(N, 1, 1, 1)."
)
def _alpha_per_pixel(critic, real, fake, rng=None):
    alpha = torch.rand(real.shape, generator=rng)
    return _penalty(_lengths(critic, real, fake, rng, alpha))


@mistakes.when("one alpha is drawn for all images: each has its own. torch.rand(N, 1, 1, 1).")
def _one_alpha(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng, torch.rand((), generator=rng)))


@mistakes.when("alpha comes from a normal distribution: torch.rand draws evenly from [0, 1].")
def _normal_alpha(critic, real, fake, rng=None):
    alpha = torch.randn(len(real), 1, 1, 1, generator=rng)
    return _penalty(_lengths(critic, real, fake, rng, alpha))


@mistakes.when(
    "points lie beyond real or fake, as with real + alpha * (real - fake): between them is fake + "
    "alpha * (real - fake)."
)
def _beyond(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng, 1 + _alpha(real, rng)))


@mistakes.when("slopes are taken at the real images: it is at points between real and fake.")
def _at_real(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng, alpha=1))


@mistakes.when("slopes are taken at the generated images: it is at points between real and fake.")
def _at_fake(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng, alpha=0))


@mistakes.when("slopes are taken halfway between real and fake: alpha is drawn for each image.")
def _halfway(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng, alpha=0.5))


@mistakes.when(
    "the norm is that over channels alone, dim=1: an image's gradient has C * H * W numbers, so "
    "flatten(1) first."
)
def _over_channels(critic, real, fake, rng=None):
    return _penalty(_slopes(critic, real, fake, rng).norm(dim=1))


@mistakes.when("one length is computed for the whole batch: each image has its own.")
def _one_length(critic, real, fake, rng=None):
    return _penalty(_slopes(critic, real, fake, rng).norm())


@mistakes.when(
    "the critic's numbers are averaged before the gradient: it is N times too small then. Sum them."
)
def _mean_differentiated(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng) / len(real))


@mistakes.when("the square root is missing: the length is the root of the sum of squares.")
def _no_root(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng).square())


@mistakes.when(
    "squares are averaged over the pixels, not summed: the length is the root of their sum."
)
def _mean_of_squares(critic, real, fake, rng=None):
    squares = _slopes(critic, real, fake, rng).square().flatten(1)
    return _penalty(squares.mean(dim=1).sqrt())


@mistakes.when("the penalty is the mean of length²: lengths are to be 1 here, not 0.")
def _towards_zero(critic, real, fake, rng=None):
    return _lengths(critic, real, fake, rng).square().mean()


@mistakes.when(
    "it is the penalty R1, the mean of length² at real images: that of WGAN-GP is the mean of "
    "(length - 1)², between real and fake."
)
def _r1(critic, real, fake, rng=None):
    return _lengths(critic, real, fake, rng, alpha=1).square().mean()


@mistakes.when("slopes below 1 cost nothing: (length - 1)² is for those, too.")
def _one_sided(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng).clamp(min=1))


@mistakes.when("the lengths are averaged before 1 is subtracted: square first, then average.")
def _mean_first(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng).mean())


@mistakes.when("the squares are summed over the images: it is their mean.")
def _summed(critic, real, fake, rng=None):
    return (_lengths(critic, real, fake, rng) - 1).square().sum()


@mistakes.when("the absolute value of length - 1 is averaged: it is the square.")
def _absolute(critic, real, fake, rng=None):
    return (_lengths(critic, real, fake, rng) - 1).abs().mean()


@mistakes.when("the penalty is multiplied by 10: that weight belongs to the critic's loss.")
def _weighted(critic, real, fake, rng=None):
    return 10 * _penalty(_lengths(critic, real, fake, rng))


@mistakes.when(
    "the penalty has no gradient: torch.autograd.grad needs create_graph=True, and nothing is "
    "detached after it."
)
def _no_graph(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng)).detach()


@mistakes.when(
    "backward() is called: it adds to the .grad of the critic's parameters, too. "
    "torch.autograd.grad returns the gradient by the images, and leaves nothing behind."
)
def _backward(critic, real, fake, rng=None):
    images = _between(real, fake, _alpha(real, rng))
    critic(images).sum().backward(create_graph=True)
    return _penalty(images.grad.flatten(1).norm(dim=1))


@mistakes.when("alpha does not come from `rng`: torch.rand(…, generator=rng).")
def _rng_ignored(critic, real, fake, rng=None):
    return _penalty(_lengths(critic, real, fake, rng=None))


EXERCISE = Exercise(
    name="gradient_penalty",
    title="A penalty for slopes",
    points=3,
    reference=gradient_penalty,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Not too steep",
)
