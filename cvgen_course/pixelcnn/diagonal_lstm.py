"""Diagonal BiLSTM: one LSTM comes from the left, one from the right, both along diagonals."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.pixelcnn.masked_conv import MaskedConv2d
from cvgen_course.pixelcnn.row_lstm import lstm_step
from cvgen_course.require import require


def skew(x: Tensor) -> Tensor:
    """Move row i to the right by i places, so that diagonals become columns.

    Then both neighbours of a place lie in the column before: the left one in the same row, the one
    above in the row above.

    Args:
        x: maps, (N, C, H, W).

    Returns:
        (N, C, H, W + H - 1), 0 where nothing has moved to.

    Raises:
        TypeError: ``x`` is no tensor.
        ValueError: it has another shape.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        figure 3.
    """
    require(x=(x, "N C H W"))
    H, W = x.shape[2:]
    # Rows of W + H numbers, cut anew into rows of one less: each begins one earlier than the last.
    long = F.pad(x, (0, H)).flatten(2)  # (N, C, H · (W + H))
    return long[..., : H * (W + H - 1)].unflatten(2, (H, W + H - 1))


def unskew(x: Tensor) -> Tensor:
    """Move row i back to the left by i places.

    Args:
        x: maps as ``skew`` returns them, (N, C, H, W + H - 1).

    Returns:
        (N, C, H, W).

    Raises:
        TypeError: ``x`` is no tensor.
        ValueError: it has another shape, or is less wide than high.
    """
    require(x=(x, "N C H T"))
    H, T = x.shape[2:]
    if T < H:
        raise ValueError(f"x: expected at least as many columns as rows, got {tuple(x.shape)}")
    long = F.pad(x.flatten(2), (0, H))  # (N, C, H · (T + 1))
    return long.unflatten(2, (H, T + 1))[..., : T - H + 1]


class DiagonalLSTM(nn.Module):
    """One of the two directions: a place hears from the states on its left and above it.

    What it sees is the rectangle from the upper left corner to the place itself.

    Args:
        in_channels: of the maps, a multiple of ``num_groups``.
        out_channels: h, numbers of the state at each place, a multiple of ``num_groups``.
        num_groups: as many as images have channels.
    """

    def __init__(self, in_channels: int, out_channels: int, num_groups: int = 1) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.input_to_state = MaskedConv2d("B", in_channels, out_channels, 1, num_groups, copies=4)
        # No mask: both neighbours are known, in all channels. And no bias: see `forward`.
        self.state_to_state = nn.Conv1d(out_channels, 4 * out_channels, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states of all places; beyond the left and upper border, states are 0.

        The skewed map has cells that belong to no place. What stands on the right of the image is
        only heard further on the right. On the left, gates are 0, since skewing comes after the
        bias: nothing is written there (tanh 0), and the states stay 0.

        Args:
            x: maps, float (N, in_channels, H, W).

        Returns:
            float (N, h, H, W).
        """
        from_input = skew(self.input_to_state(x))  # (N, 4h, H, W + H - 1)
        N, _, H, _ = from_input.shape
        h = c = from_input.new_zeros(N, self.out_channels, H)
        columns = []
        for gates in from_input.unbind(3):  # (N, 4h, H)
            above = F.pad(h, (1, 0))  # (N, h, H + 1), one state beyond the upper border
            h, c = lstm_step(gates + self.state_to_state(above), c)
            columns.append(h)
        return unskew(torch.stack(columns, dim=3))


class DiagonalBiLSTM(nn.Module):
    """A layer that sees everything before a place, and the place itself, and nothing after it.

    Args:
        in_channels: of the maps, a multiple of ``num_groups``.
        out_channels: h, numbers of the state at each place, a multiple of ``num_groups``.
        num_groups: as many as images have channels.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        section 3.2.
    """

    def __init__(self, in_channels: int, out_channels: int, num_groups: int = 1) -> None:
        super().__init__()
        self.from_left = DiagonalLSTM(in_channels, out_channels, num_groups)
        self.from_right = DiagonalLSTM(in_channels, out_channels, num_groups)

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states of both directions, added.

        Args:
            x: maps, float (N, in_channels, H, W).

        Returns:
            float (N, h, H, W).

        Raises:
            TypeError: ``x`` is no floating-point tensor.
            ValueError: it has another shape.
        """
        left = self.from_left(x)
        right = self.from_right(x.flip(3)).flip(3)
        # What comes from the right has seen pixels that are not drawn yet. In the row above, all
        # are drawn: so each place is told what has arrived at the place above it.
        return left + F.pad(right, (0, 0, 1, -1))
