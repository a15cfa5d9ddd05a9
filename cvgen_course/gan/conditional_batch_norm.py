"""Batch norm whose gain and bias depend on a condition: on the class, say."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.require import require


def conditional_batch_norm(
    x: Tensor,
    gain: Tensor,
    bias: Tensor,
    statistics: tuple[Tensor, Tensor] | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch; then scale by 1 + gain and shift by bias, per image.

    With gain and bias 0, as at the start of training, it is batch norm without parameters.

    Args:
        x: maps, float (N, C, H, W).
        gain: of each image and channel, float (N, C).
        bias: float (N, C).
        statistics: means and variances of all channels, float (C,) each, as they are used in
            evaluation; None for those of this batch (the variance a mean, over N · H · W).
        eps: is added to variances, so that none is 0.

    Returns:
        float (N, C, H, W).

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together.

    Source:
        Dumoulin et al., "A Learned Representation For Artistic Style", ICLR 2017, arXiv:1610.07629,
        eq. 5; Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis",
        ICLR 2019, arXiv:1809.11096, appendix B.
    """
    require(x=(x, "N C H W", "float"), gain=(gain, "N C", "float"), bias=(bias, "N C", "float"))
    mean, var = statistics or (None, None)
    if statistics is not None:
        C = x.shape[1]
        require(mean=(mean, "C", "float"), var=(var, "C", "float"), C=C)
    normalised = F.batch_norm(x, mean, var, training=statistics is None, eps=eps)
    return normalised * (1 + gain[:, :, None, None]) + bias[:, :, None, None]


class ConditionalBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that computes gain and bias from a condition, by a linear map each.

    Both maps are 0 to begin with: each image starts with gain 1 and bias 0.

    Args:
        num_features: channels C.
        condition_size: numbers in a condition.
    """

    def __init__(self, num_features: int, condition_size: int) -> None:
        super().__init__(num_features, affine=False)
        self.to_gain = nn.Linear(condition_size, num_features, bias=False)
        self.to_bias = nn.Linear(condition_size, num_features, bias=False)
        nn.init.zeros_(self.to_gain.weight)
        nn.init.zeros_(self.to_bias.weight)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        """Return maps (N, C, H, W) for maps of that shape and conditions (N, condition_size)."""
        require(
            x=(x, f"N {self.num_features} H W", "float"),
            condition=(condition, f"N {self.to_gain.in_features}", "float"),
        )
        gain, bias = self.to_gain(condition), self.to_bias(condition)  # (N, C)
        return super().forward(x) * (1 + gain[:, :, None, None]) + bias[:, :, None, None]
