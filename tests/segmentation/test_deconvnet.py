import pytest
import torch

from cvgen_course.segmentation import DeconvNet, deconv_block, max_unpool


def test_deconv_block_keeps_the_size():
    assert deconv_block(6, 4).eval()(torch.zeros(1, 6, 5, 7)).shape == (1, 4, 5, 7)


def test_deconvnet_has_the_parameters_counted_by_hand():
    def conv(before, after):
        return 9 * before * after + 2 * after  # 3 × 3 kernels, and scale and shift of batch norm

    encoder = conv(3, 4) + conv(4, 4) + conv(4, 8) + conv(8, 8)
    middle = 2 * conv(8, 8)
    decoder = conv(8, 8) + conv(8, 4) + conv(4, 4) + conv(4, 4)
    head = 4 * 7 + 7
    model = DeconvNet(7, width=4, depth=2)
    assert sum(p.numel() for p in model.parameters()) == encoder + middle + decoder + head


def test_deconvnet_unpools_from_coarse_to_fine_to_the_sizes_before_pooling():
    seen = []

    def spy(x, indices, output_size):
        seen.append((tuple(x.shape), output_size))
        return max_unpool(x, indices, output_size)

    DeconvNet(2, width=2, depth=3, max_unpool=spy).eval()(torch.rand(1, 3, 21, 32))
    assert seen == [((1, 8, 2, 4), (5, 8)), ((1, 4, 5, 8), (10, 16)), ((1, 2, 10, 16), (21, 32))]


def test_deconvnet_needs_its_switches():
    """Indices that all point to the top left lose the places of the maxima."""
    torch.manual_seed(0)
    model, images = DeconvNet(2, width=4, depth=2).eval(), torch.randn(1, 3, 16, 16)
    right = model(images)
    model.max_unpool = lambda x, indices, size: max_unpool(x, indices.sort(dim=-1).values, size)
    assert not torch.allclose(model(images), right)


def test_deconvnet_says_what_is_wrong_with_its_depth():
    with pytest.raises(ValueError, match="depth: expected at least 1, got 0"):
        DeconvNet(3, depth=0)
