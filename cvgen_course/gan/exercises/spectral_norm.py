"""Exercise: a weight divided by its largest singular value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.gan.spectral_norm import SpectralNorm, spectral_norm, spectrally_normalised

NAMES = ("the normalised weight", "the returned u")
mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: layers of all kinds, evaluation, many steps, gradients."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def ask(
        *shape: int,
        modes: tuple[bool, ...] = (True,),
        dtype: torch.dtype = torch.float32,
        scale: float = 1.0,
        gradient: bool = False,
        weight: Tensor | None = None,
    ) -> dict[str, Any]:
        """Return a weight, and the modes of the calls that follow one another."""
        weight = scale * normal(*shape) if weight is None else weight
        upstream = normal(*shape) if gradient else None
        return {
            "weight": weight.to(dtype),
            "u": F.normalize(normal(shape[0]), dim=0).to(dtype),
            "modes": modes,
            "upstream": upstream,
            "largest": len(modes) == 50,
        }

    def with_singular_values(*values: float) -> Tensor:
        """Return a square matrix whose singular values are known."""
        size = len(values)
        left, right = (torch.linalg.qr(normal(size, size)).Q for _ in range(2))
        return left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right

    return [
        Case(
            "training: a linear layer",
            ask(3, 5),
            weight=2,
            hint="First v from the old u, then the new u from v, then sigma from both new ones.",
        ),
        Case(
            "training: a convolution",
            ask(4, 3, 2, 3, scale=0.1),
            weight=2,
            hint="weight.flatten(1) is the matrix, (O, I): all dimensions but the first in one.",
        ),
        Case(
            "training: a square linear layer",
            ask(4, 4),
            weight=2,
            hint="Of a square matrix both products have a shape that fits: v = W^T u, u = W v.",
        ),
        Case(
            "training: a convolution with as many inputs as outputs",
            ask(3, 3, 3, 3, scale=0.1),
            weight=2,
            hint="The first dimension is the outputs' and stays; sigma may be below 1, too.",
        ),
        Case(
            "training, float64: a single output",
            ask(1, 6, dtype=torch.float64),
            weight=1,
            hint="O may be 1: then u is 1 or -1, and no dimension is squeezed away. New here: "
            "float64; what you make in here has the weight's dtype.",
        ),
        Case(
            "evaluation: a linear layer",
            ask(4, 3, modes=(False,)),
            weight=3,
            hint="In evaluation u takes no step: sigma is computed with the u that was given.",
        ),
        Case(
            "evaluation: a convolution, twice",
            ask(3, 2, 3, 2, modes=(False, False), scale=0.1),
            weight=3,
            hint="The same u comes back, so the second call returns the same.",
        ),
        Case(
            "three steps of training, then evaluation",
            ask(5, 4, modes=(True, True, True, False)),
            weight=2,
            hint="Each call gets the u that the one before returned.",
        ),
        Case(
            "50 steps, after which sigma is the largest singular value",
            ask(3, 3, modes=(True,) * 50, weight=with_singular_values(3.0, 2.0, 1.0)),
            weight=1,
            hint="Power iteration: u and v turn to the direction that W lengthens most.",
        ),
        Case(
            "training: the gradient",
            ask(3, 4, gradient=True),
            weight=10,
            hint="weight / sigma depends on weight twice: sigma = u^T W v has a gradient, u and v "
            "have none (torch.no_grad()).",
        ),
        Case(
            "evaluation: the gradient of a convolution",
            ask(2, 3, 2, 2, modes=(False,), gradient=True, scale=0.1),
            weight=8,
            hint="In evaluation, too, v follows from weight: no gradient flows through it.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the last call's weight and u; its largest singular value; its gradient."""
    leaf, u = inputs["weight"].requires_grad_(), inputs["u"]
    results: list[Tensor] = []
    for training in inputs["modes"]:
        handed = leaf.clone(), u.clone()
        pair = implementation(*handed, **({} if training else {"training": False}))
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise WrongAnswer("your function should return two tensors: return weight / sigma, u")
        require_unchanged({"weight": leaf, "u": u}, dict(zip(("weight", "u"), handed, strict=True)))
        results = [as_tensor(each, name) for each, name in zip(pair, NAMES, strict=True)]
        for name, each, like in zip(NAMES, results, (leaf, u), strict=True):
            if each.shape != like.shape:
                raise WrongAnswer(
                    f"{name} has shape {tuple(each.shape)}, expected {tuple(like.shape)}"
                )
        u = results[1].detach().to(u.dtype)
    normalised, last = results
    answer: dict[str, Any] = {NAMES[0]: normalised.detach(), NAMES[1]: last.detach()}
    if inputs["largest"]:
        answer["its largest singular value"] = torch.linalg.svdvals(normalised.detach())[0]
    if inputs["upstream"] is not None:
        answer |= gradients(NAMES[0], normalised, inputs["upstream"], weight=leaf)
        answer["the returned u, for autograd"] = [
            "depends on weight" if last.requires_grad else "is a constant"
        ]
    return answer


