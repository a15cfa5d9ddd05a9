import pytest
import torch

from cvgen_course.experiments.gan.experiment import MODELS, OFFER, make_model
from cvgen_course.experiments.gan.recipes import GAMES, RECIPES
from cvgen_course.gan import HINGE, NON_SATURATING

SIZES = {"glyphs": (1, 28), "mnist": (1, 28), "fashion_mnist": (1, 28), "cifar10": (3, 32)}


def test_every_data_set_is_offered_with_every_model():
    assert MODELS == tuple(GAMES) == ("dcgan", "biggan")
    assert OFFER.models == dict.fromkeys(SIZES, MODELS)


@pytest.mark.parametrize("data", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_every_width_makes_networks_for_the_data_s_images(data, model):
    channels, size = SIZES[data]
    gan = make_model(model, RECIPES[data], 10, channels, size)
    labels = () if model == "dcgan" else (torch.tensor([0, 9]),)
    with torch.no_grad():
        images = gan.generator(torch.randn(2, gan.generator.z_size), *labels)
        assert images.shape == (2, channels, size, size)
        assert gan.discriminator(images, *labels).shape == (2,)
    kinds = {"dcgan": torch.nn.ConvTranspose2d, "biggan": torch.nn.Conv2d}
    *_, last = [m for m in gan.generator.modules() if isinstance(m, kinds[model])]
    assert last.in_channels == RECIPES[data].widths[model]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_last_step_is_one_of_those_that_are_measured(recipe):
    assert recipe.steps % recipe.every == 0


def test_games_are_those_of_the_papers():
    assert (GAMES["dcgan"].objective, GAMES["biggan"].objective) == (NON_SATURATING, HINGE)
    assert (GAMES["dcgan"].betas, GAMES["biggan"].betas) == ((0.5, 0.999), (0.0, 0.999))
