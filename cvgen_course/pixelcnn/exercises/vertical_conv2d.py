"""Exercise: a convolution that looks up, left and right, but not down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.pixelcnn import VerticalConv2d, vertical_conv2d

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: kernels of several sizes, with and without bias, gradients."""

    def ask(
        x: tuple[int, int, int, int],
        kernel: tuple[int, int, int],
        bias: bool = True,
        dtype: torch.dtype = torch.float32,
        gradient: bool = False,
    ) -> dict[str, Any]:
        """Return maps and a kernel (O, kh, kw); no number of a bias is near 0."""

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

        N, I, H, W = x  # noqa: E741
        O, kh, kw = kernel  # noqa: E741
        offset = normal(O)
        return {
            "x": normal(*x),
            "weight": normal(O, I, kh, kw),
            "bias": offset + offset.sign() if bias else None,
            "upstream": normal(2, N, O, H, W) if gradient else None,
        }

    return [
        Case(
            "two images, kernel 2 × 3",
            ask((2, 3, 5, 6), (4, 2, 3)),
            weight=2,
            hint="kh - 1 rows of 0 above x, none below, kw // 2 columns on both sides; then "
            "convolve.",
        ),
        Case(
            "kernel 1 × 1: a row sees itself",
            ask((2, 2, 4, 3), (3, 1, 1)),
            weight=1,
            hint="maps is as large as x, without a row of its own above; above is maps, one row "
            "lower.",
        ),
        Case(
            "kernel 3 × 5, no bias",
            ask((1, 2, 6, 5), (3, 3, 5), bias=False),
            weight=2,
            hint="New here: three rows, five columns, and bias is None.",
        ),
        Case(
            "kernel 4 × 1: straight up",
            ask((2, 3, 5, 3), (2, 4, 1)),
            weight=2,
            hint="kh may be even: its last row lies on the row of the output.",
        ),
        Case(
            "a single row of pixels",
            ask((2, 2, 1, 5), (3, 2, 3)),
            weight=1,
            hint="Then `above` is its first row: 0.",
        ),
        Case(
            "fewer rows and columns than the kernel has",
            ask((1, 3, 2, 2), (2, 4, 5)),
            weight=1,
            hint="Whatever the kernel's size is, maps and above are as large as x.",
        ),
        Case(
            "float64",
            ask((2, 2, 4, 4), (3, 3, 3), dtype=torch.float64),
            weight=1,
            hint="New here: float64; the results are as precise as x and weight.",
        ),
        Case(
            "the gradients, kernel 2 × 3",
            ask((2, 2, 4, 5), (3, 2, 3), dtype=torch.float64, gradient=True),
            weight=3,
            hint="Both results are differentiable with respect to x, weight and bias: no detach.",
        ),
        Case(
            "the gradients, kernel 3 × 3, no bias",
            ask((1, 3, 5, 4), (2, 3, 3), bias=False, dtype=torch.float64, gradient=True),
            weight=2,
            hint="Both results are differentiable with respect to x and weight: no detach.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return maps and above and, where a case asks for them, the gradients of either."""
    leaves = {name: inputs[name].requires_grad_() for name in ("x", "weight")}
    arguments = [leaves["x"].clone(), leaves["weight"]]  # the maps of a network, its parameters
    if inputs["bias"] is not None:
        leaves["bias"] = inputs["bias"].requires_grad_()
        arguments.append(leaves["bias"])
    pair = implementation(*arguments)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return maps, above")
    require_unchanged({"x": leaves["x"]}, {"x": arguments[0]})
    found = {"maps": as_tensor(pair[0], "maps"), "above": as_tensor(pair[1], "above")}
    answer = {name: each.detach() for name, each in found.items()}
    if inputs["upstream"] is not None:
        for (name, each), upstream in zip(found.items(), inputs["upstream"], strict=True):
            slopes = gradients(name, each, upstream, **leaves)
            answer |= {f"{key} through {name}": slope for key, slope in slopes.items()}
    return answer


def _maps(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    side = weight.shape[3] // 2
    return F.conv2d(F.pad(x, (side, side, weight.shape[2] - 1, 0)), weight, bias)


def _lower(maps: Tensor) -> Tensor:
    return F.pad(maps, (0, 0, 1, -1))


@mistakes.when("`above` is not shifted: a pixel would see its own row, itself and what follows.")
def _not_shifted(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, maps


@mistakes.when("`above` lies one row higher than maps: it is to be one row lower.")
def _shifted_up(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, F.pad(maps, (0, 0, -1, 1))


@mistakes.when(
    "`above` is shifted to the right: rows are dimension 2, and it is to be a row lower."
)
def _shifted_right(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, F.pad(maps, (1, -1, 0, 0))


@mistakes.when(
    "the last row of maps comes back as the first of `above`, as with torch.roll: the first row is "
    "0, or it sees the end of the image."
)
def _rolled(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, maps.roll(1, dims=2)


@mistakes.when(
    "the first row of maps comes twice: the first row of `above` is 0, and so sees nothing."
)
def _first_row_repeated(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0), mode="replicate")[:, :, :-1]


@mistakes.when(
    "the bias stands in the first row of `above`, which is to be 0: it is the finished maps that "
    "are shifted."
)
def _input_shifted(x, weight, bias=None):
    return _maps(x, weight, bias), _maps(_lower(x), weight, bias)


@mistakes.when("`above` lies two rows lower than maps: one row is enough.")
def _shifted_twice(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, _lower(_lower(maps))


@mistakes.when(
    "maps is shifted, too: its rows see themselves, and only `above` lies one row lower."
)
def _maps_shifted(x, weight, bias=None):
    above = _lower(_maps(x, weight, bias))
    return above, above


@mistakes.when(
    "`above` has a row more than maps: after the row of 0 is put on top, the last row goes."
)
def _row_more(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, F.pad(maps, (0, 0, 1, 0))


@mistakes.when("`above` has a row less than maps: a row of 0 belongs on top.")
def _row_less(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, maps[:, :, :-1]


@mistakes.when("x is padded below instead of above: the kernel looks down.")
def _looks_down(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2] - 1
    maps = F.conv2d(F.pad(x, (side, side, 0, rows)), weight, bias)
    return maps, _lower(maps)


@mistakes.when(
    "x is padded above and below alike: then the kernel looks down, too; all kh - 1 rows of 0 "
    "belong above."
)
def _padded_on_both_sides(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2] - 1
    maps = F.conv2d(F.pad(x, (side, side, rows // 2, rows - rows // 2)), weight, bias)
    return maps, _lower(maps)


@mistakes.when(
    "the padding is (kh // 2, kw // 2), on both sides: then the kernel looks down, too; kh - 1 "
    "rows of 0 belong above, and none below."
)
def _usual_padding(x, weight, bias=None):
    maps = F.conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))
    return maps, _lower(maps)


@mistakes.when(
    "kh // 2 rows of 0 are put above x: from three rows on, the kernel looks down then; all kh - 1 "
    "belong above."
)
def _half_of_the_rows(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2] // 2
    maps = F.conv2d(x, weight, bias, padding=(rows, side))[:, :, : x.shape[2]]
    return maps, _lower(maps)


@mistakes.when(
    "the numbers of F.pad are exchanged: it begins with the last dimension, the columns of x."
)
def _padding_exchanged(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2] - 1
    maps = F.conv2d(F.pad(x, (rows, 0, side, side)), weight, bias)
    return maps, _lower(maps)


@mistakes.when(
    "kh rows of 0 are put above x, one too many: then maps' rows don't see themselves, and `above` "
    "lies two rows lower."
)
def _a_row_too_late(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2]
    maps = F.conv2d(F.pad(x, (side, side, rows, -1)), weight, bias)
    return maps, _lower(maps)


@mistakes.when("kh rows of 0 are put above x, one too many: maps has a row too many.")
def _a_row_too_many(x, weight, bias=None):
    side, rows = weight.shape[3] // 2, weight.shape[2]
    maps = F.conv2d(F.pad(x, (side, side, rows, 0)), weight, bias)
    return maps, _lower(maps)


@mistakes.when(
    "all columns are padded on the left: the kernel's middle column lies on the column of the "
    "output, kw // 2 columns of 0 on each side."
)
def _looks_left(x, weight, bias=None):
    rows, columns = weight.shape[2] - 1, weight.shape[3] - 1
    maps = F.conv2d(F.pad(x, (columns, 0, rows, 0)), weight, bias)
    return maps, _lower(maps)


@mistakes.when("columns are not padded: maps is narrower than x.")
def _columns_not_padded(x, weight, bias=None):
    maps = F.conv2d(F.pad(x, (0, 0, weight.shape[2] - 1, 0)), weight, bias)
    return maps, _lower(maps)


@mistakes.when("rows are not padded: maps has kh - 1 rows too few.")
def _rows_not_padded(x, weight, bias=None):
    maps = F.conv2d(x, weight, bias, padding=(0, weight.shape[3] // 2))
    return maps, _lower(maps)


@mistakes.when("the kernel is flipped: F.conv2d wants it as it is, its last row at the bottom.")
def _flipped(x, weight, bias=None):
    maps = _maps(x, weight.flip(2, 3), bias)
    return maps, _lower(maps)


@mistakes.when(
    "the kernel stands upside down: F.conv2d wants its last row at the bottom, as it is."
)
def _upside_down(x, weight, bias=None):
    maps = _maps(x, weight.flip(2), bias)
    return maps, _lower(maps)


@mistakes.when("the kernel's last row is left out: it lies on the row of the output, and counts.")
def _last_row_left_out(x, weight, bias=None):
    maps = _maps(x, F.pad(weight[:, :, :-1], (0, 0, 0, 1)), bias)
    return maps, _lower(maps)


@mistakes.when("the bias is forgotten.")
def _no_bias(x, weight, bias=None):
    maps = _maps(x, weight, None)
    return maps, _lower(maps)


@mistakes.when("the two results are exchanged: return maps, above.")
def _exchanged(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return _lower(maps), maps


@mistakes.when(
    "`above` is cut off from x and the weights (`.detach()`, torch.no_grad()): nothing is learned "
    "through it."
)
def _above_detached(x, weight, bias=None):
    maps = _maps(x, weight, bias)
    return maps, _lower(maps).detach()


EXERCISE = Exercise(
    name="vertical_conv2d",
    title="A convolution that looks up",
    points=3,
    reference=vertical_conv2d,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(VerticalConv2d,),
    read="Two stacks",
)
