"""Answers to `quantize` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def row_by_row(rows, codebook):
    indices = []
    for z in rows:
        distances = ((codebook - z) ** 2).sum(dim=1)
        indices.append(torch.argmin(distances))
    indices = torch.stack(indices)
    return rows + (codebook[indices] - rows).detach(), indices


def code_by_code(rows, codebook):
    best = torch.full(rows.shape[:1], math.inf, dtype=rows.dtype)
    indices = torch.zeros(len(rows), dtype=torch.int64)
    for k, code in enumerate(codebook):
        d = (rows - code).detach().square().sum(1)
        nearer = d < best
        best[nearer] = d[nearer]
        indices[nearer] = k
    z_q = codebook.detach().index_select(0, indices)
    return z_q + rows - rows.detach(), indices


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z_e, z_q):
        return z_q.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def own_backward(rows, codebook):
    d = torch.cdist(rows, codebook, compute_mode="donot_use_mm_for_euclid_dist")
    indices = d.argmin(dim=-1)
    return StraightThrough.apply(rows, codebook[indices]), indices


def one_hot_in_float64(rows, codebook):
    z, e = rows.detach().double(), codebook.detach().double()
    d = (z**2).sum(1, keepdim=True) + (e**2).sum(1) - 2 * torch.einsum("md,kd->mk", z, e)
    indices = d.min(dim=1).indices
    z_q = (F.one_hot(indices, len(e)).double() @ e).to(rows.dtype)
    return rows - (rows - z_q).detach(), indices


def numpy_for_the_indices(rows, codebook):
    z, e = rows.detach().numpy(), codebook.detach().numpy()
    d = np.zeros((len(z), len(e)))
    for dim in range(z.shape[1]):
        d += np.subtract.outer(z[:, dim].astype(float), e[:, dim].astype(float)) ** 2
    indices = torch.from_numpy(d.argmin(axis=1))
    with torch.no_grad():
        step = codebook[indices] - rows
    return rows + step, indices


def no_straight_through(rows, codebook):
    indices = torch.cdist(rows, codebook).argmin(dim=1)
    return codebook[indices], indices


def everything_detached(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1)
    z_q = codebook[indices]
    return (rows + (z_q - rows)).detach(), indices


def straight_through_backwards(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1)
    z_q = codebook[indices]
    return z_q + (rows - z_q).detach(), indices


def gradient_to_codebook_too(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1)
    z_q = codebook[indices]
    return z_q + rows - rows.detach(), indices


def detach_forgotten(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1)
    z_q = codebook[indices]
    return rows + (z_q - rows), indices


def largest_dot_product(rows, codebook):
    indices = (rows @ codebook.T).argmax(dim=1)
    z_q = codebook[indices]
    return rows + (z_q - rows).detach(), indices


def cosine(rows, codebook):
    similarity = F.normalize(rows, dim=1) @ F.normalize(codebook, dim=1).T
    indices = similarity.argmax(dim=1)
    return rows + (codebook[indices] - rows).detach(), indices


def factor_two_forgotten(rows, codebook):
    d = (rows**2).sum(1, keepdim=True) + (codebook**2).sum(1) - rows @ codebook.T
    indices = d.argmin(1)
    return rows + (codebook[indices] - rows).detach(), indices


def last_of_equals(rows, codebook):
    best, indices = None, torch.zeros(len(rows), dtype=torch.long)
    for k in range(len(codebook)):
        d = (rows - codebook[k]).pow(2).sum(1).detach()
        if best is None:
            best = d
            continue
        closer = d <= best
        best = torch.where(closer, d, best)
        indices[closer] = k
    return rows + (codebook[indices] - rows).detach(), indices


def row_nearest_to_each_code(rows, codebook):
    d = torch.cdist(rows, codebook)
    indices = d.argmin(dim=0)
    return rows + (codebook[indices] - rows).detach(), indices


def three_dimensional_table(rows, codebook):
    d = ((rows[:, None, :] - codebook[None, :, :]) ** 2).sum(-1)
    indices = d.argmin(dim=1)
    return rows + (codebook[indices] - rows).detach(), indices


def indices_int32(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1).to(torch.int32)
    return rows + (codebook[indices.long()] - rows).detach(), indices


def indices_in_a_column(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = d.argmin(1, keepdim=True)
    z_q = codebook[indices.squeeze(1)]
    return rows + (z_q - rows).detach(), indices


def squeezed_indices(rows, codebook):
    d = (codebook**2).sum(1) - 2 * rows @ codebook.T
    indices = torch.argmin(d, dim=1, keepdim=True).squeeze()
    z_q = codebook[indices]
    return rows + (z_q - rows).detach(), indices


def gradient_to_codebook_and_dot_product(rows, codebook):
    indices = torch.argmax(rows @ codebook.T, dim=-1)
    z_q = codebook[indices]
    return z_q + (rows - rows.detach()), indices


def no_straight_through_and_table(rows, codebook):
    d = (rows.unsqueeze(1) - codebook.unsqueeze(0)).norm(dim=2)
    indices = d.argmin(dim=1)
    return F.embedding(indices, codebook), indices


RIGHT = [row_by_row, code_by_code, own_backward, one_hot_in_float64, numpy_for_the_indices]
WRONG = {
    no_straight_through: "not_straight_through",
    everything_detached: "cut_off",
    straight_through_backwards: "value_of_rows",
    gradient_to_codebook_too: "codebook_too",
    detach_forgotten: "not_straight_through",
    largest_dot_product: "dot_product",
    cosine: "cosine",
    factor_two_forgotten: "two_forgotten",
    last_of_equals: "last_of_equals",
    row_nearest_to_each_code: "argmin_over_rows",
    three_dimensional_table: "all_differences",
    indices_int32: "int32_indices",
    indices_in_a_column: "",
    squeezed_indices: "",
    gradient_to_codebook_and_dot_product: "codebook_too dot_product",
    no_straight_through_and_table: "not_straight_through all_differences",
}
