"""Sets of points as questions: all over, on edges, copied; modes that are lost or made up."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.evaluation.exercises import balls

Sets = tuple[Tensor, Tensor]
"""Real features and fakes, (N, D) and (M, D)."""


def _number(rng: torch.Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high, (), generator=rng))


def points(rng: torch.Generator, N: int, D: int, low: int, high: int) -> Tensor:
    """Return N different points, float64 (N, D)."""
    found = torch.zeros(N, D)
    while len(found.unique(dim=0)) < N:
        found = torch.randint(low, high, (N, D), generator=rng).double()
    return found


def scattered(rng: torch.Generator, N: int, M: int, D: int, k: int, size: int = 100) -> Sets:
    """Return two sets of points that overlap."""
    while True:
        real = points(rng, N, D, 0, size)
        fake = points(rng, M, D, size // 3, size + size // 2)
        if _is_decided(real, fake, k) and _is_telling(real, fake, k):
            return real, fake


def with_a_mode_lost(rng: torch.Generator, k: int) -> Sets:
    """Return points in two places, and others in one of them."""
    while True:
        here = points(rng, _number(rng, 6, 12), 2, 0, 30)
        there = points(rng, _number(rng, 4, 12), 2, 200, 230)
        near = here[:5] + torch.tensor([1.0, 0.0])
        if _is_decided(both := torch.cat([here, there]), near, k):
            return both, near


def on_edges(rng: torch.Generator, k: int, D: int) -> Sets:
    """Return rows of points, of which the ends lie on the edges of one another's balls."""
    kinds = [(9, 4, 9 * k), (3, 8, 8 * k), (5, 5, 5 * k), (9, 6, 5), (2, 0, 0)]
    rows = [kind for kind in kinds for _ in range(_number(rng, 1, 4))]
    real, fake = [], []
    for i, (right, left, gap) in enumerate(rows):  # how far apart real ones, fakes, and both
        real.append(100 * i + right * torch.arange(k + 1))
        if left:
            fake.append(100 * i - gap - left * torch.arange(k + 1))
    return _on_a_line(torch.cat(real), D), _on_a_line(torch.cat(fake), D)


def with_copies(rng: torch.Generator, k: int, D: int) -> Sets:
    """Return points with k copies each, so that balls have radius 0; and others near them."""
    places = 40 * torch.arange(_number(rng, 4, 10))
    num_hits = _number(rng, 1, len(places))
    alone = -1000 + 7 * torch.arange(_number(rng, k + 1, 10))
    near = places + torch.where(torch.arange(len(places)) < num_hits, 0, 1)
    copied = torch.cat([places.repeat(k + 1), alone])
    copied = copied[torch.randperm(len(copied), generator=rng)]
    return _on_a_line(copied, D), _on_a_line(near, D)


def generic(rng: torch.Generator, N: int, M: int, D: int, k: int) -> Sets:
    """Return points that are no whole numbers."""
    while True:
        real = torch.randn(N, D, generator=rng, dtype=torch.float64)
        fake = 0.8 + torch.randn(M, D, generator=rng, dtype=torch.float64)
        if _is_decided(real, fake, k) and _is_telling(real, fake, k):
            return real, fake


def rounded_below_zero(rng: torch.Generator, N: int, M: int, D: int, k: int) -> Sets:
    """Return points that other distances have in other balls, NaN among them.

    It is the machine that rounds: where none are found, any are returned.
    """
    tries = 0
    while True:
        tries += 1
        real, fake = (x.float() for x in generic(rng, N, M, D, k))
        right = balls.shares(real, fake, k)
        telling = all(balls.shares(real, fake, k, way) != right for way in balls.WRONG_DISTANCES)
        if telling or tries == 100:
            return real, fake


def _on_a_line(numbers: Tensor, D: int) -> Tensor:
    """Return points that differ in their last number alone, float64 (N, D)."""
    found = torch.full((len(numbers), D), 7.0, dtype=torch.float64)
    found[:, -1] = numbers
    return found


def _is_decided(real: Tensor, fake: Tensor, k: int) -> bool:
    """Return whether no point is so near to an edge that rounding would decide."""
    across = torch.cdist(real, fake)
    edges = balls.radii(real, k)[:, None], balls.radii(fake, k)[None]
    return all(bool(((across - edge).abs() > 1e-3 * edge).all()) for edge in edges)


def _is_telling(real: Tensor, fake: Tensor, k: int) -> bool:
    """Return whether precision and recall differ, are not 0 or 1, and need k and all balls."""
    precision, recall = map(float, balls.shares(real, fake, k))
    partial = 0 < precision != recall > 0 and max(precision, recall) < 1
    others = [n for n in (k - 1, k + 1) if n < min(len(real), len(fake))]
    wrong = [balls.shares(real, fake, n) for n in others] + [
        balls.shares(real, fake, k, balls.in_the_nearest)
    ]
    return partial and (precision, recall) not in wrong
