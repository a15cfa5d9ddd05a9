import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["unet_up"]


def negative_padding(x, skip, upsample, conv):
    x = upsample(x)
    dh, dw = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
    return conv(torch.cat([skip, F.pad(x, [0, dw, 0, dh])], 1))


def crops_then_pads(x, skip, upsample, conv):
    H, W = skip.shape[-2:]
    x = upsample(x)[..., :H, :W]
    x = F.pad(x, (0, W - x.shape[-1], 0, H - x.shape[-2]), "constant", 0)
    return conv(torch.cat((skip, x), dim=1))


def pads_then_crops(x, skip, upsample, conv):
    up = upsample(x)
    rows = max(skip.size(2) - up.size(2), 0)
    columns = max(skip.size(3) - up.size(3), 0)
    up = F.pad(up, (0, columns, 0, rows))[:, :, : skip.size(2), : skip.size(3)]
    return conv(torch.cat([skip, up], dim=-3))


def an_empty_canvas(x, skip, upsample, conv):
    up = upsample(x)
    N, C, h, w = up.shape
    _, _, H, W = skip.shape
    canvas = up.new_zeros(N, C, H, W)
    canvas[:, :, : min(h, H), : min(w, W)] = up[:, :, : min(h, H), : min(w, W)]
    return conv(torch.cat([skip, canvas], dim=1))


def one_canvas_for_both(x, skip, upsample, conv):
    up = upsample(x)
    h, w = min(up.shape[2], skip.shape[2]), min(up.shape[3], skip.shape[3])
    both = torch.zeros(len(skip), skip.shape[1] + up.shape[1], *skip.shape[2:], dtype=skip.dtype)
    both[:, : skip.shape[1]] = skip
    both[:, skip.shape[1] :, :h, :w] = up[:, :, :h, :w]
    return conv(both)


def concatenates_zeros(x, skip, upsample, conv):
    up = upsample(x)[:, :, : skip.shape[2], : skip.shape[3]]
    for dim in (2, 3):
        missing = skip.shape[dim] - up.shape[dim]
        if missing > 0:
            shape = list(up.shape)
            shape[dim] = missing
            up = torch.cat([up, torch.zeros(shape, dtype=up.dtype)], dim=dim)
    return conv(torch.concat([skip, up], dim=1))


def bilinear_resize(x, skip, upsample, conv):
    x = F.interpolate(upsample(x), skip.shape[2:], mode="bilinear")
    return conv(torch.cat([skip, x], dim=1))


def pads_both_sides(x, skip, upsample, conv):
    x = upsample(x)
    dh, dw = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
    x = F.pad(x, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2))
    return conv(torch.cat([skip, x], dim=1))


def repeats_the_border(x, skip, upsample, conv):
    H, W = skip.shape[2:]
    x = upsample(x)[..., :H, :W]
    x = F.pad(x, (0, W - x.shape[3], 0, H - x.shape[2]), mode="replicate")
    return conv(torch.cat([skip, x], dim=1))


def crops_only(x, skip, upsample, conv):
    x = upsample(x)[:, :, : skip.shape[2], : skip.shape[3]]
    return conv(torch.cat([skip, x], dim=1))


def adds(x, skip, upsample, conv):
    x = F.pad(upsample(x), (0, 0, 0, 0, 0, skip.shape[1]))
    return conv(x)


def upsamples_the_result(x, skip, upsample, conv):
    return upsample(conv(torch.cat([skip, x], dim=1)))


def without_upsample(x, skip, upsample, conv):
    x = F.interpolate(x, skip.shape[2:])[:, :2]
    return conv(torch.cat([skip, x], dim=1))


def without_conv(x, skip, upsample, conv):
    return torch.cat([skip, crops_only(x, skip, upsample, lambda both: both)], dim=1)


def convolves_twice(x, skip, upsample, conv):
    negative_padding(x, skip, upsample, conv)
    return negative_padding(x, skip, upsample, conv)


def height_only(x, skip, upsample, conv):
    x = upsample(x)
    x = F.pad(x, (0, 0, 0, skip.shape[2] - x.shape[2]))
    return conv(torch.cat([skip, x], dim=1))


def wrong_dimension(x, skip, upsample, conv):
    return conv(torch.cat([skip, upsample(x)], dim=2))


def fits_by_one(x, skip, upsample, conv):
    x = upsample(x)
    for dim in (2, 3):
        if x.shape[dim] > skip.shape[dim]:
            x = x.narrow(dim, 0, x.shape[dim] - 1)
    rows, columns = (int(x.shape[dim] < skip.shape[dim]) for dim in (2, 3))
    return conv(torch.cat([skip, F.pad(x, (0, columns, 0, rows))], dim=1))


def crops_both_or_pads_both(x, skip, upsample, conv):
    x, (H, W) = upsample(x), skip.shape[2:]
    taller = x.shape[2] > H
    x = x[..., :H, :W] if taller else F.pad(x, (0, W - x.shape[3], 0, H - x.shape[2]))
    return conv(torch.cat([skip, x], dim=1))


def pads_before_upsampling(x, skip, upsample, conv):
    H, W = skip.shape[2:]
    rows, columns = max(0, -(-H // 2) - x.shape[2]), max(0, -(-W // 2) - x.shape[3])
    x = upsample(F.pad(x, (0, columns, 0, rows)))
    return conv(torch.cat([skip, x[..., :H, :W]], dim=1))


def skip_is_cut_off(x, skip, upsample, conv):
    return negative_padding(x, skip.detach(), upsample, conv)


def upsamples_again_where_sizes_differ(x, skip, upsample, conv):
    up = upsample(x)
    if up.shape[2:] != skip.shape[2:]:
        return negative_padding(x, skip, upsample, conv)
    return conv(torch.cat([skip, up], 1))


def one_number_for_both_sides(x, skip, upsample, conv):
    x = upsample(x)
    missing = skip.shape[2] - x.shape[2]
    return conv(torch.cat([skip, F.pad(x, (0, missing, 0, missing))], dim=1))


RIGHT = [
    *(negative_padding, crops_then_pads, pads_then_crops, an_empty_canvas),
    *(one_canvas_for_both, concatenates_zeros),
]
WRONG = [
    *(bilinear_resize, pads_both_sides, repeats_the_border, crops_only, adds),
    *(upsamples_the_result, without_upsample, without_conv, convolves_twice, height_only),
    *(wrong_dimension, upsamples_again_where_sizes_differ, one_number_for_both_sides),
    *(fits_by_one, crops_both_or_pads_both, pads_before_upsampling, skip_is_cut_off),
]
EQUIVALENT = {}


@pytest.mark.parametrize("answer", [crops_only, one_number_for_both_sides])
def test_unet_up_blames_no_padding_that_is_not_there(answer):
    for seed in SEEDS:
        assert "exchanged" not in graded(EXERCISE, answer, seed).diagnosis


@pytest.mark.parametrize("answer", RIGHT)
def test_unet_up_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_unet_up_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_unet_up_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
