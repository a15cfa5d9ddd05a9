import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import autoencoders as ref
from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["quantize"]


def loop_over_rows(rows, codebook):
    indices = torch.stack([(codebook - row).square().sum(dim=1).argmin() for row in rows])
    return rows + (codebook[indices] - rows).detach(), indices


def loop_over_codes(rows, codebook):
    best = torch.full((len(rows),), torch.inf, dtype=rows.dtype)
    indices = torch.zeros(len(rows), dtype=torch.int64)
    z_q = torch.zeros_like(rows)
    for i, code in enumerate(codebook.detach()):
        distance = ((rows.detach() - code) ** 2).sum(dim=-1).sqrt()
        nearer = distance < best
        best[nearer], indices[nearer], z_q[nearer] = distance[nearer], i, code
    return z_q + rows - rows.detach(), indices


def cdist(rows, codebook):
    indices = torch.cdist(rows, codebook).min(dim=1).indices
    return rows + (F.embedding(indices, codebook) - rows).detach(), indices


def whole_square_and_one_hot(rows, codebook):
    """As in much published code."""
    distances = (
        rows.pow(2).sum(dim=1, keepdim=True)
        + codebook.pow(2).sum(dim=1)
        - 2 * torch.matmul(rows, codebook.t())
    )
    indices = torch.argmin(distances, dim=1).unsqueeze(1)
    encodings = torch.zeros(len(rows), len(codebook), dtype=rows.dtype)
    encodings.scatter_(1, indices, 1)
    quantized = torch.matmul(encodings, codebook)
    return rows + (quantized - rows).detach(), indices.squeeze(1)


def largest_score(rows, codebook):
    """The nearest code has the largest e·z - ‖e‖² / 2."""
    with torch.no_grad():
        halves = torch.einsum("kd,kd->k", codebook, codebook) / 2
        indices = (torch.einsum("md,kd->mk", rows, codebook) - halves).argmax(-1)
        shift = codebook[indices] - rows
    return rows + shift, indices


def in_blocks_of_eight(rows, codebook):
    blocks = [((b[:, None] - codebook) ** 2).sum(-1).argmin(-1) for b in rows.detach().split(8)]
    indices = torch.cat(blocks)
    return rows + (codebook.detach()[indices] - rows.detach()), indices


class PassThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, codebook, indices):
        ctx.shape = codebook.shape
        return codebook.index_select(0, indices)

    @staticmethod
    def backward(ctx, upstream):
        return upstream, torch.zeros(ctx.shape, dtype=upstream.dtype), None


def own_function(rows, codebook):
    indices = torch.addmm(codebook.square().sum(1), rows, codebook.T, alpha=-2).argmin(1)
    return PassThrough.apply(rows, codebook, indices), indices


def stays_in_float64(rows, codebook):
    return loop_over_rows(rows.double(), codebook.double())


def python_lists(rows, codebook):
    indices = []
    for row in rows.tolist():
        distances = [
            sum((a - b) ** 2 for a, b in zip(row, code, strict=True)) for code in codebook.tolist()
        ]
        indices.append(distances.index(min(distances)))
    indices = torch.tensor(indices)
    return [rows + codebook[indices].detach() - rows.detach(), indices]


def varied(find=None, patch=None):
    """Return a right answer in which the search or the estimator is another."""

    def answer(rows, codebook):
        squares = codebook.square().sum(dim=1) - 2 * rows @ codebook.T
        indices = find(rows, codebook) if find else squares.argmin(dim=1)
        z_q = codebook[indices]
        return patch(rows, z_q) if patch else rows + (z_q - rows).detach(), indices

    return answer


def unstable_order(rows, codebook):
    """The last of equals."""
    best = torch.zeros(len(rows), dtype=torch.int64)
    for i in range(len(codebook)):
        nearer = (rows - codebook[i]).norm(dim=1) <= (rows - codebook[best]).norm(dim=1)
        best[nearer] = i
    return best


def lengths_not_squared(rows, codebook):
    return (codebook.norm(dim=1) - 2 * rows @ codebook.T).argmin(dim=1)


def mean_of_squares(rows, codebook):
    return (codebook.square().mean(dim=1) - 2 * rows @ codebook.T).argmin(dim=1)


def largest_difference(rows, codebook):
    return torch.cdist(rows, codebook, p=torch.inf).argmin(dim=1)


def first_number_alone(rows, codebook):
    return (rows[:, :1] - codebook[:, 0]).abs().argmin(dim=1)


