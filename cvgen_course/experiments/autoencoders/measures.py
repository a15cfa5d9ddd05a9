"""How good the chapter's models are on a whole split, batch by batch."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from cvgen_course import seeding
from cvgen_course.autoencoders import (
    VAE,
    VQVAE,
    GaussianLikelihood,
    gaussian_kl_per_dim,
    importance_weighted_bound,
    perplexity,
)
from cvgen_course.bits import GREY_STEP, bits_per_dim
from cvgen_course.experiments.core.experiment import Each
from cvgen_course.experiments.core.pixels import Measured

NUM_SAMPLES = {"val": 4, "test": 64}
"""Latents drawn for each image: the bound by importance weights is the tighter, the more there are,
and takes as much longer."""
ACTIVE = 0.01
"""A latent variable with a smaller KL divergence, in nats, says nothing of the image."""


class Bounds(NamedTuple):
    """What a VAE says of a batch, on the CPU.

    Attributes:
        elbo: of each image, the mean log-weight of its samples, float (N,), in nats.
        iwae: of each image, the importance-weighted bound, float (N,), in nats.
        kl: of each latent variable, float (N, J), in nats.
    """

    elbo: Tensor
    iwae: Tensor
    kl: Tensor


class _Rebuilt(NamedTuple):
    """What becomes of a batch that is encoded and decoded, on the CPU.

    Attributes:
        errors: mean squared error of each image, float (N,).
        indices: of the codes, int64; empty for a model without a codebook.
    """

    errors: Tensor
    indices: Tensor


def measure_vae(model: nn.Module, split: str, each: Each, batches: Measured) -> dict[str, float]:
    """Return bounds of a VAE in nats per image and in bits per dimension, and what its code costs.

    Returns:
        negative_elbo, which counts; negative_iwae_bound of ``num_samples`` samples, at most as
        large; kl, in closed form; bits_per_dim of the ELBO: of the coins' tosses where pixels are
        black and white, of the grey values where they are dequantised; active_latents, how many
        latent variables say something; sigma, where there is one.
    """
    vae, num_samples = cast(VAE, model), NUM_SAMPLES[split]
    numbers = range(len(batches))
    look = partial(bounds, vae, batches=batches, num_samples=num_samples)
    elbo, iwae, kl = (torch.cat(parts).double() for parts in zip(*each(look, numbers), strict=True))
    sigma = vae.likelihood.sigma if isinstance(vae.likelihood, GaussianLikelihood) else None
    num_dims, step = batches[0][0].numel(), 1.0 if sigma is None else GREY_STEP
    found = {
        "negative_elbo": -elbo.mean().item(),
        "negative_iwae_bound": -iwae.mean().item(),
        "kl": kl.sum(dim=1).mean().item(),
        "bits_per_dim": bits_per_dim(elbo.mean(), num_dims, step).item(),
        "active_latents": float((kl.mean(dim=0) > ACTIVE).sum()),
        "num_samples": float(num_samples),
    }
    return found if sigma is None else found | {"sigma": sigma.item()}


def bounds(vae: VAE, number: int, batches: Measured, num_samples: int) -> Bounds:
    """Return what a VAE says of a batch; the noise follows from the batch's number."""
    x = _on_device(batches[number], vae)
    rng = seeding.generator("latents", batches.split, number)
    log_weights = vae.log_weights(x, num_samples, rng)
    kl = gaussian_kl_per_dim(*vae.encode(x))
    return Bounds(
        log_weights.mean(dim=0).cpu(), importance_weighted_bound(log_weights).cpu(), kl.cpu()
    )


def measure_vqvae(model: nn.Module, split: str, each: Each, batches: Measured) -> dict[str, float]:
    """Return the mean squared error in [-1, 1], and how many of the codes the whole split uses."""
    vqvae = cast(VQVAE, model)
    errors, indices = zip(*each(partial(_rebuild, vqvae), batches), strict=True)
    num_codes = len(vqvae.quantizer.codebook)
    return {
        "mean_squared_error": torch.cat(errors).double().mean().item(),
        "perplexity": perplexity(indices, num_codes).item(),
        "num_codes": float(num_codes),
    }


def measure_autoencoder(
    model: nn.Module, split: str, each: Each, batches: Measured
) -> dict[str, float]:
    """Return the mean squared error, of images in [-1, 1]."""
    errors, _ = zip(*each(partial(_rebuild, model), batches), strict=True)
    return {"mean_squared_error": torch.cat(errors).double().mean().item()}


def _rebuild(model: nn.Module, images: Tensor) -> _Rebuilt:
    """Return what a VQ-VAE or an autoencoder makes of a batch."""
    x = _on_device(images, model)
    answer = model(x)
    x_hat, indices = (
        (answer[0], answer[1].indices)
        if isinstance(answer, tuple)
        else (answer, torch.empty(0, dtype=torch.int64))
    )
    return _Rebuilt(((x - x_hat) ** 2).flatten(1).mean(dim=1).cpu(), indices.cpu())


def _on_device(images: Tensor, model: nn.Module) -> Tensor:
    device = next(model.parameters()).device
    return images.to(device, memory_format=torch.channels_last)
