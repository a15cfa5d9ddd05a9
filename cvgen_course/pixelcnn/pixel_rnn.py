"""PixelRNN: recurrent layers, which see as far as the image goes, where PixelCNN has windows."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from cvgen_course.pixelcnn.inputs import LevelInput, as_logits, require_labels
from cvgen_course.pixelcnn.likelihood import log_prob_per_item
from cvgen_course.pixelcnn.masked_conv import MaskedConv2d
from cvgen_course.pixelcnn.row_lstm import RowLSTM

Recurrence = Callable[[int, int, int], nn.Module]
"""``recurrence(in_channels, out_channels, num_groups)`` → a layer, e.g. `RowLSTM`."""


class _ResidualLSTM(nn.Module):
    """x + conv 1×1 (LSTM (x)): the state is half as wide as the maps.

    Args:
        recurrence: the layer's class.
        width: 2 · h, channels in and out.
        num_groups: as many as images have channels.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        section 3.3 and figure 5 (right).
    """

    def __init__(self, recurrence: Recurrence, width: int, num_groups: int) -> None:
        super().__init__()
        self.lstm = recurrence(width, width // 2, num_groups)
        self.output = MaskedConv2d("B", width // 2, width, 1, num_groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same shape."""
        return x + self.output(self.lstm(x))


class PixelRNN(nn.Module):
    """A convolution of kind A, recurrent layers of kind B, and two layers of 1 × 1.

    Args:
        num_levels: K, of the images.
        channels: C, of the images.
        width: of the feature maps, a multiple of 2 · C; the LSTMs' states have half as many.
        num_layers: recurrent layers.
        recurrence: their class: `RowLSTM`, or `DiagonalBiLSTM`, which sees more and takes longer.
        first_kernel_size: of the first convolution, odd.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        table 1, columns "Row LSTM" and "Diagonal BiLSTM" (for MNIST width 32, 7 layers of the
        latter).

    Note:
        With `DiagonalBiLSTM`, a pixel sees all pixels before it but one: the last of the row above
        (of its channels the last). The features at that place leave it out (kind A), and further on
        the right there are none. In the row below, it is seen as far as the first kernel reaches,
        which only the last pixels of that row can know of.
    """

    num_classes = None

    def __init__(
        self,
        num_levels: int = 2,
        channels: int = 1,
        width: int = 32,
        num_layers: int = 2,
        recurrence: Recurrence = RowLSTM,
        first_kernel_size: int = 7,
    ) -> None:
        super().__init__()
        self.inputs = LevelInput(num_levels, channels, None)
        if width < 1 or width % (2 * channels):
            raise ValueError(f"width: expected a multiple of {2 * channels}, got {width}")
        if num_layers < 1:
            raise ValueError(f"num_layers: expected at least 1, got {num_layers}")
        if not callable(recurrence):
            raise TypeError(f"recurrence: expected RowLSTM or DiagonalBiLSTM, got {recurrence!r}")
        self.layers = nn.Sequential(
            MaskedConv2d("A", channels, width, first_kernel_size, channels),
            *(_ResidualLSTM(recurrence, width, channels) for _ in range(num_layers)),
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
        return as_logits(self.layers(self.inputs(levels)), self.inputs.channels)

    def loss(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood, in nats per image, 0-dimensional."""
        return -log_prob_per_item(self(levels, labels), levels).mean()
