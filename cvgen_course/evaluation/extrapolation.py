"""The Fréchet distance with infinitely many samples: extrapolated from several numbers of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cvgen_course.evaluation.frechet import frechet_distance
from cvgen_course.evaluation.statistics import feature_statistics
from cvgen_course.evaluation.uncertainty import Estimate


def extrapolated_frechet_distance(
    real: tuple[Tensor, Tensor],
    fake: Tensor,
    sizes: Sequence[int],
    rng: torch.Generator | None = None,
) -> Estimate:
    """Return where the Fréchet distance goes as the number of samples grows.

    With n samples it is too large by about c / n: their covariance is noisy. So it is measured for
    several n, with samples drawn without replacement, and a line over 1 / n is fitted. Where it
    meets 1 / n = 0, there would be infinitely many. (The distance to the true statistics of the
    data is meant only where ``real`` comes from very many images, or always from the same.)

    Args:
        real: mean (D,) and covariance (D, D) of the real features.
        fake: features of samples, float (M, D).
        sizes: the numbers n of samples, at least three different ones, in [2, M].
        rng: on the CPU; None for torch's own.

    Returns:
        The line's value at 0, which may be a little below 0; its error is that of a least-squares
        fit.

    Raises:
        ValueError: there are fewer than three sizes, or one is not in [2, M].

    Source:
        Chong and Forsyth, "Effectively Unbiased FID and Inception Score and where to find them",
        CVPR 2020, arXiv:1911.07023, section 4.
    """
    if len(set(sizes)) < 3:
        raise ValueError(f"sizes: expected three different numbers or more, got {list(sizes)}")
    if min(sizes) < 2 or max(sizes) > len(fake):
        raise ValueError(f"sizes: expected numbers from 2 to M = {len(fake)}, got {list(sizes)}")
    distances = [
        frechet_distance(
            real, feature_statistics(fake[torch.randperm(len(fake), generator=rng)[:n]])
        )
        for n in sizes
    ]
    x = 1 / torch.tensor(sizes, dtype=torch.float64)
    line = torch.stack([torch.ones_like(x), x], dim=1)  # (sizes, 2)
    inverse = torch.linalg.inv(line.T @ line)
    y = torch.stack(distances).cpu()
    fit = inverse @ line.T @ y
    variance = (y - line @ fit).square().sum() / (len(sizes) - 2)
    return Estimate(float(fit[0]), float((variance * inverse[0, 0]).sqrt()))
