"""All metrics of two sets of features, each with its standard error."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.evaluation.frechet import frechet_distance
from cvgen_course.evaluation.inception_score import inception_score
from cvgen_course.evaluation.kernel import kernel_distance
from cvgen_course.evaluation.manifold import manifold_per_item
from cvgen_course.evaluation.statistics import feature_statistics
from cvgen_course.evaluation.uncertainty import Estimate, bootstrap_error, mean_with_error


def estimate_inception_score(
    probs: Tensor, num_splits: int = 10, rng: torch.Generator | None = None
) -> Estimate:
    """Return the mean Inception Score of shuffled splits.

    Papers print the deviation between splits beside it; the standard error of their mean is that
    divided by the root of their number. A split's marginal distribution comes from its own images:
    small splits score lower.

    Args:
        probs: float (N, K), as `inception_score` takes it.
        num_splits: at most N.
        rng: for the order, on the CPU; None for torch's own.

    Raises:
        ValueError: there are fewer images than splits, or ``num_splits`` is below 1.
    """
    if not 1 <= num_splits <= len(probs):
        raise ValueError(f"num_splits: expected 1 to N = {len(probs)}, got {num_splits}")
    shuffled = probs[torch.randperm(len(probs), generator=rng)]
    parts = shuffled.tensor_split(num_splits)
    return mean_with_error(torch.stack([inception_score(part) for part in parts]))


def estimate_frechet_distance(
    real: Tensor, fake: Tensor, num: int = 20, rng: torch.Generator | None = None
) -> Estimate:
    """Return the Fréchet distance of two sets of features; its error is bootstrapped.

    Args:
        real: float (N, D), N at least 2.
        fake: float (M, D), M at least 2.
        num: bootstrap draws.
        rng: on the CPU; None for torch's own.
    """

    def distance(first: Tensor, second: Tensor) -> Tensor:
        return frechet_distance(feature_statistics(first), feature_statistics(second))

    error = bootstrap_error(distance, real, fake, num=num, rng=rng)
    return Estimate(float(distance(real, fake)), error)


def estimate_kernel_distance(
    real: Tensor, fake: Tensor, num_blocks: int = 10, rng: torch.Generator | None = None
) -> Estimate:
    """Return the kernel distance of all features; its error comes from that of separate blocks.

    Args:
        real: float (N, D).
        fake: float (M, D).
        num_blocks: both sets are shuffled and cut into so many; two items a block at least.
        rng: on the CPU; None for torch's own.

    Raises:
        ValueError: a set is too small for the blocks.
    """
    smaller = min(len(real), len(fake))
    if not 2 <= num_blocks <= smaller // 2:
        raise ValueError(f"num_blocks: expected 2 to {smaller // 2}, got {num_blocks}")
    parts = [
        x[torch.randperm(len(x), generator=rng)].tensor_split(num_blocks) for x in (real, fake)
    ]
    blocks = torch.stack([kernel_distance(*pair) for pair in zip(*parts, strict=True)])
    return Estimate(float(kernel_distance(real, fake)), mean_with_error(blocks).error)


def estimate_manifold(real: Tensor, fake: Tensor, k: int = 5) -> dict[str, Estimate]:
    """Return precision, recall, density and coverage by name.

    Their errors are those of the items that are counted; the balls are taken as given.

    Args:
        real: float (N, D).
        fake: float (M, D).
        k: the neighbour that balls reach.
    """
    per_item = manifold_per_item(real, fake, k)
    return {name: mean_with_error(x) for name, x in per_item._asdict().items()}
