"""What makes these networks exact: probabilities that sum to 1, and no look ahead."""

from functools import partial

import pytest
import torch
from scipy.stats import chisquare
from support.small_pixelcnns import (
    MODELS,
    conditional,
    enumerated,
    gated,
    over_codes,
    pixelcnn,
    train,
)

from cvgen_course.pixelcnn import Cached, MaskedConv2d, complete, log_prob_per_item, sample

torch.set_num_threads(1)
every_model = pytest.mark.parametrize("name", MODELS)
OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, lr=0.01, momentum=0.9, weight_decay=0.1),
    "AdamW": partial(torch.optim.AdamW, lr=0.05, weight_decay=0.5),
}
LIKELIHOOD_OF_CHANCE = 1e-4
"""A right sampler's p-value is below that once in ten thousand seeds; these seeds are fixed."""


def label_of(model):
    return None if model.num_classes is None else 1


def total(model, height=2, width=3):
    return enumerated(model, height, width, label_of(model))[1].exp().sum().item()


@every_model
def test_probabilities_of_all_images_sum_to_1(name):
    model = MODELS[name]()
    images, log_probs = enumerated(model, 2, 3, label_of(model))
    assert len(images) == 3**6
    assert log_probs.exp().max() > 10 / 3**6  # far from uniform
    assert log_probs.exp().sum().item() == pytest.approx(1, abs=1e-5)
    labels = None if model.num_classes is None else torch.ones(len(images)).long()
    mine = log_prob_per_item(model(images, labels), images)
    torch.testing.assert_close(mine.double(), log_probs, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@every_model
def test_probabilities_of_all_images_sum_to_1_after_training(name, optimizer):
    model = train(MODELS[name](), OPTIMIZERS[optimizer])
    assert total(model) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        partial(pixelcnn, channels=2, width=4, num_layers=1),
        partial(gated, channels=2, width=2, num_layers=2),
        partial(conditional, channels=2, width=2, num_layers=1),
    ],
    ids=["PixelCNN", "gated", "conditional"],
)
def test_probabilities_of_all_images_in_two_colours_sum_to_1(make):
    model = make()
    images, log_probs = enumerated(model, 2, 3, label_of(model))
    assert len(images) == 3**12
    assert log_probs.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_network_that_sees_what_it_predicts_is_noticed():
    """The sum and the gradient are worth something: with one mask of the wrong kind, both fail."""
    for model in (pixelcnn(), gated()):
        first = next(layer for layer in model.modules() if isinstance(layer, MaskedConv2d))
        first.mask[:, :, first.mask.shape[2] // 2, first.mask.shape[3] // 2] = 1
        assert abs(total(model) - 1) > 0.01
        with pytest.raises(AssertionError):
            assert_causal(model)


def jacobian(model, H=3, W=3):
    """Return how much each logit follows each feature of the input: (K, H·W·C, H·W·F).

    Pixel by pixel, and channel by channel at a pixel; absolute slopes, summed over some inputs.
    """
    K, C, F = model.inputs.num_levels, model.inputs.channels, model.inputs.num_features
    N = 8
    labels = None if model.num_classes is None else torch.arange(N) % model.num_classes
    model = model.double()
    x = torch.randn(N, F, H, W, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def logits(x):
        return model.along(x, model.above(x, labels), labels).sum(dim=0)

    slopes = torch.autograd.functional.jacobian(logits, x).abs().sum(dim=4)  # (K, C, H, W, F, H, W)
    return slopes.permute(0, 2, 3, 1, 5, 6, 4).reshape(K, H * W * C, H * W * F)


def assert_causal(model):
    slopes = jacobian(model)
    C, F = model.inputs.channels, model.inputs.num_features
    for place in range(slopes.shape[1]):
        first_unseen = place * F if C == 1 else place  # all features of a code come at once
        assert slopes[:, place, first_unseen:].eq(0).all()
    assert slopes[:, -1, 0].ne(0).all()  # the last place follows the first


@pytest.mark.parametrize(
    "make",
    [
        *(pixelcnn, gated, conditional, over_codes),
        partial(pixelcnn, channels=3, width=12),
        partial(gated, channels=3, width=6),
        partial(conditional, channels=2, kernel_size=5, first_kernel_size=7),
        partial(pixelcnn, kernel_size=1, first_kernel_size=5),
    ],
)
def test_logits_do_not_follow_what_comes_later(make):
    assert_causal(make())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("make", [pixelcnn, gated, conditional])
def test_logits_do_not_follow_what_comes_later_after_training(make, optimizer):
    assert_causal(train(make(channels=2, width=8), OPTIMIZERS[optimizer]))


@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_each_channel_follows_the_channels_before_it_at_its_own_pixel(make):
    """The nine blocks of a pixel in colour: below the diagonal something, elsewhere nothing."""
    slopes = jacobian(make(channels=3, width=48), 1, 1)
    assert slopes.ne(0).all(dim=0).int().tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_all_channels_follow_all_channels_of_the_pixels_before(make):
    slopes = jacobian(make(channels=3, width=24), 1, 2)
    assert slopes[:, 3:, :3].ne(0).all()


def p_value(drawn, images, log_probs):
    """Return how likely it is that these images come from that distribution (Pearson's test)."""
    num_levels = int(images.max()) + 1
    powers = num_levels ** torch.arange(images[0].numel() - 1, -1, -1)
    numbers = (drawn.flatten(1) * powers).sum(dim=1)  # the place among all images
    counts = numbers.bincount(minlength=len(images)).double()
    expected = len(drawn) * log_probs.exp() / log_probs.exp().sum()
    rare = expected < 5  # too few for the test: all together are one kind
    counts = torch.cat([counts[~rare], counts[rare].sum()[None]])
    expected = torch.cat([expected[~rare], expected[rare].sum()[None]])
    some = expected > 0
    assert counts[~some].sum() == 0
    return chisquare(counts[some], expected[some]).pvalue


def draw(model, shape, cached, temperature=1.0, seed=0):
    labels = None if model.num_classes is None else torch.ones(shape[0]).long()
    logits_at = Cached(model, shape, labels) if cached else None
    rng = torch.Generator().manual_seed(seed)
    return sample(model, shape, labels, temperature, rng, logits_at)


@pytest.mark.parametrize("cached", [False, True], ids=["naive", "cached"])
@pytest.mark.parametrize("temperature", [1.0, 0.6, 2.0])
@every_model
def test_samples_are_as_frequent_as_they_are_probable(name, temperature, cached):
    model = MODELS[name]()
    drawn = draw(model, (4000, 1, 2, 2), cached, temperature)
    images, log_probs = enumerated(model, 2, 2, label_of(model), temperature)
    assert p_value(drawn, images, log_probs) > LIKELIHOOD_OF_CHANCE


@pytest.mark.parametrize("cached", [False, True], ids=["naive", "cached"])
@pytest.mark.parametrize("make", [pixelcnn, gated, conditional])
def test_samples_in_colour_are_as_frequent_as_they_are_probable(make, cached):
    model = make(num_levels=2, channels=2)
    drawn = draw(model, (4000, 2, 2, 2), cached)
    images, log_probs = enumerated(model, 2, 2, label_of(model))
    assert p_value(drawn, images, log_probs) > LIKELIHOOD_OF_CHANCE


@pytest.mark.parametrize("cached", [False, True], ids=["naive", "cached"])
def test_completions_are_as_frequent_as_they_are_probable(cached):
    """Where the first row is known, an image's share among those that begin with that row."""
    model, shape = gated(), (4000, 1, 2, 2)
    levels = torch.zeros(shape).long()
    levels[:, :, 0] = torch.tensor([2, 1])
    known = torch.tensor([[True, True], [False, False]])
    logits_at = Cached(model, shape) if cached else None
    rng = torch.Generator().manual_seed(1)
    drawn = complete(model, levels, known, rng=rng, logits_at=logits_at)
    images, log_probs = enumerated(model, 2, 2)
    begins = images[:, 0, 0].eq(torch.tensor([2, 1])).all(dim=1)
    log_probs = log_probs.masked_fill(~begins, -torch.inf)
    assert p_value(drawn, images, log_probs) > LIKELIHOOD_OF_CHANCE


def test_frequencies_of_another_distribution_are_noticed():
    """Pearson's test is worth something: it tells temperatures, classes and networks apart."""
    model, shape = conditional(), (4000, 1, 2, 2)
    drawn = draw(model, shape, cached=True)
    for others in (
        enumerated(model, 2, 2, label=1, temperature=0.8),
        enumerated(model, 2, 2, label=0),
        enumerated(conditional(seed=1), 2, 2, label=1),
    ):
        assert p_value(drawn, *others) < LIKELIHOOD_OF_CHANCE
