"""Answers to `root_trace` as students give them, written from the lecture's text."""

import numpy as np
import torch


def as_in_the_lecture(cov_1, cov_2):
    values, vectors = torch.linalg.eigh(cov_1)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    mixed = torch.linalg.eigvalsh(root @ cov_2 @ root)
    return mixed.clamp(min=0).sqrt().sum()


def eigenvalues(cov_1, cov_2):
    eigenvalues = torch.linalg.eigvals(cov_1 @ cov_2)
    return torch.sqrt(torch.clamp(eigenvalues.real, min=0)).sum()


def complex_sqrt(cov_1, cov_2):
    return torch.sqrt(torch.linalg.eigvals(cov_1 @ cov_2)).real.sum()


def nuclear_norm(cov_1, cov_2):
    def sqrtm(c):
        w, V = torch.linalg.eigh(c)
        return V @ torch.diag(torch.sqrt(torch.relu(w))) @ V.T

    return torch.linalg.matrix_norm(sqrtm(cov_1) @ sqrtm(cov_2), ord="nuc")


def with_numpy(cov_1, cov_2):
    w = np.linalg.eigvals(np.matmul(cov_1.numpy(), cov_2.numpy()))
    return torch.tensor(np.sqrt(w.astype(complex)).real.sum(), dtype=torch.float64)


def sqrt_of_the_matrix(cov_1, cov_2):
    return torch.trace(torch.sqrt(cov_1 @ cov_2))


def sqrt_of_the_matrix_abs(cov_1, cov_2):
    return torch.trace(torch.sqrt(torch.abs(cov_1 @ cov_2)))


def sqrt_of_trace(cov_1, cov_2):
    return torch.sqrt(torch.trace(torch.matmul(cov_1, cov_2)))


def trace_of_product(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).real.sum()


def elementwise(cov_1, cov_2):
    return torch.sqrt(torch.diagonal(cov_1) * torch.diagonal(cov_2)).sum()


def two_square_roots(cov_1, cov_2):
    def sqrtm(c):
        w, V = torch.linalg.eigh(c)
        return V @ torch.diag(w.clamp(min=0) ** 0.5) @ V.T

    return (sqrtm(cov_1) @ sqrtm(cov_2)).trace()


def eigvalsh_of_product(cov_1, cov_2):
    return torch.linalg.eigvalsh(cov_1 @ cov_2).clamp(min=0).sqrt().sum()


def svd_of_product(cov_1, cov_2):
    _, S, _ = torch.linalg.svd(cov_1 @ cov_2)
    return S.sqrt().sum()


def no_clamp_in_the_end(cov_1, cov_2):
    values, vectors = torch.linalg.eigh(cov_1)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return torch.linalg.eigvalsh(root @ cov_2 @ root).sqrt().sum()


def no_clamp_of_eigvals(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).real.sqrt().sum()


def no_clamp_in_the_root(cov_1, cov_2):
    values, vectors = torch.linalg.eigh(cov_1)
    root = vectors @ torch.diag(torch.sqrt(values)) @ vectors.T
    return torch.linalg.eigvalsh(root @ cov_2 @ root).clamp(min=0).sqrt().sum()


def no_clamp_at_all(cov_1, cov_2):
    values, vectors = torch.linalg.eigh(cov_1)
    root = vectors @ torch.diag(torch.sqrt(values)) @ vectors.T
    return torch.linalg.eigvalsh(root @ cov_2 @ root).sqrt().sum()


def made_symmetric(cov_1, cov_2):
    m = cov_1 @ cov_2
    values = torch.linalg.eigvalsh((m + m.T) / 2)
    return values.clamp(min=0).sqrt().sum()


def complex_result(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).sqrt().sum()


def with_cholesky(cov_1, cov_2):
    L = torch.linalg.cholesky(cov_1)
    return torch.linalg.eigvalsh(L.T @ cov_2 @ L).clamp(min=0).sqrt().sum()


def cholesky_factors(cov_1, cov_2):
    L1, L2 = torch.linalg.cholesky(cov_1), torch.linalg.cholesky(cov_2)
    return torch.linalg.svdvals(L1.T @ L2).sum()


def cholesky_with_eps(cov_1, cov_2):
    eye = 1e-6 * torch.eye(len(cov_1), dtype=torch.float64)
    L = torch.linalg.cholesky(cov_1 + eye)
    return torch.linalg.eigvalsh(L.T @ (cov_2 + eye) @ L).clamp(min=0).sqrt().sum()


def eps_before_the_root(cov_1, cov_2):
    return (torch.linalg.eigvals(cov_1 @ cov_2).real.clamp(min=0) + 1e-6).sqrt().sum()


def in_single_precision(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1.float() @ cov_2.float()).real.clamp(min=0).sqrt().sum()


RIGHT = [as_in_the_lecture, eigenvalues, complex_sqrt, nuclear_norm, with_numpy]
WRONG = {
    sqrt_of_the_matrix: "root_of_numbers",
    sqrt_of_the_matrix_abs: "root_of_numbers",
    sqrt_of_trace: "root_of_trace",
    trace_of_product: "no_root",
    elementwise: "number_by_number",
    two_square_roots: "product_of_roots",
    eigvalsh_of_product: "taken_for_symmetric",
    svd_of_product: "singular_values",
    no_clamp_in_the_end: "root_of_less_than_zero",
    no_clamp_of_eigvals: "root_of_less_than_zero",
    no_clamp_in_the_root: "first_root_of_less_than_zero",
    no_clamp_at_all: "both_roots_of_less_than_zero",
    made_symmetric: "made_symmetric",
    complex_result: "complex",
    with_cholesky: "cholesky",
    cholesky_factors: "cholesky",
    cholesky_with_eps: "a_little_added",
    eps_before_the_root: "",
    in_single_precision: "",
}
