"""Principal component analysis: the linear autoencoder that needs no training."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


class PrincipalComponents(NamedTuple):
    """A flat of K dimensions through the middle of the data.

    Attributes:
        mean: float (D,), the point that it goes through.
        components: float (K, D), its directions: orthogonal, of length 1, the one along which the
            data vary most first.
        variances: float (K,), the data's variance along each of them.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """Return the K coordinates of each row, float (N, K), of rows (N, D)."""
        return (x - self.mean) @ self.components.T

    def decode(self, z: Tensor) -> Tensor:
        """Return the points that coordinates (N, K) stand for, float (N, D)."""
        return self.mean + z @ self.components


def pca(x: Tensor, num_components: int) -> PrincipalComponents:
    """Find the directions along which data vary most.

    No other flat of so many dimensions is closer to the data in the mean of squared distances.

    Args:
        x: float (N, D), a row for each item, N >= 2.
        num_components: K, from 1 to min(N, D).

    Returns:
        Mean (D,), components (K, D) and variances (K,), in the dtype of ``x``, float32 at least.
        Variances are divided by N - 1. A component's sign has no meaning; here the entry of largest
        magnitude is positive.

    Raises:
        TypeError: ``x`` is no floating-point tensor.
        ValueError: it has another shape or fewer than two rows, or there are not so many
            components.

    Source:
        Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """
    require(x=(x, "N D", "float"))
    N, D = x.shape
    if N < 2:
        raise ValueError(f"x: expected two rows or more, got {N}: one has no variance")
    if not 1 <= num_components <= min(N, D):
        raise ValueError(
            f"num_components: expected from 1 to {min(N, D)}, the smaller of N and D, "
            f"got {num_components}"
        )
    x = at_least_float32(x)
    mean = x.mean(dim=0)
    centred = x - mean  # (N, D)
    if N > D:  # X = QR, so R has the same right singular vectors, and only D rows
        _, singular, right = torch.linalg.svd(torch.linalg.qr(centred, mode="r").R)
        components = right[:num_components]  # (K, D)
    else:  # Xᵀ = QR, so they are Q times the left ones of R, which has only N columns
        Q, R = torch.linalg.qr(centred.T)
        left, singular, _ = torch.linalg.svd(R)
        components = (Q @ left[:, :num_components]).T  # (K, D)
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    return PrincipalComponents(
        mean, components * largest.sign(), singular[:num_components] ** 2 / (N - 1)
    )
