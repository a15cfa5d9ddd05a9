"""How each data set of chapter 04 is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Size(NamedTuple):
    """How large a model is.

    Attributes:
        width: of its feature maps.
        num_layers: as its class counts them.
    """

    width: int
    num_layers: int


class PixelCNNRecipe(NamedTuple):
    """How a data set is trained on.

    Attributes:
        num_levels: K; where it is 2, pixels are black or white, drawn from the grey values.
        mirrored: whether an image seen in a mirror is an image of the same kind.
        sizes: of each model, by its name.
        steps: number of batches.
        batch_size: images in a batch.
        lr: the highest learning rate.
        every: steps between two evaluations.
    """

    num_levels: int
    mirrored: bool
    sizes: Mapping[str, Size]
    steps: int
    batch_size: int
    lr: float
    every: int


SMALL = {
    "pixelcnn": Size(32, 8),
    "gated": Size(24, 6),
    "row_lstm": Size(32, 4),
    "diagonal_bilstm": Size(24, 3),
}
GREY = {
    "pixelcnn": Size(64, 8),
    "gated": Size(32, 8),
    "row_lstm": Size(64, 4),
    "diagonal_bilstm": Size(32, 7),  # as in the paper
}
COLOURED = {  # each channel has a third of the width
    "pixelcnn": Size(96, 8),
    "gated": Size(60, 8),
    "row_lstm": Size(96, 4),
    "diagonal_bilstm": Size(60, 3),
}

RECIPES = {
    "glyphs": PixelCNNRecipe(2, False, SMALL, 5000, 16, 4e-3, 1000),
    "mnist": PixelCNNRecipe(2, False, GREY, 30_000, 16, 3e-3, 3000),
    "fashion_mnist": PixelCNNRecipe(256, False, GREY, 30_000, 16, 3e-3, 3000),
    "cifar10": PixelCNNRecipe(256, True, COLOURED, 25_000, 16, 2e-3, 2500),
}
