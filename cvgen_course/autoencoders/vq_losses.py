"""The three terms of the loss of a VQ-VAE, and who listens to which."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def vq_losses(
    x: Tensor, x_hat: Tensor, z_e: Tensor, z_q: Tensor, beta: float = 0.25
) -> tuple[Tensor, Tensor, Tensor]:
    """Return reconstruction, codebook and commitment term; the loss is their sum.

        mean (x - x_hat)²,   mean (sg[z_e] - z_q)²,   beta · mean (z_e - sg[z_q])²

    The second moves codes to the encoder's outputs, the third the encoder's outputs to the codes.

    Args:
        x: images, float (N, C, H, W).
        x_hat: reconstructions, float (N, C, H, W).
        z_e: the encoder's outputs, float (M, D).
        z_q: their codes, ``codebook[indices]``, float (M, D): as they are, before the
            straight-through estimator has cut them off.
        beta: weight of the commitment term, beta included in what is returned.

    Returns:
        Three 0-dimensional tensors, float32 at least, each the mean over all its numbers.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: shapes that should be equal differ.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, equation 3.

    Note:
        The paper's first term is -log p(x|z_q), and its norms are sums over a code's D numbers.
        Here all three are means, as in the authors' own code, so that beta has the same effect
        whatever the size of images and codes.
    """
    require(x=(x, "N C H W", "float"), x_hat=(x_hat, "N C H W", "float"))
    require(z_e=(z_e, "M D", "float"), z_q=(z_q, "M D", "float"))
    x, x_hat, z_e, z_q = map(at_least_float32, (x, x_hat, z_e, z_q))
    reconstruction = F.mse_loss(x_hat, x)
    codebook = F.mse_loss(z_q, z_e.detach())
    commitment = beta * F.mse_loss(z_e, z_q.detach())
    return reconstruction, codebook, commitment
