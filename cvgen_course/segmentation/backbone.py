"""The encoder that the networks of this chapter share: VGG's pattern, small enough for a laptop."""

from __future__ import annotations

from torch import Tensor, nn


def conv_block(in_channels: int, out_channels: int, num_convs: int = 2) -> nn.Sequential:
    """Return 3 × 3 convolutions that keep the size, each followed by batch norm and ReLU.

    Args:
        in_channels: channels of the input.
        out_channels: channels of every convolution's output.
        num_convs: how many convolutions.

    Returns:
        A module (N, in_channels, H, W) → (N, out_channels, H, W).

    Source:
        Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
        Recognition", ICLR 2015, arXiv:1409.1556.

    Note:
        VGG, FCN and U-Net are older than batch norm; with it they train in minutes.
    """
    layers: list[nn.Module] = []
    for i in range(num_convs):
        channels = in_channels if i == 0 else out_channels
        layers += [
            nn.Conv2d(channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class Backbone(nn.Module):
    """Five stages of convolutions, each ended by 2 × 2 max-pooling: VGG with fewer channels.

    Args:
        width: channels of the first stage; the later ones have 2, 4, 8 and 8 times as many.

    Attributes:
        channels: of the maps that ``forward`` returns.

    Source:
        Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556, as Long et al. use it
        (arXiv:1411.4038, section 4.1).
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width: expected at least 1, got {width}")
        self.stage1 = conv_block(3, width, num_convs=1)
        self.stage2 = conv_block(width, 2 * width, num_convs=1)
        self.stage3 = conv_block(2 * width, 4 * width)
        self.stage4 = conv_block(4 * width, 8 * width)
        self.stage5 = conv_block(8 * width, 8 * width)
        self.pool = nn.MaxPool2d(2)
        self.channels = (4 * width, 8 * width, 8 * width)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps at strides 8, 16 and 32.

        Args:
            image: float32 (N, 3, H, W), H and W at least 32.

        Returns:
            pool3 (N, C3, ⌊H/8⌋, ⌊W/8⌋), pool4 (N, C4, ⌊H/16⌋, …), pool5 (N, C5, ⌊H/32⌋, …).
        """
        x = self.pool(self.stage1(image))  # stride 2
        x = self.pool(self.stage2(x))  # stride 4
        pool3 = self.pool(self.stage3(x))
        pool4 = self.pool(self.stage4(pool3))
        pool5 = self.pool(self.stage5(pool4))
        return pool3, pool4, pool5
