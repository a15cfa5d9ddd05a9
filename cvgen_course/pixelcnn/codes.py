"""Pictures by way of words: a prior draws the codes of a VQ-VAE, and its decoder paints them."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.autoencoders import VQVAE
from cvgen_course.pixelcnn.cached import Cached
from cvgen_course.pixelcnn.gated import GatedPixelCNN
from cvgen_course.pixelcnn.sampling import sample


def sample_by_codes(
    vqvae: VQVAE,
    prior: GatedPixelCNN,
    shape: tuple[int, int, int],
    labels: Tensor | None = None,
    temperature: float = 1.0,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Draw images: codes from the prior, then what the decoder makes of them.

    Args:
        vqvae: the autoencoder whose codes the prior has learned.
        prior: of as many levels as the VQ-VAE has codes.
        shape: of the codes, (N, H, W), a quarter as high and wide as the images.
        labels: the class of each image, int64 (N,), where the prior was made for classes.
        temperature: as for ``at_temperature``.
        rng: where the draws come from, a CPU generator; torch's global one where it is None.

    Returns:
        float (N, C, 4 · H, 4 · W), not limited to [-1, 1].

    Raises:
        TypeError, ValueError: as for ``sample``; also where the prior has another number of levels
            than the VQ-VAE has codes.

    Source:
        van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017,
        arXiv:1711.00937, section 3.3.
    """
    num_codes = len(vqvae.quantizer.codebook)
    if prior.inputs.num_levels != num_codes:
        raise ValueError(
            f"prior: expected one of {num_codes} levels, as the VQ-VAE has codes, "
            f"got {prior.inputs.num_levels}"
        )
    one_channel = (shape[0], 1, *shape[1:])
    logits_at = Cached(prior, one_channel, labels)
    codes = sample(prior, one_channel, labels, temperature, rng, logits_at)
    return vqvae.decode(codes[:, 0])
