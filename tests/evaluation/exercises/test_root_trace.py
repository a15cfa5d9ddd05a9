import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["root_trace"]


def root_of(covariance):
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def eigenvalues_of_the_product(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).real.clamp(min=0).sqrt().sum()


def absolute_eigenvalues(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).abs().sqrt().sum()


def complex_roots(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).sqrt().real.sum()


def singular_values_of_both_roots(cov_1, cov_2):
    return torch.linalg.svdvals(root_of(cov_1) @ root_of(cov_2)).sum()


def nuclear_norm_of_factors(cov_1, cov_2):
    """Any A with A A^T = C will do, such as U S^½ of its singular values."""
    (U_1, S_1, _), (U_2, S_2, _) = torch.linalg.svd(cov_1), torch.linalg.svd(cov_2)
    return torch.linalg.matrix_norm((U_1 * S_1.sqrt()).T @ (U_2 * S_2.sqrt()), "nuc")


def other_way_round(cov_1, cov_2):
    root = root_of(cov_2)
    mixed = root @ cov_1 @ root
    return torch.linalg.eigh((mixed + mixed.T) / 2)[0].relu().sqrt().sum()


def one_after_the_other(cov_1, cov_2):
    values, vectors = torch.linalg.eigh(cov_1)
    root = sum(max(s, 0) ** 0.5 * torch.outer(v, v) for s, v in zip(values, vectors.T, strict=True))
    mixed = torch.linalg.eigvalsh(torch.einsum("ij,jk,kl->il", root, cov_2, root))
    return sum(value.item() ** 0.5 for value in mixed if value > 0)


def numpys(cov_1, cov_2):
    values = np.linalg.eigvals(cov_1.numpy() @ cov_2.numpy())
    return np.sqrt(np.maximum(values.real, 0)).sum()


def with_the_root_itself(cov_1, cov_2):
    root = root_of(cov_1)
    return root_of(root @ cov_2 @ root).diagonal().sum()


def cholesky_where_there_is_one(cov_1, cov_2):
    factor, info = torch.linalg.cholesky_ex(cov_1)
    factor = root_of(cov_1) if info else factor
    return torch.linalg.eigvalsh(factor.T @ cov_2 @ factor).clamp_min(0).sqrt().sum()


def cholesky_of_the_second(cov_1, cov_2):
    factor = torch.linalg.cholesky(cov_2)
    return torch.linalg.eigvalsh(factor.T @ cov_1 @ factor).clamp(min=0).sqrt().sum()


def float32(cov_1, cov_2):
    return eigenvalues_of_the_product(cov_1, cov_2).float()


def float32_on_the_way(cov_1, cov_2):
    return eigenvalues_of_the_product(cov_1.float(), cov_2.float()).double()


def lower_limit(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).real.clamp(min=1e-10).sqrt().sum()


def small_ones_left_out(cov_1, cov_2):
    values = torch.linalg.eigvals(cov_1 @ cov_2).real
    return values[values > 1e-8].sqrt().sum()


def limit(least):
    def answer(cov_1, cov_2):
        values, vectors = torch.linalg.eigh(cov_1)
        root = (vectors * values.clamp(min=least).sqrt()) @ vectors.T
        return torch.linalg.eigvalsh(root @ cov_2 @ root).clamp(min=least).sqrt().sum()

    answer.__name__ = f"limit_of_{least}"
    return answer


def step_by_step(steps):
    """Newton-Schulz: a root by matrix products alone."""

    def answer(cov_1, cov_2):
        product = cov_1 @ cov_2
        size, one = product.norm() + 1e-30, torch.eye(len(product), dtype=product.dtype)
        root, inverse = product / size, one
        for _ in range(steps):
            step = (3 * one - inverse @ root) / 2
            root, inverse = root @ step, step @ inverse
        return root.trace() * size.sqrt()

    answer.__name__ = f"{steps}_steps"
    return answer


def smallest_left_out(cov_1, cov_2):
    values = torch.linalg.eigvals(cov_1 @ cov_2).real
    return values[values > 1e-14].sqrt().sum()


def first_root_alone(cov_1, cov_2):
    return (root_of(cov_1) @ cov_2).trace()


def root_of_the_symmetric_part(cov_1, cov_2):
    product = cov_1 @ cov_2
    return root_of((product + product.T) / 2).trace()


def root_of_both_traces(cov_1, cov_2):
    return (cov_1.trace() * cov_2.trace()).sqrt()


def mean_root(cov_1, cov_2):
    return eigenvalues_of_the_product(cov_1, cov_2) / len(cov_1)


def each_ones_eigenvalues(cov_1, cov_2):
    """Eigenvalues of a product are no products of eigenvalues."""
    values = torch.linalg.eigvalsh(cov_1) * torch.linalg.eigvalsh(cov_2)
    return values.clamp(min=0).sqrt().sum()


def roots_of_the_product(cov_1, cov_2):
    return eigenvalues_of_the_product(cov_1, cov_2).sqrt()


def one_number_too_many(cov_1, cov_2):
    return eigenvalues_of_the_product(cov_1, cov_2)[None]


def nan_is_zero(cov_1, cov_2):
    return torch.linalg.eigvals(cov_1 @ cov_2).real.sqrt().sum().nan_to_num()


def determinant(cov_1, cov_2):
    return (cov_1.det() * cov_2.det()).clamp(min=0).sqrt()


def in_place(cov_1, cov_2):
    cov_1.copy_(root_of(cov_1))
    return torch.linalg.eigvalsh(cov_1 @ cov_2 @ cov_1).clamp(min=0).sqrt().sum()


RIGHT = [
    *(eigenvalues_of_the_product, absolute_eigenvalues, complex_roots),
    *(singular_values_of_both_roots, nuclear_norm_of_factors, other_way_round),
    *(one_after_the_other, numpys, with_the_root_itself, cholesky_where_there_is_one),
]
WRONG = [
    *(cholesky_of_the_second, float32, float32_on_the_way, lower_limit, small_ones_left_out),
    *(first_root_alone, root_of_the_symmetric_part, root_of_both_traces, mean_root),
    *(each_ones_eigenvalues, roots_of_the_product, one_number_too_many, nan_is_zero),
    *(determinant, in_place, smallest_left_out),
    *(limit(1e-10), limit(1e-12), limit(1e-16), step_by_step(8), step_by_step(15)),
]


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.__name__)
def test_root_trace_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.__name__)
def test_root_trace_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_root_trace_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, {}, helpers=("_root",))
