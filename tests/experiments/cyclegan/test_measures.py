import math

import numpy as np
import pytest
import torch
from support.small_translations import Brightness, Shift, small_cyclegan
from torch import nn

from cvgen_course.cyclegan import CycleGAN, psnr_per_item, ssim_per_item
from cvgen_course.data import UnpairedImages
from cvgen_course.data.pair_set import load_pairs
from cvgen_course.experiments.cyclegan import measures
from cvgen_course.experiments.cyclegan.measures import measure, parts_of

pytestmark = pytest.mark.filterwarnings("error")


def each(function, items):
    with torch.no_grad():
        return [function(items[i]) for i in range(len(items))]


def grey(*levels):
    """Images of 8×8 with one colour each."""
    return np.repeat(np.array(levels, np.uint8), 3 * 64).reshape(-1, 3, 8, 8)


def shifts(there, back):
    gan = CycleGAN(nn.Identity, nn.Identity, capacity=0)
    gan.generators["ab"], gan.generators["ba"] = Shift(there), Shift(back)
    return gan


def test_measure_counts_what_the_judge_sees_by_hand():
    """Dark is a, bright is b: of a, 255 is none; of b, 0 and 51 are none."""
    items = UnpairedImages(grey(0, 51, 255), grey(255, 204, 204, 0, 51), ("dark", "bright"))
    found = measure(shifts(0.7, -1.5), each, items, Brightness())
    assert found["judge_accuracy"] == pytest.approx(5 / 8)
    assert found["judged"] == pytest.approx(2 / 3)  # -1, -0.6, 1 become -0.3, 0.1, 1.7
    assert found["judged_back"] == 1  # all at most 1 - 1.5
    assert found["cycle_l1"] == pytest.approx(0.8)
    assert tuple(found) == (
        *("judged", "judged_back", "frechet_distance", "cycle_l1", "judge_accuracy"),
    )


def test_measure_s_distance_is_that_of_translations_of_a_to_b():
    """One shifted by 1 in all three channels: the squared distance of the means is left."""
    items = UnpairedImages(grey(0, 51, 102), grey(0, 51, 102), "ab")
    for shift, distance in ((0.0, 0), (1.0, 3), (2.0, 12)):
        found = measure(shifts(shift, 5.0), each, items, Brightness())
        assert found["frechet_distance"] == pytest.approx(distance, abs=1e-5)


def test_measure_weighs_both_ways_of_the_cycle_alike():
    items, gan = UnpairedImages(grey(0, 0), grey(0, 0, 0), "ab"), shifts(0.0, 0.5)

    class Nothing(nn.Module):
        def forward(self, x):
            return torch.zeros_like(x)

    gan.generators["ab"] = Nothing()
    found = measure(gan, each, items, Brightness())
    assert found["cycle_l1"] == pytest.approx((1.5 + 1) / 2)  # -1 → 0 → 0.5; -1 → -0.5 → 0


def test_measure_of_pairs_compares_with_the_truth():
    """A generator that knows the truth; and one that does nothing."""
    items = load_pairs("val", size=3)

    class Knowing(nn.Module):
        def __init__(self):
            super().__init__()
            self.error = nn.Parameter(torch.tensor(0.02))

        def forward(self, x):
            return items.truths + self.error

    gan = shifts(0.0, 0.0)
    gan.generators["ab"] = Knowing()
    found = measure(gan, each, items, Brightness())
    assert tuple(found) == (
        *("judged", "judged_back", "ground_psnr", "animal_psnr", "ground_ssim", "animal_ssim"),
        *("cycle_l1", "judge_accuracy"),
    )
    expected = 10 * math.log10(4 / 0.02**2)
    assert found["animal_psnr"] == pytest.approx(expected, rel=1e-4)
    assert found["ground_psnr"] == pytest.approx(expected, rel=1e-2)  # what is half covered: none
    assert found["animal_ssim"] > 0.9
    still = measure(shifts(0.02, 0.0), each, items, Brightness())
    assert still["ground_psnr"] == pytest.approx(expected, rel=1e-4)
    assert still["ground_ssim"] > 0.95
    assert still["animal_psnr"] < 12
    assert still["animal_ssim"] < 0.6


def test_measure_of_pairs_is_the_mean_over_all_images(monkeypatch):
    """Three batches, the last one smaller; the library's functions on all at once."""
    monkeypatch.setattr(measures, "PIXELS_AT_ONCE", 2 * 32 * 32)
    items, gan = load_pairs("val", size=5), small_cyclegan()
    found = measure(gan, each, items, Brightness())
    with torch.no_grad():
        fakes = gan.to_b(items.a)
        error = (gan.to_a(fakes) - items.a).abs().mean()
        error = (error + (gan.to_b(gan.to_a(items.b)) - items.b).abs().mean()) / 2
    ground, animal = items.animals < 0.01, items.animals > 0.99
    assert found["ground_psnr"] == pytest.approx(
        psnr_per_item(fakes, items.a, ground).mean().item(), rel=1e-5
    )
    assert found["animal_psnr"] == pytest.approx(
        psnr_per_item(fakes, items.truths, animal).mean().item(), rel=1e-5
    )
    assert found["ground_ssim"] == pytest.approx(
        ssim_per_item(fakes, items.a, ground).mean().item(), rel=1e-4
    )
    assert found["animal_ssim"] == pytest.approx(
        ssim_per_item(fakes, items.truths, animal).mean().item(), rel=1e-4
    )
    assert found["cycle_l1"] == pytest.approx(error.item(), rel=1e-5)


def test_parts_of_are_all_images_of_both_domains_once(monkeypatch):
    monkeypatch.setattr(measures, "PIXELS_AT_ONCE", 3 * 64)
    items = UnpairedImages(grey(*range(7)), grey(*range(3)), "ab")
    assert parts_of(items) == [
        *(("a", range(3)), ("a", range(3, 6)), ("a", range(6, 7)), ("b", range(3))),
    ]
    monkeypatch.setattr(measures, "PIXELS_AT_ONCE", 10)  # less than one image
    assert len(parts_of(items)) == 10
