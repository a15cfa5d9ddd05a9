import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from support.checkpoints import same, state

from cvgen_course.autoencoders import (
    VQVAE,
    BernoulliLikelihood,
    GaussianLikelihood,
    nearest_codes,
)
from cvgen_course.data import ImageItem
from cvgen_course.data.glyph_set import load_glyphs
from cvgen_course.experiments.autoencoders import experiment as autoencoders
from cvgen_course.experiments.autoencoders.experiment import (
    MODELS,
    OFFER,
    RECIPES,
    collate,
    draw,
    loss,
    make_model,
    prepare_for,
)
from cvgen_course.experiments.core.pixels import binarised, dequantised, unchanged
from cvgen_course.experiments.core.run import run
from cvgen_course.training import Phase

SMALL = RECIPES["glyphs"]._replace(
    width=2, latent_dim=3, num_codes=6, code_dim=2, steps=4, batch_size=4, every=2
)
METRICS = {
    "vae": (
        *("negative_elbo", "negative_iwae_bound", "kl", "bits_per_dim"),
        *("active_latents", "num_samples"),
    ),
    "vqvae": ("mean_squared_error", "perplexity", "num_codes"),
    "autoencoder": ("mean_squared_error",),
}


@pytest.fixture(autouse=True)
def few_glyphs(monkeypatch):
    monkeypatch.setattr(autoencoders, "load", lambda data, split: load_glyphs(split, size=12))
    monkeypatch.setattr("cvgen_course.machine.describe", lambda: "a machine")
    for data in RECIPES:
        monkeypatch.setitem(RECIPES, data, RECIPES[data]._replace(**_sizes()))


def _sizes():
    names = ("width", "latent_dim", "num_codes", "code_dim", "steps", "batch_size", "every")
    return {name: getattr(SMALL, name) for name in names}


def build(model, data="glyphs"):
    torch.manual_seed(0)
    return OFFER.build(data, model, 0)


@pytest.mark.parametrize("model", MODELS)
def test_run_trains_a_model(tmp_path, model):
    experiment = build(model)
    found = run(experiment, tmp_path, num_workers=0)
    assert tuple(found) == METRICS[model]
    assert all(value == value and abs(value) < 1e4 for value in found.values())
    draw_again, collate_again = pickle.loads(pickle.dumps((experiment.draw, experiment.collate)))
    again = collate_again([draw_again(experiment.train_set[0], torch.Generator())])
    assert again.shape == (1, 1, 28, 28)


def test_run_trains_a_gaussian_vae_and_its_sigma(tmp_path):
    experiment = build("vae", "fashion_mnist")
    before = experiment.model.likelihood.sigma.item()
    found = run(experiment, tmp_path, num_workers=0)
    assert tuple(found) == (*METRICS["vae"], "sigma")
    assert found["sigma"] == pytest.approx(experiment.model.likelihood.sigma.item())
    assert found["sigma"] != before


@pytest.mark.parametrize("model", MODELS)
def test_run_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, model):
    """With the noise of the latents, the codebook's running means, and codes that start anew."""
    run(build(model), tmp_path / "whole", num_workers=0)
    pressed = []

    def pressing(*arguments):
        pressed.append(1)
        if len(pressed) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return loss(*arguments)

    broken = replace(build(model), phases=(Phase("", pressing),))
    assert run(broken, tmp_path / "broken", num_workers=0) is None
    assert state(tmp_path / "broken")["progress"]["step"] == 2
    run(build(model), tmp_path / "broken", num_workers=0)
    assert same(state(tmp_path / "broken"), state(tmp_path / "whole"))


def test_a_checkpoint_holds_the_codebook_and_its_running_means(tmp_path):
    experiment = build("vqvae")
    first = experiment.model.quantizer.codebook.clone()
    run(experiment, tmp_path, num_workers=0)
    found = state(tmp_path)["model"]
    assert not torch.equal(found["quantizer.codebook"], first)
    assert {"quantizer.cluster_size", "quantizer.code_sum"} <= set(found)


