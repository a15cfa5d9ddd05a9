"""Answers to `frechet_distance` as students give them, written from the lecture's text."""

import torch

from cvgen_course import evaluation as ref


def as_in_the_lecture(first, second):
    (mean_1, cov_1), (mean_2, cov_2) = first, second
    apart = (mean_1 - mean_2).square().sum()
    spread = cov_1.trace() + cov_2.trace() - 2 * ref.root_trace(cov_1, cov_2)
    return (apart + spread).clamp(min=0)


def as_in_pytorch_fid(first, second):
    mu1, sigma1 = first
    mu2, sigma2 = second
    diff = mu1 - mu2
    tr_covmean = torch.linalg.eigvals(sigma1 @ sigma2).sqrt().real.sum()
    fid = diff.dot(diff) + torch.trace(sigma1) + torch.trace(sigma2) - 2 * tr_covmean
    return torch.clamp(fid, min=0.0)


def python_max(first, second):
    m = torch.sum((first[0] - second[0]) ** 2)
    c = torch.trace(first[1] + second[1]) - 2 * ref.root_trace(first[1], second[1])
    return max(0, m + c)


def norm_squared(first, second):
    m1, c1 = first
    m2, c2 = second
    d = torch.linalg.norm(m1 - m2) ** 2 + c1.diag().sum() + c2.diag().sum()
    return torch.relu(d - 2 * ref.root_trace(c1, c2))


def norm(first, second):
    m1, c1 = first
    m2, c2 = second
    d = torch.linalg.norm(m1 - m2) + c1.trace() + c2.trace() - 2 * ref.root_trace(c1, c2)
    return d.clamp(min=0)


def mse(first, second):
    m1, c1 = first
    m2, c2 = second
    d = torch.nn.functional.mse_loss(m1, m2)
    return (d + c1.trace() + c2.trace() - 2 * ref.root_trace(c1, c2)).clamp(min=0)


def difference_summed(first, second):
    (m1, c1), (m2, c2) = first, second
    return ((m1 - m2).sum() + (c1 + c2).trace() - 2 * ref.root_trace(c1, c2)).clamp(min=0)


def without_the_means(first, second):
    c1, c2 = first[1], second[1]
    return (torch.trace(c1 + c2) - 2 * ref.root_trace(c1, c2)).clamp(min=0)


def means(first, second):
    return ((first[0] - second[0]) ** 2).sum()


def once(first, second):
    (m1, c1), (m2, c2) = first, second
    d = (m1 - m2).square().sum() + torch.trace(c1 + c2) - ref.root_trace(c1, c2)
    return d.clamp(min=0)


def plus(first, second):
    (m1, c1), (m2, c2) = first, second
    return (m1 - m2).square().sum() + torch.trace(c1 + c2) + 2 * ref.root_trace(c1, c2)


def one_trace(first, second):
    (m1, c1), (m2, c2) = first, second
    d = (m1 - m2).square().sum() + c1.trace() - 2 * ref.root_trace(c1, c2)
    return d.clamp(min=0)


def square_root(first, second):
    (m1, c1), (m2, c2) = first, second
    d = (m1 - m2).square().sum() + torch.trace(c1 + c2) - 2 * ref.root_trace(c1, c2)
    return d.clamp(min=0).sqrt()


def product(first, second):
    (m1, c1), (m2, c2) = first, second
    return ((m1 - m2).square().sum() + torch.trace(c1 + c2 - 2 * c1 @ c2)).clamp(min=0)


def variances_only(first, second):
    (m1, c1), (m2, c2) = first, second
    s1, s2 = c1.diagonal().sqrt(), c2.diagonal().sqrt()
    return (m1 - m2).square().sum() + (s1 - s2).square().sum()


def sqrt_of_product(first, second):
    (m1, c1), (m2, c2) = first, second
    d = (m1 - m2).square().sum() + torch.trace(c1 + c2 - 2 * torch.sqrt(c1 @ c2))
    return d.clamp(min=0)


def roots_compared(first, second):
    def sqrtm(c):
        w, V = torch.linalg.eigh(c)
        return V @ torch.diag(w.clamp(min=0).sqrt()) @ V.T

    (m1, c1), (m2, c2) = first, second
    return (m1 - m2).square().sum() + (sqrtm(c1) - sqrtm(c2)).square().sum()


def determinants(first, second):
    (m1, c1), (m2, c2) = first, second
    root = torch.sqrt(torch.clamp(torch.det(c1 @ c2), min=0))
    return ((m1 - m2).square().sum() + torch.trace(c1 + c2) - 2 * root).clamp(min=0)


def covariances_subtracted(first, second):
    (m1, c1), (m2, c2) = first, second
    return (m1 - m2).pow(2).sum() + torch.linalg.norm(c1 - c2) ** 2


def no_clamp(first, second):
    (m1, c1), (m2, c2) = first, second
    return (m1 - m2).square().sum() + torch.trace(c1 + c2) - 2 * ref.root_trace(c1, c2)


def own_root_without_clamp(first, second):
    (m1, c1), (m2, c2) = first, second
    root = torch.linalg.eigvals(c1 @ c2).real.sqrt().sum()
    return ((m1 - m2).square().sum() + torch.trace(c1 + c2) - 2 * root).clamp(min=0)


def covariance_of_both(first, second):
    (m1, c1), (m2, c2) = first, second
    covmean = torch.cov(torch.cat([c1, c2]))
    d = (m1 - m2).square().sum() + c1.trace() + c2.trace() - 2 * covmean.trace()
    return d.clamp(min=0)


def no_clamp_and_the_norm(first, second):
    (m1, c1), (m2, c2) = first, second
    return (m1 - m2).norm() + torch.trace(c1 + c2) - 2 * ref.root_trace(c1, c2)


RIGHT = [as_in_the_lecture, as_in_pytorch_fid, python_max, norm_squared]
WRONG = {
    norm: "norm_of_means",
    mse: "mean_of_squares",
    difference_summed: "means_not_squared",
    without_the_means: "no_means",
    means: "only_means",
    once: "factor_missing",
    plus: "added",
    one_trace: "first_trace_alone",
    square_root: "root_of_all",
    product: "product",
    variances_only: "deviations",
    sqrt_of_product: "root_of_numbers",
    roots_compared: "product_of_roots",
    determinants: "determinant",
    covariances_subtracted: "frobenius",
    no_clamp: "not_clamped",
    own_root_without_clamp: "root_of_less_than_zero",
    covariance_of_both: "covariance_of_covariances",
    no_clamp_and_the_norm: "norm_of_means not_clamped",
}
