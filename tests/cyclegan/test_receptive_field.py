import pytest
import torch
from torch import nn

from cvgen_course.cyclegan import make_patchgan, receptive_field, seen_pixels

torch.set_num_threads(1)


def stack(kernels, strides, paddings=None, channels=2):
    """Return convolutions whose last has one channel, and no weight is 0 or negative."""
    paddings = paddings or [0] * len(kernels)
    widths = [channels] * len(kernels) + [1]
    layers = [
        nn.Conv2d(widths[i], widths[i + 1], kernel, stride, padding)
        for i, (kernel, stride, padding) in enumerate(zip(kernels, strides, paddings, strict=True))
    ]
    network = nn.Sequential(*layers).double()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.1, 1)
    return network


def backwards(row, kernels, strides, paddings):
    """Return the first and the last pixel that a number sees, layer by layer from the end."""
    first = last = row
    layers = list(zip(kernels, strides, paddings, strict=True))
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


@pytest.mark.parametrize(("halvings", "expected"), [(1, 16), (2, 34), (3, 70), (5, 286)])
def test_receptive_field_of_patchgans_as_in_the_paper(halvings, expected):
    strides = [2] * halvings + [1, 1]
    assert receptive_field([4] * len(strides), strides) == expected


@pytest.mark.parametrize(
    ("kernels", "strides", "expected"),
    [
        *(([], [], 1), ([1], [1], 1), ([1, 1], [2, 2], 1), ([3], [1], 3), ([3], [5], 3)),
        *(([3, 3], [1, 1], 5), ([3, 3], [2, 1], 7), ([3, 3], [1, 2], 5)),
        ([7, 3, 3], [2, 2, 2], 7 + 2 * 2 + 2 * 4),
    ],
)
def test_receptive_field_by_hand(kernels, strides, expected):
    assert receptive_field(kernels, strides) == expected


@pytest.mark.parametrize("seed", range(60))
def test_seen_pixels_of_random_convolutions_are_as_many_as_the_formula_says(seed):
    rng = torch.Generator().manual_seed(seed)

    def drawn(low, high, n):
        return torch.randint(low, high, (n,), generator=rng).tolist()

    (depth,) = drawn(1, 5, 1)
    kernels, strides, paddings = drawn(1, 5, depth), drawn(1, 4, depth), drawn(0, 2, depth)
    # no layer's padding reaches beyond what it sees, or an edge may see more than a middle
    strides = [min(stride, kernel) for stride, kernel in zip(strides, kernels, strict=True)]
    paddings = [min(p, (k - 1) // 2) for p, k in zip(paddings, kernels, strict=True)]
    network, expected = stack(kernels, strides, paddings), receptive_field(kernels, strides)
    size = 2 * expected + 2 * max(backwards(1, kernels, strides, paddings)[1], 1)
    image = torch.rand(1, 2, size, size + 1, generator=rng, dtype=torch.float64)
    h, w = network(image).shape[-2:]
    row, column = h // 2, w // 3
    seen = seen_pixels(network, image, row, column)
    assert seen.shape == (size, size + 1)
    assert seen.dtype == torch.bool
    for along, place, length in ((1, row, size), (0, column, size + 1)):
        first, last = backwards(place, kernels, strides, paddings)
        assert last - first + 1 == expected
        where = seen.any(dim=along).nonzero().flatten().tolist()
        assert where == list(range(max(first, 0), min(last, length - 1) + 1))


@pytest.mark.parametrize(("halvings", "expected"), [(1, 16), (2, 34), (3, 70)])
def test_seen_pixels_of_a_patchgan_without_norms(halvings, expected):
    torch.manual_seed(0)
    layers = make_patchgan(3, 2, halvings)
    network = nn.Sequential(*(x for x in layers if not isinstance(x, nn.InstanceNorm2d))).double()
    image = torch.randn(1, 3, 160, 160, dtype=torch.float64)
    middle = network(image).shape[-1] // 2
    seen = seen_pixels(network, image, middle, middle)
    rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
    for where in (rows, columns):
        assert int(where.max() - where.min()) + 1 == expected
    if halvings < 3:  # each pixel between: a field has no holes
        assert seen.sum() == expected**2


def test_seen_pixels_of_a_patchgan_with_norms_are_all():
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    assert seen_pixels(make_patchgan(3, 2, 2).double(), image, 0, 0).all()


def test_seen_pixels_knows_rows_from_columns():
    image = torch.randn(1, 3, 6, 9)
    seen = seen_pixels(lambda x: x.sum(dim=1, keepdim=True), image, 2, 7)
    assert seen.nonzero().tolist() == [[2, 7]]


def test_seen_pixels_finds_what_one_channel_alone_sees():
    image = torch.randn(1, 3, 4, 4)
    seen = seen_pixels(lambda x: x[:, 2:] * torch.tensor([1.0, 0, 1, 1]), image, 1, 0)
    assert seen.nonzero().tolist() == [[1, 0]]
    assert not seen_pixels(lambda x: x[:, 2:] * torch.tensor([1.0, 0, 1, 1]), image, 1, 1).any()


def test_seen_pixels_leaves_image_and_network_as_they_are():
    network, image = stack([3], [1]), torch.randn(1, 2, 5, 5, dtype=torch.float64)
    seen_pixels(network, image, 0, 0)
    assert not image.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("kernels", "strides", "message"),
    [
        ([3, 3], [1], "strides: expected one for each of 2 kernels, got 1"),
        ([3], [1, 2], "strides: expected one for each of 1 kernels, got 2"),
        ([0], [1], "kernels, strides: expected 1 or more"),
        ([3, 3], [2, 0], r"kernels, strides: expected 1 or more, got \[3, 3\] and \[2, 0\]"),
    ],
)
def test_receptive_field_says_what_is_wrong(kernels, strides, message):
    with pytest.raises(ValueError, match=message):
        receptive_field(kernels, strides)


def test_seen_pixels_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"image: expected .*\(1, C, H, W\), got shape \(2, 1,"):
        seen_pixels(lambda x: x, torch.zeros(2, 1, 4, 4), 0, 0)
    with pytest.raises(TypeError, match="image: expected a floating-point"):
        seen_pixels(lambda x: x, torch.zeros(1, 1, 4, 4).int(), 0, 0)