def _vectors(matrix: Tensor, u: Tensor, training: bool = True) -> tuple[Tensor, Tensor]:
    """Return v and the new u, as they should be, with their graphs."""
    v = F.normalize(matrix.T @ u, dim=0)
    return v, F.normalize(matrix @ v, dim=0) if training else u


def _with_matrix(
    matrix: Tensor, weight: Tensor, u: Tensor, training: bool
) -> tuple[Tensor, Tensor]:
    """Return what is right for another matrix."""
    v, u = _vectors(matrix.detach(), u, training)
    return weight / (u @ matrix @ v), u


def _divided(weight, u, training, sigma):
    """Return the right u, and the weight divided by ``sigma(matrix, v, old u, new u)``."""
    matrix = weight.flatten(1)
    v, new = _vectors(matrix.detach(), u, training)
    return weight / sigma(matrix, v, u, new), new


@mistakes.when("u takes a step in evaluation, too: only in training it does.")
def _step_in_evaluation(weight, u, training=True):
    return _with_matrix(weight.flatten(1), weight, u, True)


@mistakes.when("u takes no step, in training either: there, u = W v / |W v|.")
def _no_step(weight, u, training=True):
    return _with_matrix(weight.flatten(1), weight, u, False)


@mistakes.when("the old u is returned: in training, the next step begins with the new one.")
def _old_u_returned(weight, u, training=True):
    return _with_matrix(weight.flatten(1), weight, u, training)[0], u


@mistakes.when("u takes two steps at each call: it takes one.")
def _two_steps(weight, u, training=True):
    matrix = weight.flatten(1)
    if training:
        _, u = _vectors(matrix.detach(), u)
    return _with_matrix(matrix, weight, u, training)


@mistakes.when("the u that was given is changed in place: return a new one, and leave it.")
def _in_place(weight, u, training=True):
    normalised, new = _with_matrix(weight.flatten(1), weight, u, training)
    return normalised, u.copy_(new) if training else u


@mistakes.when(
    "gradients flow through u and v: compute both under torch.no_grad(), and sigma outside of it."
)
def _through_u_and_v(weight, u, training=True):
    matrix = weight.flatten(1)
    v, u = _vectors(matrix, u, training)
    return weight / (u @ matrix @ v), u


@mistakes.when(
    "the u that is returned depends on weight: it keeps the graph of each step; detach it."
)
def _u_with_graph(weight, u, training=True):
    matrix = weight.flatten(1)
    v, u = _vectors(matrix, u, training)
    return weight / (u.detach() @ matrix @ v.detach()), u


@mistakes.when("sigma is cut off from weight (torch.no_grad(), .detach()): it has a gradient.")
def _sigma_detached(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: (new @ W @ v).detach())


