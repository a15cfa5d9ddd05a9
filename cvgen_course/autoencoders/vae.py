"""The variational autoencoder: an encoder that answers with a distribution."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cvgen_course.autoencoders.kl import gaussian_kl_per_dim
from cvgen_course.autoencoders.likelihoods import BernoulliLikelihood, GaussianLikelihood
from cvgen_course.autoencoders.networks import Decoder, Encoder
from cvgen_course.autoencoders.reparametrization import reparametrize

LOG_VAR_LIMIT = 12.0
"""The encoder's log-variances stay within ± this: deviations from 1/400 to 400."""


class VAE(nn.Module):
    """A Gaussian posterior for each image, a standard normal prior, a decoder with a likelihood.

    Args:
        likelihood: what the decoder's output says of an image.
        latent_dim: how many latent variables, J.
        channels: of the images.
        size: height and width of the images, a multiple of 4.
        width: channels of the finest feature maps.
        reparametrize: ``(mu, log_var, noise)`` → z; a student's, or the library's.

    Source:
        Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014, arXiv:1312.6114.

    Note:
        Log-variances go softly through a tanh, so that no input, however strange, makes them
        overflow. The paper leaves them free.
    """

    def __init__(
        self,
        likelihood: GaussianLikelihood | BernoulliLikelihood,
        latent_dim: int = 16,
        channels: int = 1,
        size: int = 28,
        width: int = 16,
        reparametrize: Callable[[Tensor, Tensor, Tensor], Tensor] = reparametrize,
    ) -> None:
        super().__init__()
        if latent_dim < 1:
            raise ValueError(f"latent_dim: expected at least 1, got {latent_dim}")
        self.latent_dim = latent_dim
        self.likelihood = likelihood
        self.encoder = Encoder(channels, size, 2 * latent_dim, width)
        self.decoder = Decoder(channels, size, latent_dim, width)
        self.reparametrize = reparametrize

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), (N, J) each, for images in [-1, 1]."""
        mu, raw = self.encoder(x).chunk(2, dim=1)
        return mu, LOG_VAR_LIMIT * (raw / LOG_VAR_LIMIT).tanh()

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean images of p(x|z), (N, C, size, size), for latents (N, J)."""
        return self.likelihood.mean(self.decoder(z))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the decoder makes of one sample of z, and mean and log-variance of q(z|x)."""
        mu, log_var = self.encode(x)
        z = self.reparametrize(mu, log_var, torch.randn_like(mu))
        return self.decoder(z), mu, log_var

    def terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two terms of the ELBO, in nats.

        Args:
            x: images, float (N, C, size, size).

        Returns:
            log p(x|z) of one sample of z, (N,); and the KL divergence of each latent, (N, J).
        """
        decoded, mu, log_var = self(x)
        return self.likelihood.log_prob_per_item(x, decoded), gaussian_kl_per_dim(mu, log_var)

    def loss(self, x: Tensor, beta: float = 1.0) -> dict[str, Tensor]:
        """Return the negative ELBO, in nats per image, as its two parts, of which it is the sum.

        Args:
            x: images, float (N, C, size, size), N >= 1.
            beta: weight of the KL divergence.

        Returns:
            ``{"reconstruction": -E log p(x|z), "KL": beta · KL}``, 0-dimensional each.
        """
        log_prob, kl = self.terms(x)
        return {"reconstruction": -log_prob.mean(), "KL": beta * kl.sum(dim=1).mean()}

    @torch.no_grad()
    def log_weights(
        self, x: Tensor, num_samples: int, rng: torch.Generator | None = None
    ) -> Tensor:
        """Return log p(x, z) - log q(z|x) of samples of z from q(z|x): all bounds follow from them.

        Args:
            x: images, float (N, C, size, size).
            num_samples: S, of z for each image.
            rng: where the noise comes from, a CPU generator; torch's global one where it is None.

        Returns:
            float (S, N), in nats; the mean over S is an estimate of the ELBO without the closed
            form, ``importance_weighted_bound`` of it the tighter bound.
        """
        mu, log_var = self.encode(x)
        weights = []
        for _ in range(num_samples):  # one by one: S decoded images at once would fill the memory
            noise = torch.randn(mu.shape, generator=rng).to(mu)
            z = reparametrize(mu, log_var, noise)
            log_prior = _standard_normal(z)
            log_posterior = _standard_normal(noise) - log_var.sum(dim=1) / 2
            log_prob = self.likelihood.log_prob_per_item(x, self.decoder(z))
            weights.append(log_prob + log_prior - log_posterior)
        return torch.stack(weights)

    @torch.no_grad()
    def sample(self, num_images: int, rng: torch.Generator | None = None) -> Tensor:
        """Return the mean images of latents drawn from the prior, (num_images, C, size, size)."""
        device = next(self.parameters()).device
        z = torch.randn(num_images, self.latent_dim, generator=rng)
        return self.decode(z.to(device))


def _standard_normal(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) of rows (N, J)."""
    return -(z**2 + math.log(2 * math.pi)).sum(dim=1) / 2
