import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cvgen_course.autoencoders import look_up, nearest_codes, quantize, straight_through


def random_rows(num_rows, num_codes, num_dims, seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    rows = torch.randn(num_rows, num_dims, generator=rng, dtype=torch.float64)
    return rows.to(dtype), torch.randn(num_codes, num_dims, generator=rng).to(dtype)


def naive_nearest(rows, codebook):
    """Return the nearest codes by a loop over all pairs, in float64; the first of equals."""
    indices = []
    for row in rows.double().tolist():
        squares = [
            sum((z - e) ** 2 for z, e in zip(row, code, strict=True))
            for code in codebook.double().tolist()
        ]
        indices.append(squares.index(min(squares)))
    return torch.tensor(indices, dtype=torch.int64)


class LargestTensor(TorchDispatchMode):
    """Note how many bytes the largest tensor takes that an operator returns."""

    nbytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            self.nbytes = max(self.nbytes, tensor.untyped_storage().nbytes())
        return result


def test_nearest_codes_of_points_in_a_plane_worked_out_by_hand():
    codebook = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 10.0]])
    # Squared distances: 1, 9, 101; 10, 2, 90; 25 + 36, 1 + 36, 25 + 16.
    rows = torch.tensor([[1.0, 0.0], [3.0, 1.0], [5.0, 6.0]])
    assert nearest_codes(rows, codebook).tolist() == [0, 1, 1]
    assert nearest_codes(rows + torch.tensor([0.0, 1.0]), codebook).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("num_rows", "num_codes", "num_dims"), [(50, 8, 4), (3, 40, 6), (1, 5, 3), (6, 1, 3), (9, 7, 1)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nearest_codes_equal_a_loop(num_rows, num_codes, num_dims, dtype):
    rows, codebook = random_rows(num_rows, num_codes, num_dims, dtype=dtype)
    got = nearest_codes(rows, codebook)
    assert got.dtype == torch.int64
    assert torch.equal(got, naive_nearest(rows, codebook))


def test_nearest_codes_takes_the_lower_index_of_equally_near_codes():
    codebook = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, -1.0], [2.0, 0.0]])
    rows = torch.tensor([[0.0, 0.0], [3.0, 0.0], [-1.0, 0.0]])
    assert nearest_codes(rows, codebook).tolist() == [1, 0, 1]
    assert nearest_codes(rows, codebook.flip(0)).tolist() == [1, 0, 1]


@pytest.mark.parametrize("num_codes", [2, 3, 5, 6, 7, 11])
def test_nearest_codes_takes_the_lower_index_among_small_whole_numbers(num_codes):
    """Where many are equally near, whatever the number of codes."""
    rng = torch.Generator().manual_seed(num_codes)
    for _ in range(40):
        codebook = torch.randint(-3, 4, (num_codes, 2), generator=rng).float()
        rows = torch.randint(-3, 4, (10, 2), generator=rng).float()
        assert torch.equal(nearest_codes(rows, codebook), naive_nearest(rows, codebook))


def test_nearest_codes_of_a_codebook_twice_are_in_its_first_half():
    rows, codebook = random_rows(40, 21, 5)
    got = nearest_codes(rows, codebook.repeat(2, 1))
    assert torch.equal(got, naive_nearest(rows, codebook))


@pytest.mark.parametrize("offset", [1e2, 1e4])
def test_nearest_codes_far_from_the_origin_equal_a_loop(offset):
    rows, codebook = random_rows(60, 16, 8, seed=1)
    rows, codebook = rows + offset, codebook + offset
    assert torch.equal(nearest_codes(rows, codebook), naive_nearest(rows, codebook))


def test_nearest_codes_are_as_precise_where_one_code_has_gone_far_away():
    rows, codebook = random_rows(60, 16, 8, seed=2)
    codebook[3] = 1e5
    assert torch.equal(nearest_codes(rows, codebook), naive_nearest(rows, codebook))


def test_nearest_codes_compute_half_precision_in_float32():
    rows, codebook = random_rows(30, 6, 4, seed=3)
    rows, codebook = (100 * rows).half(), (100 * codebook).half()  # whose squares overflow
    assert torch.equal(nearest_codes(rows, codebook), naive_nearest(rows, codebook))


@pytest.mark.parametrize("function", [nearest_codes, quantize])
def test_no_tensor_of_all_differences_is_made(function):
    M, K, D = 60, 50, 40
    rows, codebook = random_rows(M, K, D)
    with LargestTensor() as largest:
        function(rows, codebook)
    assert 4 * M * K <= largest.nbytes <= 4 * 2 * M * K
    with LargestTensor() as largest:
        (rows[:, None] - codebook).square()
    assert largest.nbytes == 4 * M * K * D


def test_nearest_codes_move_with_the_order_of_the_codes():
    rows, codebook = random_rows(30, 9, 4)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    assert torch.equal(order[nearest_codes(rows, codebook[order])], nearest_codes(rows, codebook))


def test_nearest_codes_depend_on_no_other_row():
    rows, codebook = random_rows(12, 6, 3)
    alone = torch.cat([nearest_codes(row[None], codebook) for row in rows])
    assert torch.equal(nearest_codes(rows, codebook), alone)


def test_nearest_codes_of_no_row_are_none():
    assert nearest_codes(torch.zeros(0, 3), torch.zeros(4, 3)).shape == (0,)


