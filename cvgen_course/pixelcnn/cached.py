"""Sampling that does not wait: each layer remembers what it has computed for earlier pixels.

To draw a pixel, a network as it stands computes the features of all pixels, and throws all away
but one. But the features of the pixels before are those of last time, and what a mask shuts out
can't change them. So every masked convolution keeps its inputs, and computes its output at one
pixel: the work for a pixel no longer grows with the image.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.pixelcnn.gated import GatedPixelCNN
from cvgen_course.pixelcnn.inputs import require_labels
from cvgen_course.pixelcnn.masked_conv import MaskedConv2d
from cvgen_course.pixelcnn.pixelcnn import PixelCNN
from cvgen_course.pixelcnn.vertical import Vertical, VerticalConv2d

Shape = tuple[int, int, int, int]


@dataclass
class _Place:
    """The pixel that the network is at; all its layers look at the same one."""

    row: int = 0
    column: int = 0


class _CachedConv2d(nn.Module):
    """A masked convolution at one pixel, (N, I, 1, 1) → (N, O, 1, 1).

    Args:
        conv: the convolution.
        place: where the network is.
        shape: of the images, (N, C, H, W).
    """

    def __init__(self, conv: MaskedConv2d, place: _Place, shape: Shape) -> None:
        super().__init__()
        self.place, self.kind, self.bias = place, conv.kind, conv.bias
        self.up, self.side = (size // 2 for size in conv.kernel_size)
        seen = (conv.weight * conv.mask)[:, :, : self.up + 1]  # what lies below is masked
        self.size = tuple(seen.shape[2:])
        self.weight = seen.flatten(1)
        self.memory = seen.new_zeros(
            shape[0], conv.in_channels, shape[2] + self.up, shape[3] + 2 * self.side
        )

    def remember(self, x: Tensor, row: int, column: int) -> None:
        """Keep the input of a pixel, (N, I, 1, 1)."""
        self.memory[:, :, row + self.up, column + self.side] = x[:, :, 0, 0]

    def forward(self, x: Tensor) -> Tensor:
        """Return the output at the place, whose own input this is."""
        i, j = self.place.row, self.place.column
        if self.size == (1, 1):
            return F.linear(x.flatten(1), self.weight, self.bias)[:, :, None, None]
        self.remember(x, i, j)
        window = self.memory[:, :, i : i + self.size[0], j : j + self.size[1]]
        return F.linear(window.flatten(1), self.weight, self.bias)[:, :, None, None]


class _CachedVertical(nn.Module):
    """A convolution of the vertical stack that is given one row, (N, I, 1, W), the last finished.

    Its maps are those of that row, and so are those that the row below is told: here it is the rows
    that come one late, which is all the shift there is. Above the first row there is none.

    Args: as for `_CachedConv2d`.
    """

    def __init__(self, conv: VerticalConv2d, place: _Place, shape: Shape) -> None:
        super().__init__()
        self.place, self.weight, self.bias = place, conv.weight, conv.bias
        self.rows, columns = conv.kernel_size
        self.side = columns // 2
        self.memory = conv.weight.new_zeros(
            shape[0], conv.in_channels, shape[2] + self.rows - 1, shape[3] + 2 * self.side
        )

    def forward(self, x: Tensor) -> Vertical:
        """Return the maps, (N, O, 1, W), for the next layer and for the horizontal stack."""
        row, width = self.place.row - 1, x.shape[3]
        if row < 0:
            nothing = x.new_zeros(len(x), len(self.weight), 1, width)
            return Vertical(nothing, nothing)
        self.memory[:, :, row + self.rows - 1, self.side : self.side + width] = x[:, :, 0]
        maps = F.conv2d(self.memory[:, :, row : row + self.rows], self.weight, self.bias)
        return Vertical(maps, maps)


class Cached:
    """The logits of one pixel after the other, for ``sample`` and ``complete``.

    It has the network's weights as they are when it is made: after a training step, make a new
    one. Pixels have to be asked for in their order: for other images, make a new one, too.

    Args:
        model: a `PixelCNN` or `GatedPixelCNN`.
        shape: of the images, (N, C, H, W).
        labels: the class of each image, int64 (N,), where the network was made for classes.

    Raises:
        TypeError: labels are missing, or no int64 tensor.
        ValueError: there are others than one for each image, or one is out of range.

    Example:
        ``sample(model, shape, logits_at=Cached(model, shape))``

    Source:
        Ramachandran et al., "Fast Generation for Convolutional Autoregressive Models", ICLR 2017
        workshop, arXiv:1704.06001.
    """

    def __init__(
        self,
        model: PixelCNN | GatedPixelCNN,
        shape: Shape,
        labels: Tensor | None = None,
    ) -> None:
        require_labels(labels, model.num_classes, shape[0])
        self.labels = labels
        self.place, self._last = _Place(), -1
        self.shape = tuple(shape)
        shared = chain(model.parameters(), model.buffers())
        self.model = copy.deepcopy(model, {id(tensor): tensor for tensor in shared}).eval()
        self.first: list[_CachedConv2d] = []
        with torch.no_grad():
            for name, module in list(self.model.named_modules()):
                if isinstance(module, MaskedConv2d):
                    cached = _CachedConv2d(module, self.place, shape)
                    self.model.set_submodule(name, cached)
                    self.first += [cached] if cached.kind == "A" else []
                elif isinstance(module, VerticalConv2d):
                    vertical = _CachedVertical(module, self.place, shape)
                    self.model.set_submodule(name, vertical)
        self.above: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, levels: Tensor, i: int, j: int) -> Tensor:
        """Return the logits of a pixel, float (N, K, C).

        Args:
            levels: the images, int64 (N, C, H, W), of which the pixels before this one are read,
                and its own channels.
            i: its row.
            j: its column. Each pixel comes after its predecessor; or the same one again.

        Raises:
            ValueError: the images have another size than this was made for, or it is another
                pixel's turn.
        """
        if tuple(levels.shape) != self.shape:
            raise ValueError(
                f"levels: expected shape {self.shape}, which the cache was made for, "
                f"got {tuple(levels.shape)}; make a new Cached for another size"
            )
        _, channels, height, width = self.shape
        asked = i * width + j
        if not (0 <= i < height and 0 <= j < width and asked >= self._last):
            raise ValueError(
                f"i, j: expected a pixel in ({height}, {width}) and not before "
                f"{divmod(max(self._last, 0), width)}, got {(i, j)}; make a new Cached for others"
            )
        # Of a pixel with channels, the features are complete once all but the last are drawn.
        begin = min(self._last + 1, asked) if channels == 1 else max(self._last, 0)
        for number in range(begin, asked):
            self._visit(levels, number)
        self._last = asked
        return self._visit(levels, asked)

    def _visit(self, levels: Tensor, number: int) -> Tensor:
        """Go to a pixel, with what was drawn at the one before; return its logits, (N, K, C)."""
        width = self.shape[3]
        i, j = divmod(number, width)
        if number:
            row, column = divmod(number - 1, width)
            for conv in self.first:
                conv.remember(self._inputs(levels, row, column, 1), row, column)
        self.place.row, self.place.column = i, j
        if j == 0:
            self.above = self.model.above(
                self._inputs(levels, max(i - 1, 0), 0, width), self.labels
            )
        above = [told[..., j : j + 1] for told in self.above]
        return self.model.along(self._inputs(levels, i, j, 1), above, self.labels)[..., 0, 0]

    def _inputs(self, levels: Tensor, row: int, column: int, width: int) -> Tensor:
        """Return what goes into the first layer for a part of a row, (N, I, 1, width)."""
        return self.model.inputs(levels[:, :, row : row + 1, column : column + width])
