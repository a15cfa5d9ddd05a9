"""Spectral normalisation: a layer that lengthens nothing by more than a factor of 1."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def spectral_norm(weight: Tensor, u: Tensor, training: bool = True) -> tuple[Tensor, Tensor]:
    """Divide a weight by its largest singular value σ, which one step of power iteration estimates.

    With W the weight as a matrix: v = Wᵀu / ‖Wᵀu‖; in training, u = Wv / ‖Wv‖; σ = uᵀWv. Neither u
    nor v has a gradient, σ has.

    Args:
        weight: float (O, …); as a matrix it is (O, I), all dimensions but the first in one.
        u: of length 1, float (O,): what was returned in the step before. Stays as it is.
        training: whether u takes a step; in evaluation, the same u comes back.

    Returns:
        weight / σ, of the weight's shape; and u, float (O,), float32 at least, without gradient.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
        arXiv:1802.05957, algorithm 1.
    """
    require(weight=(weight, "...", "float"), u=(u, "O", "float"))
    if weight.dim() < 2 or len(weight) != len(u):
        raise ValueError(
            f"weight: expected shape ({len(u)}, …), as many rows as u has numbers, "
            f"got {tuple(weight.shape)}"
        )
    matrix = at_least_float32(weight).flatten(1)  # (O, I)
    u = u.to(matrix)
    with torch.no_grad():
        v = F.normalize(matrix.T @ u, dim=0)
        if training:
            u = F.normalize(matrix @ v, dim=0)
    sigma = u @ matrix @ v
    return weight / sigma, u.detach()


class SpectralNorm(nn.Module):
    """What a layer's weight passes through before it is used; see `spectrally_normalised`.

    Args:
        weight: of the layer, float (O, …).
        num_steps: of power iteration, to begin with: so σ is nearly right from the start.
    """

    u: Tensor

    def __init__(self, weight: Tensor, num_steps: int = 15) -> None:
        super().__init__()
        u = F.normalize(torch.randn(len(weight)).to(weight), dim=0)
        for _ in range(num_steps):
            _, u = spectral_norm(weight.detach(), u)
        self.register_buffer("u", u)

    def forward(self, weight: Tensor) -> Tensor:
        """Return weight / σ, of the same shape; in training, u takes a step."""
        # a running mean of networks has a mean of u's, which is shorter than 1
        u = F.normalize(self.u, dim=0)
        normalised, u = spectral_norm(weight, u, self.training)
        if self.training:
            self.u.copy_(u)
        return normalised


def spectrally_normalised(layer: nn.Module) -> nn.Module:
    """Have a layer divide its weight by its largest singular value whenever it is used.

    Args:
        layer: with a parameter ``weight``: a linear layer, convolution or embedding.

    Returns:
        The same layer; ``u`` is among its buffers, and its bias is as it was.
    """
    weight = layer.get_parameter("weight")
    parametrize.register_parametrization(layer, "weight", SpectralNorm(weight))
    return layer
