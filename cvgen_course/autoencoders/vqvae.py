"""VQ-VAE: an autoencoder whose latent space is a grid of words from a codebook."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.autoencoders.quantization import look_up
from cvgen_course.autoencoders.vector_quantizer import Quantized, VectorQuantizer
from cvgen_course.autoencoders.vq_losses import vq_losses
from cvgen_course.require import require


class _ResidualBlock(nn.Module):
    """x + conv 1×1 (SiLU (conv 3×3 (SiLU x))).

    Args:
        channels: in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of the same shape."""
        return x + self.layers(x)


class VQVAE(nn.Module):
    """Encoder, vector quantization layer, decoder; a quarter as high and wide in the middle.

    Args:
        num_codes: K.
        code_dim: D.
        channels: of the images.
        width: channels of the finest feature maps; twice as many at the codes.
        num_blocks: residual blocks on each side.
        decay: of the codebook's running means; None for a codebook that learns by gradients.
        restart_below: a code that gets fewer rows of a batch than this is given a new start; counts
            for nothing where the codebook learns by gradients.
        beta: weight of the commitment term.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, section 4.1 (with width 128 and two residual blocks on each side).

    Note:
        The paper has ReLU where this has SiLU, which learns faster in a few hundred steps.
    """

    def __init__(
        self,
        num_codes: int = 64,
        code_dim: int = 16,
        channels: int = 1,
        width: int = 16,
        num_blocks: int = 1,
        decay: float | None = 0.99,
        restart_below: float = 1.0,
        beta: float = 0.25,
    ) -> None:
        super().__init__()
        inner = 2 * width
        self.channels, self.beta = channels, beta
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),  # H / 2
            nn.SiLU(),
            nn.Conv2d(width, inner, 4, stride=2, padding=1),  # H / 4
            *(_ResidualBlock(inner) for _ in range(num_blocks)),
            nn.SiLU(),
            nn.Conv2d(inner, code_dim, 1),
        )
        self.quantizer = VectorQuantizer(
            num_codes, code_dim, decay, restart_below if decay is not None else 0.0
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(code_dim, inner, 3, padding=1),
            *(_ResidualBlock(inner) for _ in range(num_blocks)),
            nn.SiLU(),
            nn.ConvTranspose2d(inner, width, 4, stride=2, padding=1),  # H / 2
            nn.SiLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),  # H
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Quantized]:
        """Return the reconstructions, (N, C, H, W), and what the quantizer made of the features.

        Args:
            x: images in [-1, 1], float (N, C, H, W), H and W multiples of 4.
        """
        quantized = self.quantizer(self._features(x))
        return self.decoder(quantized.maps), quantized

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Return the terms of the loss, of which it is the sum: 0-dimensional each.

        A codebook that follows running means has no codebook term.
        """
        x_hat, quantized = self(x)
        names = ("reconstruction", "codebook", "commitment")
        terms = vq_losses(x, x_hat, quantized.z_e, quantized.z_q, self.beta)
        by_name = dict(zip(names, terms, strict=True))
        if self.quantizer.decay is not None:
            del by_name["codebook"]
        return by_name

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the indices of images' codes, int64 (N, H / 4, W / 4).

        Also in training, the codebook stays as it is.
        """
        return self.quantizer.encode(self._features(x))

    @torch.no_grad()
    def decode(self, indices: Tensor) -> Tensor:
        """Return the images, (N, C, H, W), that indices stand for, int64 (N, H / 4, W / 4).

        Raises:
            TypeError: ``indices`` is no int64 tensor.
            ValueError: another shape, or an index out of range.
        """
        return self.decoder(look_up(indices, self.quantizer.codebook))

    def _features(self, x: Tensor) -> Tensor:
        require(x=(x, f"N {self.channels} H W", "float"))
        if x.shape[2] % 4 or x.shape[3] % 4:
            raise ValueError(f"x: expected H and W multiples of 4, got shape {tuple(x.shape)}")
        return self.encoder(x)
