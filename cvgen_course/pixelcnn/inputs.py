"""What goes into the chapter's networks, and what comes out."""

from __future__ import annotations

from torch import Tensor, nn

from cvgen_course.pixelcnn.levels import require_num_levels
from cvgen_course.require import require, require_range


class LevelInput(nn.Module):
    """Levels → feature maps: grey values in [-1, 1], or a row of numbers for each code.

    Args:
        num_levels: K.
        channels: of the images; 1 where levels are codes.
        embed_dim: numbers for each level, which are learned, where levels are names, as the codes
            of a VQ-VAE; None where they are shades, of which the next is a little lighter.

    Attributes:
        num_features: channels of the feature maps.
    """

    def __init__(self, num_levels: int, channels: int, embed_dim: int | None) -> None:
        super().__init__()
        require_num_levels(num_levels)
        if channels < 1 or (embed_dim is not None and (channels > 1 or embed_dim < 1)):
            raise ValueError(
                "channels, embed_dim: expected one channel at least, and exactly one where "
                f"embed_dim is a positive number, got {channels} and {embed_dim}"
            )
        self.num_levels, self.channels = num_levels, channels
        self.num_features = channels if embed_dim is None else embed_dim
        self.table = None if embed_dim is None else nn.Embedding(num_levels, embed_dim)

    def forward(self, levels: Tensor) -> Tensor:
        """Return float (N, num_features, H, W) for levels, int64 (N, C, H, W)."""
        if self.table is None:
            return levels / (self.num_levels - 1) * 2 - 1
        return self.table(levels[:, 0]).permute(0, 3, 1, 2)  # (N, H, W, E) -> (N, E, H, W)

    def require(self, levels: Tensor) -> None:
        """Raise unless levels are what the network was made for.

        Raises:
            TypeError: they are no int64 tensor.
            ValueError: another shape, or a level that is out of range.
        """
        if isinstance(levels, Tensor) and levels.is_floating_point():
            raise TypeError(
                f"levels: expected whole numbers, int64, got {levels.dtype}; "
                "pixelcnn.to_levels(images, num_levels) rounds images to grey levels"
            )
        require(levels=(levels, f"N {self.channels} H W", "int64"))
        require_range("levels", levels, 0, self.num_levels)


class LabelInput(nn.Module):
    """Labels → rows of numbers, one for each class: what a layer is told about the image.

    Args:
        num_classes: how many there are; None for a network that is told nothing.
        num_features: numbers for each class.
    """

    def __init__(self, num_classes: int | None, num_features: int) -> None:
        super().__init__()
        self.table = None if num_classes is None else nn.Embedding(num_classes, num_features)
        if self.table is not None:
            nn.init.normal_(self.table.weight, std=0.1)

    def forward(self, labels: Tensor | None) -> Tensor | None:
        """Return float (N, num_features) for labels, int64 (N,); None for None."""
        return None if self.table is None else self.table(labels)


def require_labels(labels: Tensor | None, num_classes: int | None, num_images: int) -> None:
    """Raise unless there is a label for each image, where the network knows classes at all.

    Raises:
        TypeError: ``labels`` is missing, or no int64 tensor.
        ValueError: there are others than one for each image, one is out of range, or the network
            knows no classes.
    """
    if num_classes is None:
        if labels is not None:
            raise ValueError("labels: expected None, since the network was made without classes")
        return
    if labels is None:
        raise TypeError(f"labels: expected one for each image, in [0, {num_classes}), got None")
    require(labels=(labels, "N", "int64"), N=num_images)
    require_range("labels", labels, 0, num_classes)


def as_logits(maps: Tensor, channels: int) -> Tensor:
    """Return logits (N, K, C, H, W) for a network's last maps, (N, C · K, H, W)."""
    return maps.unflatten(1, (channels, -1)).transpose(1, 2)
