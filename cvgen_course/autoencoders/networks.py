"""The convolutional halves that the chapter's autoencoders share: a way down, and a way up.

Two convolutions see parts of strokes; where the parts are is for the two linear layers to say.
"""

from __future__ import annotations

from torch import Tensor, nn

from cvgen_course.require import require


class Encoder(nn.Module):
    """Images → a row of numbers each: two convolutions of stride 2, and two linear layers.

    Args:
        channels: of the images.
        size: height and width of the images, a multiple of 4.
        num_outputs: numbers for each image.
        width: channels after the first convolution; twice as many after the second, and 16 times
            as many features of the whole image.
    """

    def __init__(self, channels: int, size: int, num_outputs: int, width: int) -> None:
        super().__init__()
        _require_size(size)
        self.channels, self.size = channels, size
        self.num_features = 16 * width
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),  # size / 2
            nn.SiLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # size / 4
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(2 * width * (size // 4) ** 2, self.num_features),
            nn.SiLU(),
        )
        self.head = nn.Linear(self.num_features, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, num_outputs) for images (N, C, size, size)."""
        require(x=(x, f"N {self.channels} {self.size} {self.size}", "float"))
        return self.head(self.features(x))


class Decoder(nn.Module):
    """Rows of numbers → images: the encoder's mirror image.

    Args:
        channels: of the images.
        size: height and width of the images, a multiple of 4.
        num_inputs: numbers for each image.
        width: channels before the last convolution.
    """

    def __init__(self, channels: int, size: int, num_inputs: int, width: int) -> None:
        super().__init__()
        _require_size(size)
        self.num_inputs = num_inputs
        side = size // 4
        self.layers = nn.Sequential(
            nn.Linear(num_inputs, 16 * width),
            nn.SiLU(),
            nn.Linear(16 * width, 2 * width * side**2),
            nn.SiLU(),
            nn.Unflatten(1, (2 * width, side, side)),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),  # size / 2
            nn.SiLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),  # size
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return (N, C, size, size) for rows (N, num_inputs); not limited to any range."""
        require(z=(z, f"N {self.num_inputs}", "float"))
        return self.layers(z)


def _require_size(size: int) -> None:
    if size < 4 or size % 4:
        raise ValueError(f"size: expected a multiple of 4, got {size}")
