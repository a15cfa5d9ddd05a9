"""Exercise: one step up in a U-Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.segmentation import unet_up

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: a coarse map, a skip, and the weights of upsampling and convolution."""

    def ask(
        x: tuple[int, ...],
        skip: tuple[int, ...],
        *,
        kernel: tuple[int, int] = (2, 2),
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Any]:
        """A kernel of 2 doubles the size, a kernel of 2 + n makes it n larger than that."""

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

        channels = int(torch.randint(1, 5, (), generator=rng))  # of the upsampled map
        return {
            "x": normal(*x),
            "skip": normal(*skip),
            "upsample": normal(x[1], channels, *kernel),
            "bias": normal(channels),
            "conv": normal(3, skip[1] + channels, 3, 3),
        }

    return [
        Case(
            "sizes that fit, a batch of two",
            ask((2, 4, 2, 3), (2, 2, 4, 6)),
            weight=2,
            hint="conv(torch.cat([skip, upsample(x)], dim=1)): the skip's channels come first.",
        ),
        Case(
            "one row is missing",
            ask((2, 3, 2, 2), (2, 2, 5, 4)),
            hint="Add a row of zeros at the bottom. F.pad counts from the last dimension: "
            "(left, right, top, bottom).",
        ),
        Case(
            "one column is missing",
            ask((1, 3, 2, 2), (1, 2, 4, 5)),
            hint="Add a column of zeros at the right. F.pad counts from the last dimension: "
            "(left, right, top, bottom).",
        ),
        Case(
            "three rows and two columns are missing",
            ask((1, 3, 2, 2), (1, 4, 7, 6)),
            weight=1.7,
            hint="Fill up with zeros to the skip's height and width, after upsampling, whatever is "
            "missing.",
        ),
        Case(
            "two rows and a column too many",
            ask((2, 3, 2, 3), (2, 2, 4, 6), kernel=(4, 3)),
            weight=1.7,
            hint="Crop to the skip's size, at the right and at the bottom; never crop the skip.",
        ),
        Case(
            "too small in height, too large in width",
            ask((1, 2, 2, 2), (1, 2, 5, 4), kernel=(2, 4)),
            weight=1.7,
            hint="Height and width are each fitted for themselves.",
        ),
        Case(
            "too large in height, too small in width",
            ask((1, 2, 2, 2), (1, 2, 4, 7), kernel=(4, 2)),
            weight=1.7,
            hint="Height and width are each fitted for themselves.",
        ),
        Case(
            "float64, too large: the gradients of x and skip",
            {
                **ask((1, 3, 3, 2), (1, 3, 6, 4), kernel=(4, 3), dtype=torch.float64),
                "upstream": torch.randn(1, 3, 6, 4, generator=rng, dtype=torch.float64),
            },
            weight=7.1,
            hint="Crop to the skip's size; the result has the dtype and the gradients that conv "
            "gives.",
        ),
        Case(
            "float64, too small: the gradients of x and skip",
            {
                **ask((1, 2, 2, 3), (1, 3, 6, 7), dtype=torch.float64),
                "upstream": torch.randn(1, 3, 6, 7, generator=rng, dtype=torch.float64),
            },
            weight=7.1,
            hint="Networks learn through both ways: no detach, no torch.no_grad.",
        ),
        Case(
            "upsample and conv are called once each",
            {**ask((1, 2, 2, 2), (1, 2, 4, 4)), "count": True},
            weight=1.7,
            hint="First upsample(x), then conv of the concatenation, each once.",
        ),
        Case(
            "each is called once where sizes differ, too",
            {**ask((1, 2, 2, 2), (1, 2, 5, 5)), "count": True},
            weight=1.7,
            hint="Keep what upsample returned, and pad that.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the map and, where a case asks for it, gradients or which blocks were called."""
    calls = []

    def upsample(x: Tensor) -> Tensor:
        calls.append("upsample")
        return F.conv_transpose2d(x, inputs["upsample"], inputs["bias"], stride=2)

    def conv(x: Tensor) -> Tensor:
        calls.append("conv")
        return F.conv2d(x, inputs["conv"], padding=1)

    leaves = {name: inputs[name].requires_grad_("upstream" in inputs) for name in ("x", "skip")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}
    out = as_tensor(implementation(*handed.values(), upsample, conv), "the result")
    require_unchanged(leaves, handed)
    answer = {"the result": out.detach()}
    if "upstream" in inputs:
        answer |= gradients("the result", out, inputs["upstream"], **leaves)
    return answer | ({"the calls": calls} if "count" in inputs else {})


def _fit(x: Tensor, size: Sequence[int]) -> Tensor:
    return F.pad(x, (0, size[1] - x.shape[3], 0, size[0] - x.shape[2]))


@mistakes.when("the channels of `skip` come last in the concatenation: they come first.")
def _skip_last(x, skip, upsample, conv):
    return conv(torch.cat([_fit(upsample(x), skip.shape[2:]), skip], dim=1))


@mistakes.when("the upsampled map is not fitted to the size of `skip`.")
def _never_fits(x, skip, upsample, conv):
    return conv(torch.cat([skip, upsample(x)], dim=1))


@mistakes.when("a map that is too small is padded, but one that is too large is not cropped.")
def _pads_only(x, skip, upsample, conv):
    x = upsample(x)
    rows, columns = (max(0, skip.shape[d] - x.shape[d]) for d in (2, 3))
    return conv(torch.cat([skip, F.pad(x, (0, columns, 0, rows))], dim=1))


@mistakes.when(
    "zeros are added (or values cropped) at the left and the top "
    "instead of the right and the bottom."
)
def _pads_top_left(x, skip, upsample, conv):
    x = upsample(x)
    x = F.pad(x, (skip.shape[3] - x.shape[3], 0, skip.shape[2] - x.shape[2], 0))
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when("height and width are exchanged in `F.pad`, which counts from the last dimension.")
def _exchanges_height_and_width(x, skip, upsample, conv):
    x = upsample(x)
    x = F.pad(x, (0, skip.shape[2] - x.shape[2], 0, skip.shape[3] - x.shape[3]))
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when("the upsampled map is stretched to the size of `skip` by interpolation.")
def _resizes(x, skip, upsample, conv):
    x = F.interpolate(upsample(x), skip.shape[2:])
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when(
    "the skip is fitted to the upsampled map: the result must have the size of the skip."
)
def _fits_the_skip(x, skip, upsample, conv):
    x = upsample(x)
    return conv(torch.cat([_fit(skip, x.shape[2:]), x], dim=1))


@mistakes.when("the upsampled map is stretched bilinearly to the size of `skip`: it gets zeros.")
def _resizes_bilinearly(x, skip, upsample, conv):
    x = F.interpolate(upsample(x), skip.shape[2:], mode="bilinear")
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when(
    "zeros are added (or values cropped) on both sides, as much of the code on the web has it: "
    "here only at the right and at the bottom."
)
def _centres(x, skip, upsample, conv):
    x = upsample(x)
    rows, columns = (skip.shape[d] - x.shape[d] for d in (2, 3))
    x = F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when("a map that is too large is cropped, but one that is too small is not padded.")
def _crops_only(x, skip, upsample, conv):
    x = upsample(x)[:, :, : skip.shape[2], : skip.shape[3]]
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when("the skip is cropped where the upsampled map is too small: that one gets zeros.")
def _crops_the_skip(x, skip, upsample, conv):
    x = upsample(x)
    H, W = (min(x.shape[d], skip.shape[d]) for d in (2, 3))
    return conv(torch.cat([skip[:, :, :H, :W], x[:, :, :H, :W]], dim=1))


@mistakes.when("the border of the upsampled map is repeated: it gets zeros.")
def _repeats_the_border(x, skip, upsample, conv):
    x, (H, W) = upsample(x)[:, :, : skip.shape[2], : skip.shape[3]], skip.shape[2:]
    x = F.pad(x, (0, W - x.shape[3], 0, H - x.shape[2]), mode="replicate")
    return conv(torch.cat([skip, x], dim=1))


@mistakes.when("the two maps are added: their channels are concatenated.")
def _adds(x, skip, upsample, conv):
    return conv(skip + _fit(upsample(x), skip.shape[2:]))


EXERCISE = Exercise(
    name="unet_up",
    title="U-Net: one step up",
    points=2,
    reference=unet_up,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="U-Net: carry the whole map across",
)
