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

from cvgen_course import segmentation as ref
from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["fuse_skips"]


def resize(x, size):
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def two_lines(score32, score16, score8):
    fused = score16 + resize(score32, score16.shape[-2:])
    return score8 + resize(fused, score8.shape[-2:])


def a_loop(score32, score16, score8):
    fused = score32
    for finer in (score16, score8):
        fused = nn.functional.interpolate(fused, tuple(finer.shape[2:]), mode="bilinear") + finer
    return fused


def modules(score32, score16, score8):
    up16 = nn.Upsample(size=score16.shape[2:], mode="bilinear", align_corners=False)
    up8 = nn.Upsample(size=score8.shape[2:], mode="bilinear", align_corners=False)
    return torch.add(score8, up8(torch.add(score16, up16(score32))))


def sums_at_the_end(score32, score16, score8):
    """Upsampling is linear."""
    far = resize(resize(score32, score16.shape[-2:]), score8.shape[-2:])
    return torch.stack([far, resize(score16, score8.shape[-2:]), score8]).sum(0)


def in_place_on_what_is_new(score32, score16, score8):
    fused = resize(score32, score16.shape[-2:])
    fused += score16
    out = resize(fused, score8.shape[-2:])
    out += score8
    return out


def two_matrices(score32, score16, score8):
    def weights(small, large):
        where = ((torch.arange(large).double() + 0.5) * small / large - 0.5).clamp(0, small - 1)
        distance = (where[:, None] - torch.arange(small)).abs()
        return (1 - distance).clamp(min=0)  # (large, small)

    fused = score32.double()
    for finer in (score16, score8):
        rows = weights(fused.shape[2], finer.shape[2])
        columns = weights(fused.shape[3], finer.shape[3])
        fused = torch.einsum("yi,ncij,xj->ncyx", rows, fused, columns) + finer
    return fused.to(score8.dtype)


def a_helper_defined_inside(score32, score16, score8):
    def step(coarse, fine):
        H, W = fine.shape[-2], fine.shape[-1]
        return fine + F.interpolate(coarse, size=(H, W), mode="bilinear", align_corners=False)

    return step(step(score32, score16), score8)


def bicubic(score32, score16, score8):
    for finer in (score16, score8):
        score32 = F.interpolate(score32, finer.shape[2:], mode="bicubic") + finer
    return score32


def size_of_the_coarsest(score32, score16, score8):
    return score32 + resize(score16, score32.shape[2:]) + resize(score8, score32.shape[2:])


def products(score32, score16, score8):
    return score8 * resize(score16 * resize(score32, score16.shape[2:]), score8.shape[2:])


def concatenation(score32, score16, score8):
    size = score8.shape[2:]
    return torch.cat([resize(score32, size), resize(score16, size), score8], dim=1)


def maximum(score32, score16, score8):
    for finer in (score16, score8):
        score32 = torch.maximum(resize(score32, finer.shape[2:]), finer)
    return score32


def softmax_at_the_end(*scores):
    return two_lines(*scores).softmax(1)


def square_maps(score32, score16, score8):
    fused = score16 + resize(score32, (score16.shape[2],) * 2)
    return score8 + resize(fused, (score8.shape[2],) * 2)


def first_image(*scores):
    return two_lines(*(score[:1] for score in scores))


def float32_always(*scores):
    return two_lines(*(score.float() for score in scores))


def exchanged(score32, score16, score8):
    return two_lines(score8, score16, score32)


def changes_its_inputs(score32, score16, score8):
    score16 += resize(score32, score16.shape[2:])
    score8 += resize(score16, score8.shape[2:])
    return score8


def without_gradient(score32, score16, score8):
    with torch.no_grad():
        return two_lines(score32, score16, score8)


def float32_on_the_way(*maps):
    return two_lines(*(scores.float() for scores in maps)).to(maps[0].dtype)


def stays_in_float64(score32, score16, score8):
    """More precise than was asked for."""
    return two_lines(score32.double(), score16.double(), score8.double())


RIGHT = [
    *(two_lines, a_loop, modules, sums_at_the_end, in_place_on_what_is_new, two_matrices),
    *(a_helper_defined_inside, stays_in_float64),
]
WRONG = [
    *(bicubic, size_of_the_coarsest, products, concatenation, maximum),
    *(softmax_at_the_end, square_maps, first_image, float32_always, exchanged),
    changes_its_inputs,
    *(without_gradient, float32_on_the_way),
]
EQUIVALENT = {
    "upsample_and_add: F.interpolate(coarse, size=fine.shape[-2:], mode='bilinear', "
    "align_corners=False) -> F.interpolate(coarse, size=fine.shape[-2:], mode='bilinear')": (
        "False is the default"
    ),
    "upsample_and_add: -2 -> +2": "the last two of four dimensions",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_fuse_skips_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_fuse_skips_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_fuse_skips_must_not_call_the_references_step():
    def answer(score32, score16, score8):
        return ref.upsample_and_add(ref.upsample_and_add(score32, score16), score8)

    assert graded(EXERCISE, answer).points == 0.0


def test_fuse_skips_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("upsample_and_add",))
