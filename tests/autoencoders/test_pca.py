import math

import pytest
import torch
from sklearn.decomposition import PCA

from cvgen_course.autoencoders import PrincipalComponents, pca

SHAPES = [(50, 4), (7, 6), (6, 6), (5, 6), (4, 30), (2, 3), (40, 1)]
every_shape = pytest.mark.parametrize(("N", "D"), SHAPES)


def random_rows(N, D, seed=0, dtype=torch.float64):
    """Return rows that vary more along some directions than along others, off the origin."""
    rng = torch.Generator().manual_seed(seed)
    rows = torch.randn(N, D, generator=rng, dtype=torch.float64)
    mixed = rows @ torch.randn(D, D, generator=rng, dtype=torch.float64)
    return (mixed + 5 * torch.randn(D, generator=rng, dtype=torch.float64)).to(dtype)


def random_flat(x, num_components, rng):
    """Return the point and directions of a flat near the data, through no point in particular."""
    directions = torch.randn(x.shape[1], num_components, generator=rng, dtype=x.dtype)
    point = x.mean(dim=0) + 0.1 * torch.randn(x.shape[1], generator=rng, dtype=x.dtype)
    return point, torch.linalg.qr(directions).Q.T


def mean_square_distance(x, point, directions):
    """Return how far rows are from a flat, as the mean of squares."""
    left = x - point - (x - point) @ directions.T @ directions
    return left.square().sum(dim=1).mean()


def test_pca_of_four_points_on_the_diagonal_worked_out_by_hand():
    x = torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]])
    found = pca(x, 2)
    torch.testing.assert_close(found.mean, torch.tensor([1.5, 2.5]))
    # along the diagonal they lie at √2 · (-1.5, -0.5, 0.5, 1.5), and across it all at 0
    torch.testing.assert_close(found.variances, torch.tensor([10 / 3, 0.0]))
    half = math.sqrt(0.5)
    torch.testing.assert_close(found.components[0], torch.tensor([half, half]))
    torch.testing.assert_close(found.components[1].prod(), torch.tensor(-0.5))
    torch.testing.assert_close(found.encode(x)[:, 0], math.sqrt(2) * (torch.arange(4.0) - 1.5))


def test_pca_of_columns_that_vary_one_by_one_finds_the_columns():
    x = torch.tensor([[0.0, 0, 3], [0, 0, -3], [1, 0, 0], [-1, 0, 0], [0, 2, 0], [0, -2, 0]]) + 7
    found = pca(x, 3)
    torch.testing.assert_close(found.components, torch.eye(3)[[2, 1, 0]])
    torch.testing.assert_close(found.variances, torch.tensor([18.0, 8.0, 2.0]) / 5)


@pytest.mark.parametrize(("dtype", "precision"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])
@every_shape
def test_pca_agrees_with_scikit_learn(N, D, dtype, precision):
    x = random_rows(N, D, dtype=dtype)
    K = min(N - 1, D)
    found, oracle = pca(x, K), PCA(K, svd_solver="full").fit(x.numpy())
    assert [part.dtype for part in found] == [dtype] * 3
    close = {"rtol": precision, "atol": precision}
    torch.testing.assert_close(found.mean, torch.from_numpy(oracle.mean_), **close)
    variances = torch.from_numpy(oracle.explained_variance_)
    torch.testing.assert_close(found.variances, variances, **close)
    components = torch.from_numpy(oracle.components_)
    same_way = (components * found.components).sum(dim=1, keepdim=True).sign()
    torch.testing.assert_close(found.components, components * same_way, **close)


@every_shape
def test_pca_components_are_orthonormal_and_sorted(N, D):
    found = pca(random_rows(N, D), min(N, D))
    eye = torch.eye(min(N, D), dtype=torch.float64)
    torch.testing.assert_close(found.components @ found.components.T, eye)
    assert (found.variances.diff() <= 0).all()
    assert (found.variances >= 0).all()


@every_shape
def test_pca_component_has_its_largest_entry_positive(N, D):
    components = pca(random_rows(N, D), min(N - 1, D)).components
    torch.testing.assert_close(components.amax(dim=1), components.abs().amax(dim=1))


@every_shape
def test_pca_variances_are_those_of_the_coordinates_which_are_uncorrelated(N, D):
    x = random_rows(N, D)
    found = pca(x, min(N - 1, D))
    z = found.encode(x)
    torch.testing.assert_close(z.mean(dim=0), torch.zeros_like(z[0]), rtol=0, atol=1e-12)
    covariance = z.T @ z / (N - 1)
    torch.testing.assert_close(covariance, found.variances.diag(), rtol=1e-9, atol=1e-10)


@every_shape
def test_pca_all_components_hold_all_variance_and_give_the_rows_back(N, D):
    x = random_rows(N, D)
    found = pca(x, min(N - 1, D))
    torch.testing.assert_close(found.variances.sum(), x.var(dim=0).sum())
    torch.testing.assert_close(found.decode(found.encode(x)), x)


