"""The masked convolution: it can't look at what has not been drawn yet, whatever it learns."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.pixelcnn.masks import causal_mask
from cvgen_course.require import require


def masked_conv2d(x: Tensor, weight: Tensor, mask: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the convolution with the weights that a mask leaves, as large as its input.

    The mask is applied whenever the weights are used, and the weights themselves stay as they are:
    an optimizer's momentum or weight decay may move a masked weight, and nothing comes of it.

    Args:
        x: float (N, I, H, W).
        weight: float (O, I, kh, kw), both sides odd.
        mask: 1 for weights that count, 0 for others, float (O, I, kh, kw).
        bias: float (O,), or None.

    Returns:
        float (N, O, H, W); beyond its border, ``x`` counts as 0.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the shapes do not go together, or a side of the kernel is even.

    Source:
        van den Oord et al., "Pixel Recurrent Neural Networks", ICML 2016, arXiv:1601.06759,
        section 3.4.
    """
    _require(x, weight, mask, bias)
    kernel_height, kernel_width = weight.shape[2:]
    padding = (kernel_height // 2, kernel_width // 2)
    return F.conv2d(x, weight * mask, bias, padding=padding)


def _require(x: Tensor, weight: Tensor, mask: Tensor, bias: Tensor | None) -> None:
    require(
        x=(x, "N I H W", "float"),
        weight=(weight, "O I kh kw", "float"),
        mask=(mask, "O I kh kw", "float"),
    )
    if bias is not None:
        require(bias=(bias, "O", "float"), O=len(weight))
    kernel_height, kernel_width = weight.shape[2:]
    if kernel_height % 2 == 0 or kernel_width % 2 == 0:
        raise ValueError(
            f"weight: expected a kernel with odd sides, got shape {tuple(weight.shape)}"
        )


class MaskedConv2d(nn.Conv2d):
    """A convolution with a causal mask; its output is as large as its input.

    Args:
        kind: ``"A"`` or ``"B"``, of the mask.
        in_channels: a multiple of ``num_groups``.
        out_channels: of each copy, a multiple of ``num_groups``.
        kernel_size: height and width of the kernel, both odd; one number for both.
        num_groups: as many as images have channels.
        copies: how often the groups of the output follow one another: 2 where one half of the
            output opens or shuts the other, 4 for the gates of an LSTM.
    """

    mask: Tensor

    def __init__(
        self,
        kind: str,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        num_groups: int = 1,
        copies: int = 1,
    ) -> None:
        size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        mask = causal_mask(kind, size, in_channels, out_channels, num_groups)
        super().__init__(in_channels, copies * out_channels, size)
        self.kind = kind
        self.register_buffer("mask", mask.repeat(copies, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, copies · out_channels, H, W) for maps (N, in_channels, H, W)."""
        return masked_conv2d(x, self.weight, self.mask, self.bias)
