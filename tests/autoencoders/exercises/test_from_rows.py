import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["from_rows"]


def view_and_permute(rows, height, width):
    D = rows.shape[1]
    return rows.view(-1, height, width, D).permute(0, 3, 1, 2).contiguous()


def unflatten(rows, height, width):
    return rows.unflatten(0, (-1, height, width)).movedim(-1, 1)


def transposed_images(rows, height, width):
    M, D = rows.shape
    N = M // (height * width)
    return rows.reshape(N, height * width, D).transpose(1, 2).reshape(N, D, height, width)


def loop_over_places(rows, height, width):
    M, D = rows.shape
    maps = torch.zeros(M // (height * width), D, height, width, dtype=rows.dtype)
    for i in range(M):
        n, place = divmod(i, height * width)
        maps[n, :, place // width, place % width] = rows[i]
    return maps


def lists_of_images(rows, height, width):
    images = rows.split(height * width)
    return torch.stack([image.T.reshape(-1, height, width) for image in images])


def one_channel_at_a_time(rows, height, width):
    channels = [channel.reshape(-1, height, width) for channel in rows.unbind(1)]
    return torch.stack(channels, dim=1)


def einsum(rows, height, width):
    return torch.einsum("nhwd->ndhw", rows.reshape(-1, height, width, rows.shape[1]))


def kernels_of_one_pixel(rows, height, width):
    columns = rows.reshape(-1, height * width, rows.shape[1]).transpose(1, 2)
    return F.fold(columns, (height, width), kernel_size=1)


def channels_first(rows, height, width):
    return rows.T.reshape(rows.shape[1], -1, height, width).transpose(0, 1)


def more_precise(rows, height, width):
    return view_and_permute(rows.double(), height, width)


def square_maps(rows, height, width):
    return view_and_permute(rows, height, height)


def upside_down(rows, height, width):
    return view_and_permute(rows, height, width).flip(2)


def channels_reversed(rows, height, width):
    return view_and_permute(rows.flip(1), height, width)


def images_reversed(rows, height, width):
    return view_and_permute(rows, height, width).flip(0)


def float32_always(rows, height, width):
    return loop_over_places(rows.float(), height, width)


def float32_on_the_way(rows, height, width):
    return loop_over_places(rows.float(), height, width).to(rows.dtype)


def squeezed(rows, height, width):
    return view_and_permute(rows, height, width).squeeze()


def first_image(rows, height, width):
    return view_and_permute(rows[: height * width], height, width)


def one_image_only(rows, height, width):
    return rows.T.reshape(1, -1, height, width)


def by_numpy(rows, height, width):
    maps = rows.detach().numpy().reshape(-1, height, width, rows.shape[1])
    return torch.from_numpy(maps.transpose(0, 3, 1, 2).copy())


def columns_first(rows, height, width):
    return rows.reshape(-1, width, height, rows.shape[1]).permute(0, 3, 2, 1)


def a_tuple(rows, height, width):
    return tuple(view_and_permute(rows, height, width))


RIGHT = [
    *(view_and_permute, unflatten, transposed_images, loop_over_places, lists_of_images),
    *(one_channel_at_a_time, einsum, kernels_of_one_pixel, channels_first, more_precise),
]
WRONG = [
    *(square_maps, upside_down, channels_reversed, images_reversed, float32_always),
    *(float32_on_the_way, squeezed, first_image, one_image_only, by_numpy, columns_first, a_tuple),
]
EQUIVALENT: dict[str, str] = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_from_rows_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_from_rows_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_from_rows_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
