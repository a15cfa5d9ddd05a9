"""BigGAN in small: residual blocks that know the class, in both networks."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.gan.attention import SelfAttention2d
from cvgen_course.gan.conditional_batch_norm import ConditionalBatchNorm2d
from cvgen_course.gan.dcgan import halvings
from cvgen_course.gan.spectral_norm import spectrally_normalised
from cvgen_course.require import require, require_range


class BigGANGenerator(nn.Module):
    """Noise and a class → images.

    The noise comes in equal chunks: the first makes the coarsest map, each block gets one more,
    beside the class's embedding, as the condition of its batch norms.

    Args:
        num_classes: K.
        chunk_size: numbers of noise in a chunk; J, ``z_size``, is one chunk more than blocks.
        embed_size: of a class's embedding, which all blocks share.
        channels: of the images.
        size: height and width of the images: 28, 32, 64 and the like.
        width: of the last maps; twice as many in each block before.

    Source:
        Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR
        2019, arXiv:1809.11096, appendix B.

    Note:
        Spectral normalisation is left to the discriminator. In so small a generator it also keeps
        the last layer from reaching black and white, and learning takes several times as long.
    """

    def __init__(
        self,
        num_classes: int = 10,
        chunk_size: int = 16,
        embed_size: int = 32,
        channels: int = 1,
        size: int = 28,
        width: int = 16,
    ) -> None:
        super().__init__()
        smallest, doublings = halvings(size)
        widths = [width * 2**i for i in reversed(range(doublings + 1))]  # e.g. 64, 32, 16
        self.num_classes, self.chunk_size = num_classes, chunk_size
        self.z_size = chunk_size * (doublings + 1)
        self.embedding = nn.Embedding(num_classes, embed_size)
        self.first = nn.Sequential(
            nn.Linear(chunk_size, widths[0] * smallest**2),
            nn.Unflatten(1, (widths[0], smallest, smallest)),
        )
        self.blocks = nn.ModuleList(
            _UpBlock(before, after, chunk_size + embed_size) for before, after in pairwise(widths)
        )
        self.attention = SelfAttention2d(widths[-2])
        self.last = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh()
        )
        _draw_orthogonal(self)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Return images (N, C, size, size) in [-1, 1].

        Args:
            z: noise, float (N, J).
            labels: int64 (N,), in [0, K).

        Raises:
            TypeError: ``z`` is no floating-point tensor, or ``labels`` no int64 one.
            ValueError: another shape, or a label out of range.
        """
        require(z=(z, f"N {self.z_size}", "float"), labels=(labels, "N", "int64"))
        require_range("labels", labels, 0, self.num_classes)
        embedding = self.embedding(labels)  # (N, E)
        chunks = z.split(self.chunk_size, dim=1)
        x = self.first(chunks[0])
        for block, chunk in zip(self.blocks, chunks[1:], strict=True):
            if block is self.blocks[-1]:
                x = self.attention(x)
            x = block(x, torch.cat([chunk, embedding], dim=1))
        return self.last(x)


class BigGANDiscriminator(nn.Module):
    """Images and their classes → logits.

    A projection decides: the logit is w · φ(x) + e(y) · φ(x), with φ(x) the features of an image
    and e(y) the embedding of the class that it is said to be of.

    Args:
        num_classes: K.
        channels: of the images.
        size: height and width of the images, as of the generator.
        width: of the first maps; twice as many in each block after.

    Source:
        Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, arXiv:1802.05637;
        Brock et al., as of `BigGANGenerator`.
    """

    def __init__(
        self, num_classes: int = 10, channels: int = 1, size: int = 28, width: int = 16
    ) -> None:
        super().__init__()
        self.num_classes, self.channels, self.size = num_classes, channels, size
        _, halved = halvings(size)
        widths = [width * 2**i for i in range(halved + 1)]  # e.g. 16, 32, 64
        self.first = _DownBlock(channels, widths[0], first=True)
        self.attention = SelfAttention2d(widths[0])
        self.blocks = nn.Sequential(
            *(_DownBlock(a, b, halve=i < halved - 1) for i, (a, b) in enumerate(pairwise(widths))),
            nn.ReLU(),
        )
        self.output = nn.Linear(widths[-1], 1)
        self.embedding = nn.Embedding(num_classes, widths[-1])
        _draw_orthogonal(self)
        _normalise_spectrally(self)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return logits, float (N,).

        Args:
            x: images, float (N, C, size, size).
            labels: what classes they are said to be of, int64 (N,), in [0, K).

        Raises:
            TypeError: ``x`` is no floating-point tensor, or ``labels`` no int64 one.
            ValueError: another shape, or a label out of range.
        """
        require(
            x=(x, f"N {self.channels} {self.size} {self.size}", "float"),
            labels=(labels, "N", "int64"),
        )
        require_range("labels", labels, 0, self.num_classes)
        features = self.blocks(self.attention(self.first(x))).sum(dim=(2, 3))  # (N, F)
        return self.output(features)[:, 0] + (self.embedding(labels) * features).sum(dim=1)


class _UpBlock(nn.Module):
    """A residual block that doubles height and width.

    Args:
        before: channels in.
        after: channels out.
        condition_size: of what its batch norms are told.
    """

    def __init__(self, before: int, after: int, condition_size: int) -> None:
        super().__init__()
        self.norm_1 = ConditionalBatchNorm2d(before, condition_size)
        self.conv_1 = nn.Conv2d(before, after, 3, padding=1)
        self.norm_2 = ConditionalBatchNorm2d(after, condition_size)
        self.conv_2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Return (N, after, 2 H, 2 W) for maps (N, before, H, W) and a condition each."""
        maps = self.conv_1(_doubled(F.relu(self.norm_1(x, condition))))
        maps = self.conv_2(F.relu(self.norm_2(maps, condition)))
        return maps + _doubled(self.shortcut(x))


class _DownBlock(nn.Module):
    """A residual block that halves height and width, or leaves them.

    Args:
        before: channels in.
        after: channels out.
        halve: whether the result is half as large.
        first: it sees images, of which nothing may be cut off at 0.
    """

    def __init__(self, before: int, after: int, halve: bool = True, first: bool = False) -> None:
        super().__init__()
        self.halve, self.first = halve, first
        self.conv_1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv_2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, after, H / 2, W / 2), or (N, after, H, W), for maps (N, before, H, W)."""
        maps = self.conv_2(F.relu(self.conv_1(x if self.first else F.relu(x))))
        maps = maps + self.shortcut(x)
        return F.avg_pool2d(maps, 2) if self.halve else maps


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2)


def _draw_orthogonal(network: nn.Module) -> None:
    """Draw orthogonal first weights; maps from conditions to gains and biases begin at 0."""
    conditional = {
        layer
        for norm in network.modules()
        if isinstance(norm, ConditionalBatchNorm2d)
        for layer in norm.modules()
    }
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding) and layer not in conditional:
            nn.init.orthogonal_(layer.weight)


def _normalise_spectrally(network: nn.Module) -> None:
    """Have all layers divide their weights by their largest singular values."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            spectrally_normalised(layer)
