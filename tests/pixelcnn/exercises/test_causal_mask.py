import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["causal_mask"]


def as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    mask = torch.zeros(out_channels, in_channels, height, width)
    mask[:, :, : height // 2] = 1
    mask[:, :, height // 2, : width // 2] = 1
    target = torch.arange(out_channels) * num_groups // out_channels
    source = torch.arange(in_channels) * num_groups // in_channels
    middle = source < target[:, None] if kind == "A" else source <= target[:, None]
    mask[:, :, height // 2, width // 2] = middle.float()
    return mask


def six_loops(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    mask = torch.zeros((out_channels, in_channels, height, width))
    for o in range(out_channels):
        for i in range(in_channels):
            for y in range(height):
                for x in range(width):
                    source, target = (
                        i // (in_channels // num_groups),
                        o * num_groups // out_channels,
                    )
                    here, middle = (y, x), (height // 2, width // 2)
                    if here < middle or (
                        here == middle and (source < target or (kind == "B" and source == target))
                    ):
                        mask[o, i, y, x] = 1
    return mask


def all_but_what_comes_later(kind, kernel_size, in_channels, out_channels, num_groups=1):
    """Begin with ones, and take away."""
    height, width = kernel_size
    mask = torch.ones(out_channels, in_channels, height, width)
    mask[:, :, height // 2 + 1 :, :] = 0
    mask[:, :, height // 2, width // 2 + 1 :] = 0
    o, i = out_channels // num_groups, in_channels // num_groups
    for g in range(num_groups):
        later = (g if kind == "A" else g + 1) * i
        mask[g * o : (g + 1) * o, later:, height // 2, width // 2] = 0
    return mask


def numpy_in_float64(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    y, x = np.mgrid[:height, :width]
    number = (y * width + x)[None, None]
    middle = height * width // 2
    blocks = np.ones((out_channels // num_groups, in_channels // num_groups))
    groups = np.kron(np.tri(num_groups, k=-1 if kind == "A" else 0), blocks)
    mask = (number < middle) + (number == middle) * groups[:, :, None, None]
    return torch.from_numpy(mask)


def flat_kernel(kind, kernel_size, in_channels, out_channels, num_groups=1):
    """In the order of reading, the middle is in the middle of the flat kernel, too."""
    before = kernel_size[0] * kernel_size[1] // 2
    mask = torch.zeros(out_channels, in_channels, 2 * before + 1)
    mask[..., :before] = 1
    ones = torch.ones(num_groups, num_groups)
    triangle = torch.tril(ones, diagonal=-(kind == "A"))
    triangle = triangle.repeat_interleave(out_channels // num_groups, dim=0)
    mask[..., before] = triangle.repeat_interleave(in_channels // num_groups, dim=1)
    return mask.unflatten(-1, kernel_size)


def expanded(kind, kernel_size, in_channels, out_channels, num_groups=1):
    """One numbering of places and groups, compared at once."""
    height, width = kernel_size
    place = torch.arange(height * width).view(height, width) - height * width // 2
    source = torch.arange(num_groups).repeat_interleave(in_channels // num_groups)
    target = torch.arange(num_groups).repeat_interleave(out_channels // num_groups)
    time = place * num_groups + source[:, None, None]
    now = target[:, None, None, None] + (0.5 if kind == "B" else -0.5)
    return (time < now).to(torch.float32)


def concatenated(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    shape = (out_channels, in_channels)
    strict = kind == "A"
    rows = [
        [float(i * num_groups // in_channels + strict <= o * num_groups // out_channels)]
        for o in range(out_channels)
        for i in range(in_channels)
    ]
    middle = torch.tensor(rows).view(*shape, 1, 1)
    before, after = torch.ones(*shape, 1, width // 2), torch.zeros(*shape, 1, width // 2)
    above, below = torch.ones(*shape, height // 2, width), torch.zeros(*shape, height // 2, width)
    return torch.cat([above, torch.cat([before, middle, after], dim=3), below], dim=2)


def changed(change):
    """Return a right answer to which something is done."""

    def answer(kind, kernel_size, in_channels, out_channels, num_groups=1):
        mask = as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups)
        result = change(mask, kind, kernel_size)
        return mask if result is None else result

    return answer


def set_to(value, rows, columns):
    def change(mask, kind, kernel_size):
        y, x = kernel_size[0] // 2, kernel_size[1] // 2
        mask[:, :, rows(y), columns(x)] = value

    return change


def three_colours(kind, kernel_size, in_channels, out_channels, num_groups=1):
    groups = 3 if in_channels % 3 == 0 and out_channels % 3 == 0 and num_groups > 1 else 1
    return as_in_the_lecture(kind, kernel_size, in_channels, out_channels, groups)


def one_middle_for_both_sides(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    mask = as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups)
    middle = mask[:, :, height // 2, width // 2].clone()
    mask[:, :, height // 2] = 0
    mask[:, :, height // 2, : height // 2] = 1
    mask[:, :, height // 2, min(height // 2, width - 1)] = middle
    return mask


def square(kind, kernel_size, in_channels, out_channels, num_groups=1):
    size = (kernel_size[0], kernel_size[0])
    return as_in_the_lecture(kind, size, in_channels, out_channels, num_groups)


def outputs_by_input_groups_middle(kind, kernel_size, in_channels, out_channels, num_groups=1):
    """Features are taken group by group as if inputs and outputs were equally many."""
    groups = torch.arange(max(in_channels, out_channels)) * num_groups
    groups = groups // max(in_channels, out_channels)
    source, target = groups[:in_channels], groups[:out_channels, None]
    mask = as_in_the_lecture(kind, kernel_size, in_channels, out_channels)
    y, x = kernel_size[0] // 2, kernel_size[1] // 2
    mask[:, :, y, x] = (source < target if kind == "A" else source <= target).float()
    return mask


def transposed_middle(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups)
    y, x = kernel_size[0] // 2, kernel_size[1] // 2
    target = torch.arange(out_channels)[:, None] * num_groups // out_channels
    source = torch.arange(in_channels) * num_groups // in_channels
    mask[:, :, y, x] = (target < source if kind == "A" else target <= source).float()
    return mask


def only_the_group_before(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups)
    y, x = kernel_size[0] // 2, kernel_size[1] // 2
    target = torch.arange(out_channels)[:, None] * num_groups // out_channels
    source = torch.arange(in_channels) * num_groups // in_channels
    near = (target - source == 1) | ((target == source) & (kind == "B"))
    mask[:, :, y, x] = near.float()
    return mask


def grown(kind, kernel_size, in_channels, out_channels, num_groups=1, seen=[]):  # noqa: B006
    seen.append(kind)
    kind = kind if len(seen) % 2 else "B"
    return as_in_the_lecture(kind, kernel_size, in_channels, out_channels, num_groups)


RIGHT = [
    *(as_in_the_lecture, six_loops, all_but_what_comes_later, numpy_in_float64, flat_kernel),
    *(expanded, concatenated, changed(lambda mask, kind, size: torch.nn.Parameter(mask, False))),
]
WRONG = {
    "the middle of A is open": changed(
        lambda mask, kind, size: set_to(1.0, lambda y: y, lambda x: x)(mask, "A", size)
    ),
    "the middle of B is shut": changed(set_to(0.0, lambda y: y, lambda x: x)),
    "the row above is shut": changed(
        set_to(0.0, lambda y: slice(max(y - 1, 0), y), lambda x: slice(None))
    ),
    "the first row is shut": changed(
        set_to(0.0, lambda y: slice(0, min(y, 1)), lambda x: slice(None))
    ),
    "only what is above and left": changed(
        set_to(0.0, lambda y: slice(0, y), lambda x: slice(x + 1, None))
    ),
    "the left neighbour is shut": changed(
        set_to(0.0, lambda y: y, lambda x: slice(max(x - 1, 0), x))
    ),
    "the first column is shut": changed(
        set_to(0.0, lambda y: slice(None), lambda x: slice(0, min(x, 1)))
    ),
    "the row below is open": changed(
        set_to(1.0, lambda y: slice(y + 1, y + 2), lambda x: slice(None))
    ),
    "the left of the row below is open": changed(
        set_to(1.0, lambda y: slice(y + 1, y + 2), lambda x: slice(0, x))
    ),
    "upside down": changed(lambda mask, kind, size: mask.flip(2)),
    "mirrored": changed(lambda mask, kind, size: mask.flip(3)),
    "turned by half": changed(lambda mask, kind, size: mask.flip(2, 3)),
    "a batch of masks": changed(lambda mask, kind, size: mask[None]),
    "no channels": changed(lambda mask, kind, size: mask[0, 0]),
    "one channel": changed(lambda mask, kind, size: mask[:1, :1]),
    "minus infinity": changed(lambda mask, kind, size: mask.log()),
    "half precision": changed(lambda mask, kind, size: mask.half()),
    "a parameter to learn": changed(lambda mask, kind, size: torch.nn.Parameter(mask)),
    "an array": changed(lambda mask, kind, size: mask.numpy()),
    "a list": changed(lambda mask, kind, size: mask.tolist()),
    "normalised": changed(lambda mask, kind, size: mask / mask.sum().clamp(min=1)),
    **{
        answer.__name__: answer
        for answer in (
            *(three_colours, one_middle_for_both_sides, square, outputs_by_input_groups_middle),
            *(transposed_middle, only_the_group_before, grown),
        )
    },
}
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_causal_mask_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_causal_mask_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_causal_mask_says_which_weights_differ():
    messages = failed(graded(EXERCISE, WRONG["upside down"]))
    assert any("values differ, most at" in message for message in messages)


def test_causal_mask_must_not_come_from_the_librarys_layer():
    def answer(kind, kernel_size, in_channels, out_channels, num_groups=1):
        layer = ref.MaskedConv2d(kind, in_channels, out_channels, kernel_size, num_groups)
        return layer.mask

    assert graded(EXERCISE, answer).points == 0.0


def test_causal_mask_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_groups",))
