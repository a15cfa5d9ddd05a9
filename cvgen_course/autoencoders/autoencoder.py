"""The autoencoder: say a picture in few numbers, and draw it again from them."""

from __future__ import annotations

from torch import Tensor, nn

from cvgen_course.autoencoders.networks import Decoder, Encoder


class Autoencoder(nn.Module):
    """A convolutional encoder and decoder with a narrow place between them.

    Args:
        code_size: how many numbers pass.
        channels: of the images.
        size: height and width of the images, a multiple of 4.
        width: channels of the finest feature maps.

    Source:
        Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks",
        Science 2006; theirs is fully connected, and was trained layer by layer.
    """

    def __init__(self, code_size: int, channels: int = 1, size: int = 28, width: int = 16) -> None:
        super().__init__()
        if code_size < 1:
            raise ValueError(f"code_size: expected at least 1, got {code_size}")
        self.encoder = Encoder(channels, size, code_size, width)
        self.decoder = Decoder(channels, size, code_size, width)

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes of images (N, C, size, size) in [-1, 1], float (N, code_size)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the images, (N, C, size, size), that codes (N, code_size) stand for."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions of images, (N, C, size, size)."""
        return self.decode(self.encode(x))
