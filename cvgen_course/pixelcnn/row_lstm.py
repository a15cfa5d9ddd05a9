"""Row LSTM: an LSTM whose time runs from the top to the bottom, a whole row at a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cvgen_course.pixelcnn.masked_conv import MaskedConv2d


def lstm_step(gates: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Do a step of an LSTM, at many places at once.

    Args:
        gates: o, f, i and g, one after the other, before they are squashed: what the input and the
            state before have added up to, float (N, 4 · h, L).
        c: the cell state before, float (N, h, L).

    Returns:
        The hidden state and the cell state, float (N, h, L) each.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        equation 3.
    """
    o, f, i, g = gates.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


class RowLSTM(nn.Module):
    """A layer that goes down row by row; a place hears from the three states above it.

    What it sees is a triangle: in its own row itself and the left neighbour, and in every row
    further up one more on either side.

    Args:
        in_channels: of the maps, a multiple of ``num_groups``.
        out_channels: h, numbers of the state at each place, a multiple of ``num_groups``.
        num_groups: as many as images have channels.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        section 3.1.
    """

    def __init__(self, in_channels: int, out_channels: int, num_groups: int = 1) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.input_to_state = MaskedConv2d(
            "B", in_channels, out_channels, (1, 3), num_groups, copies=4
        )
        # No mask: the row above is known, all of it and in all channels.
        self.state_to_state = nn.Conv1d(out_channels, 4 * out_channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the hidden states of all places; above the first row, states are 0.

        Args:
            x: maps, float (N, in_channels, H, W).

        Returns:
            float (N, h, H, W).

        Raises:
            TypeError: ``x`` is no floating-point tensor.
            ValueError: it has another shape.
        """
        from_input = self.input_to_state(x)  # (N, 4h, H, W), without a loop
        N, _, _, W = from_input.shape
        h = c = from_input.new_zeros(N, self.out_channels, W)
        rows = []
        for gates in from_input.unbind(2):  # (N, 4h, W)
            h, c = lstm_step(gates + self.state_to_state(h), c)
            rows.append(h)
        return torch.stack(rows, dim=2)
