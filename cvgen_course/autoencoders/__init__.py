"""Autoencoders: what is a picture in a few numbers, or in a few words?

Principal components, autoencoders and what they are good for, variational autoencoders and their
bounds, and vector quantization.
"""

from cvgen_course.autoencoders.autoencoder import Autoencoder
from cvgen_course.autoencoders.classifier import EncoderClassifier
from cvgen_course.autoencoders.elbo import (
    elbo,
    gaussian_log_prob_per_item,
    importance_weighted_bound,
)
from cvgen_course.autoencoders.ema_codebook import EMACodebook, ema_update, restart_dead_codes
from cvgen_course.autoencoders.interpolation import slerp
from cvgen_course.autoencoders.kl import gaussian_kl_per_dim, gaussian_kl_per_item
from cvgen_course.autoencoders.likelihoods import (
    BernoulliLikelihood,
    GaussianLikelihood,
    bernoulli_log_prob_per_item,
)
from cvgen_course.autoencoders.networks import Decoder, Encoder
from cvgen_course.autoencoders.pca import PrincipalComponents, pca
from cvgen_course.autoencoders.perplexity import perplexity
from cvgen_course.autoencoders.quantization import (
    look_up,
    nearest_codes,
    quantize,
    straight_through,
)
from cvgen_course.autoencoders.reparametrization import reparametrize
from cvgen_course.autoencoders.rows import from_rows, to_rows
from cvgen_course.autoencoders.vae import VAE
from cvgen_course.autoencoders.vector_quantizer import Quantized, VectorQuantizer
from cvgen_course.autoencoders.vq_losses import vq_losses
from cvgen_course.autoencoders.vqvae import VQVAE

__all__ = [
    "VAE",
    "VQVAE",
    "Autoencoder",
    "BernoulliLikelihood",
    "Decoder",
    "EMACodebook",
    "Encoder",
    "EncoderClassifier",
    "GaussianLikelihood",
    "PrincipalComponents",
    "Quantized",
    "VectorQuantizer",
    "bernoulli_log_prob_per_item",
    "elbo",
    "ema_update",
    "from_rows",
    "gaussian_kl_per_dim",
    "gaussian_kl_per_item",
    "gaussian_log_prob_per_item",
    "importance_weighted_bound",
    "look_up",
    "nearest_codes",
    "pca",
    "perplexity",
    "quantize",
    "reparametrize",
    "restart_dead_codes",
    "slerp",
    "straight_through",
    "to_rows",
    "vq_losses",
]
