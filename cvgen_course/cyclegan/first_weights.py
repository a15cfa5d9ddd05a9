"""The first weights of this chapter's networks."""

from __future__ import annotations

from torch import nn


def start(layer: nn.Module) -> None:
    """Draw a convolution's first weights by its number of inputs (He et al.), without a bias.

    Source:
        He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852.

    Note:
        The paper draws from a normal distribution with a deviation of 0.02, right for hundreds of
        channels; with a dozen, signals die out.
    """
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight, a=0.2)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
