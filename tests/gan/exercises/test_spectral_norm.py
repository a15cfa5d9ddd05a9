import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from cvgen_course.gan import spectrally_normalised
from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["spectral_norm"]


def as_in_the_lecture(weight, u, training=True):
    matrix = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(matrix.T @ u, dim=0)
        if training:
            u = F.normalize(matrix @ v, dim=0)
    sigma = u @ matrix @ v
    return weight / sigma, u


def lengths_as_sigma(weight, u, training=True):
    """With v held fast, |W v| has the gradient of u^T W v; so has |W^T u| in evaluation."""
    matrix = weight.reshape(len(weight), -1)
    if not training:
        return weight / torch.linalg.vector_norm(matrix.t().mv(u)), u
    v = matrix.detach().t().mv(u)
    v = v / torch.linalg.vector_norm(v)
    along = matrix.mv(v)
    sigma = torch.linalg.vector_norm(along)
    return weight / sigma, (along / sigma).detach()


def column_vectors(weight, u, training=True):
    W, u = weight.view(weight.size(0), -1), u.view(-1, 1)
    W_fixed = W.detach()
    v = torch.mm(W_fixed.t(), u)
    v = v / (v.norm() + 1e-12)
    if training:
        u = torch.mm(W_fixed, v)
        u = u / (u.norm() + 1e-12)
    sigma = torch.mm(torch.mm(u.t(), W), v).squeeze()
    return weight * sigma.reciprocal(), u.flatten()


def row_vectors(weight, u, training=True):
    """As in BigGAN's repository: u is a row."""
    W = weight.flatten(start_dim=1)
    row = u.unsqueeze(0)
    with torch.no_grad():
        v = F.normalize(row @ W, eps=1e-12)
        if training:
            row = F.normalize(v @ W.t(), eps=1e-12)
    sigma = (v @ W.t() @ row.t()).sum()
    return weight.div(sigma), row[0].clone()


def einsum(weight, u, training=True):
    W = weight.flatten(1)
    v = torch.einsum("oi,o->i", W.detach(), u)
    v /= v.square().sum().sqrt()
    if training:
        u = torch.einsum("oi,i->o", W.detach(), v)
        u /= u.square().sum().sqrt()
    return weight / torch.einsum("o,oi,i->", u, W, v), u


def with_tensordot(weight, u, training=True):
    """Without a matrix: v has the shape of what an output sees."""
    fixed = weight.detach()
    dims = list(range(weight.dim() - 1))
    v = torch.tensordot(u, fixed, dims=1)
    v = v / v.norm()
    if training:
        u = torch.tensordot(fixed, v, dims=([d + 1 for d in dims], dims))
        u = u / u.norm()
    sigma = (weight * v).flatten(1).sum(dim=1).dot(u)
    return weight / sigma, u


def outer_product(weight, u, training=True):
    """Sigma is the sum of W times u v^T, number by number."""
    W = weight.flatten(1).detach()
    v = nn.functional.normalize(u @ W, dim=-1)
    u = nn.functional.normalize(W @ v, dim=-1) if training else u.clone()
    sigma = (weight.flatten(1) * torch.outer(u, v)).sum()
    return (weight.flatten(1) / sigma).view_as(weight), u


def detached_afterwards(weight, u, training=True):
    W = weight.flatten(1)
    v = (W.T @ u) / (W.T @ u).norm()
    v = v.detach()
    if training:
        u = (W @ v) / (W @ v).norm()
        u = u.detach()
    return [weight / torch.dot(u, W @ v), u]


def in_float64(weight, u, training=True):
    normalised, u = as_in_the_lecture(weight.double(), u.double(), training)
    return normalised, u


def in_numpy_but_for_sigma(weight, u, training=True):
    W = weight.detach().flatten(1).numpy()
    v = W.T @ u.numpy()
    v /= np.linalg.norm(v)
    left = u.numpy()
    if training:
        left = W @ v
        left /= np.linalg.norm(left)
    u, v = torch.from_numpy(left), torch.from_numpy(v)
    return weight / (u @ weight.flatten(1) @ v), u


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "matrix": lambda weight: weight.flatten(1),
        "v": lambda v: v / v.norm(),
        "u": lambda u: u / u.norm(),
        "steps": lambda training: int(training),
        "sigma": lambda old, u, W, v: u @ W @ v,
        "returned": lambda weight, sigma, u, v: (weight / sigma, u),
    } | others

    def answer(weight, u, training=True):
        W, old = parts["matrix"](weight), u
        with torch.no_grad():
            v = parts["v"](W.T @ u)
            for _ in range(parts["steps"](training)):
                u = parts["u"](W @ v)
        return parts["returned"](weight, parts["sigma"](old, u, W, v), u, v)

    return answer


def sigma_before_the_step(weight, u, training=True):
    W = weight.flatten(1)
    v = F.normalize(W.detach().T @ u, dim=0)
    sigma = u @ W @ v
    return weight / sigma, F.normalize(W.detach() @ v, dim=0) if training else u


def u_first(weight, u, training=True):
    """v is computed anew, after u has taken its step."""
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            u = F.normalize(W @ v, dim=0)
            v = F.normalize(W.T @ u, dim=0)
    return weight / (u @ W @ v), u


def all_without_gradient(weight, u, training=True):
    with torch.no_grad():
        return as_in_the_lecture(weight, u, training)


