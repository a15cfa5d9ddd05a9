import pytest
import torch

from cvgen_course.autoencoders import from_rows, to_rows

SHAPES = [(2, 3, 4, 5), (1, 2, 3, 3), (3, 1, 2, 4), (2, 5, 1, 1), (4, 4, 4, 4), (1, 1, 1, 7)]


def random_maps(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype)


def naive_rows(maps):
    N, _, H, W = maps.shape
    return torch.stack([maps[n, :, y, x] for n in range(N) for y in range(H) for x in range(W)])


def naive_maps(rows, height, width):
    M, D = rows.shape
    maps = rows.new_zeros(M // (height * width), D, height, width)
    for m in range(M):
        for d in range(D):
            maps[m // (height * width), d, m // width % height, m % width] = rows[m, d]
    return maps


def test_to_rows_equals_one_worked_out_by_hand():
    maps = torch.tensor([[[[1, 2], [3, 4]], [[10, 20], [30, 40]]]])  # two channels, 2 × 2
    rows = torch.tensor([[1, 10], [2, 20], [3, 30], [4, 40]])
    torch.testing.assert_close(to_rows(maps), rows)
    torch.testing.assert_close(from_rows(rows, 2, 2), maps)


@pytest.mark.parametrize("shape", SHAPES)
def test_to_rows_equals_a_loop(shape):
    maps = random_maps(*shape)
    torch.testing.assert_close(to_rows(maps), naive_rows(maps))


@pytest.mark.parametrize("shape", SHAPES)
def test_from_rows_equals_a_loop(shape):
    N, D, H, W = shape
    rows = random_maps(N * H * W, D)
    torch.testing.assert_close(from_rows(rows, H, W), naive_maps(rows, H, W))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int64])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_go_back_where_they_came_from(shape, dtype):
    maps = random_maps(*shape, dtype=dtype)
    rows = to_rows(maps)
    assert rows.dtype == dtype
    assert torch.equal(from_rows(rows, *shape[2:]), maps)
    assert torch.equal(to_rows(from_rows(rows, *shape[2:])), rows)


def test_maps_in_any_order_of_memory_give_the_same_rows():
    maps = random_maps(2, 3, 4, 5)
    expected = to_rows(maps)
    assert torch.equal(to_rows(maps.to(memory_format=torch.channels_last)), expected)
    assert torch.equal(from_rows(expected.T.contiguous().T, 4, 5), maps)


def test_a_change_of_one_place_changes_one_row():
    maps = random_maps(2, 3, 4, 5)
    changed = maps.clone()
    changed[1, :, 2, 3] += 1  # the row after one image of 20 places, two lines of 5, three places
    moved = (to_rows(changed) != to_rows(maps)).any(dim=1)
    assert moved.nonzero().flatten().tolist() == [20 + 2 * 5 + 3]


def test_rows_pass_gradients_to_their_places():
    maps = random_maps(2, 3, 2, 4, dtype=torch.float64).requires_grad_()
    upstream = random_maps(16, 3, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(to_rows(maps), maps, upstream)
    assert torch.equal(gradient, from_rows(upstream, 2, 4))
    rows = upstream.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(from_rows(rows, 2, 4), rows, maps.detach())
    assert torch.equal(gradient, to_rows(maps.detach()))


def test_no_maps_are_no_rows():
    assert to_rows(torch.zeros(0, 3, 4, 5)).shape == (0, 3)
    assert from_rows(torch.zeros(0, 3), 4, 5).shape == (0, 3, 4, 5)


def test_to_rows_refuses_what_are_no_maps():
    with pytest.raises(ValueError, match=r"maps: expected .*\(N, D, H, W\), got .*\(3, 4, 5\)"):
        to_rows(torch.zeros(3, 4, 5))
    with pytest.raises(TypeError, match=r"maps: expected a tensor .*, got list"):
        to_rows([[[[1.0]]]])


def test_from_rows_refuses_rows_that_fill_no_maps():
    with pytest.raises(
        ValueError, match=r"rows: expected a multiple of height · width = 4 · 5 rows, got 30"
    ):
        from_rows(torch.zeros(30, 3), 4, 5)
    for height, width in ((0, 5), (5, 0), (-1, -5)):
        with pytest.raises(ValueError, match="rows: expected a multiple of height · width"):
            from_rows(torch.zeros(30, 3), height, width)
    with pytest.raises(ValueError, match=r"rows: expected .*\(M, D\), got .*\(20,\)"):
        from_rows(torch.zeros(20), 4, 5)
    with pytest.raises(TypeError, match=r"rows: expected a tensor .*, got NoneType"):
        from_rows(None, 4, 5)
