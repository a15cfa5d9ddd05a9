import copy

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from support.small_gans import GAMES, Painter, Pixels, biggan, dcgan, pictures
from torch import nn

from cvgen_course import seeding
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.experiments.gan import measures, samples
from cvgen_course.experiments.gan.measures import classes_covered, look_at, measure
from cvgen_course.experiments.gan.samples import draw_noise, inputs
from cvgen_course.gan import GAN

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    for module in (samples, measures):
        monkeypatch.setattr(module, "AT_ONCE", 6)


def each(function, items):
    with torch.no_grad():
        return [function(items[i]) for i in range(len(items))]


def one_hot(labels, wanted=None):
    """Images of ten pixels, of which one is white; and their labels, the right ones or others."""
    images = np.eye(10, dtype=np.uint8)[labels].reshape(-1, 1, 2, 5) * 255
    return LabelledImages(images, np.array(labels if wanted is None else wanted), "0123456789")


def test_a_generator_of_the_real_images_themselves_is_perfect():
    real = one_hot(list(range(10)) * 3)
    gan = GAN(Painter(real.images[:10]), nn.Identity())
    assert measure(gan, "test", each, real, Pixels()) == pytest.approx(
        {
            "frechet_distance": 0,
            "classes_covered": 10,
            "class_agreement": 1,
            "judge_accuracy": 1,
        },
        abs=1e-6,
    )


def test_a_shift_of_all_samples_is_its_squared_length_away():
    real = one_hot(list(range(10)) * 3)
    shift = torch.arange(10.0) / 10
    painted = real.images[:10] + shift.view(1, 1, 2, 5)
    found = measure(GAN(Painter(painted), nn.Identity()), "test", each, real, Pixels())
    assert found["frechet_distance"] == pytest.approx(shift.square().sum().item(), rel=1e-5)


def test_measure_counts_what_the_judge_sees_by_hand():
    """The painter paints a 1 whatever it is told, but a 0 where it is told 0."""
    seen, wanted = [0, 1, 2, 3, 3, 3, 0, 1, 0], [0, 1, 2, 3, 4, 5, 6, 0, 0]
    painted = one_hot([0, *[1] * 9]).images
    gan = GAN(Painter(painted), nn.Identity())
    found = measure(gan, "val", each, one_hot(seen, wanted), Pixels())
    assert found["judge_accuracy"] == pytest.approx(5 / 9)  # 0, 1, 2, 3 and the last 0
    assert found["class_agreement"] == pytest.approx(4 / 9)  # three times 0, and the 1
    assert found["classes_covered"] == 2


@pytest.mark.parametrize("name", GAMES)
def test_measure_is_the_frechet_distance_of_all_samples_at_once(name):
    """Twenty images in batches of six; scipy takes the root."""
    torch.manual_seed(1)
    gan, items, judge = GAMES[name](), pictures(20), Pixels(30)
    found = measure(gan, "test", each, items, judge)
    with torch.no_grad():
        numbers = [torch.arange(i, min(i + 6, 20)) for i in range(0, 20, 6)]
        drawn = [
            gan.generator(
                *inputs(
                    gan,
                    draw_noise(gan, len(chosen), seeding.generator("samples", "test", number)),
                    items.labels[chosen],
                )
            )
            for number, chosen in enumerate(numbers)
        ]
    a, b = (judge.features(x).double().numpy() for x in (items.images, torch.cat(drawn)))
    covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(covariances[0] @ covariances[1] + 1e-12 * np.eye(30)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(sum(covariances) - 2 * root)
    assert found["frechet_distance"] == pytest.approx(expected, rel=1e-3)


def test_measure_asks_for_as_many_samples_of_each_class_as_the_split_has():
    class Noting(Painter):
        def forward(self, z, labels):
            told.append(labels)
            return super().forward(z, labels)

    told, real = [], one_hot([3, 3, 3, 1, 0, 0, 9])
    gan = GAN(Noting(torch.zeros(10, 1, 2, 5)), nn.Identity())
    measure(gan, "val", each, real, Pixels())
    assert torch.cat(told[16:]).tolist() == [3, 3, 3, 1, 0, 0, 9]  # 16 batches to settle before


def test_measure_of_a_generator_without_classes_says_nothing_of_agreement():
    found = measure(dcgan(), "test", each, pictures(), Pixels())
    assert tuple(found) == ("frechet_distance", "classes_covered", "judge_accuracy")
    found = measure(biggan(), "test", each, pictures(), Pixels())
    assert tuple(found) == (
        *("frechet_distance", "classes_covered", "class_agreement", "judge_accuracy"),
    )


@pytest.mark.parametrize("name", GAMES)
def test_measure_gives_the_same_again_whatever_was_drawn_before(name):
    gan = GAMES[name]()
    first = measure(gan, "test", each, pictures(), Pixels())
    torch.manual_seed(9)
    assert measure(gan, "test", each, pictures(), Pixels()) == first
    assert measure(GAMES[name](), "test", each, pictures(), Pixels()) == first


@pytest.mark.parametrize("name", GAMES)
def test_measure_changes_no_weights(name):
    gan = GAMES[name]()
    before = copy.deepcopy(dict(gan.named_parameters()))
    measure(gan, "val", each, pictures(), Pixels())
    assert all(torch.equal(x, before[name]) for name, x in gan.named_parameters())
    assert not gan.generator.training


@torch.no_grad()
def test_look_at_draws_other_noise_for_each_batch_and_split():
    """Of two images of the same class, so only the noise differs."""
    gan, items = dcgan(), pictures(12)
    batches = [
        look_at(gan, Pixels(64), items, split, number).generated
        for split in ("val", "test")
        for number in (0, 1)
    ]
    assert len(torch.cat(batches).unique(dim=0)) == 4 * 6


def test_classes_covered_wants_two_in_a_hundred():
    named = torch.tensor([0] * 97 + [1] * 2 + [7])
    assert classes_covered(named) == 2
    assert classes_covered(named, share=0.01) == 3
    assert classes_covered(torch.tensor([9])) == 1
