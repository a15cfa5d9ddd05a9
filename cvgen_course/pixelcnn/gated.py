"""Gated PixelCNN: two stacks, of which no blind spot is left, and gates that a class can move."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from torch import Tensor, nn

from cvgen_course.pixelcnn.inputs import LabelInput, LevelInput, as_logits, require_labels
from cvgen_course.pixelcnn.likelihood import log_prob_per_item
from cvgen_course.pixelcnn.masked_conv import MaskedConv2d
from cvgen_course.pixelcnn.vertical import Vertical, VerticalConv2d
from cvgen_course.require import require


def gate(maps: Tensor, condition: Tensor | None = None) -> Tensor:
    """Let one half of the maps open and shut the other: tanh(first) · sigmoid(second).

    Args:
        maps: float (N, 2 · P, H, W).
        condition: what is added to the maps everywhere, float (N, 2 · P); None for nothing.

    Returns:
        float (N, P, H, W).

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the number of channels is odd, or the shapes do not go together.

    Source:
        van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", NeurIPS 2016,
        arXiv:1606.05328, equations 2 and 4.
    """
    _require(maps, condition)
    if condition is not None:
        maps = maps + condition[:, :, None, None]
    values, gates = maps.chunk(2, dim=1)
    return values.tanh() * gates.sigmoid()


def _require(maps: Tensor, condition: Tensor | None) -> None:
    require(maps=(maps, "N 2P H W", "float"))
    N, channels = maps.shape[:2]
    if channels % 2:
        raise ValueError(f"maps: expected two halves of channels, got shape {tuple(maps.shape)}")
    if condition is not None:
        require(condition=(condition, f"N {channels}", "float"), N=N)


def gated_block(
    v: Tensor,
    h: Tensor,
    vertical: Callable[[Tensor], Vertical],
    link: Callable[[Tensor], Tensor],
    horizontal: Callable[[Tensor], Tensor],
    output: Callable[[Tensor], Tensor],
    condition: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Do a step in both stacks; the vertical one tells the horizontal one, and never hears of it.

    Args:
        v: maps of the vertical stack, float (N, P, H, W).
        h: maps of the horizontal stack, float (N, P, H, W).
        vertical: ``v`` → maps of 2 · P channels, and the same one row lower.
        link: a layer of 1 × 1, 2 · P channels → 2 · P.
        horizontal: ``h`` → maps of 2 · P channels.
        output: a layer of 1 × 1, P channels → P.
        condition: of each image, float (N, 2 · P), for the gates of both stacks; or None.

    Returns:
        v and h of the next layer, float (N, P, H, W) each.

    Source:
        van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", NeurIPS 2016,
        arXiv:1606.05328, figure 2.
    """
    maps, above = vertical(v)
    return gate(maps, condition), h + output(gate(horizontal(h) + link(above), condition))


class GatedLayer(nn.Module):
    """A layer of both stacks. The first one has a mask of kind A, and adds nothing to its input.

    Args:
        in_channels: P of the maps that come in; in the first layer, of what the network sees.
        width: P of the maps that it returns.
        kernel_size: k, odd, of both stacks.
        num_groups: as many as images have channels.
        num_classes: that it can be told of; None for none.
        first: whether it is the first layer.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        kernel_size: int,
        num_groups: int,
        num_classes: int | None,
        first: bool = False,
    ) -> None:
        super().__init__()
        kind = "A" if first else "B"
        self.first = first
        self.vertical = VerticalConv2d(in_channels, 2 * width, kernel_size)
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.horizontal = MaskedConv2d(
            kind, in_channels, width, (1, kernel_size), num_groups, copies=2
        )
        self.output = MaskedConv2d("B", width, width, 1, num_groups)
        self.condition = LabelInput(num_classes, 2 * width)

    def down(self, v: Tensor, labels: Tensor | None) -> Vertical:
        """Return the next layer's v, (N, P, H, W), and what the horizontal stack is told."""
        maps, above = self.vertical(v)
        return Vertical(gate(maps, self.condition(labels)), self.link(above))

    def right(self, h: Tensor, above: Tensor, labels: Tensor | None) -> Tensor:
        """Return the next layer's h, (N, P, H, W)."""
        step = self.output(gate(self.horizontal(h) + above, self.condition(labels)))
        return step if self.first else h + step


class GatedPixelCNN(nn.Module):
    """A vertical stack for the rows above, and a horizontal one for what is on the left.

    Args:
        num_levels: K, of the images.
        channels: C, of the images.
        width: P, of the feature maps of each stack, a multiple of C.
        num_layers: including the first.
        kernel_size: of all layers but the first, odd.
        first_kernel_size: odd.
        num_classes: for a network that is told the class of each image; None for one that is not.
        embed_dim: where levels are the codes of a VQ-VAE: numbers that stand for each; None where
            they are shades of grey.

    Source:
        van den Oord et al., "Conditional Image Generation with PixelCNN Decoders", NeurIPS 2016,
        arXiv:1606.05328, section 2.

    Note:
        The class is added to the gates of both stacks alike.
    """

    def __init__(
        self,
        num_levels: int = 2,
        channels: int = 1,
        width: int = 24,
        num_layers: int = 6,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        num_classes: int | None = None,
        embed_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.inputs = LevelInput(num_levels, channels, embed_dim)
        if width < 1 or width % channels:
            raise ValueError(f"width: expected a multiple of {channels}, got {width}")
        if num_layers < 1:
            raise ValueError(f"num_layers: expected at least 1, got {num_layers}")
        seen = self.inputs.num_features
        first = GatedLayer(seen, width, first_kernel_size, channels, num_classes, first=True)
        others = (
            GatedLayer(width, width, kernel_size, channels, num_classes)
            for _ in range(num_layers - 1)
        )
        self.layers = nn.ModuleList([first, *others])
        self.head = nn.Sequential(
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
            labels: the classes, int64 (N,), where the network was made for them.

        Returns:
            float (N, K, C, H, W).

        Raises:
            TypeError: an argument is no int64 tensor, or labels are missing.
            ValueError: another shape, or a level or label out of range.
        """
        self.inputs.require(levels)
        require_labels(labels, self.num_classes, len(levels))
        x = self.inputs(levels)
        return self.along(x, self.above(x, labels), labels)

    def above(self, x: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Return what the vertical stack tells each layer of the horizontal one.

        Args:
            x: what goes into the first layer, (N, I, H, W).
            labels: as for ``forward``.

        Returns:
            For each layer float (N, 2 · P, H, W), in which row i has seen the rows above it.
        """
        told, v = [], x
        for layer in cast(Iterable[GatedLayer], self.layers):
            v, above = layer.down(v, labels)
            told.append(above)
        return told

    def along(self, x: Tensor, above: list[Tensor], labels: Tensor | None = None) -> Tensor:
        """Return the logits, (N, K, C, H, W): the horizontal stack, with what it is told.

        Args:
            x: what goes into the first layer, (N, I, H, W).
            above: what ``above`` returned.
            labels: as for ``forward``.
        """
        h = x
        layers = cast(Iterable[GatedLayer], self.layers)
        for layer, told in zip(layers, above, strict=True):
            h = layer.right(h, told, labels)
        return as_logits(self.head(h), self.inputs.channels)

    def loss(self, levels: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the negative log-likelihood, in nats per image, 0-dimensional."""
        return -log_prob_per_item(self(levels, labels), levels).mean()
