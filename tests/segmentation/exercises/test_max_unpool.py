import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch import nn

from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["max_unpool"]


def loops(x, indices, output_size):
    H, W = output_size
    N, C, h, w = x.shape
    out = torch.zeros(N, C, H, W, dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(h):
                for j in range(w):
                    row, column = divmod(indices[n, c, i, j].item(), W)
                    out[n, c, row, column] = x[n, c, i, j]
    return out


def scatter(x, indices, output_size):
    N, C, _, _ = x.shape
    out = x.new_zeros(N, C, output_size[0] * output_size[1])
    out.scatter_(2, indices.view(N, C, -1), x.reshape(N, C, -1))
    return out.view(N, C, *output_size)


def scatter_add_in_float64(x, indices, output_size):
    H, W = output_size
    out = torch.zeros(*x.shape[:2], H * W, dtype=torch.float64)
    out = out.scatter_add(-1, indices.flatten(2), x.double().flatten(2))
    return out.unflatten(-1, (H, W)).to(x.dtype)


def planes_one_by_one(x, indices, output_size):
    H, W = output_size
    planes = []
    for values, places in zip(x.flatten(0, 1), indices.flatten(0, 1), strict=True):
        plane = torch.zeros(H * W, dtype=x.dtype)
        plane[places.flatten()] = values.flatten()
        planes.append(plane.reshape(H, W))
    return torch.stack(planes).reshape(*x.shape[:2], H, W)


def rows_and_columns(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    out = x.new_zeros(N, C, H, W)
    n = torch.arange(N)[:, None, None, None]
    c = torch.arange(C)[None, :, None, None]
    return out.index_put((n, c, indices // W, indices % W), x)


def one_hot_sum(x, indices, output_size):
    H, W = output_size
    places = F.one_hot(indices.flatten(2), H * W).to(x.dtype)
    return torch.einsum("ncip,nci->ncp", places, x.flatten(2)).reshape(*x.shape[:2], H, W)


def one_flat_row_with_offsets(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    offsets = torch.arange(N * C).reshape(N, C, 1, 1) * H * W
    flat = torch.zeros(N * C * H * W, dtype=x.dtype)
    flat[(indices + offsets).flatten()] = x.flatten()
    return flat.reshape(N, C, H, W)


def gather_what_belongs_there(x, indices, output_size):
    H, W = output_size
    hits = indices.flatten(2)[:, :, None, :] == torch.arange(H * W)[:, None]  # (N, C, HW, hw)
    return torch.where(hits, x.flatten(2)[:, :, None, :], 0.0).sum(-1).unflatten(2, (H, W))


def float32_always(x, indices, output_size):
    return scatter(x.float(), indices, output_size)


def keeps_the_larger(x, indices, output_size):
    H, W = output_size
    out = x.new_zeros(*x.shape[:2], H * W)
    out = out.scatter_reduce(2, indices.flatten(2), x.flatten(2), "amax")
    return out.unflatten(2, (H, W))


def flat_output(x, indices, output_size):
    return scatter(x, indices, output_size).flatten(2)


def positions_of_the_first_channel(x, indices, output_size):
    return scatter(x, indices[:, :1].expand_as(indices), output_size)


def positions_of_the_first_image(x, indices, output_size):
    return scatter(x, indices[:1].expand_as(indices), output_size)


def transposed(x, indices, output_size):
    return scatter(x, indices, output_size[::-1]).transpose(2, 3)


def through_numpy(x, indices, output_size):
    return torch.from_numpy(scatter(x.detach(), indices, output_size).numpy())


def a_small_number_elsewhere(x, indices, output_size):
    return scatter(x, indices, output_size) + 1e-3


def positions_from_a_pooling_of_its_own(x, indices, output_size):
    up = F.interpolate(x, size=output_size)
    _, own = F.max_pool2d(up, 2, return_indices=True)
    return scatter(x, own[..., : x.shape[2], : x.shape[3]], output_size)


def small_indices(x, indices, output_size):
    return scatter(x, indices.to(torch.bfloat16).long(), output_size)


def float32_on_the_way(x, indices, output_size):
    return scatter(x.float(), indices, output_size).to(x.dtype)


def changes_its_input(x, indices, output_size):
    out = scatter(x, indices, output_size)
    with torch.no_grad():
        x.zero_()
    return out


def stays_in_float64(x, indices, output_size):
    """More precise than was asked for."""
    return scatter(x.double(), indices, output_size)


RIGHT = [
    *(loops, scatter, scatter_add_in_float64, planes_one_by_one, rows_and_columns),
    stays_in_float64,
    *(one_hot_sum, one_flat_row_with_offsets, gather_what_belongs_there),
]
WRONG = [
    *(float32_always, keeps_the_larger, flat_output),
    *(positions_of_the_first_channel, positions_of_the_first_image, transposed, through_numpy),
    *(a_small_number_elsewhere, positions_from_a_pooling_of_its_own),
    *(small_indices, float32_on_the_way, changes_its_input),
]
FORBIDDEN = [
    lambda x, indices, size: F.max_unpool2d(x, indices, 2, output_size=size),
    lambda x, indices, size: nn.MaxUnpool2d(2)(x, indices, output_size=size),
    lambda x, indices, size: torch._C._nn.max_unpool2d(x, indices, size),
    lambda x, indices, size: torch.ops.aten.max_unpool2d(x, indices, size),
    lambda x, indices, size: F.max_unpool1d(
        x.flatten(2), indices.flatten(2), 1, output_size=(size[0] * size[1],)
    ).unflatten(2, size),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_max_unpool_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_max_unpool_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("answer", FORBIDDEN)
def test_max_unpool_must_not_call_torchs_own(answer):
    report = graded(EXERCISE, answer)
    assert report.points == 0.0
    assert any("to do it without" in row.message for row in report.rows)


def test_max_unpool_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
