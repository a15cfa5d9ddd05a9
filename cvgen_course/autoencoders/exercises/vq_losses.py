"""Exercise: the three terms of a VQ-VAE's loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.autoencoders import vq_losses
from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged

TERMS = {
    "reconstruction": ("x_hat",),
    "codebook": ("z_e", "z_q"),
    "commitment": ("z_e", "z_q"),
}
"""What each term's gradient is looked at for, be it that there must be none."""

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: shapes, other betas, gradients of each term, nothing to lose."""

    def ask(
        images: tuple[int, ...],
        codes: tuple[int, int],
        dtype: torch.dtype = torch.float32,
        apart: float = 1.0,
        gradient: bool = False,
        **options: float,
    ) -> dict[str, Any]:
        """Return images and reconstructions, rows and codes, which differ by about ``apart``."""

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng, dtype=torch.float64)

        def other(values: Tensor) -> Tensor:
            """Return values that differ from these, each by a tenth of ``apart`` at least."""
            gap = normal(*values.shape)
            return values + apart * (gap + 0.1 * gap.sign())

        x, z_e = normal(*images), normal(*codes)
        pairs = {"x": x, "x_hat": other(x), "z_e": z_e, "z_q": other(z_e)}
        tensors = {name: values.to(dtype) for name, values in pairs.items()}
        return {**tensors, "gradient": gradient, **options}

    alike = ask((2, 1, 3, 3), (5, 4), gradient=True, beta=0.5)
    alike["x_hat"], alike["z_q"] = alike["x"].clone(), alike["z_e"].clone()
    return [
        Case(
            "two images, ten rows",
            ask((2, 3, 4, 4), (10, 5)),
            weight=3,
            hint="Three means of squares, over all numbers; the third is multiplied by beta, 0.25 "
            "unless told.",
        ),
        Case(
            "one image, not square, of one channel",
            ask((1, 1, 3, 7), (4, 6)),
            weight=2,
            hint="A mean over all numbers is the same for each shape: F.mse_loss, or "
            "(a - b).square().mean().",
        ),
        Case(
            "another beta",
            ask((2, 3, 2, 4), (8, 3), beta=1.7),
            weight=3,
            hint="beta is 1.7 here, and multiplies the commitment term only.",
        ),
        Case(
            "float64",
            ask((2, 2, 3, 3), (7, 4), dtype=torch.float64, beta=0.6),
            weight=2,
            hint="New here: float64; the terms are as precise as the arguments.",
        ),
        Case(
            "differences of hundreds",
            ask((2, 1, 3, 3), (6, 4), apart=300.0),
            weight=1,
            hint="It is the square that is averaged: no root, no absolute value, no Huber loss.",
        ),
        Case(
            "the gradient of each term",
            ask((2, 3, 3, 4), (9, 4), dtype=torch.float64, gradient=True),
            weight=5,
            hint="Reconstruction teaches x_hat, the codebook term z_q only, commitment z_e only: "
            "detach() the other one.",
        ),
        Case(
            "another beta: the gradient of each term",
            ask((1, 2, 3, 5), (6, 3), dtype=torch.float64, gradient=True, beta=2.5),
            weight=5,
            hint="beta, here 2.5, changes the gradient of z_e, and none else.",
        ),
        Case(
            "beta = 0: terms and gradients",
            ask((2, 1, 3, 3), (5, 3), gradient=True, beta=0.0),
            weight=1,
            hint="0 is a beta like any other: commitment is 0, and so is its gradient.",
        ),
        Case(
            "one image of one pixel, one row of one number",
            ask((1, 1, 1, 1), (1, 1), gradient=True, beta=0.75),
            weight=1,
            hint="All sizes may be 1: no squeeze, no dimension that is taken for another.",
        ),
        Case(
            "nothing differs: terms and gradients",
            alike,
            weight=1,
            hint="Then all terms are 0, with gradients of 0; a square root would have none here.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return the three terms and, where a case asks for it, what each of them teaches whom."""
    options = {"beta": inputs["beta"]} if "beta" in inputs else {}
    leaves = {name: inputs[name].requires_grad_() for name in ("x_hat", "z_e", "z_q")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as a network's outputs
    terms = implementation(inputs["x"], handed["x_hat"], handed["z_e"], handed["z_q"], **options)
    if not isinstance(terms, tuple | list) or len(terms) != 3:
        raise WrongAnswer(
            "your function should return three terms: return reconstruction, codebook, commitment"
        )
    require_unchanged(leaves, handed)
    answer = {}
    for (name, of), term in zip(TERMS.items(), terms, strict=True):
        term = as_tensor(term, name)
        answer[name] = term.detach()
        if inputs["gradient"]:
            one = torch.ones((), dtype=inputs["x"].dtype)
            found = gradients(name, term, one, **{key: leaves[key] for key in of})
            answer |= {f"{key} through {name}": value for key, value in found.items()}
    return answer


def _mse(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean()


@mistakes.when(
    "beta multiplies the codebook term: it weighs the commitment, the third. Much published code "
    "does the same, since it trains nearly as well."
)
def _beta_on_codebook(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), beta * _mse(z_q, z_e.detach()), _mse(z_e, z_q.detach())


@mistakes.when("beta multiplies both terms of the codes: it weighs the commitment alone.")
def _beta_on_both(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), beta * _mse(z_q, z_e.detach()), beta * _mse(z_e, z_q.detach())


@mistakes.when("beta is forgotten: it multiplies the commitment term.")
def _beta_forgotten(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), _mse(z_q, z_e.detach()), _mse(z_e, z_q.detach())


@mistakes.when("the commitment term is multiplied by 0.25 whatever `beta` says.")
def _beta_is_a_quarter(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), _mse(z_q, z_e.detach()), 0.25 * _mse(z_e, z_q.detach())


@mistakes.when(
    "the stop-gradients are exchanged: the codebook term detaches z_e, commitment detaches z_q."
)
def _stops_exchanged(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), _mse(z_q.detach(), z_e), beta * _mse(z_e.detach(), z_q)


@mistakes.when(
    "nothing is detached: each of the two terms then moves both the codes and the encoder's "
    "outputs."
)
def _no_stop(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), _mse(z_q, z_e), beta * _mse(z_e, z_q)


@mistakes.when(
    "the straight-through estimator comes before the terms, z_e + (z_q - z_e).detach(): the "
    "codebook term then teaches the encoder, the wrong way, and the codes never move."
)
def _after_straight_through(x, x_hat, z_e, z_q, beta=0.25):
    z_q = z_e + (z_q - z_e).detach()
    return _mse(x_hat, x), _mse(z_q, z_e.detach()), beta * _mse(z_e, z_q.detach())


@mistakes.when(
    "the straight-through estimator comes before the terms, and nothing else is detached: z_e is "
    "then on both sides of the difference, and all its gradients are 0."
)
def _nothing_left_after_straight_through(x, x_hat, z_e, z_q, beta=0.25):
    z_q = z_e + (z_q - z_e).detach()
    return _mse(x_hat, x), _mse(z_q, z_e), beta * _mse(z_e, z_q)


@mistakes.when(
    "the commitment is made of the codebook term: it has the same value, but its gradient should "
    "go to z_e, and goes to z_q."
)
def _codebook_twice(x, x_hat, z_e, z_q, beta=0.25):
    codebook = _mse(z_q, z_e.detach())
    return _mse(x_hat, x), codebook, beta * codebook


@mistakes.when("a term of the codes is cut off from both z_e and z_q: then nobody learns from it.")
def _both_detached(x, x_hat, z_e, z_q, beta=0.25):
    codes = _mse(z_q.detach(), z_e.detach())
    return _mse(x_hat, x), codes, beta * codes


@mistakes.when(
    "the reconstruction (and perhaps more) is cut off by `.detach()` or `.item()`: from it, "
    "encoder and decoder learn."
)
def _reconstruction_detached(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat.detach(), x), _mse(z_q, z_e.detach()), beta * _mse(z_e, z_q.detach())


@mistakes.when("the squares are summed: each term is the mean over all its numbers.")
def _sums(x, x_hat, z_e, z_q, beta=0.25):
    def total(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().sum()

    return total(x_hat, x), total(z_q, z_e.detach()), beta * total(z_e, z_q.detach())


@mistakes.when(
    "the squares of a row are summed before the mean, as in the paper's norms: here it is the "
    "mean over all numbers, D times smaller."
)
def _sum_over_a_row(x, x_hat, z_e, z_q, beta=0.25):
    def squares(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().sum(dim=1).mean()

    return _mse(x_hat, x), squares(z_q, z_e.detach()), beta * squares(z_e, z_q.detach())


@mistakes.when(
    "all squares of an image and of a row are summed before the mean: each term is the mean over "
    "all its numbers."
)
def _sum_over_each_item(x, x_hat, z_e, z_q, beta=0.25):
    def squares(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).sum(dim=1).mean()

    return squares(x_hat, x), squares(z_q, z_e.detach()), beta * squares(z_e, z_q.detach())


@mistakes.when("a root is taken of the sum of squares: the norms of the loss are squared.")
def _norms(x, x_hat, z_e, z_q, beta=0.25):
    def norm(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).norm(dim=1).mean()

    return _mse(x_hat, x), norm(z_q, z_e.detach()), beta * norm(z_e, z_q.detach())


@mistakes.when("a root is taken of the mean of squares: the terms are squares.")
def _root_of_the_mean(x, x_hat, z_e, z_q, beta=0.25):
    codebook, commitment = _mse(z_q, z_e.detach()).sqrt(), _mse(z_e, z_q.detach()).sqrt()
    return _mse(x_hat, x).sqrt(), codebook, beta * commitment


@mistakes.when("the differences' absolute values are averaged: it is their squares.")
def _absolute_values(x, x_hat, z_e, z_q, beta=0.25):
    codebook, commitment = F.l1_loss(z_q, z_e.detach()), F.l1_loss(z_e, z_q.detach())
    return F.l1_loss(x_hat, x), codebook, beta * commitment


@mistakes.when(
    "the terms come in the wrong order: return reconstruction, codebook, commitment; the second "
    "moves the codes, the third the encoder's outputs."
)
def _exchanged(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x), beta * _mse(z_e, z_q.detach()), _mse(z_q, z_e.detach())


@mistakes.when("terms are added up: what is asked for are the three of them.")
def _summed_up(x, x_hat, z_e, z_q, beta=0.25):
    return _mse(x_hat, x) + _mse(z_q, z_e.detach()) + beta * _mse(z_e, z_q.detach())


EXERCISE = Exercise(
    name="vq_losses",
    title="Three terms, three listeners",
    points=3,
    reference=vq_losses,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="Three terms, three listeners",
)
