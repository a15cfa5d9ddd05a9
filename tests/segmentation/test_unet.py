import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cvgen_course.segmentation import UNet, unet_down, unet_forward, unet_up


def double(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def test_unet_down_convolves_and_halves():
    x = torch.tensor([[[[1.0, 2.0, 9.0], [3.0, 4.0, 9.0], [9.0, 9.0, 9.0]]]])
    skip, pooled = unet_down(x, lambda x: 10 * x)
    assert torch.equal(skip, 10 * x)
    assert pooled.tolist() == [[[[40.0]]]]


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (2, 3)])
def test_unet_down_equals_torchs_pooling(size):
    x = torch.randn(2, 3, *size)
    conv = nn.Conv2d(3, 4, 3, padding=1)
    skip, pooled = unet_down(x, conv)
    assert torch.equal(skip, conv(x))
    assert torch.equal(pooled, F.max_pool2d(conv(x), 2))


def test_unet_up_puts_the_skip_first():
    x, skip = torch.full((1, 1, 1, 1), 7.0), torch.arange(4.0).reshape(1, 1, 2, 2)
    out = unet_up(x, skip, double, lambda x: x)
    assert out.shape == (1, 2, 2, 2)
    assert torch.equal(out[:, :1], skip)
    assert out[:, 1:].eq(7).all()


def test_unet_up_adds_zeros_at_the_right_and_at_the_bottom():
    x, skip = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 3, 4)
    out = unet_up(x, skip, double, lambda x: x)
    assert out[0, 1].tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_unet_up_cuts_off_at_the_right_and_at_the_bottom():
    x, skip = torch.arange(4.0).reshape(1, 1, 2, 2), torch.zeros(1, 1, 3, 1)
    out = unet_up(x, skip, double, lambda x: x)
    assert out[0, 1].tolist() == [[0], [0], [2]]


def test_unet_up_has_the_right_gradient():
    x = torch.randn(1, 2, 1, 2, dtype=torch.float64, requires_grad=True)
    skip = torch.randn(1, 1, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, s: unet_up(x, s, double, torch.tanh), (x, skip))


def test_unet_forward_puts_its_parts_together_in_order():
    calls = []

    def part(name, does=lambda x: x):
        def call(x):
            calls.append((name, tuple(x.shape)))
            return does(x)

        return call

    unet_forward(
        torch.zeros(1, 1, 5, 6),
        [part("down fine"), part("down coarse")],
        part("bottom"),
        [part("upsample coarse", double), part("upsample fine", double)],
        [part("up coarse", lambda x: x[:, :1]), part("up fine", lambda x: x[:, :1])],
        part("head"),
    )
    assert calls == [
        ("down fine", (1, 1, 5, 6)),
        ("down coarse", (1, 1, 2, 3)),
        ("bottom", (1, 1, 1, 1)),
        ("upsample coarse", (1, 1, 1, 1)),
        ("up coarse", (1, 2, 2, 3)),
        ("upsample fine", (1, 1, 2, 3)),
        ("up fine", (1, 2, 5, 6)),
        ("head", (1, 1, 5, 6)),
    ]


def test_unet_forward_without_levels_is_the_bottleneck_and_the_head():
    x = torch.randn(1, 2, 3, 3)
    assert torch.equal(unet_forward(x, [], torch.exp, [], [], torch.neg), -x.exp())


def test_unet_has_the_parameters_counted_by_hand():
    def conv(before, after):
        return 9 * before * after + 2 * after

    def block(before, after):
        return conv(before, after) + conv(after, after)

    def up(before, after):
        return 4 * before * after + after

    expected = block(3, 4) + block(4, 8)
    expected += block(8, 16)
    expected += up(16, 8) + block(16, 8) + up(8, 4) + block(8, 4)
    expected += 4 * 7 + 7
    assert sum(p.numel() for p in UNet(7, width=4, depth=2).parameters()) == expected


def test_unet_uses_the_assembly_that_it_is_given():
    def head_of_the_first_level(x, down_convs, bottleneck, upsamples, up_convs, head):
        return head(down_convs[0](x))

    model = UNet(3, width=4, depth=2, unet_forward=head_of_the_first_level).eval()
    x = torch.randn(1, 3, 16, 16)
    assert torch.equal(model(x), model.head(model.down_convs[0](x)))


def test_unet_functions_say_what_is_wrong_with_their_arguments():
    x = torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError, match=r"x: expected a tensor .* got NoneType"):
        unet_down(None, torch.exp)
    with pytest.raises(ValueError, match=r"skip: expected a tensor .* got shape \(4, 4\)"):
        unet_up(x, x[0, 0], double, torch.exp)
    with pytest.raises(ValueError, match=r"expected as many of each, got 1, 0 and 0"):
        unet_forward(x, [torch.exp], torch.exp, [], [], torch.exp)
    with pytest.raises(ValueError, match="depth: expected at least 1, got 0"):
        UNet(3, depth=0)
