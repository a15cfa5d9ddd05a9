import pytest
import torch

from cvgen_course.bits import GREY_STEP
from cvgen_course.data import ImageItem
from cvgen_course.experiments.core.pixels import (
    Measured,
    binarised,
    dequantised,
    unchanged,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_binarised_is_white_as_often_as_the_grey_value_says():
    grey = torch.tensor([-1.0, -0.5, 0.0, 0.8, 1.0])[:, None].expand(5, 40_000)
    drawn = binarised(grey, generator())
    assert drawn.unique().tolist() == [-1, 1]
    assert drawn.mean(dim=1).tolist() == pytest.approx([-1, -0.5, 0, 0.8, 1], abs=0.02)
    assert (drawn[0] == -1).all()
    assert (drawn[-1] == 1).all()


def test_dequantised_fills_a_step_evenly_and_no_more():
    grey = torch.tensor([-1.0, 1.0])[:, None, None].expand(2, 200, 200)
    steps = (dequantised(grey, generator()) - grey) / GREY_STEP  # of 1/2 to either side
    assert steps.min().item() == pytest.approx(-0.5, abs=1e-3)
    assert steps.max().item() == pytest.approx(0.5, abs=1e-3)
    assert torch.histc(steps, 10).div(8000).tolist() == pytest.approx([1] * 10, abs=0.06)


def test_dequantised_values_of_two_neighbours_do_not_overlap():
    grey = torch.tensor([0.0, GREY_STEP])[:, None, None].expand(2, 100, 100)
    drawn = dequantised(grey, generator())
    assert drawn[0].max() <= drawn[1].min() + 1e-6


@pytest.mark.parametrize("prepare", [binarised, dequantised])
def test_prepare_draws_from_the_generator_alone(prepare):
    image = torch.rand(1, 8, 8, generator=generator()) * 2 - 1
    assert torch.equal(prepare(image, generator(1)), prepare(image, generator(1)))
    assert not torch.equal(prepare(image, generator(1)), prepare(image, generator(2)))


def test_unchanged_leaves_an_image_as_it_is():
    image = torch.rand(1, 8, 8)
    assert unchanged(image, generator()) is image


def items(num=7):
    images = torch.rand(num, 1, 4, 4, generator=generator()) * 2 - 1
    return [ImageItem(image, torch.tensor(0)) for image in images]


def test_measured_images_do_not_depend_on_the_batch_or_on_who_asked_before():
    batches = Measured(items(), binarised, "test", batch_size=3)
    assert [len(batches[number]) for number in range(len(batches))] == [3, 3, 1]
    (together,) = [Measured(items(), binarised, "test")[0]]
    torch.manual_seed(5)
    assert torch.equal(torch.cat([batches[number] for number in (0, 1, 2)]), together)
    assert torch.equal(batches[1], together[3:6])


def test_measured_images_differ_between_splits_and_among_themselves():
    grey = [ImageItem(torch.zeros(1, 4, 4), torch.tensor(0))] * 2
    test, val = (Measured(grey, binarised, split)[0] for split in ("test", "val"))
    assert not torch.equal(test[0], test[1])
    assert not torch.equal(test[0], val[0])
