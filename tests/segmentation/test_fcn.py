import pytest
import torch
import torch.nn.functional as F

from cvgen_course.segmentation import FCN, Backbone, fuse_skips, upsample_and_add


def scores(sizes, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, *s, generator=rng, dtype=torch.float64).to(dtype) for s in sizes]


def test_upsample_and_add_equals_one_worked_out_by_hand():
    coarse, fine = torch.tensor([[[[0.0, 4.0]]]]), torch.full((1, 1, 1, 4), 10.0)
    assert upsample_and_add(coarse, fine).flatten().tolist() == [10, 11, 13, 14]


def test_fuse_skips_of_constants_is_their_sum():
    maps = [torch.full((1, 2, n, n), v) for n, v in ((1, 1.0), (2, 20.0), (4, 300.0))]
    assert torch.equal(fuse_skips(*maps), torch.full((1, 2, 4, 4), 321.0))


@pytest.mark.parametrize("sizes", [[(2, 2), (4, 4), (8, 8)], [(1, 2), (3, 5), (7, 10)]])
def test_fuse_skips_equals_the_sum_of_maps_upsampled_by_torch(sizes):
    score32, score16, score8 = scores(sizes)
    up = {"mode": "bilinear", "align_corners": False}
    fused = F.interpolate(score32, size=sizes[1], **up) + score16
    expected = F.interpolate(fused, size=sizes[2], **up) + score8
    torch.testing.assert_close(fuse_skips(score32, score16, score8), expected)


def test_fuse_skips_is_linear_in_each_map():
    maps = scores([(1, 1), (2, 2), (4, 4)])
    zeros = [torch.zeros_like(m) for m in maps]
    parts = [fuse_skips(*zeros[:i], maps[i], *zeros[i + 1 :]) for i in range(3)]
    torch.testing.assert_close(fuse_skips(*maps), sum(parts))


def test_fuse_skips_has_the_right_gradient():
    maps = [m[:1, :1].clone().requires_grad_() for m in scores([(1, 1), (2, 3), (4, 5)])]
    assert torch.autograd.gradcheck(fuse_skips, maps)


def test_fuse_skips_leaves_its_maps_as_they_are():
    maps = scores([(1, 1), (2, 2), (4, 4)])
    before = [m.clone() for m in maps]
    fuse_skips(*maps)
    assert all(map(torch.equal, maps, before))


def test_fuse_skips_says_what_is_wrong_with_its_arguments():
    score32, score16, score8 = scores([(1, 1), (2, 2), (4, 4)])
    with pytest.raises(TypeError, match=r"coarse: expected a tensor .* got NoneType"):
        fuse_skips(None, score16, score8)
    with pytest.raises(
        ValueError, match=r"fine: .* = \(2, 3, H, W\) to go with coarse .* got shape \(2, 1,"
    ):
        fuse_skips(score32, score16[:, :1], score8)
    with pytest.raises(ValueError, match=r"fine: expected a tensor .* got shape \(3, 4, 4\)"):
        fuse_skips(score32, score16, score8[0])


def test_fcn_has_the_parameters_counted_by_hand():
    backbone = sum(p.numel() for p in Backbone(4).parameters())
    for stride, channels in ((32, [32]), (16, [32, 32]), (8, [32, 32, 16])):
        heads = sum(7 * (c + 1) for c in channels)
        model = FCN(7, stride=stride, width=4)
        assert sum(p.numel() for p in model.parameters()) == backbone + heads


def test_fcn_8s_uses_the_fusion_that_it_is_given():
    model = FCN(2, stride=8, width=2, fuse_skips=lambda score32, score16, score8: 0 * score8 + 5)
    assert model.eval()(torch.rand(1, 3, 32, 32)).eq(5).all()


def test_fcn_with_a_smaller_stride_can_draw_finer_borders():
    def largest_step(stride):
        torch.manual_seed(0)
        logits = FCN(2, stride=stride, width=4).eval()(torch.randn(1, 3, 64, 64))
        return (logits.diff(dim=-1).abs().max() / (logits.max() - logits.min())).item()

    assert largest_step(32) < largest_step(16) < largest_step(8)


def test_fcn_says_which_strides_there_are():
    with pytest.raises(ValueError, match="stride: expected 8, 16 or 32, got 4"):
        FCN(3, stride=4)
