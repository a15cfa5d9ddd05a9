import math

import pytest
import torch
from torch import nn

from cvgen_course.autoencoders import (
    VAE,
    VQVAE,
    BernoulliLikelihood,
    GaussianLikelihood,
    Quantized,
)
from cvgen_course.bits import GREY_STEP
from cvgen_course.data import ImageItem
from cvgen_course.experiments.autoencoders.measures import (
    NUM_SAMPLES,
    bounds,
    measure_autoencoder,
    measure_vae,
    measure_vqvae,
)
from cvgen_course.experiments.core.pixels import Measured, binarised, unchanged

pytestmark = pytest.mark.filterwarnings("error")


def each(function, items):
    with torch.no_grad():
        return [function(items[i]) for i in range(len(items))]


def batches(images, batch_size=4, prepare=unchanged, split="test"):
    return Measured([ImageItem(x, torch.tensor(0)) for x in images], prepare, split, batch_size)


def noise(num=6, channels=1):
    rng = torch.Generator().manual_seed(0)
    return torch.rand(num, channels, 8, 8, generator=rng) * 2 - 1


def blank(likelihood, channels=1):
    """A VAE that has learned nothing: whatever the image, mean 0, variance 1, and a grey image."""
    model = VAE(likelihood, latent_dim=3, channels=channels, size=8, width=2).eval()
    for layer in (model.encoder.head, model.decoder.layers[-1]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return model


def test_a_vae_that_tosses_fair_coins_has_one_bit_for_each():
    model = blank(BernoulliLikelihood())
    found = measure_vae(model, "test", each, batches(noise(), prepare=binarised))
    nats = 64 * math.log(2)
    assert found == pytest.approx(
        {
            "negative_elbo": nats,
            "negative_iwae_bound": nats,
            "kl": 0,
            "bits_per_dim": 1,
            "active_latents": 0,
            "num_samples": NUM_SAMPLES["test"],
        },
        rel=1e-5,
    )


def test_a_gaussian_vae_s_bits_count_grey_values():
    """Bits by hand: of a density at its grey value, times the width of a step."""
    sigma, images = 0.5, noise(channels=3)
    found = measure_vae(blank(GaussianLikelihood(sigma), 3), "val", each, batches(images))
    log_density = torch.distributions.Normal(0.0, sigma).log_prob(images)
    bits = -(log_density + math.log(GREY_STEP)).mean().item() / math.log(2)
    assert found["bits_per_dim"] == pytest.approx(bits, rel=1e-5)
    nats = -log_density.flatten(1).sum(dim=1).mean().item()
    assert found["negative_elbo"] == pytest.approx(nats, rel=1e-5)
    assert found["sigma"] == pytest.approx(sigma)
    assert found["num_samples"] == NUM_SAMPLES["val"]


def test_the_bound_of_many_samples_is_the_tighter_one_for_each_image():
    torch.manual_seed(0)
    model = VAE(BernoulliLikelihood(), latent_dim=3, size=8, width=2).eval()
    images = batches(noise(), prepare=binarised)
    found = each(lambda number: bounds(model, number, images, 20), range(len(images)))
    elbo, iwae, kl = (torch.cat(parts) for parts in zip(*found, strict=True))
    assert (iwae > elbo).all()
    assert kl.shape == (6, 3)
    assert (kl >= 0).all()


def test_measure_vae_gives_the_same_again_whatever_was_drawn_before():
    model = VAE(BernoulliLikelihood(), latent_dim=3, size=8, width=2).eval()
    images = batches(noise(), prepare=binarised, split="val")
    first = measure_vae(model, "val", each, images)
    torch.manual_seed(9)
    assert measure_vae(model, "val", each, images) == first


def test_a_latent_that_says_something_is_active():
    model = blank(BernoulliLikelihood())
    model.encoder.head.bias.data[1] = 0.2  # a mean: KL 0.02
    model.encoder.head.bias.data[2] = 0.1  # KL 0.005
    found = measure_vae(model, "val", each, batches(noise(), prepare=binarised))
    assert found["active_latents"] == 1
    assert found["kl"] == pytest.approx(0.025, rel=1e-4)


class TwoWords(nn.Module):
    """A quantizer that says 1 of a bright image and 0 of a dark one, and draws it grey."""

    def __init__(self, num_codes=5):
        super().__init__()
        self.quantizer = nn.Module()
        self.quantizer.codebook = nn.Parameter(torch.zeros(num_codes, 2))

    def forward(self, x):
        indices = (x[:, 0, ::4, ::4] > 0).long()
        return torch.zeros_like(x), Quantized(x, indices, x, x)


def test_perplexity_is_that_of_the_whole_split_not_a_mean_over_batches():
    images = torch.ones(8, 1, 8, 8)
    images[:4] = -0.5  # the whole first batch
    found = measure_vqvae(TwoWords(), "test", each, batches(images, batch_size=4))
    assert found == pytest.approx(
        {"mean_squared_error": (0.25 + 1) / 2, "perplexity": 2, "num_codes": 5}
    )


def test_the_mean_squared_error_is_a_mean_over_images_where_the_last_batch_is_small():
    images = torch.ones(5, 1, 8, 8)
    images[4] = 0.0  # alone in its batch
    for measure, model in ((measure_vqvae, TwoWords()), (measure_autoencoder, Grey())):
        found = measure(model, "test", each, batches(images, batch_size=4))
        assert found["mean_squared_error"] == pytest.approx(4 / 5)


class Grey(nn.Linear):
    """An autoencoder that draws everything grey."""

    def __init__(self):
        super().__init__(1, 1)

    def forward(self, x):
        return torch.zeros_like(x)


def test_measure_vqvae_leaves_the_codebook_as_it_is():
    model = VQVAE(num_codes=5, code_dim=2, width=2).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure_vqvae(model, "test", each, batches(noise()))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
