import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import segmentation as ref
from cvgen_course.segmentation.exercises import EXERCISES

EXERCISE = EXERCISES["unet_forward"]


def fit(x, skip):
    return F.pad(x, (0, skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2]))


def with_the_references_steps(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = ref.unet_down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        x = ref.unet_up(x, skips.pop(), upsample, conv)
    return head(x)


def indices(x, down_convs, bottleneck, upsamples, up_convs, head):
    depth = len(down_convs)
    skips = [None] * depth
    for i in range(depth):
        skips[i] = down_convs[i](x)
        x = F.max_pool2d(skips[i], 2)
    x = bottleneck(x)
    for i in range(depth):
        skip = skips[depth - 1 - i]
        x = up_convs[i](torch.cat([skip, fit(upsamples[i](x), skip)], dim=1))
    return head(x)


def recursion(x, down_convs, bottleneck, upsamples, up_convs, head):
    def level(x, i):
        if i == len(down_convs):
            return bottleneck(x)
        skip = down_convs[i](x)
        x = level(F.max_pool2d(skip, 2), i + 1)
        x = upsamples[-1 - i](x)
        return up_convs[-1 - i](torch.cat([skip, fit(x, skip)], dim=1))

    return head(level(x, 0))


def recursion_of_itself(x, down_convs, bottleneck, upsamples, up_convs, head):
    if not down_convs:
        return head(bottleneck(x))
    first, *deeper = down_convs
    skip = first(x)
    x = recursion_of_itself(
        F.max_pool2d(skip, 2), deeper, bottleneck, upsamples[:-1], up_convs[:-1], lambda x: x
    )
    x = fit(upsamples[-1](x), skip)
    return head(up_convs[-1](torch.cat([skip, x], dim=1)))


def a_dictionary_of_skips(x, down_convs, bottleneck, upsamples, up_convs, head):
    """Keep every skip under its depth, in a dictionary."""
    skips = {}
    for depth, conv in enumerate(down_convs):
        skips[depth] = conv(x)
        x = F.max_pool2d(skips[depth], 2)
    x = bottleneck(x)
    for upsample, conv, depth in zip(upsamples, up_convs, sorted(skips)[::-1], strict=True):
        x = conv(torch.cat((skips[depth], fit(upsample(x), skips[depth])), dim=1))
    return head(x)


def head_first(x, down_convs, bottleneck, upsamples, up_convs, head):
    return with_the_references_steps(
        x, down_convs, lambda x: head(bottleneck(x)), upsamples, up_convs, lambda x: x
    )


def bottleneck_before_pooling(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for i, conv in enumerate(down_convs):
        x = conv(x if i == 0 else F.max_pool2d(x, 2))
        skips.append(x)
    x = F.max_pool2d(bottleneck(x), 2)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        x = ref.unet_up(x, skips.pop(), upsample, conv)
    return head(x)


def bottleneck_twice(x, down_convs, bottleneck, upsamples, up_convs, head):
    def twice(x):
        bottleneck(x)
        return bottleneck(x)

    return with_the_references_steps(x, down_convs, twice, upsamples, up_convs, head)


def one_level_only(x, down_convs, bottleneck, upsamples, up_convs, head):
    skip, x = ref.unet_down(x, down_convs[0])
    return head(ref.unet_up(bottleneck(x), skip, upsamples[-1], up_convs[-1]))


def depth_of_two(x, down_convs, bottleneck, upsamples, up_convs, head):
    return with_the_references_steps(
        x, down_convs[:2], bottleneck, upsamples[:2], up_convs[:2], head
    )


def softmax_at_the_end(*parts):
    return with_the_references_steps(*parts).softmax(1)


def resized_at_the_end(x, down_convs, bottleneck, upsamples, up_convs, head):
    size, skips = x.shape[2:], []
    for conv in down_convs:
        skip, x = ref.unet_down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        x, skip = upsample(x), skips.pop()
        x = conv(torch.cat([skip[:, :, : x.shape[2], : x.shape[3]], x], dim=1))
    return F.interpolate(head(x), size)


def average_pooling(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skips.append(conv(x))
        x = F.avg_pool2d(skips[-1], 2)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        x = ref.unet_up(x, skips.pop(), upsample, conv)
    return head(x)


def skips_of_zeros(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = ref.unet_down(x, conv)
        skips.append(torch.zeros_like(skip))
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        x = ref.unet_up(x, skips.pop(), upsample, conv)
    return head(x)


def image_as_every_skip(x, down_convs, bottleneck, upsamples, up_convs, head):
    skip = down_convs[0](x)
    return head(ref.unet_up(bottleneck(F.max_pool2d(skip, 2)), skip, upsamples[0], up_convs[0]))


def pops(x, down_convs, bottleneck, upsamples, up_convs, head):
    x = indices(x, list(down_convs), bottleneck, list(upsamples), list(up_convs), head)
    up_convs.pop()
    return x


def pads_before_upsampling(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = ref.unet_down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv in zip(upsamples, up_convs, strict=True):
        (H, W), skip = skips[-1].shape[2:], skips.pop()
        x = F.pad(x, (0, -(-W // 2) - x.shape[3], 0, -(-H // 2) - x.shape[2]))
        x = conv(torch.cat([skip, upsample(x)[..., :H, :W]], dim=1))
    return head(x)


def skips_are_cut_off(x, down_convs, bottleneck, upsamples, up_convs, head):
    up_convs = [lambda both, conv=conv: conv(both.detach()) for conv in up_convs]
    return indices(x, down_convs, bottleneck, upsamples, up_convs, head)


def upsamples_again_where_sizes_differ(x, down_convs, bottleneck, upsamples, up_convs, head):
    skips = []
    for conv in down_convs:
        skip, x = ref.unet_down(x, conv)
        skips.append(skip)
    x = bottleneck(x)
    for upsample, conv, skip in zip(upsamples, up_convs, skips[::-1], strict=True):
        up = upsample(x)
        if up.shape[2:] != skip.shape[2:]:
            x = ref.unet_up(x, skip, upsample, conv)
        else:
            x = conv(torch.cat([skip, up], dim=1))
    return head(x)


RIGHT = [
    *(with_the_references_steps, indices, recursion, recursion_of_itself),
    a_dictionary_of_skips,
]
WRONG = [
    *(head_first, bottleneck_before_pooling, bottleneck_twice, one_level_only, depth_of_two),
    *(softmax_at_the_end, resized_at_the_end, average_pooling, skips_of_zeros),
    image_as_every_skip,
    *(pops, pads_before_upsampling, skips_are_cut_off, upsamples_again_where_sizes_differ),
]
EQUIVALENT = {
    "unet_forward: zip(reversed(skips), upsamples, up_convs, strict=True) -> "
    "zip(reversed(skips), upsamples, up_convs)": "all three have the same length",
    "unet_forward: True -> False": "all three have the same length",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_unet_forward_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_unet_forward_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_unet_forward_must_not_call_the_reference():
    def answer(*parts):
        return ref.unet_forward(*parts)

    assert graded(EXERCISE, answer).points == 0.0


def test_unet_forward_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("unet_down", "unet_up"))