def rounded(rows, codebook):
    return torch.cdist(rows.round(), codebook).argmin(dim=1)


def expanded_differences(rows, codebook):
    M, K = len(rows), len(codebook)
    rows, codebook = rows[:, None].expand(M, K, -1), codebook[None].expand(M, K, -1)
    return F.pairwise_distance(rows, codebook, eps=0).argmin(dim=1)


def squeezes(rows, codebook):
    z_q, indices = loop_over_rows(rows, codebook)
    return z_q.squeeze(), indices.squeeze()


def column_of_indices(rows, codebook):
    z_q, indices = loop_over_rows(rows, codebook)
    return z_q, indices[:, None]


def flattened_argmin(rows, codebook):
    indices = (codebook.square().sum(dim=1) - 2 * rows @ codebook.T).argmin() % len(codebook)
    return rows + (codebook[indices] - rows).detach(), indices.expand(len(rows))


def with_distances(rows, codebook):
    return *loop_over_rows(rows, codebook), torch.cdist(rows, codebook)


def z_q_alone(rows, codebook):
    return loop_over_rows(rows, codebook)[0]


def float32_on_the_way(rows, codebook):
    z_q, indices = loop_over_rows(rows.float(), codebook.float())
    return z_q.to(rows.dtype), indices


def indices_of_floats(rows, codebook):
    z_q, indices = loop_over_rows(rows, codebook)
    return z_q, indices.double()


def overwrites_rows(rows, codebook):
    z_q, indices = loop_over_rows(rows.detach().clone(), codebook.detach())
    rows.data.copy_(z_q)
    return rows, indices


def under_no_grad(rows, codebook):
    with torch.no_grad():
        return loop_over_rows(rows, codebook)


def made_anew(rows, codebook):
    z_q, indices = loop_over_rows(rows, codebook)
    return torch.tensor(z_q.tolist(), dtype=rows.dtype, requires_grad=True), indices


RIGHT = [
    *(loop_over_rows, loop_over_codes, cdist, whole_square_and_one_hot, largest_score),
    *(in_blocks_of_eight, own_function, stays_in_float64, python_lists, varied()),
]
WRONG = {
    **{
        find.__name__: varied(find)
        for find in (
            *(unstable_order, lengths_not_squared, mean_of_squares, largest_difference),
            *(first_number_alone, rounded, expanded_differences),
        )
    },
    "codebook learns, rows do not": varied(
        patch=lambda rows, z_q: rows.detach() + z_q - rows.detach()
    ),
    "half of the gradient each": varied(
        patch=lambda rows, z_q: (rows + z_q) / 2 + (z_q - (rows + z_q) / 2).detach()
    ),
    "the gradient of a distance": varied(patch=lambda rows, z_q: z_q + (rows - z_q) * 1e-9),
    "the gradient has the other sign": varied(patch=lambda rows, z_q: (z_q + rows).detach() - rows),
    "a detach is missing": varied(patch=lambda rows, z_q: rows + (z_q - rows)),
    "the gradient is normalised": varied(
        patch=lambda rows, z_q: F.normalize(rows) + (z_q - F.normalize(rows)).detach()
    ),
    **{
        answer.__name__: answer
        for answer in (
            *(squeezes, column_of_indices, flattened_argmin, with_distances, z_q_alone),
            *(float32_on_the_way, indices_of_floats, overwrites_rows, under_no_grad, made_anew),
        )
    },
}
AT_LEAST_FLOAT32 = "rows, codebook = (at_least_float32(rows), at_least_float32(codebook))"
EQUIVALENT = {
    f"nearest_codes: {AT_LEAST_FLOAT32} -> pass": "no case is in half precision",
    "nearest_codes: rows, codebook = (rows - middle, codebook - middle) -> pass": (
        "no case is far from the origin, where the formula as it stands loses digits"
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_quantize_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_quantize_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_quantize_names_the_tensor_that_is_too_large():
    (message,) = failed(graded(EXERCISE, varied(expanded_differences)))
    assert "a tensor of M × K × D = 48 · 32 · 16 numbers or more; a matrix" in message


def test_quantize_must_not_come_from_the_librarys_layer():
    def answer(rows, codebook):
        layer = ref.VectorQuantizer(*codebook.shape, decay=None).to(codebook)
        layer.codebook.data.copy_(codebook)
        quantized = layer(rows.T[None, :, None])
        return quantized.maps[0, :, 0].T, quantized.indices.flatten()

    assert graded(EXERCISE, answer).points == 0.0


def test_quantize_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("nearest_codes", "straight_through"))
