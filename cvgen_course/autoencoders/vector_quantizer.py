"""The vector quantization layer: feature maps in, the nearest codes out."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cvgen_course.autoencoders.ema_codebook import ema_update, restart_dead_codes
from cvgen_course.autoencoders.quantization import nearest_codes, straight_through
from cvgen_course.autoencoders.rows import from_rows, to_rows
from cvgen_course.precision import at_least_float32


class Quantized(NamedTuple):
    """What a vector quantization layer makes of feature maps.

    Attributes:
        maps: the codes in place of the encoder's outputs, float (N, D, H, W); their gradient goes
            to these outputs, straight through.
        indices: of the codes, int64 (N, H, W).
        z_e: the encoder's outputs as rows, float (N · H · W, D), for the losses.
        z_q: the codes as rows, float (N · H · W, D), for the losses; their gradient goes to the
            codebook.
    """

    maps: Tensor
    indices: Tensor
    z_e: Tensor
    z_q: Tensor


class VectorQuantizer(nn.Module):
    """A codebook, learned by gradients or by running means.

    Args:
        num_codes: K.
        code_dim: D.
        decay: of the running means; None for a codebook that is a parameter and learns from the
            codebook term of the loss.
        restart_below: with running means only: a code that gets fewer rows of a batch than this is
            given a new start; 0 for never.

    Attributes:
        codebook: float (K, D), at first uniform in ±1/K.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, section 3.1 and appendix A.1.
    """

    codebook: Tensor
    cluster_size: Tensor
    code_sum: Tensor

    def __init__(
        self,
        num_codes: int,
        code_dim: int,
        decay: float | None = 0.99,
        restart_below: float = 0.0,
    ) -> None:
        super().__init__()
        if num_codes < 1 or code_dim < 1:
            raise ValueError(
                f"num_codes, code_dim: expected at least 1, got {num_codes} and {code_dim}"
            )
        if decay is not None and not 0 <= decay <= 1:
            raise ValueError(f"decay: expected None or a number in [0, 1], got {decay}")
        if decay is None and restart_below:
            raise ValueError("restart_below: expected 0 where decay is None: nothing counts rows")
        self.decay, self.restart_below = decay, restart_below
        codes = torch.empty(num_codes, code_dim).uniform_(-1 / num_codes, 1 / num_codes)
        if decay is None:
            self.codebook = nn.Parameter(codes)
        else:
            self.register_buffer("codebook", codes)
            self.register_buffer("cluster_size", torch.ones(num_codes))
            self.register_buffer("code_sum", codes.clone())

    def forward(self, maps: Tensor) -> Quantized:
        """Quantize feature maps; in training, the running means then follow.

        Args:
            maps: the encoder's outputs, float (N, D, H, W).

        Raises:
            ValueError: D is not that of the codes.
        """
        rows = at_least_float32(to_rows(maps))
        indices = nearest_codes(rows, self.codebook)
        z_q = self.codebook[indices]
        if self.training and self.decay is not None and len(rows):
            # only now that z_q is taken: a batch is judged by the codes that were there before it
            self._follow(rows.detach(), indices, self.decay)
        quantized = from_rows(straight_through(rows, z_q), *maps.shape[2:])
        return Quantized(quantized, indices.view(len(maps), *maps.shape[2:]), rows, z_q)

    def encode(self, maps: Tensor) -> Tensor:
        """Return the indices of the nearest codes, int64 (N, H, W); the codebook stays as it is.

        Args:
            maps: the encoder's outputs, float (N, D, H, W).

        Raises:
            ValueError: D is not that of the codes.
        """
        return nearest_codes(to_rows(maps), self.codebook).view(len(maps), *maps.shape[2:])

    def _follow(self, rows: Tensor, indices: Tensor, decay: float) -> None:
        state = ema_update(self.cluster_size, self.code_sum, rows, indices, decay)
        if self.restart_below:
            state = restart_dead_codes(state, rows, self.restart_below)
        for name, value in state._asdict().items():
            getattr(self, name).copy_(value)
