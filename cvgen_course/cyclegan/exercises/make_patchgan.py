"""Exercise: the layers of a PatchGAN."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import nn

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients
from cvgen_course.cyclegan.patchgan import PatchGAN, make_patchgan

MOST = 10**6
"""Numbers to learn; twenty times as many as a right network has here."""

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: one halving to five, images of several sizes, evaluation, gradients.

    Each map that is normalised has nine numbers at least, so that none is nearly flat.
    """

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    def ask(
        num_halvings: int,
        *shape: int,
        channels: int | None = None,
        width: int | None = None,
        evaluation: bool = False,
        dtype: torch.dtype = torch.float32,
        out: tuple[int, int] | None = None,
    ) -> dict[str, Any]:
        """Return the network's sizes, and images (N, C, H, W); ``out``: of its map."""
        N, H, W = shape
        channels = channels or number(2, 6)
        images = torch.rand(N, channels, H, W, generator=rng, dtype=torch.float64)
        upstream = torch.randn(N, 1, *(out or ()), generator=rng, dtype=torch.float64)
        return {
            "channels": channels,
            "width": width or number(3, 7),
            "num_halvings": num_halvings,
            "images": (2 * images - 1).to(dtype),
            "seed": number(0, 2**31),
            "evaluation": evaluation,
            "upstream": upstream if out else None,
        }

    return [
        Case(
            "one halving",
            ask(1, 2, 9, 12),
            weight=2,
            hint="A convolution of stride 2, then two of stride 1: the first has no norm, the last "
            "neither norm nor activation.",
        ),
        Case(
            "two halvings",
            ask(2, 3, 16, 20),
            weight=2,
            hint="width, 2 · width, 4 · width and 1 channels come out of the four convolutions.",
        ),
        Case(
            "three halvings, as for patches of 70×70",
            ask(3, 2, 38, 32),
            weight=2,
            hint="width, 2 · width, 4 · width, 8 · width and 1 channels come out.",
        ),
        Case(
            "four halvings: no more than 8 · width channels",
            ask(4, 1, 64, 70, width=number(2, 4)),
            weight=3,
            hint="min(2 ** i, 8) times as many channels as after the first.",
        ),
        Case(
            "five halvings",
            ask(5, 1, 128, 128, width=2),
            weight=2,
            hint="From the fourth convolution on there are 8 · width channels, up to the last one.",
        ),
        Case(
            "grey images, one at a time",
            ask(2, 1, 18, 16, channels=1),
            weight=1,
            hint="`channels` may be 1, and N as well: no squeeze.",
        ),
        Case(
            "in evaluation, network.eval()",
            ask(2, 2, 20, 16, evaluation=True),
            weight=5,
            hint="An instance norm does in evaluation what it does in training.",
        ),
        Case(
            "float64: the gradients",
            ask(2, 2, 16, 18, dtype=torch.float64, out=(2, 2)),
            weight=2,
            hint="The generator learns through the images' gradient, the network from its "
            "parameters'. New here: float64.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return how many numbers the network learns, its logits and, where asked for, gradients.

    Its parameters are given values that follow from their shapes alone: whatever they are called,
    and in whatever order they were made.
    """
    network = implementation(inputs["channels"], inputs["width"], inputs["num_halvings"])
    if not isinstance(network, nn.Module):
        raise WrongAnswer(
            "your function should return a network, an nn.Module such as nn.Sequential(...); "
            f"it returned {type(network).__name__}"
        )
    images = inputs["images"]
    network = network.to(images.dtype).train(not inputs["evaluation"])
    with torch.no_grad():
        network(images)  # so that lazy layers get their shapes
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise WrongAnswer(
            "your network has no parameters that learn; were its layers kept in a plain list? "
            "nn.Sequential and nn.ModuleList make them the network's"
        )
    how_many = sum(p.numel() for p in parameters)
    if how_many > MOST:
        raise WrongAnswer(f"your network learns {how_many:,} numbers, far more than were asked for")
    for parameter in parameters:
        seed = inputs["seed"]
        for size in parameter.shape:
            seed = (1009 * seed + size) % 2**31
        rng = torch.Generator().manual_seed(seed)
        values = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
        if parameter.dim() > 1:
            values *= (2 / parameter[0].numel()) ** 0.5
        parameter.data.copy_(values)
    images.requires_grad_(inputs["upstream"] is not None)
    logits = as_tensor(network(images), "the network's map")
    answer: dict[str, Any] = {
        "how many numbers it learns": how_many,
        "its map": logits.detach(),
    }
    if inputs["upstream"] is not None:
        leaves = {f"the parameter of shape {tuple(p.shape)}": p for p in parameters}
        answer |= gradients("its map", logits, inputs["upstream"], images=images, **leaves)
    return answer


def _patchgan(
    channels: int,
    width: int,
    num_halvings: int,
    *,
    strides: list[int] | None = None,
    most: int = 8,
    widths: list[int] | None = None,
    kernel: int = 4,
    padding: int = 1,
    mode: Literal["zeros", "reflect"] = "zeros",
    norm: Callable[[int], nn.Module] | None = nn.InstanceNorm2d,
    normalised: slice = slice(1, -1),
    activation: Callable[[], nn.Module] = lambda: nn.LeakyReLU(0.2),
    norm_first: bool = True,
    bias: bool = True,
    bias_with_norm: bool = True,
    last: tuple[nn.Module, ...] = (),
) -> nn.Module:
    """Return the right network, or what other choices make of it."""
    strides = strides or [2] * num_halvings + [1, 1]
    widths = widths or [width * min(2**i, most) for i in range(len(strides) - 1)]
    places = range(len(strides))
    layers: list[nn.Module] = []
    for i, (before, after) in enumerate(pairwise([channels, *widths, 1])):
        has_norm = norm is not None and i in places[normalised]
        has_bias = bias and (bias_with_norm or not has_norm)
        layers.append(
            nn.Conv2d(before, after, kernel, strides[i], padding, bias=has_bias, padding_mode=mode)
        )
        between: list[nn.Module] = [norm(after)] if norm is not None and has_norm else []
        if i < len(strides) - 1:
            between.append(activation())
        layers += between if norm_first else between[::-1]
    return nn.Sequential(*layers, *last)


@mistakes.when("one convolution of stride 1 is missing: two follow those of stride 2.")
def _one_too_few(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, strides=[2] * num_halvings + [1])


@mistakes.when("there is one convolution of stride 2 too many: the first is one of them.")
def _one_halving_more(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings + 1)


@mistakes.when("the first convolution has stride 1: it is the first of those of stride 2.")
def _first_of_stride_1(channels, width, num_halvings):
    strides = [1] + [2] * (num_halvings - 1) + [1, 1]
    return _patchgan(channels, width, num_halvings, strides=strides)


@mistakes.when("all convolutions but the last have stride 2: two of stride 1 are at the end.")
def _stride_2_but_for_last(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, strides=[2] * (num_halvings + 1) + [1])


@mistakes.when("all convolutions have stride 1: the first num_halvings have stride 2.")
def _no_halving(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, strides=[1] * (num_halvings + 2))


@mistakes.when("channels are doubled without end: there are 8 · width of them at most.")
def _without_limit(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, most=2**num_halvings)


@mistakes.when("there are 4 · width channels at most: it is 8.")
def _limit_of_4(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, most=4)


@mistakes.when("there are always `width` channels: each convolution doubles them, up to 8 · width.")
def _never_doubled(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, most=1)


@mistakes.when(
    "the last but one convolution does not double the channels: those of stride 1 do, too, up to "
    "8 · width."
)
def _doubled_with_stride_2_alone(channels, width, num_halvings):
    widths = [width * min(2**i, 8) for i in range(num_halvings)]
    return _patchgan(channels, width, num_halvings, widths=[*widths, widths[-1]])


@mistakes.when("the channels are doubled at the first convolution, too: width is after the first.")
def _doubled_at_once(channels, width, num_halvings):
    widths = [width * min(2**i, 8) for i in range(1, num_halvings + 2)]
    return _patchgan(channels, width, num_halvings, widths=widths)


@mistakes.when("kernels are of 3×3: they are of 4×4.")
def _kernel_of_3(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, kernel=3)


@mistakes.when("there is no padding: it is of one pixel.")
def _no_padding(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, padding=0)


@mistakes.when("the padding is of two pixels: it is of one.")
def _padding_of_2(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, padding=2)


@mistakes.when("borders are reflected, as in the generator: here the padding is of zeros.")
def _reflected(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, mode="reflect")


@mistakes.when("no convolution has a bias: all have one.")
def _no_bias(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, bias=False)


@mistakes.when(
    "convolutions before a norm have no bias. It would change nothing there, but all are to have "
    "one."
)
def _no_bias_with_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, bias_with_norm=False)


@mistakes.when("the norms are missing: they come after all convolutions but the first and last.")
def _no_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=None)


@mistakes.when("there is a norm after the first convolution, too: it has none.")
def _norm_after_first(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, normalised=slice(0, -1))


@mistakes.when("there is a norm after the last convolution, too, which makes a mean of 0: no norm.")
def _norm_after_last(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, normalised=slice(1, None))


@mistakes.when(
    "there is no norm after the last but one convolution: only first and last have none."
)
def _norm_with_stride_2_alone(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, normalised=slice(1, -2))


@mistakes.when("the norm is batch norm: it is instance norm, without parameters.")
def _batch_norm(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm=nn.BatchNorm2d)


@mistakes.when("the norm is batch norm without parameters: each image is normalised on its own.")
def _batch_norm_without_parameters(channels, width, num_halvings):
    return _patchgan(
        channels, width, num_halvings, norm=lambda after: nn.BatchNorm2d(after, affine=False)
    )


@mistakes.when("the norms have parameters (affine=True): nn.InstanceNorm2d has none by default.")
def _affine(channels, width, num_halvings):
    return _patchgan(
        channels, width, num_halvings, norm=lambda after: nn.InstanceNorm2d(after, affine=True)
    )


@mistakes.when(
    "the norms keep running statistics (track_running_stats=True), and use them in evaluation: an "
    "instance norm does there what it does in training."
)
def _running_statistics(channels, width, num_halvings):
    def norm(after):
        return nn.InstanceNorm2d(after, track_running_stats=True)

    return _patchgan(channels, width, num_halvings, norm=norm)


@mistakes.when("the activation comes before the norm: convolution, norm, leaky ReLU.")
def _activation_first(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, norm_first=False)


@mistakes.when("the activation is a ReLU: it is a leaky one, with slope 0.2.")
def _relu(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, activation=nn.ReLU)


@mistakes.when("the leaky ReLU has PyTorch's slope, 0.01: it is 0.2.")
def _slope_of_pytorch(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, activation=nn.LeakyReLU)


@mistakes.when("there is a leaky ReLU at the end, too: logits may be below 0.")
def _activation_at_end(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, last=(nn.LeakyReLU(0.2),))


@mistakes.when("there is a sigmoid at the end: the map is of logits.")
def _sigmoid(channels, width, num_halvings):
    return _patchgan(channels, width, num_halvings, last=(nn.Sigmoid(),))


@mistakes.when("the map is averaged to one logit for each image: it is to have one for each patch.")
def _averaged(channels, width, num_halvings):
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return _patchgan(channels, width, num_halvings, last=pooled)


EXERCISE = Exercise(
    name="make_patchgan",
    title="A discriminator of patches",
    points=3,
    reference=make_patchgan,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(PatchGAN,),
    read="A discriminator of patches",
)
