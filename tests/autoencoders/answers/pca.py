"""Answers to `pca` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def eigenvectors_of_the_covariance(x, num_components):
    a = x.double()
    mean = a.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(a.T).reshape(x.shape[1], x.shape[1]))
    values = values.flip(0)[:num_components].clamp(min=0)
    components = vectors.flip(1)[:, :num_components].T
    return mean.to(x.dtype), components.to(x.dtype), values.to(x.dtype)


def left_vectors_of_the_transpose(x, num_components):
    N, D = x.shape
    mean = x.sum(dim=0) / N
    U, S, _ = torch.linalg.svd((x - mean).T, full_matrices=False)
    return mean, U[:, :num_components].T, S[:num_components].square() / (N - 1)


def numpy_with_argsort(x, num_components):
    a = x.numpy().astype(np.float64)
    mean = a.mean(axis=0)
    centred = a - mean
    cov = np.zeros((a.shape[1], a.shape[1]))
    for row in centred:
        cov += np.outer(row, row)
    w, v = np.linalg.eigh(cov / (len(a) - 1))
    order = np.argsort(-w)[:num_components]
    results = mean, np.ascontiguousarray(v[:, order].T), np.maximum(w[order], 0)
    return tuple(torch.from_numpy(r).to(x.dtype) for r in results)


def triangular_factor_first(x, num_components):
    mean = torch.mean(x, dim=0)
    _, r = torch.linalg.qr(x - mean)
    _, _, vh = torch.linalg.svd(r, full_matrices=True)
    components = vh[:num_components]
    projected = (x - mean) @ components.mT
    return mean, components, projected.var(dim=0)


def small_matrix(x, num_components):
    mean = x.mean(dim=0)
    c = (x - mean).double()
    values, left = torch.linalg.eigh(c @ c.T)
    values = values.flip(0)[:num_components].clamp(min=0)
    left = left.flip(1)[:, :num_components]
    components = (c.T @ left / values.sqrt()).T
    return mean, components.to(x.dtype), (values / (len(x) - 1)).to(x.dtype)


def not_centred(x, num_components):
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] ** 2 / (x.shape[0] - 1)


def divided_by_n(x, num_components):
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] ** 2 / x.shape[0]


def singular_values_not_squared(x, num_components):
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] / (x.shape[0] - 1)


def standard_deviations(x, num_components):
    mean = x.mean(dim=0)
    centred = x - mean
    vh = torch.linalg.svd(centred, full_matrices=False)[2][:num_components]
    return mean, vh, (centred @ vh.T).std(dim=0)


def smallest_first(x, num_components):
    mean = x.mean(dim=0)
    c = x - mean
    cov = c.T @ c / (len(x) - 1)
    values, vectors = torch.linalg.eigh(cov)
    return mean, vectors[:, :num_components].T, values[:num_components]


def rows_of_the_eigenvector_matrix(x, num_components):
    mean = x.mean(dim=0)
    c = x - mean
    cov = c.T @ c / (len(x) - 1)
    values, vectors = torch.linalg.eigh(cov)
    order = values.argsort(descending=True)[:num_components]
    return mean, vectors[order], values[order]


def v_taken_for_its_transpose(x, num_components):
    mean = x.mean(dim=0)
    u, s, v = torch.linalg.svd(x - mean, full_matrices=True)
    v = v.T
    return mean, v[:num_components], s[:num_components] ** 2 / (len(x) - 1)


def components_in_columns(x, num_components):
    mean = x.mean(dim=0)
    c = x - mean
    values, vectors = torch.linalg.eigh(c.T @ c / (len(x) - 1))
    return mean, vectors.flip(1)[:, :num_components], values.flip(0)[:num_components]


def always_float32(x, num_components):
    x = x.float()
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x - mean, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] ** 2 / (len(x) - 1)


def changes_x(x, num_components):
    mean = x.mean(dim=0)
    x -= mean
    _, s, vh = torch.linalg.svd(x, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] ** 2 / (len(x) - 1)


def standardised_columns(x, num_components):
    mean = x.mean(dim=0)
    z = (x - mean) / (x.std(dim=0) + 1e-8)
    _, s, vh = torch.linalg.svd(z, full_matrices=False)
    return mean, vh[:num_components], s[:num_components] ** 2 / (len(x) - 1)


def loadings_not_of_length_one(x, num_components):
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x - mean, full_matrices=False)
    variances = s[:num_components] ** 2 / (len(x) - 1)
    return mean, vh[:num_components] * variances.sqrt()[:, None], variances


def covariance_of_rows_as_numpy_has_it(x, num_components):
    mean = x.mean(dim=0)
    cov = np.atleast_2d(np.cov(x.numpy()))
    values, vectors = np.linalg.eigh(cov)
    values = values[::-1][:num_components].copy()
    components = vectors[:, ::-1][:, :num_components].T.copy()
    return mean, torch.from_numpy(components).to(x.dtype), torch.from_numpy(values).to(x.dtype)


def smallest_first_and_divided_by_n(x, num_components):
    mean = x.mean(dim=0)
    c = x - mean
    values, vectors = torch.linalg.eigh(c.T @ c / len(x))
    return mean, vectors.T[:num_components], values[:num_components]


def not_centred_and_shares_of_variance(x, num_components):
    mean = x.mean(dim=0)
    _, s, vh = torch.linalg.svd(x, full_matrices=False)
    variances = s**2 / (len(x) - 1)
    return mean, vh[:num_components], (variances / variances.sum())[:num_components]


RIGHT = [
    eigenvectors_of_the_covariance,
    left_vectors_of_the_transpose,
    numpy_with_argsort,
    triangular_factor_first,
    small_matrix,
]
WRONG = {
    not_centred: "not_centred",
    divided_by_n: "divided_by_n",
    singular_values_not_squared: "not_squared",
    standard_deviations: "deviations",
    smallest_first: "smallest",
    rows_of_the_eigenvector_matrix: "rows_of_eigenvectors",
    v_taken_for_its_transpose: "columns_of_vt",
    components_in_columns: "in_columns",
    always_float32: "",
    changes_x: "in_place",
    standardised_columns: "standardised",
    loadings_not_of_length_one: "stretched",
    covariance_of_rows_as_numpy_has_it: "cov_of_items",
    smallest_first_and_divided_by_n: "smallest divided_by_n",
    not_centred_and_shares_of_variance: "not_centred shares",
}
