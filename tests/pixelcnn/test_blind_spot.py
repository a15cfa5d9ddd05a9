"""The blind spot: which pixels before a pixel its logits can't know of, and who has none."""

import pytest
import torch
from support.small_pixelcnns import gated, pixelcnn

torch.set_num_threads(1)


def moved(places, offsets, shape):
    """Return the places of an image that are at one of the offsets from one of the places."""
    H, W = shape
    ends = {(i + di, j + dj) for i, j in places for di, dj in offsets}
    return {(i, j) for i, j in ends if 0 <= i < H and 0 <= j < W}


def seen_by_pixelcnn(place, shape, num_layers, kernel_size, first_kernel_size):
    """Return the pixels that reach a logit: from layer to layer, from the last to the first."""

    def kernel(k, middle):
        side = k // 2
        above = {(di, dj) for di in range(-side, 0) for dj in range(-side, side + 1)}
        return above | {(0, dj) for dj in range(-side, 0)} | ({(0, 0)} if middle else set())

    places = {place}
    for _ in range(num_layers):
        places = moved(places, kernel(kernel_size, True), shape)
    return moved(places, kernel(first_kernel_size, False), shape)


def seen_by_gated(place, shape, num_layers, kernel_size, first_kernel_size):
    """Return the pixels that reach a logit, by both stacks."""
    h, v = {place}, set()
    for layer in reversed(range(num_layers)):
        side = (kernel_size if layer else first_kernel_size) // 2
        v = moved(h, {(-1, 0)}, shape) | v  # the link comes from one row above
        up = {(di, dj) for di in range(-side, 1) for dj in range(-side, side + 1)}
        v = moved(v, up, shape)
        h = moved(h, {(0, dj) for dj in range(-side, 1 if layer else 0)}, shape)
    return h | v


SEEN = {pixelcnn: seen_by_pixelcnn, gated: seen_by_gated}


def found_by_gradient(model, place, shape):
    """Return the pixels that move the logits at a place, in two images."""
    rng = torch.Generator().manual_seed(0)
    model = model.double()
    x = torch.randn(2, 1, *shape, generator=rng, dtype=torch.float64, requires_grad=True)
    logits = model.along(x, model.above(x))[..., 0, *place]
    mix = torch.randn(logits.shape, generator=rng, dtype=torch.float64)
    (slopes,) = torch.autograd.grad((logits * mix).sum(), x)
    return {tuple(pixel) for pixel in slopes.ne(0).any(dim=0)[0].nonzero().tolist()}


def before(place, shape):
    H, W = shape
    return {(i, j) for i in range(H) for j in range(W) if (i, j) < place}


@pytest.mark.parametrize(
    ("shape", "place"), [((7, 9), (5, 3)), ((9, 6), (7, 5)), ((3, 12), (2, 0))]
)
@pytest.mark.parametrize(
    ("num_layers", "kernel_size", "first_kernel_size"),
    [(1, 3, 3), (2, 3, 3), (3, 3, 7), (1, 5, 3), (2, 1, 5), (4, 3, 1)],
)
@pytest.mark.parametrize("make", [pixelcnn, gated])
def test_a_logit_follows_exactly_the_pixels_that_can_be_reached(
    make, num_layers, kernel_size, first_kernel_size, shape, place
):
    sizes = (num_layers, kernel_size, first_kernel_size)
    model = make(
        width=16,
        num_layers=num_layers,
        kernel_size=kernel_size,
        first_kernel_size=first_kernel_size,
    )
    expected = SEEN[make](place, shape, *sizes)
    assert expected <= before(place, shape)
    assert found_by_gradient(model, place, shape) == expected


def test_pixelcnn_has_a_blind_spot_that_no_depth_removes():
    """A layer looks one pixel to the right only where it looks one up: at b > a ≥ 1 it is blind."""
    shape, place = (5, 5), (3, 1)
    blind = {(2, 3), (2, 4), (1, 4)}
    for num_layers in (4, 8):
        seen = found_by_gradient(pixelcnn(width=16, num_layers=num_layers), place, shape)
        assert before(place, shape) - seen == blind
        assert before(place, shape) - seen_by_pixelcnn(place, shape, num_layers, 3, 3) == blind


def test_pixelcnn_with_a_first_kernel_of_7_has_a_smaller_blind_spot():
    shape, place = (4, 8), (3, 1)
    seen = found_by_gradient(pixelcnn(width=16, num_layers=5, first_kernel_size=7), place, shape)
    assert before(place, shape) - seen == {(2, 5), (2, 6), (2, 7), (1, 6), (1, 7), (0, 7)}


@pytest.mark.parametrize(("shape", "place"), [((5, 5), (3, 1)), ((5, 5), (4, 4)), ((4, 6), (2, 0))])
def test_gated_pixelcnn_has_no_blind_spot(shape, place):
    model = gated(width=16, num_layers=max(shape))
    assert found_by_gradient(model, place, shape) == before(place, shape)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_gated_pixelcnn_has_no_blind_spot_within_its_reach(num_layers):
    """With kernels of 3, each layer looks a pixel further, and the link one row up besides."""
    shape, (i, j) = (7, 9), (5, 4)
    seen = found_by_gradient(gated(width=16, num_layers=num_layers), (i, j), shape)
    reach = range(j - num_layers, j + num_layers + 1)
    rows = range(max(0, i - 1 - num_layers), i)
    assert {(row, column) for row in rows for column in reach} <= seen
    assert {(i, column) for column in reach if column < j} <= seen
