"""Exercise: the mask of a convolution that sees only what comes before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.pixelcnn import MaskedConv2d, causal_mask

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: both kinds, kernels of all shapes, one group and several."""

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    def two(low: int, high: int) -> tuple[int, int]:
        """Return two different numbers."""
        first, second = torch.randperm(high - low + 1, generator=rng)[:2].tolist()
        return low + first, low + second

    def odd() -> int:
        return 2 * number(1, 3) + 1

    def oblong() -> tuple[int, int]:
        """Return two different sides, both odd."""
        height, width = two(1, 4)
        return 2 * height + 1, 2 * width + 1

    def ask(kind: str, size: tuple[int, int], channels: tuple[int, int], **groups: int) -> Any:
        names = ("kind", "kernel_size", "in_channels", "out_channels")
        return dict(zip(names, (kind, size, *channels), strict=True)) | groups

    def grouped(kind: str, size: tuple[int, int], num_groups: int) -> Any:
        """Ask for groups of two features or more; those of the outputs have another size."""
        inputs, outputs = two(2, 4)
        channels = num_groups * inputs, num_groups * outputs
        return ask(kind, size, channels, num_groups=num_groups)

    side, features, colours = odd(), number(4, 7), number(2, 5)
    return [
        Case(
            "kind A, a square kernel, one channel",
            ask("A", (side, side), (1, 1)),
            weight=2,
            hint="1 in all rows above the middle, and left of the middle in its own row; A is 0 at "
            "the middle itself.",
        ),
        Case(
            "kind B, a square kernel, one channel",
            ask("B", (side, side), (1, 1)),
            weight=2,
            hint="As A, but 1 at the middle, too: mask[:, :, height // 2, width // 2].",
        ),
        Case(
            "kind A, an oblong kernel, several channels",
            ask("A", oblong(), two(2, 6)),
            weight=3,
            hint="The shape is (O, I, height, width), outputs first. One group: the middle is 0 "
            "for all channels.",
        ),
        Case(
            "kind B, an oblong kernel, several channels",
            ask("B", oblong(), two(2, 6)),
            weight=3,
            hint="kernel_size is (height, width): the middle is at height // 2 and width // 2.",
        ),
        Case(
            "kind A, a kernel of a single row",
            ask("A", (1, odd()), two(1, 5)),
            hint="There is no row above the middle: what is left of the middle is all there is.",
        ),
        Case(
            "kind B, a kernel of a single column",
            ask("B", (odd(), 1), two(1, 5)),
            hint="There is nothing left of the middle: the rows above, and the middle itself.",
        ),
        Case(
            "kind A, three groups: from colours to features",
            ask("A", (side, side), (3, 3 * colours), num_groups=3),
            weight=3,
            hint="Red sees no colour at the middle, green sees red, blue sees red and green.",
        ),
        Case(
            "kind A, groups of several features",
            grouped("A", oblong(), number(2, 4)),
            weight=4,
            hint="A group of inputs has I / G features, one of outputs O / G; at the middle, A "
            "needs input group < output group.",
        ),
        Case(
            "kind B, groups of several features",
            grouped("B", oblong(), number(2, 4)),
            weight=4,
            hint="At the middle, B needs input group <= output group. All features of earlier "
            "pixels are seen.",
        ),
        Case(
            "kind A, a kernel of 1 × 1, groups",
            grouped("A", (1, 1), number(2, 5)),
            weight=2,
            hint="A kernel of 1 × 1 is nothing but its middle: only the groups count.",
        ),
        Case(
            "kind B, a kernel of 1 × 1, groups",
            grouped("B", (1, 1), number(2, 5)),
            weight=3,
            hint="A kernel of 1 × 1 is nothing but its middle, where B sees its own group and "
            "earlier ones.",
        ),
        Case(
            "kind B, as many groups as features",
            ask("B", (3, 5), (features, features), num_groups=features),
            weight=2,
            hint="Each feature is a group of its own: at the middle, feature o sees 0, 1, …, o.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the mask; the number of groups is given where it isn't 1."""
    names = ("kind", "kernel_size", "in_channels", "out_channels", "num_groups")
    return as_tensor(implementation(*(inputs[n] for n in names if n in inputs)), "the mask")


def _group(num_features: int, num_groups: int) -> Tensor:
    return torch.arange(num_features) * num_groups // num_features


def _middle(kind: str, source: Tensor, target: Tensor) -> Tensor:
    """Return what the middle is for groups of inputs and outputs, (O, I)."""
    return source < target[:, None] if kind == "A" else source <= target[:, None]


def _right_middle(kind: str, I: int, O: int, G: int) -> Tensor:  # noqa: E741 - the lecture's
    return _middle(kind, _group(I, G), _group(O, G))


def _mask(size: tuple[int, int], middle: Tensor) -> Tensor:
    """Return a mask that is right but for its middle."""
    height, width = size
    mask = torch.zeros(*middle.shape, height, width)
    mask[:, :, : height // 2] = 1
    mask[:, :, height // 2, : width // 2] = 1
    mask[:, :, height // 2, width // 2] = middle.float()
    return mask


def _right(kind: str, size: tuple[int, int], I: int, O: int, G: int = 1) -> Tensor:  # noqa: E741
    return _mask(size, _right_middle(kind, I, O, G))


@mistakes.when("the kinds are exchanged: B sees its own group at the middle, A doesn't.")
def _kinds_exchanged(kind, kernel_size, in_channels, out_channels, num_groups=1):
    other = "B" if kind == "A" else "A"
    return _right(other, kernel_size, in_channels, out_channels, num_groups)


@mistakes.when("both kinds are masked as A: B sees its own group at the middle, too.")
def _always_a(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right("A", kernel_size, in_channels, out_channels, num_groups)


@mistakes.when("both kinds are masked as B: A must not see its own group at the middle.")
def _always_b(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right("B", kernel_size, in_channels, out_channels, num_groups)


@mistakes.when(
    "the kinds are exchanged, and groups are not looked at: A's middle is 1 throughout, B's is 0."
)
def _kinds_exchanged_groups_ignored(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _kinds_exchanged(kind, kernel_size, in_channels, out_channels)


@mistakes.when(
    "groups are not looked at: the middle is 0 throughout for A, and 1 throughout for B. Which "
    "input sees which output there depends on their groups."
)
def _groups_ignored(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right(kind, kernel_size, in_channels, out_channels)


@mistakes.when(
    "A is 0 at the middle for all inputs: it may see those of earlier groups there, as green sees "
    "red."
)
def _a_sees_no_earlier_group(kind, kernel_size, in_channels, out_channels, num_groups=1):
    groups = 1 if kind == "A" else num_groups
    return _right(kind, kernel_size, in_channels, out_channels, groups)


@mistakes.when(
    "B is 1 at the middle for all inputs: those of later groups aren't there yet when an output's "
    "turn comes."
)
def _b_sees_later_groups(kind, kernel_size, in_channels, out_channels, num_groups=1):
    groups = 1 if kind == "B" else num_groups
    return _right(kind, kernel_size, in_channels, out_channels, groups)


@mistakes.when(
    "at the middle B sees its own group alone: it sees those before it, too, so it is <=, not ==."
)
def _own_group_only(kind, kernel_size, in_channels, out_channels, num_groups=1):
    source, target = _group(in_channels, num_groups), _group(out_channels, num_groups)
    own = source == target[:, None]
    return _mask(kernel_size, own if kind == "B" else _middle(kind, source, target))


@mistakes.when(
    "the groups' order is reversed: at the middle an output sees inputs of later groups, in place "
    "of earlier ones."
)
def _groups_reversed(kind, kernel_size, in_channels, out_channels, num_groups=1):
    source, target = _group(in_channels, num_groups), _group(out_channels, num_groups)
    return _mask(kernel_size, _middle(kind, -source, -target))


@mistakes.when(
    "groups take turns, as in feature % num_groups: they are blocks, one after the other, 0 and 1 "
    "before 2 and 3."
)
def _interleaved(kind, kernel_size, in_channels, out_channels, num_groups=1):
    source, target = (torch.arange(n) % num_groups for n in (in_channels, out_channels))
    return _mask(kernel_size, _middle(kind, source, target))


@mistakes.when(
    "the groups of outputs have the size of those of inputs: they have out_channels / num_groups "
    "features."
)
def _size_of_input_groups(kind, kernel_size, in_channels, out_channels, num_groups=1):
    size = in_channels // num_groups
    source, target = (torch.arange(n) // size for n in (in_channels, out_channels))
    return _mask(kernel_size, _middle(kind, source, target))


@mistakes.when(
    "feature numbers are compared at the middle, not the numbers of their groups: all features of "
    "a group are treated alike."
)
def _features_compared(kind, kernel_size, in_channels, out_channels, num_groups=1):
    source, target = torch.arange(in_channels), torch.arange(out_channels)
    return _mask(kernel_size, _middle(kind, source, target))


@mistakes.when(
    "groups are masked at all places of the kernel: pixels before the middle are finished, so "
    "each output sees all of their groups."
)
def _groups_everywhere(kind, kernel_size, in_channels, out_channels, num_groups=1):
    if num_groups == 1:
        return _right(kind, kernel_size, in_channels, out_channels)
    allowed = _right_middle(kind, in_channels, out_channels, num_groups)
    return _right("B", kernel_size, in_channels, out_channels) * allowed[:, :, None, None]


@mistakes.when("the first two dimensions are exchanged: outputs come first, (O, I, height, width).")
def _channels_exchanged(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right(kind, kernel_size, in_channels, out_channels, num_groups).transpose(0, 1)


@mistakes.when("the sides of the kernel are exchanged: kernel_size is (height, width).")
def _sides_exchanged(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right(kind, kernel_size[::-1], in_channels, out_channels, num_groups)


@mistakes.when(
    "the order runs down the columns: it runs along the rows, so all rows above are seen, and what "
    "is left in the middle's own row."
)
def _down_the_columns(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = _right(kind, kernel_size[::-1], in_channels, out_channels, num_groups)
    return mask.transpose(2, 3)


@mistakes.when("the rows below the middle are 1: nothing there has been drawn yet.")
def _rows_below(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = _right(kind, kernel_size, in_channels, out_channels, num_groups)
    mask[:, :, kernel_size[0] // 2 + 1 :] = 1
    return mask


@mistakes.when("what is right of the middle is 1: in the middle's own row, it comes later.")
def _right_of_the_middle(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = _right(kind, kernel_size, in_channels, out_channels, num_groups)
    mask[:, :, kernel_size[0] // 2, kernel_size[1] // 2 + 1 :] = 1
    return mask


@mistakes.when(
    "the middle row is open one pixel too far: A sees its own pixel, and B its right neighbour."
)
def _one_too_far(kind, kernel_size, in_channels, out_channels, num_groups=1):
    height, width = kernel_size
    mask = _right("A", kernel_size, in_channels, out_channels)
    mask[:, :, height // 2, : width // 2 + (1 if kind == "A" else 2)] = 1
    return mask


@mistakes.when("the whole middle row is 0: what is left of the middle comes before.")
def _middle_row_shut(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = _right(kind, kernel_size, in_channels, out_channels, num_groups)
    mask[:, :, kernel_size[0] // 2] = 0
    return mask


@mistakes.when(
    "above the middle, only what is on its left is 1: those rows are finished, so all of each is "
    "seen."
)
def _upper_left_only(kind, kernel_size, in_channels, out_channels, num_groups=1):
    mask = _right(kind, kernel_size, in_channels, out_channels, num_groups)
    mask[:, :, : kernel_size[0] // 2, kernel_size[1] // 2 :] = 0
    return mask


@mistakes.when("0 and 1 are exchanged: 1 stands where a weight may look.")
def _inverted(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return 1 - _right(kind, kernel_size, in_channels, out_channels, num_groups)


@mistakes.when("the mask is of bools: weights are multiplied by it, and it should be float32.")
def _bools(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right(kind, kernel_size, in_channels, out_channels, num_groups).bool()


@mistakes.when("the mask is of whole numbers: weights are multiplied by it, it should be float32.")
def _whole_numbers(kind, kernel_size, in_channels, out_channels, num_groups=1):
    return _right(kind, kernel_size, in_channels, out_channels, num_groups).long()


EXERCISE = Exercise(
    name="causal_mask",
    title="The mask of a causal convolution",
    points=3,
    reference=causal_mask,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(MaskedConv2d,),
    read="A mask",
)