@pytest.mark.parametrize("function", [nearest_codes, quantize])
def test_quantization_refuses_what_does_not_belong_together(function):
    rows, codebook = random_rows(5, 4, 3)
    with pytest.raises(ValueError, match=r"codebook: expected .* got shape \(4, 2\)"):
        function(rows, codebook[:, :2])
    with pytest.raises(ValueError, match=r"rows: expected .*\(M, D\), got shape \(1, 5, 3\)"):
        function(rows[None], codebook)
    with pytest.raises(ValueError, match="codebook: expected at least one code, got none"):
        function(rows, codebook[:0])
    with pytest.raises(TypeError, match=r"rows: expected a floating-point tensor .* got torch.int"):
        function(rows.long(), codebook)
    with pytest.raises(TypeError, match=r"codebook: expected a floating-point .* got list"):
        function(rows, codebook.tolist())


@pytest.mark.parametrize(("num_rows", "num_codes"), [(20, 5), (3, 17), (1, 4), (1, 1)])
def test_quantize_returns_exactly_the_codes(num_rows, num_codes):
    rows, codebook = random_rows(num_rows, num_codes, 4)
    z_q, indices = quantize(1000 * rows, codebook)  # rows + (codes - rows) would be rounded
    assert torch.equal(indices, naive_nearest(1000 * rows, codebook))
    assert torch.equal(z_q, codebook[indices])


def test_quantize_of_the_codes_themselves_changes_nothing():
    _, codebook = random_rows(1, 12, 5)
    z_q, indices = quantize(codebook.clone(), codebook)
    assert torch.equal(z_q, codebook)
    assert torch.equal(indices, torch.arange(12))


def test_quantize_passes_the_gradient_to_the_rows_unchanged_and_none_to_the_codebook():
    rows, codebook = random_rows(7, 4, 3)
    rows.requires_grad_(), codebook.requires_grad_()
    upstream = torch.randn(7, 3, generator=torch.Generator().manual_seed(5))
    z_q, indices = quantize(rows, codebook)
    assert not indices.requires_grad
    z_q.backward(upstream)
    assert torch.equal(rows.grad, upstream)
    assert codebook.grad is None


def test_quantize_leaves_its_arguments_and_its_result_apart():
    rows, codebook = random_rows(7, 4, 3)
    before = rows.clone(), codebook.clone()
    z_q, _ = quantize(rows, codebook)
    z_q.zero_()
    assert torch.equal(rows, before[0])
    assert torch.equal(codebook, before[1])


def test_straight_through_has_the_values_of_codes_and_the_gradient_of_rows():
    rows = torch.tensor([[1e8, -2.0]], requires_grad=True)
    codes = torch.tensor([[0.1, 0.3]], requires_grad=True)
    out = straight_through(rows, codes)
    assert torch.equal(out, codes)
    (out * torch.tensor([3.0, 5.0])).sum().backward()
    assert rows.grad.tolist() == [[3.0, 5.0]]
    assert codes.grad is None


def test_straight_through_has_the_textbooks_gradient():
    rows, codes = random_rows(6, 6, 4, dtype=torch.float64)
    for patch in (straight_through, lambda z, e: z + (e - z).detach()):
        z, e = rows.clone().requires_grad_(), codes.clone().requires_grad_()
        torch.testing.assert_close(patch(z, e), codes)
        (gradient,) = torch.autograd.grad(patch(z, e).pow(3).sum(), z)
        torch.testing.assert_close(gradient, 3 * codes**2)


def test_straight_through_takes_any_shape_but_the_same():
    maps = torch.ones(2, 3, 4, 5)
    assert straight_through(0 * maps, maps).shape == maps.shape
    with pytest.raises(ValueError, match=r"codes: expected .* got shape \(2, 3, 4, 4\)"):
        straight_through(maps, maps[..., 1:])
    with pytest.raises(TypeError, match="codes: expected a floating-point tensor"):
        straight_through(maps, maps.long())


def test_look_up_puts_each_code_at_its_place():
    codebook = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    indices = torch.tensor([[[0, 2, 1]], [[1, 1, 0]]])  # two maps of one line
    maps = look_up(indices, codebook)
    assert maps.shape == (2, 2, 1, 3)
    assert maps[0].tolist() == [[[1.0, 3.0, 2.0]], [[10.0, 30.0, 20.0]]]
    assert maps[1].tolist() == [[[2.0, 2.0, 1.0]], [[20.0, 20.0, 10.0]]]


def test_look_up_refuses_indices_of_another_codebook_and_other_tensors():
    codebook = torch.zeros(4, 2)
    indices = torch.zeros(1, 3, 3, dtype=torch.int64)
    for value in (-1, 4):
        wrong = indices.clone()
        wrong[0, 1, 1] = value
        with pytest.raises(ValueError, match=r"indices: expected values in \[0, 4\), .* codebook"):
            look_up(wrong, codebook)
    with pytest.raises(ValueError, match=r"indices: expected .*\(N, H, W\), got shape \(3, 3\)"):
        look_up(indices[0], codebook)
    with pytest.raises(TypeError, match=r"indices: expected an int64 tensor .* got torch.float32"):
        look_up(indices.float(), codebook)
    with pytest.raises(TypeError, match="codebook: expected a floating-point tensor"):
        look_up(indices, codebook.long())
