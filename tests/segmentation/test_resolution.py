import pytest
import torch

from cvgen_course.segmentation import DeconvNet, UNet
from cvgen_course.segmentation.resolution import pad_to_even, stem_and_head


@pytest.mark.parametrize("stride", [1, 2])
def test_stem_and_head_begin_and_end_at_the_pictures_resolution(stride):
    stem, head, channels = stem_and_head(5, 8, stride)
    fine = stem(torch.zeros(1, 3, 12, 16))
    assert fine.shape == (1, channels, 12 // stride, 16 // stride)
    assert head(torch.zeros(1, 8, 12 // stride, 16 // stride)).shape == (1, 5, 12, 16)


def test_pad_to_even_repeats_the_last_row_and_column():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert pad_to_even(image)[0, 0].tolist() == [[0, 1, 2, 2], [3, 4, 5, 5]]
    assert pad_to_even(image.mT)[0, 0].tolist() == [[0, 3], [1, 4], [2, 5], [2, 5]]


def test_pad_to_even_leaves_an_even_picture_as_it_is():
    image = torch.randn(1, 3, 4, 6)
    assert pad_to_even(image) is image


@pytest.mark.parametrize("network", [DeconvNet, UNet])
def test_stem_stride_says_which_there_are(network):
    with pytest.raises(ValueError, match="stem_stride: expected 1 or 2, got 4"):
        network(3, width=2, depth=1, stem_stride=4)
