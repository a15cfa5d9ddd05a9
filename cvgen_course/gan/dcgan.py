"""DCGAN: a generator and a discriminator of nothing but convolutions."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from cvgen_course.gan.spectral_norm import spectrally_normalised
from cvgen_course.require import require


class DCGANGenerator(nn.Module):
    """Noise → images: transposed convolutions with batch norm and ReLU, and a tanh.

    Args:
        z_size: J, numbers of noise.
        channels: of the images.
        size: height and width of the images; halved as often as it goes without a rest, down to 4
            to 7: 28 → 7, 32 → 4.
        width: channels before the last layer; twice as many in each layer before.

    Source:
        Radford et al., "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks", ICLR 2016, arXiv:1511.06434, section 3 and figure 1.
    """

    def __init__(
        self, z_size: int = 64, channels: int = 1, size: int = 28, width: int = 32
    ) -> None:
        super().__init__()
        self.z_size = z_size
        smallest, doublings = halvings(size)
        widths = [width * 2**i for i in reversed(range(doublings))]  # e.g. 64, 32
        self.layers = nn.Sequential(
            nn.Unflatten(1, (z_size, 1, 1)),
            nn.ConvTranspose2d(z_size, widths[0], smallest, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        for before, after in pairwise(widths):
            self.layers.extend(
                [
                    nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                ]
            )
        self.layers.append(nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1))
        self.layers.append(nn.Tanh())
        self.apply(_start_small)

    def forward(self, z: Tensor) -> Tensor:
        """Return images (N, C, size, size) in [-1, 1] for noise, float (N, J)."""
        require(z=(z, f"N {self.z_size}", "float"))
        return self.layers(z)


class DCGANDiscriminator(nn.Module):
    """Images → logits: convolutions of stride 2, batch norm and leaky ReLU.

    Args:
        channels: of the images.
        size: height and width of the images, as of the generator.
        width: channels after the first layer; twice as many after each more.
        spectral: divide each weight by its largest singular value in place of batch norm.

    Source:
        Radford et al., as of `DCGANGenerator`; ``spectral``: Miyato et al., "Spectral Normalization
        for Generative Adversarial Networks", ICLR 2018, arXiv:1802.05957.
    """

    def __init__(
        self, channels: int = 1, size: int = 28, width: int = 32, spectral: bool = False
    ) -> None:
        super().__init__()
        self.channels, self.size = channels, size
        smallest, halved = halvings(size)
        widths = [width * 2**i for i in range(halved)]
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(pairwise([channels, *widths])):
            normalised = not spectral and i > 0
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not normalised))
            if normalised:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2))
        layers += [nn.Conv2d(widths[-1], 1, smallest), nn.Flatten(0)]
        self.layers = nn.Sequential(*layers)
        self.apply(_start_small)
        if spectral:
            for layer in layers:
                if isinstance(layer, nn.Conv2d):
                    spectrally_normalised(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, float (N,), for images, float (N, C, size, size)."""
        require(x=(x, f"N {self.channels} {self.size} {self.size}", "float"))
        return self.layers(x)


def halvings(size: int) -> tuple[int, int]:
    """Return what is left of a size, and how often it was halved until that was less than 8.

    Raises:
        ValueError: it can't be halved so often, or not once.
    """
    smallest, count = size, 0
    while smallest >= 8 and smallest % 2 == 0:
        smallest, count = smallest // 2, count + 1
    if smallest >= 8 or count == 0:
        raise ValueError(f"size: expected 4 to 7 times a power of 2 (28, 32, 64), got {size}")
    return smallest, count


def _start_small(layer: nn.Module) -> None:
    """Draw a layer's first weights as the paper does: normal, with a deviation of 0.02."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, std=0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, mean=1.0, std=0.02)
