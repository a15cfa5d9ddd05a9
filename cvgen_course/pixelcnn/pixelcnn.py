"""PixelCNN: one stack of masked convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from cvgen_course.pixelcnn.inputs import LevelInput, as_logits, require_labels
from cvgen_course.pixelcnn.likelihood import log_prob_per_item
from cvgen_course.pixelcnn.masked_conv import MaskedConv2d


class _ResidualBlock(nn.Module):
    """x + conv 1×1 (ReLU (conv k×k (ReLU (conv 1×1 (ReLU x))))), all of kind B.

    Args:
        width: channels in and out; half as many within.
        kernel_size: of the convolution in the middle.
        num_groups: as many as images have channels.
    """

    def __init__(self, width: int, kernel_size: int, num_groups: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            MaskedConv2d("B", width, width // 2, 1, num_groups),
            nn.ReLU(),
            MaskedConv2d("B", width // 2, width // 2, kernel_size, num_groups),
            nn.ReLU(),
            MaskedConv2d("B", width // 2, width, 1, num_groups),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return x + self.layers(x)


class PixelCNN(nn.Module):
    """A convolution of kind A, residual blocks of kind B, and two layers of 1 × 1.

    Args:
        num_levels: K, of the images.
        channels: C, of the images.
        width: of the feature maps, a multiple of 2 · C.
        num_layers: residual blocks.
        kernel_size: of the blocks' convolutions, odd.
        first_kernel_size: of the first convolution, odd.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        table 1, column "PixelCNN" (width 256, 15 layers).
    """

    num_classes = None

    def __init__(
        self,
        num_levels: int = 2,
        channels: int = 1,
        width: int = 32,
        num_layers: int = 8,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
    ) -> None:
        super().__init__()
        self.inputs = LevelInput(num_levels, channels, None)
        if width < 1 or width % (2 * channels):
            raise ValueError(f"width: expected a multiple of {2 * channels}, got {width}")
        if num_layers < 0:
            raise ValueError(f"num_layers: expected at least 0, got {num_layers}")
        self.layers = nn.Sequential(
            MaskedConv2d("A", channels, width, first_kernel_size, channels),
            *(_ResidualBlock(width, kernel_size, channels) for _ in range(num_layers)),
            nn.ReLU(),
            MaskedConv2d("B", width, width, 1, channels),
            nn.ReLU(),
            MaskedConv2d("B", width, channels * num_levels, 1, channels),
        )

    def forward(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of all levels at all places.

        Args:
            levels: the images, int64 (N, C, H, W), in [0, K). The logits of a place follow from the
                levels before it alone.
            labels: None: this network knows no classes.

        Returns:
            float (N, K, C, H, W).

        Raises:
            TypeError: ``levels`` is no int64 tensor.
            ValueError: another shape, a level out of range, or labels.
        """
        self.inputs.require(levels)
        require_labels(labels, None, len(levels))
        return self.along(self.inputs(levels), [])

    def above(self, x: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Return what the layers are told about the rows above, apart from what they see: nothing.

        (The other half of `GatedPixelCNN`; `Cached` asks for it.)
        """
        return []

    def along(self, x: Tensor, above: list[Tensor], labels: Tensor | None = None) -> Tensor:
        """Return logits, (N, K, C, H, W), for what goes into the first layer, (N, C, H, W)."""
        return as_logits(self.layers(x), self.inputs.channels)

    def loss(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood, in nats per image, 0-dimensional."""
        return -log_prob_per_item(self(levels, labels), levels).mean()
