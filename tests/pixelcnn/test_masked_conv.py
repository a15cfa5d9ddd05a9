import copy
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.pixelcnn import MaskedConv2d, causal_mask, masked_conv2d

SHAPES = [  # N, I, O, kernel, H, W
    (2, 3, 4, (3, 3), 5, 6),
    (1, 1, 1, (1, 1), 1, 1),
    (2, 2, 3, (5, 3), 4, 7),
    (1, 2, 2, (1, 7), 3, 3),
    (0, 2, 2, (3, 3), 4, 4),
]
OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.5),
    "Adam": partial(torch.optim.Adam, lr=0.1, weight_decay=0.5),
    "AdamW": partial(torch.optim.AdamW, lr=0.1, weight_decay=0.5),
}


def random_arguments(N, I, O, kernel, H, W, dtype=torch.float64):  # noqa: E741
    """Return maps, weights, a mask without any pattern, and a bias."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(N, I, H, W, generator=rng, dtype=torch.float64)
    weight = torch.randn(O, I, *kernel, generator=rng, dtype=torch.float64)
    mask = torch.randint(2, weight.shape, generator=rng)
    bias = torch.randn(O, generator=rng, dtype=torch.float64)
    return [tensor.to(dtype) for tensor in (x, weight, mask, bias)]


def naive_masked_conv2d(x, weight, mask, bias):
    (N, I, H, W), (O, _, kh, kw) = x.shape, weight.shape  # noqa: E741
    out = torch.zeros(N, O, H, W, dtype=x.dtype)
    for o in range(O):
        for i in range(H):
            for j in range(W):
                out[:, o, i, j] = bias[o]
                for a in range(kh):
                    for b in range(kw):
                        row, column = i + a - kh // 2, j + b - kw // 2
                        if not (0 <= row < H and 0 <= column < W):
                            continue
                        for c in range(I):
                            if mask[o, c, a, b]:
                                out[:, o, i, j] += weight[o, c, a, b] * x[:, c, row, column]
    return out


def test_masked_conv2d_equals_one_worked_out_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    weight = torch.tensor([[[[1.0, 10.0, 100.0], [1000.0, 7.0, 7.0], [7.0, 7.0, 7.0]]]])
    mask = causal_mask("A", (3, 3), 1, 1)
    # (0, 0) sees nothing; (0, 1) its left; (1, 0) above and above right; (1, 1) all three.
    expected = [[0.5, 1000.5], [210.5, 3021.5]]
    assert masked_conv2d(x, weight, mask, torch.tensor([0.5]))[0, 0].tolist() == expected


@pytest.mark.parametrize("shapes", SHAPES)
def test_masked_conv2d_equals_a_loop(shapes):
    arguments = random_arguments(*shapes)
    torch.testing.assert_close(masked_conv2d(*arguments), naive_masked_conv2d(*arguments))


@pytest.mark.parametrize("shapes", SHAPES)
def test_masked_conv2d_equals_torchs_with_weights_set_to_zero(shapes):
    x, weight, mask, bias = random_arguments(*shapes)
    zeroed = weight.clone()
    zeroed[mask == 0] = 0
    expected = F.conv2d(x, zeroed, bias, padding="same")
    torch.testing.assert_close(masked_conv2d(x, weight, mask, bias), expected)
    expected = F.conv2d(x, zeroed, padding="same")
    torch.testing.assert_close(masked_conv2d(x, weight, mask), expected)


def test_masked_conv2d_passes_gradcheck():
    x, weight, mask, bias = random_arguments(2, 2, 2, (3, 3), 3, 2)
    leaves = [tensor.requires_grad_() for tensor in (x, weight, bias)]
    assert torch.autograd.gradcheck(lambda x, w, b: masked_conv2d(x, w, mask, b), leaves)


def test_masked_conv2d_gives_what_is_masked_no_gradient_and_leaves_it_as_it_is():
    x, weight, mask, bias = random_arguments(2, 3, 4, (3, 3), 5, 6)
    before = weight.clone()
    weight.requires_grad_()
    masked_conv2d(x, weight, mask, bias).square().sum().backward()
    assert torch.equal(weight, before)
    assert weight[mask == 0].ne(0).all()
    assert weight.grad[mask == 0].eq(0).all()
    assert weight.grad[mask == 1].ne(0).all()


def test_masked_conv2d_does_not_follow_masked_weights():
    x, weight, mask, bias = random_arguments(2, 3, 4, (3, 3), 5, 6)
    out = masked_conv2d(x, weight, mask, bias)
    assert torch.equal(masked_conv2d(x, weight + 1e6 * (1 - mask), mask, bias), out)


def test_masked_conv2d_refuses_what_does_not_belong_together():
    x, weight, mask, bias = random_arguments(2, 3, 4, (3, 3), 5, 6)
    with pytest.raises(ValueError, match=r"weight: expected .*3, kh, kw.* got shape \(4, 2, 3, 3"):
        masked_conv2d(x, weight[:, :2], mask[:, :2], bias)
    with pytest.raises(ValueError, match=r"mask: expected .*\(4, 3, 3, 3\).* got .*\(1, 3, 3, 3"):
        masked_conv2d(x, weight, mask[:1], bias)
    with pytest.raises(ValueError, match=r"bias: expected .*\(4,\), got shape \(3,\)"):
        masked_conv2d(x, weight, mask, bias[:3])
    with pytest.raises(ValueError, match=r"weight: expected a kernel with odd sides, got .*2, 3\)"):
        masked_conv2d(x, weight[:, :, :2], mask[:, :, :2], bias)
    with pytest.raises(TypeError, match=r"mask: expected a floating-point .* got torch.bool"):
        masked_conv2d(x, weight, mask > 0, bias)
    with pytest.raises(TypeError, match=r"x: expected a floating-point .* got torch.int64"):
        masked_conv2d(x.long(), weight, mask, bias)


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("kernel_size", [1, 3, (1, 5), (5, 3)])
def test_masked_conv_is_the_function_with_its_own_weights(kind, kernel_size):
    torch.manual_seed(0)
    conv = MaskedConv2d(kind, 4, 6, kernel_size, num_groups=2)
    size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    assert conv.kind == kind
    assert torch.equal(conv.mask, causal_mask(kind, size, 4, 6, 2))
    x = torch.randn(3, 4, 5, 6)
    assert conv(x).shape == (3, 6, 5, 6)
    assert torch.equal(conv(x), masked_conv2d(x, conv.weight, conv.mask, conv.bias))


def test_masked_conv_copies_repeat_the_groups():
    """Both halves begin with the features of red: 0 and 3 are red, 1 and 4 green."""
    conv = MaskedConv2d("B", 3, 3, 1, num_groups=3, copies=2)
    groups = [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert conv.mask[:, :, 0, 0].tolist() == groups + groups
    assert conv(torch.randn(1, 3, 2, 2)).shape == (1, 6, 2, 2)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["A", "B"])
def test_masked_conv_stays_causal_under_momentum_and_weight_decay(kind, optimizer):
    torch.manual_seed(0)
    conv = MaskedConv2d(kind, 2, 4, 3, num_groups=2)
    start = conv.weight.detach().clone()
    steps = OPTIMIZERS[optimizer](conv.parameters())
    for _ in range(5):
        steps.zero_grad()
        (conv(torch.randn(2, 2, 4, 4)) - 1).square().mean().backward()
        steps.step()
    behind = conv.weight[conv.mask == 0]
    assert not torch.equal(behind, start[conv.mask == 0])  # the optimizer does move them ...
    assert behind.ne(0).all()
    x = torch.randn(1, 2, 3, 3, requires_grad=True)
    for group in range(2):  # ... and nothing comes of it
        at_the_middle = conv(x)[0, 2 * group : 2 * group + 2, 1, 1]
        (slopes,) = torch.autograd.grad(at_the_middle.square().sum(), x)
        seen = causal_mask(kind, (3, 3), 2, 2, 2)[group]
        assert torch.equal(slopes[0].ne(0), seen > 0)


def test_masked_conv_saves_its_weights_and_not_its_mask():
    one, other = MaskedConv2d("A", 1, 4, 3), MaskedConv2d("A", 1, 4, 3)
    assert set(one.state_dict()) == {"weight", "bias"}
    other.load_state_dict(one.state_dict())
    x = torch.randn(1, 1, 4, 4)
    assert torch.equal(one(x), other(x))


def test_masked_conv_mask_goes_where_the_weights_go():
    conv = copy.deepcopy(MaskedConv2d("A", 1, 2, 3)).double()
    assert conv.mask.dtype == torch.float64
    assert conv(torch.zeros(1, 1, 3, 3, dtype=torch.float64)).dtype == torch.float64


def test_masked_conv_refuses_what_causal_mask_refuses():
    with pytest.raises(ValueError, match='kind: expected "A" or "B"'):
        MaskedConv2d("C", 1, 1, 3)
    with pytest.raises(ValueError, match=r"kernel_size: expected two odd numbers, got \(4, 4\)"):
        MaskedConv2d("A", 1, 1, 4)
    with pytest.raises(ValueError, match="in_channels: expected a multiple of 3 groups, got 1"):
        MaskedConv2d("A", 1, 3, 3, num_groups=3)
    with pytest.raises(ValueError, match=r"x: expected .*got shape \(1, 4, 4\)"):
        MaskedConv2d("A", 1, 1, 3)(torch.zeros(1, 4, 4))
