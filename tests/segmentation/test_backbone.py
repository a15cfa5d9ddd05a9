import pytest
import torch

from cvgen_course.segmentation import Backbone, conv_block


def num_parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_conv_block_keeps_the_size():
    block = conv_block(3, 8, num_convs=3).eval()
    assert block(torch.zeros(1, 3, 5, 7)).shape == (1, 8, 5, 7)


def test_conv_block_has_the_parameters_counted_by_hand():
    # 3 × 3 kernels without bias, and a scale and a shift for each channel
    assert num_parameters(conv_block(3, 8)) == (9 * 3 * 8 + 16) + (9 * 8 * 8 + 16)


def test_backbone_returns_maps_at_strides_8_16_and_32():
    backbone = Backbone(width=2).eval()
    maps = backbone(torch.zeros(2, 3, 64, 96))
    assert [m.shape[1] for m in maps] == list(backbone.channels)
    assert [tuple(m.shape[2:]) for m in maps] == [(8, 12), (4, 6), (2, 3)]


def test_backbone_rounds_odd_sizes_down():
    maps = Backbone(width=2).eval()(torch.zeros(1, 3, 47, 33))
    assert [tuple(m.shape[2:]) for m in maps] == [(5, 4), (2, 2), (1, 1)]


def test_backbone_says_what_is_wrong_with_its_width():
    with pytest.raises(ValueError, match="width: expected at least 1, got 0"):
        Backbone(width=0)
