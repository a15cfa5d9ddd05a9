"""How each data set of chapter 03 is trained on."""

from __future__ import annotations

from typing import NamedTuple


class AutoencoderRecipe(NamedTuple):
    """How a data set is trained on.

    Attributes:
        binarised: whether the VAE sees black and white pixels, drawn from the grey values, and
            tosses a coin for each; else its pixels are grey, and have a bell around them.
        mirrored: whether an image seen in a mirror is an image of the same kind.
        width: channels of the finest feature maps, in all models.
        latent_dim: of the VAE, and how many numbers pass through the autoencoder.
        num_codes: of the VQ-VAE.
        code_dim: of the VQ-VAE.
        num_blocks: of the VQ-VAE, residual blocks on each side.
        steps: number of batches.
        batch_size: images in a batch.
        lr: the highest learning rate.
        every: steps between two evaluations.
    """

    binarised: bool
    mirrored: bool
    width: int
    latent_dim: int
    num_codes: int
    code_dim: int
    num_blocks: int
    steps: int
    batch_size: int
    lr: float
    every: int


RECIPES = {
    "glyphs": AutoencoderRecipe(True, False, 16, 16, 64, 16, 1, 3000, 128, 4e-3, 500),
    "mnist": AutoencoderRecipe(True, False, 32, 32, 64, 16, 1, 25_000, 128, 4e-3, 2500),
    "fashion_mnist": AutoencoderRecipe(False, False, 32, 32, 128, 16, 1, 25_000, 128, 4e-3, 2500),
    "cifar10": AutoencoderRecipe(False, True, 32, 128, 512, 32, 2, 25_000, 128, 2e-3, 2500),
}
