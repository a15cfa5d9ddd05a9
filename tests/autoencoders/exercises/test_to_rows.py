import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["to_rows"]


def permute_and_view(maps):
    N, D, H, W = maps.shape
    return maps.permute(0, 2, 3, 1).contiguous().view(N * H * W, D)


def two_transpositions(maps):
    return maps.transpose(1, 2).transpose(2, 3).flatten(0, 2)


def movedim(maps):
    return torch.movedim(maps, 1, -1).reshape(-1, maps.size(1))


def places_first(maps):
    return maps.flatten(2).mT.flatten(end_dim=1)


def loop_over_places(maps):
    N, _, H, W = maps.shape
    rows = [maps[n, :, y, x] for n in range(N) for y in range(H) for x in range(W)]
    return torch.stack(rows)


def filled_row_by_row(maps):
    N, D, H, W = maps.shape
    rows = torch.zeros(N * H * W, D, dtype=maps.dtype)
    i = 0
    for n in range(N):
        for y in range(H):
            for x in range(W):
                rows[i] = maps[n, :, y, x]
                i += 1
    return rows


def channel_by_channel(maps):
    return torch.stack([maps[:, d].reshape(-1) for d in range(maps.shape[1])], dim=1)


def einsum(maps):
    return torch.einsum("ndhw->nhwd", maps).reshape(-1, maps.shape[1])


def kernels_of_one_pixel(maps):
    columns = F.unfold(maps, kernel_size=1)  # (N, D, H * W)
    return columns.transpose(1, 2).reshape(-1, maps.shape[1])


def channels_as_rows_then_transposed(maps):
    return maps.transpose(0, 1).flatten(1).T


def more_precise(maps):
    return loop_over_places(maps.double())


def last_dimension_first(maps):
    return maps.permute(0, 3, 1, 2).reshape(-1, maps.shape[1])


def batch_between_the_sides(maps):
    return maps.permute(2, 0, 3, 1).reshape(-1, maps.shape[1])


def upside_down(maps):
    return maps.flip(2).permute(0, 2, 3, 1).reshape(-1, maps.shape[1])


def channels_reversed(maps):
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).flip(1)


def float32_always(maps):
    return loop_over_places(maps.float())


def float32_on_the_way(maps):
    return loop_over_places(maps.float()).to(maps.dtype)


def half_on_the_way(maps):
    return loop_over_places(maps.half()).to(maps.dtype)


def squeezed(maps):
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).squeeze()


def by_numpy(maps):
    rows = maps.detach().numpy().transpose(0, 2, 3, 1).reshape(-1, maps.shape[1])
    return torch.from_numpy(rows.copy())


def first_image(maps):
    return permute_and_view(maps[:1])


def square_maps(maps):
    N, D, H, _ = maps.shape
    return maps.permute(0, 2, 3, 1).reshape(N * H * H, D)


def a_list(maps):
    return list(permute_and_view(maps))


RIGHT = [
    *(permute_and_view, two_transpositions, movedim, places_first, loop_over_places),
    *(filled_row_by_row, channel_by_channel, einsum, kernels_of_one_pixel),
    *(channels_as_rows_then_transposed, more_precise),
]
WRONG = [
    *(last_dimension_first, batch_between_the_sides, upside_down),
    *(channels_reversed, float32_always, float32_on_the_way, half_on_the_way, squeezed),
    *(by_numpy, first_image, square_maps, a_list),
]
EQUIVALENT: dict[str, str] = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_to_rows_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_to_rows_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_to_rows_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