@pytest.mark.slow
def test_on_two_devices_the_codebook_follows_the_first_one_s_share_of_a_batch(tmp_path):
    """Four of eight images: the same as on one device that is given no others."""
    program = os.path.join(os.path.dirname(sys.executable), "cvgen")
    words = "train autoencoders --data glyphs --model vqvae --steps 1 --lr 1e-30"
    found = []
    for folder, sizes in (("one", "--batch-size 4"), ("two", "--batch-size 8 --devices 2")):
        done = subprocess.run(
            [program, *words.split(), *sizes.split(), "--out", folder],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found.append(load_file(tmp_path / folder / "model.safetensors"))
    one, two = found
    assert (one["quantizer.cluster_size"] != 1).any()
    for name in ("codebook", "cluster_size", "code_sum"):
        torch.testing.assert_close(one[f"quantizer.{name}"], two[f"quantizer.{name}"])


@pytest.mark.parametrize("model", MODELS)
def test_loss_is_in_float32_where_the_network_is_not(model):
    network = make_model(model, SMALL, 1, 28)
    images = torch.rand(4, 1, 28, 28) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(network, images)
    parts = found.values() if isinstance(found, dict) else [found]
    assert {part.dtype for part in parts} == {torch.float32}
    assert all(part.isfinite() for part in parts)


def test_codes_are_the_nearest_in_mixed_precision_too():
    rng = torch.Generator().manual_seed(0)
    rows, codebook = (torch.randn(num, 16, generator=rng) for num in (2000, 512))
    with torch.autocast("cpu", torch.bfloat16):
        found = nearest_codes(rows, codebook)
    assert torch.equal(found, torch.cdist(rows.double(), codebook.double()).argmin(dim=1))


@pytest.mark.parametrize("data", RECIPES)
def test_a_vae_s_likelihood_belongs_to_its_pixels(data):
    recipe = RECIPES[data]
    likelihood = make_model("vae", recipe, 1, 28).likelihood
    expected = (
        (BernoulliLikelihood, binarised) if recipe.binarised else (GaussianLikelihood, dequantised)
    )
    assert (type(likelihood), prepare_for("vae", recipe)) == expected
    assert recipe.binarised == (data in ("glyphs", "mnist"))
    assert all(parameter.requires_grad for parameter in likelihood.parameters())


@pytest.mark.parametrize("model", ["vqvae", "autoencoder"])
def test_other_models_see_images_as_they_are(model):
    assert prepare_for(model, SMALL) is unchanged


def test_draw_mirrors_half_of_the_images_where_it_may():
    image = torch.arange(12.0).view(1, 3, 4)
    item, rng = ImageItem(image, torch.tensor(0)), torch.Generator().manual_seed(0)
    drawn = [draw(item, rng, unchanged, mirrored=True) for _ in range(100)]
    mirrored = sum(torch.equal(each, image.flip(-1)) for each in drawn)
    assert mirrored + sum(torch.equal(each, image) for each in drawn) == 100
    assert 30 < mirrored < 70
    assert all(torch.equal(draw(item, rng, unchanged, False), image) for _ in range(20))


def test_draw_tosses_new_coins_at_each_showing():
    item, rng = ImageItem(torch.zeros(1, 8, 8), torch.tensor(0)), torch.Generator()
    first, second = (draw(item, rng, binarised, False) for _ in range(2))
    assert not torch.equal(first, second)


def test_collate_makes_a_batch():
    images = [torch.rand(3, 8, 8) for _ in range(5)]
    batch = collate(images)
    assert torch.equal(batch, torch.stack(images))
    assert batch.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("data", RECIPES)
def test_recipes_offer_all_models_the_vae_first(data):
    assert OFFER.models[data] == ("vae", "vqvae", "autoencoder")
    assert isinstance(make_model("vqvae", RECIPES[data], 3, 32), VQVAE)
