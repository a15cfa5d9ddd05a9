import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.autoencoders.exercises.pca import EXERCISE


def svd(x, num_components):
    mean = x.mean(dim=0)
    _, singular, right = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, right[:num_components], singular[:num_components] ** 2 / (x.shape[0] - 1)


def full_svd_list(x, num_components):
    mean = torch.mean(x, 0)
    _, s, vt = torch.linalg.svd(x - mean)
    return [mean, vt[:num_components], s[:num_components].pow(2).div(len(x) - 1)]


def eigh_of_the_covariance(x, num_components):
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(x.T))
    order = values.argsort(descending=True)[:num_components]
    return mean, vectors[:, order].T, values[order]


def eigh_of_second_moments(x, num_components):
    """Cov x = E[x xᵀ] - m mᵀ, then N / (N - 1)."""
    N, mean = len(x), x.mean(0)
    covariance = (x.T @ x / N - torch.outer(mean, mean)) * N / (N - 1)
    values, vectors = torch.linalg.eigh(covariance)
    return mean, vectors.flip(1).T[:num_components], values.flip(0)[:num_components]


def general_eig(x, num_components):
    centred = x - x.mean(0)
    values, vectors = torch.linalg.eig(centred.T @ centred / (len(x) - 1))
    values, vectors = values.real, vectors.real
    top = values.topk(num_components)
    return x.mean(0), vectors[:, top.indices].mT, top.values


def gram_matrix(x, num_components):
    """N × N, as for eigenfaces: with Xᵀ, its eigenvectors become the components."""
    centred = x - x.mean(0)
    values, u = torch.linalg.eigh(centred @ centred.T)
    values, u = values.flip(0)[:num_components], u.flip(1)[:, :num_components]
    components = u.T @ centred
    components = components / components.norm(dim=1, keepdim=True)
    return x.mean(0), components, values / (len(x) - 1)


def power_iteration(x, num_components):
    N, D = x.shape
    centred = (x - x.mean(0)).double()
    covariance = sum(torch.outer(row, row) for row in centred) / (N - 1)
    components, variances = [], []
    for _ in range(num_components):
        v = torch.linspace(1, 2, D, dtype=torch.float64)
        for _ in range(400):
            v = covariance @ v
            v = v / v.norm()
        variance = v @ covariance @ v
        covariance = covariance - variance * torch.outer(v, v)
        components.append(v)
        variances.append(variance)
    mean = x.mean(0)
    return mean, torch.stack(components).to(x), torch.stack(variances).to(x)


def numpys(x, num_components):
    array = x.numpy()
    covariance = np.cov(array, rowvar=False).reshape(x.shape[1], -1)
    values, vectors = np.linalg.eigh(covariance)
    components = vectors[:, ::-1][:, :num_components].T.copy()
    variances = values[::-1][:num_components].copy()
    return x.mean(0), torch.from_numpy(components), torch.from_numpy(variances)


def sklearns(x, num_components):
    pca = PCA(num_components, svd_solver="full").fit(x.numpy())
    parts = pca.mean_, pca.components_, pca.explained_variance_
    return tuple(map(torch.from_numpy, parts))


def variances_along_the_components(x, num_components):
    mean = x.mean(dim=0)
    components = torch.linalg.svd(x - mean).Vh[:num_components]
    return mean, -components, ((x - mean) @ components.T).var(dim=0)


def swapped(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, variances, components


def components_alone(x, num_components):
    return svd(x, num_components)[1]


def two_of_three(x, num_components):
    return svd(x, num_components)[:2]


def coordinates_for_components(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, ((x - mean) @ components.T).T, variances


def mean_kept_as_a_row(x, num_components):
    return x.mean(dim=0, keepdim=True), *svd(x, num_components)[1:]


def mean_of_everything(x, num_components):
    return x.mean().expand(x.shape[1]), *svd(x, num_components)[1:]


def mean_of_zero(x, num_components):
    return torch.zeros_like(x[0]), *svd(x, num_components)[1:]


def median(x, num_components):
    return x.median(dim=0).values, *svd(x, num_components)[1:]


def columns_in_order(x, num_components):
    """The columns themselves, those of largest variance."""
    top = x.var(dim=0).topk(num_components)
    return x.mean(dim=0), torch.eye(x.shape[1], dtype=x.dtype)[top.indices], top.values


def only_more_rows_than_columns(x, num_components):
    if len(x) <= x.shape[1]:
        x = x[:, : len(x) - 1]
    return svd(x, num_components)


def float32(x, num_components):
    return tuple(part.to(x) for part in svd(x.float(), num_components))


def constant_columns_left_out(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, components[:, x.var(dim=0) > 1e-9], variances


def one_component_squeezed(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, components.squeeze(0), variances


def one_variance_as_a_number(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, components, variances.squeeze()


def one_too_many(x, num_components):
    return svd(x, num_components + 1)


def total_variance(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, components, variances.cumsum(0)


def centred_in_place(x, num_components):
    mean = x.mean(dim=0)
    x -= mean
    return mean, *svd(x, num_components)[1:]


def length_of_the_longest_number(x, num_components):
    mean, components, variances = svd(x, num_components)
    return mean, components / components.abs().amax(dim=1, keepdim=True), variances


def lowrank(x, num_components):
    _, s, v = torch.pca_lowrank(x, q=num_components)
    return x.mean(dim=0), v.T, s**2 / (len(x) - 1)


RIGHT = [
    *(svd, full_svd_list, eigh_of_the_covariance, eigh_of_second_moments, general_eig),
    *(gram_matrix, power_iteration, numpys, sklearns, variances_along_the_components),
]
WRONG = [
    *(swapped, components_alone, two_of_three, coordinates_for_components, mean_kept_as_a_row),
    *(mean_of_everything, mean_of_zero, median, columns_in_order, only_more_rows_than_columns),
    *(float32, constant_columns_left_out, one_component_squeezed, one_variance_as_a_number),
    *(one_too_many, total_variance, centred_in_place, length_of_the_longest_number),
]
QR = "both ways lead to the same singular vectors and values, whatever the shape"
EQUIVALENT = {
    "pca: x = at_least_float32(x) -> pass": "half precision is not asked for",
    "pca: x - mean -> mean - x": "either sign is right",
    "pca: components * largest.sign() -> components / largest.sign()": "a sign is 1 or -1",
    "pca: N > D -> N >= D": QR,
    "pca: N > D -> N < D": QR,
    "pca: torch.linalg.qr(centred, mode='r') -> torch.linalg.qr(centred)": "Q is not used",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_pca_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_pca_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_pca_must_not_be_torchs():
    assert graded(EXERCISE, lowrank).points == 0.0


def test_pca_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