def test_pca_error_is_the_variance_that_is_left_out():
    x = random_rows(30, 8)
    every = pca(x, 8)
    for K in range(1, 9):
        found = pca(x, K)
        error = (found.decode(found.encode(x)) - x).square().sum() / 29
        torch.testing.assert_close(error, every.variances[K:].sum(), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(found.components, every.components[:K])


@pytest.mark.parametrize(("N", "D", "K"), [(40, 6, 1), (40, 6, 3), (8, 20, 4)])
def test_pca_no_other_flat_is_closer(N, D, K):
    x, rng = random_rows(N, D), torch.Generator().manual_seed(1)
    found = pca(x, K)
    best = mean_square_distance(x, found.mean, found.components)
    assert all(mean_square_distance(x, *random_flat(x, K, rng)) > best for _ in range(200))


@pytest.mark.parametrize("size", [0.1, 0.01, 1e-3])
def test_pca_its_flat_gets_worse_wherever_it_is_moved(size):
    x, rng = random_rows(25, 5), torch.Generator().manual_seed(1)
    found = pca(x, 2)
    best = mean_square_distance(x, found.mean, found.components)
    for _ in range(50):
        turn, shift = (
            size * torch.randn(shape, generator=rng, dtype=x.dtype) for shape in ((2, 5), (5,))
        )
        turned = torch.linalg.qr((found.components + turn).T).Q.T
        assert mean_square_distance(x, found.mean, turned) > best
        assert mean_square_distance(x, found.mean + shift, found.components) > best


def test_pca_moves_and_turns_and_grows_with_the_data():
    x = random_rows(30, 5)
    rng = torch.Generator().manual_seed(1)
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=rng, dtype=torch.float64)).Q
    shift = torch.randn(5, generator=rng, dtype=torch.float64)
    found, moved = pca(x, 3), pca(3 * x @ rotation.T + shift, 3)
    torch.testing.assert_close(moved.mean, 3 * rotation @ found.mean + shift)
    torch.testing.assert_close(moved.variances, 9 * found.variances)
    cosines = (moved.components * (found.components @ rotation.T)).sum(dim=1)
    torch.testing.assert_close(cosines.abs(), torch.ones(3, dtype=torch.float64))


def test_pca_knows_no_order_of_the_rows():
    x = random_rows(20, 4)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    for part, other in zip(pca(x, 3), pca(x[order], 3), strict=True):
        torch.testing.assert_close(part, other)


def test_pca_of_rows_that_are_all_the_same_has_no_variance():
    found = pca(torch.full((4, 3), 0.1), 2)
    torch.testing.assert_close(found.variances, torch.zeros(2))
    torch.testing.assert_close(found.components @ found.components.T, torch.eye(2))


def test_pca_leaves_its_rows_as_they_are():
    x = random_rows(9, 4)
    before = x.clone()
    pca(x, 2)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_pca_computes_in_float32_at_least(dtype):
    x = random_rows(30, 4).to(dtype)
    for part, other in zip(pca(x, 2), pca(x.float(), 2), strict=True):
        assert part.dtype == torch.float32
        assert torch.equal(part, other)


def test_principal_components_encode_and_decode_worked_out_by_hand():
    flat = PrincipalComponents(
        torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[0.0, 0.6, 0.8]]), torch.tensor([1.0])
    )
    x = torch.tensor([[5.0, 2.0, 8.0], [1.0, 7.0, 3.0]])
    torch.testing.assert_close(flat.encode(x), torch.tensor([[4.0], [3.0]]))
    expected = torch.tensor([[1.0, 4.4, 6.2], [1.0, 3.8, 5.4]])
    torch.testing.assert_close(flat.decode(flat.encode(x)), expected)


def test_pca_refuses_what_is_no_matrix_of_numbers():
    with pytest.raises(TypeError, match=r"x: expected a floating-point tensor of shape \(N, D\)"):
        pca(torch.ones(3, 3, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match=r"x: .* of shape \(N, D\), got shape \(2, 3, 4, 4\)"):
        pca(torch.ones(2, 3, 4, 4), 1)
    with pytest.raises(ValueError, match="x: expected two rows or more, got 1: one has no var"):
        pca(torch.ones(1, 3), 1)


@pytest.mark.parametrize("num_components", [0, -1, 4])
def test_pca_refuses_a_number_of_components_that_there_is_not(num_components):
    with pytest.raises(ValueError, match=f"from 1 to 3, the smaller .*, got {num_components}"):
        pca(torch.ones(5, 3), num_components)
    with pytest.raises(ValueError, match=f"from 1 to 3, the smaller .*, got {num_components}"):
        pca(torch.ones(3, 5), num_components)