@mistakes.when(
    "sigma is computed with the old u, as |W^T u|: in training u takes its step first, then "
    "sigma = u^T W v."
)
def _sigma_of_the_old_u(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: old @ W @ v)


@mistakes.when(
    "sigma is the largest singular value itself, as from torch.linalg: here it is what one step of "
    "power iteration has, u^T W v."
)
def _exact(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: torch.linalg.svdvals(W)[0])


@mistakes.when(
    "sigma is the largest singular value itself, and u never moves: it is to take a step of power "
    "iteration, and sigma to follow from it."
)
def _exact_without_u(weight, u, training=True):
    return weight / torch.linalg.svdvals(weight.flatten(1))[0], u


@mistakes.when(
    "sigma is |W v| in evaluation, too, which is u^T W v only for the new u: the u that was given "
    "counts there."
)
def _length_in_evaluation(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: (W @ v).norm())


@mistakes.when("in evaluation the weight is returned as it is: it is divided by sigma there, too.")
def _evaluation_untouched(weight, u, training=True):
    return _with_matrix(weight.flatten(1), weight, u, True) if training else (weight, u)


@mistakes.when(
    "the weight is divided by the root of its sum of squares (Frobenius norm): divide by sigma, "
    "u^T W v."
)
def _frobenius(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: W.norm())


@mistakes.when("the weight is multiplied by sigma: divide by it.")
def _multiplied(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: 1 / (new @ W @ v))


@mistakes.when("a sigma below 1 is taken for 1: divide by it, whatever it is.")
def _never_enlarged(weight, u, training=True):
    return _divided(weight, u, training, lambda W, v, old, new: (new @ W @ v).clamp(min=1))


@mistakes.when("u is not divided by its length: u = W v / |W v|.")
def _u_not_normalised(weight, u, training=True):
    matrix = weight.flatten(1)
    v = F.normalize(matrix.detach().T @ u, dim=0)
    u = matrix.detach() @ v if training else u
    return weight / (u @ matrix @ v), u


@mistakes.when("v is not divided by its length: v = W^T u / |W^T u|.")
def _v_not_normalised(weight, u, training=True):
    matrix = weight.flatten(1)
    v = matrix.detach().T @ u
    u = F.normalize(matrix.detach() @ v, dim=0) if training else u
    return weight / (u @ matrix @ v), u


@mistakes.when("W and its transpose are exchanged: v = W^T u, then u = W v.")
def _transposed(weight, u, training=True):
    return _with_matrix(weight.flatten(1).T, weight, u, training)


@mistakes.when(
    "the matrix of a convolution has the inputs first: rows are outputs, weight.flatten(1)."
)
def _inputs_first(weight, u, training=True):
    matrix = weight.transpose(0, 1).flatten(1) if weight.dim() > 2 else weight
    return _with_matrix(matrix, weight, u, training)


@mistakes.when(
    "the weight is read in rows of O numbers, view(-1, O), and then transposed: that has the right "
    "shape, with the numbers in wrong places. weight.flatten(1)."
)
def _read_in_rows(weight, u, training=True):
    return _with_matrix(weight.reshape(-1, len(weight)).T, weight, u, training)


@mistakes.when("v is returned in place of u: the next step begins with u.")
def _v_returned(weight, u, training=True):
    v, _ = _vectors(weight.flatten(1).detach(), u, training)
    return _with_matrix(weight.flatten(1), weight, u, training)[0], v


@mistakes.when("sigma is returned in place of u: return weight / sigma, u.")
def _sigma_returned(weight, u, training=True):
    matrix = weight.flatten(1)
    v, u = _vectors(matrix.detach(), u, training)
    sigma = u @ matrix @ v
    return weight / sigma, sigma


EXERCISE = Exercise(
    name="spectral_norm",
    title="A weight with a largest singular value of 1",
    points=4,
    reference=spectral_norm,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(
        *(SpectralNorm, spectrally_normalised),
        *(nn.utils.spectral_norm, parametrizations.spectral_norm),
    ),
    read="Not too steep",
)
