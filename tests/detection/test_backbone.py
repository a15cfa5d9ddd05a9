import pytest
import torch
from torch import nn
from torchvision.ops import FeaturePyramidNetwork

from cvgen_course.detection.backbone import STRIDES, Backbone, FeaturePyramid


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_backbone_gives_a_map_for_each_stride():
    backbone = Backbone(width=4, num_convs=1)
    maps = backbone(torch.zeros(2, 3, 64, 96))
    assert backbone.channels == (8, 16, 16)
    sizes = [(64 // stride, 96 // stride) for stride in STRIDES]
    assert [x.shape for x in maps] == [(2, 8, *sizes[0]), (2, 16, *sizes[1]), (2, 16, *sizes[2])]


@pytest.mark.parametrize("num_convs", [1, 2])
def test_backbone_has_the_parameters_of_its_convolutions_and_norms(num_convs):
    def conv(c_in, c_out):
        return 9 * c_in * c_out + 2 * c_out

    w = 4
    expected = conv(3, w) + conv(w, w)
    for c_in, c_out in [(w, 2 * w), (2 * w, 4 * w), (4 * w, 4 * w)]:
        expected += conv(c_in, c_out) + (num_convs - 1) * conv(c_out, c_out)
    assert parameters(Backbone(w, num_convs)) == expected


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (50, 83)])
def test_backbone_takes_images_of_any_size_from_16_on(size):
    maps = Backbone(width=2, num_convs=1).eval()(torch.zeros(1, 3, *size))
    for x, stride in zip(maps, STRIDES, strict=True):
        assert all(abs(n - m / stride) < 1 for n, m in zip(x.shape[-2:], size, strict=True))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_backbone_sees_around_the_middle_of_a_cell(level):
    """A cell's value depends on the pixels around ((j + 0.5) stride, (i + 0.5) stride)."""
    torch.manual_seed(0)
    backbone = Backbone(width=4, num_convs=1).eval()
    images = torch.randn(1, 3, 96, 96, requires_grad=True)
    cell = 48 // STRIDES[level]
    backbone(images)[level][0, :, cell, cell].sum().backward()
    rows, columns = images.grad[0].abs().sum(dim=0).nonzero().unbind(1)
    middle = (cell + 0.5) * STRIDES[level]
    for place in (rows, columns):
        assert place.min() > 0  # all of the receptive field lies inside of the image
        assert place.max() < 95
        assert abs((place.min() + place.max() + 1) / 2 - middle) <= 1


def test_backbone_does_not_mix_images():
    backbone = Backbone(width=2, num_convs=1).eval()
    images = torch.randn(3, 3, 32, 32)
    together = backbone(images)
    alone = [backbone(each[None]) for each in images]
    for level, maps in enumerate(together):
        torch.testing.assert_close(maps, torch.cat([each[level] for each in alone]))


@pytest.mark.parametrize("arguments", [{"width": 0}, {"num_convs": 0}])
def test_backbone_says_which_number_is_too_small(arguments):
    with pytest.raises(ValueError, match=r"width, num_convs: expected at least 1 each, got"):
        Backbone(**{"width": 4, "num_convs": 1} | arguments)


def random_maps(sizes=((12, 20), (6, 10), (3, 5)), channels=(4, 6, 8)):
    rng = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, c, *size, generator=rng) for c, size in zip(channels, sizes, strict=True)
    ]


@pytest.mark.parametrize("sizes", [((12, 20), (6, 10), (3, 5)), ((13, 21), (6, 10), (3, 5))])
def test_feature_pyramid_with_torchvisions_weights_gives_the_same(sizes):
    torch.manual_seed(0)
    pyramid, maps = FeaturePyramid((4, 6, 8), 5, num_levels=3).eval(), random_maps(sizes)
    theirs = FeaturePyramidNetwork([4, 6, 8], 5, norm_layer=nn.BatchNorm2d).eval()
    for norm in theirs.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for part in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
                part.uniform_(0.5, 1.5)
    pairs = [*zip(pyramid.lateral, theirs.inner_blocks, strict=True)]
    pairs += zip(pyramid.smooth, theirs.layer_blocks, strict=True)
    for mine, block in pairs:
        mine.load_state_dict(block.state_dict())
    expected = theirs({str(level): x for level, x in enumerate(maps)})
    for got, want in zip(pyramid(maps), expected.values(), strict=True):
        torch.testing.assert_close(got, want.relu())  # theirs has no ReLU


def test_feature_pyramid_equals_one_worked_out_by_hand():
    pyramid = FeaturePyramid((1, 1), 1, num_levels=1).eval()
    for (conv, _norm), weight in zip(pyramid.lateral, (2.0, 10.0), strict=True):
        nn.init.constant_(conv.weight, weight)
    smooth, norm, _relu = pyramid.smooth[0]
    nn.init.dirac_(smooth.weight)
    nn.init.constant_(norm.bias, -12.0)
    fine, coarse = torch.arange(8.0).reshape(1, 1, 2, 4), torch.tensor([[[[1.0, 2.0]]]])
    (got,) = pyramid([fine, coarse])
    expected = torch.tensor([[0.0, 0, 12, 14], [6, 8, 20, 22]])
    torch.testing.assert_close(got[0, 0], expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("num_levels", [1, 2, 3])
def test_feature_pyramid_returns_the_finest_levels(num_levels):
    maps = random_maps()
    pyramid = FeaturePyramid((4, 6, 8), 5, num_levels)
    assert pyramid.channels == 5
    assert [x.shape for x in pyramid(maps)] == [(2, 5, *x.shape[-2:]) for x in maps][:num_levels]


def test_feature_pyramid_tells_the_fine_map_what_the_coarse_one_has_seen():
    torch.manual_seed(0)
    maps = [x.requires_grad_() for x in random_maps()]
    FeaturePyramid((4, 6, 8), 5, num_levels=1).eval()(maps)[0][0, :, 5, 9].sum().backward()
    assert all(x.grad[0].any() and not x.grad[1].any() for x in maps)


def test_feature_pyramid_leaves_the_maps_alone():
    maps = random_maps()
    before = [x.clone() for x in maps]
    FeaturePyramid((4, 6, 8), 5, num_levels=2)(maps)
    assert all(map(torch.equal, maps, before))


def test_backbone_makes_as_many_maps_as_are_asked_for():
    assert [x.shape[1] for x in Backbone(4, num_maps=2)(torch.zeros(1, 3, 32, 32))] == [8, 16]
    with pytest.raises(ValueError, match="num_maps: expected 1 to 3, got 4"):
        Backbone(4, num_maps=4)


def test_pyramid_returns_no_more_maps_than_came():
    with pytest.raises(ValueError, match="num_levels: expected 1 to 2, the number of the backbone"):
        FeaturePyramid((8, 16), 16, num_levels=3)