def gradient_through_v_alone(weight, u, training=True):
    W = weight.flatten(1)
    v = F.normalize(W.T @ u, dim=0)
    if training:
        u = F.normalize(W @ v, dim=0).detach()
    return weight / (u @ W @ v), u


def weight_changed_in_place(weight, u, training=True):
    normalised, u = as_in_the_lecture(weight, u, training)
    with torch.no_grad():
        weight.copy_(normalised)
    return normalised, u


def u_changed_by_out(weight, u, training=True):
    W = weight.flatten(1)
    with torch.no_grad():
        v = F.normalize(W.T @ u, dim=0)
        if training:
            F.normalize(W @ v, dim=0, out=u)
    return weight / (u @ W @ v), u


def remembered():
    """Return an answer that keeps u to itself."""
    kept = {}

    def answer(weight, u, training=True):
        u = kept.get(len(u), u).to(u)
        normalised, kept[len(u)] = as_in_the_lecture(weight, u, training)
        return normalised, kept[len(u)]

    return answer


def random_start(weight, u, training=True):
    return as_in_the_lecture(weight, F.normalize(torch.randn_like(u), dim=0), training)


RIGHT = [
    *(as_in_the_lecture, lengths_as_sigma, column_vectors, row_vectors, einsum, with_tensordot),
    *(outer_product, detached_afterwards, in_float64, in_numpy_but_for_sigma, changed()),
]
WRONG = {
    "always two steps": changed(steps=lambda training: 2),
    "steps in evaluation alone": changed(steps=lambda training: int(not training)),
    "v of length 2": changed(v=lambda v: 2 * v / v.norm()),
    "v by its sum": changed(v=lambda v: v / v.sum()),
    "v by its largest number": changed(v=lambda v: v / v.abs().max()),
    "u by its square": changed(u=lambda u: u / u.square().sum()),
    "u of the other sign": changed(u=lambda u: -u / u.norm()),
    "v of the other sign": changed(v=lambda v: -v / v.norm()),
    "a large eps": changed(u=lambda u: u / (u.norm() + 0.01)),
    "sigma in absolute value of one number": changed(sigma=lambda old, u, W, v: W.abs().max()),
    "sigma by the largest row": changed(sigma=lambda old, u, W, v: W.norm(dim=1).max()),
    "sigma squared": changed(sigma=lambda old, u, W, v: (u @ W @ v) ** 2),
    "root of sigma": changed(sigma=lambda old, u, W, v: (u @ W @ v).sqrt()),
    "by linalg.norm": changed(sigma=lambda old, u, W, v: torch.linalg.norm(W, ord=2)),
    "old u": changed(sigma=lambda old, u, W, v: old @ W @ v),
    "no sigma": changed(sigma=lambda old, u, W, v: 1.0),
    "sigma and eps": changed(sigma=lambda old, u, W, v: u @ W @ v + 1e-3),
    "sigma of a copy": changed(sigma=lambda old, u, W, v: u @ W.data @ v),
    "sum of the kernel": changed(
        matrix=lambda weight: weight.flatten(2).sum(2) if weight.dim() > 2 else weight
    ),
    "weight as a matrix": changed(
        returned=lambda weight, sigma, u, v: (weight.flatten(1) / sigma, u)
    ),
    "u as a column": changed(returned=lambda weight, sigma, u, v: (weight / sigma, u[:, None])),
    "order of results": changed(returned=lambda weight, sigma, u, v: (u, weight / sigma)),
    "only the weight": changed(returned=lambda weight, sigma, u, v: weight / sigma),
    "three results": changed(returned=lambda weight, sigma, u, v: (weight / sigma, u, v)),
    "weight detached": changed(returned=lambda weight, sigma, u, v: (weight.detach() / sigma, u)),
    "float32": changed(returned=lambda weight, sigma, u, v: ((weight / sigma).float(), u.float())),
    "state of its own": remembered(),
    **{
        answer.__name__: answer
        for answer in (
            *(sigma_before_the_step, u_first, all_without_gradient, gradient_through_v_alone),
            *(weight_changed_in_place, u_changed_by_out, random_start),
        )
    },
}
EQUIVALENT = {
    "spectral_norm: 0 -> -1": "a vector's first dimension is its last",
    "spectral_norm: u = u.to(matrix) -> pass": "u has the weight's type here",
    "spectral_norm: u.to(matrix) -> u.to()": "u has the weight's type here",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_spectral_norm_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(4))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_spectral_norm_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_spectral_norm_of_float32_alone_loses_little():
    def answer(weight, u, training=True):
        W = weight.flatten(1)
        v = torch.zeros(W.shape[1])
        for o in range(len(W)):
            v += W[o].detach() * u[o]
        v /= v.norm()
        if training:
            u = torch.stack([(row.detach() * v).sum() for row in W])
            u = u / u.norm()
        return weight / (u[:, None] * W * v).sum(), u

    assert 0.9 * EXERCISE.points < graded(EXERCISE, answer).points < EXERCISE.points


@pytest.mark.parametrize(
    "normalise",
    [spectrally_normalised, nn.utils.spectral_norm, parametrizations.spectral_norm],
)
def test_spectral_norm_must_not_come_from_a_ready_made_one(normalise):
    def answer(weight, u, training=True):
        normalise(nn.Linear(2, 2))
        return as_in_the_lecture(weight, u, training)

    assert graded(EXERCISE, answer).points == 0


def test_spectral_norm_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
