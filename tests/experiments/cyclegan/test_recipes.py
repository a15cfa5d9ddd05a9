import pytest
import torch

from cvgen_course.experiments.cyclegan.experiment import OFFER, make_model
from cvgen_course.experiments.cyclegan.recipes import BETAS, MODELS, RECIPES

SIZES = {"pairs": 32, "cifar10:horse,deer": 32, "horse2zebra": 256}


def test_every_pair_of_domains_is_offered_with_both_generators():
    assert OFFER.models == dict.fromkeys(SIZES, ("resnet", "unet"))
    assert MODELS == ("resnet", "unet")


@pytest.mark.parametrize("data", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_every_size_makes_networks_for_the_data_s_images(data, model):
    gan = make_model(model, RECIPES[data])
    images = torch.rand(1, 3, SIZES[data], SIZES[data]) * 2 - 1
    with torch.no_grad():
        assert gan.to_b(images).shape == gan.to_a(images).shape == images.shape
        assert gan.discriminators["a"](images).isfinite().all()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_last_step_is_one_of_those_that_are_measured(recipe):
    assert recipe.steps % recipe.every == 0


def test_horse2zebra_is_trained_as_in_the_paper():
    """Zhu et al., sections 4 and 7.1; the generator has 11.4 million parameters, D 2.8."""
    recipe = RECIPES["horse2zebra"]
    assert (recipe.batch_size, recipe.lr, recipe.enlarged, BETAS) == (1, 2e-4, 286, (0.5, 0.999))
    gan = make_model("resnet", recipe)
    sizes = [sum(p.numel() for p in part.parameters()) for part in gan.children()]
    assert [round(size / 2e6, 1) for size in sizes] == [11.4, 2.8, 0]
    assert gan.discriminators["a"].patch == 70
    assert (gan.cycle_weights, gan.identity_weight) == ((5, 5), 2.5)  # half, as is the game's part
    assert gan.pools["a"].capacity == 50
