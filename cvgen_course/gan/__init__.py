"""GANs: two networks that learn from each other, and what it takes to keep them in balance.

The game and its losses, penalties, the optimal discriminator; DCGAN, and BigGAN in small with its
parts; toys on which everything can be seen.
"""

from cvgen_course.gan.alternating import alternating_step
from cvgen_course.gan.attention import SelfAttention2d
from cvgen_course.gan.biggan import BigGANDiscriminator, BigGANGenerator
from cvgen_course.gan.conditional_batch_norm import ConditionalBatchNorm2d, conditional_batch_norm
from cvgen_course.gan.dcgan import DCGANDiscriminator, DCGANGenerator
from cvgen_course.gan.dirac import dirac_gradients, dirac_path
from cvgen_course.gan.ema import ema_update, standing_statistics
from cvgen_course.gan.gan import GAN
from cvgen_course.gan.losses import (
    discriminator_loss,
    game_value,
    non_saturating_loss,
    saturating_loss,
)
from cvgen_course.gan.objectives import (
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    SATURATING,
    WASSERSTEIN,
    Objective,
    critic_generator_loss,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    wasserstein_critic_loss,
)
from cvgen_course.gan.optimal import optimal_discriminator, optimal_value
from cvgen_course.gan.penalties import gradient_penalty, r1_penalty
from cvgen_course.gan.pushforward import pushforward_density
from cvgen_course.gan.ring import modes_covered, ring_centres, ring_samples
from cvgen_course.gan.spectral_norm import SpectralNorm, spectral_norm, spectrally_normalised
from cvgen_course.gan.truncation import truncated_normal

__all__ = [
    "GAN",
    "HINGE",
    "LEAST_SQUARES",
    "NON_SATURATING",
    "SATURATING",
    "WASSERSTEIN",
    "BigGANDiscriminator",
    "BigGANGenerator",
    "ConditionalBatchNorm2d",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Objective",
    "SelfAttention2d",
    "SpectralNorm",
    "alternating_step",
    "conditional_batch_norm",
    "critic_generator_loss",
    "dirac_gradients",
    "dirac_path",
    "discriminator_loss",
    "ema_update",
    "game_value",
    "gradient_penalty",
    "hinge_discriminator_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "modes_covered",
    "non_saturating_loss",
    "optimal_discriminator",
    "optimal_value",
    "pushforward_density",
    "r1_penalty",
    "ring_centres",
    "ring_samples",
    "saturating_loss",
    "spectral_norm",
    "spectrally_normalised",
    "standing_statistics",
    "truncated_normal",
    "wasserstein_critic_loss",
]
