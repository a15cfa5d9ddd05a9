"""Exercise: how many pixels in a row one number sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.cyclegan.patchgan import PatchGAN
from cvgen_course.cyclegan.receptive_field import receptive_field

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: no layer, one, layers of stride 1, of others, of 1×1.

    No stride is larger than its kernel: then what a number sees has no holes, and whoever counts
    pixels gets what the formula gives.
    """

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    def layers(*strides: int) -> dict[str, list[int]]:
        kernels = [number(max(2, stride), 7) for stride in strides]
        return {"kernels": kernels, "strides": list(strides)}

    def telling(num_layers: int) -> dict[str, list[int]]:
        """Return layers for which each of the mistakes has a number of its own."""
        while True:
            drawn = layers(*(number(1, 3) for _ in range(num_layers)))
            found = [mistake.implementation(**drawn) for mistake in mistakes]
            found = [result for result in found if isinstance(result, int)]
            if len({receptive_field(**drawn), *found}) == len(found) + 1:
                return drawn

    def with_1x1() -> dict[str, list[int]]:
        """Return layers of which the second and the last are of 1×1, with stride 1."""
        drawn = layers(2, 1, number(2, 3), 1)
        drawn["kernels"][1] = drawn["kernels"][3] = 1
        return drawn

    return [
        Case(
            "two convolutions, the first of stride 2",
            layers(2, 1),
            weight=1,
            hint="Neighbours in the second one's input are 2 pixels apart.",
        ),
        Case(
            "two convolutions, the second of stride 2",
            layers(1, 2),
            weight=1,
            hint="A layer's own stride says how far apart *its* numbers are; what one of them sees "
            "depends on the strides before.",
        ),
        Case(
            "three convolutions of stride 1",
            layers(1, 1, 1),
            weight=1,
            hint="Each adds its kernel's size less one: two of 3×3 see 5 pixels in a row.",
        ),
        Case(
            "three convolutions of several strides",
            telling(3),
            weight=3,
            hint="1 + the sum of (kernel - 1) · the product of all strides before.",
        ),
        Case(
            "four convolutions of several strides",
            telling(4),
            weight=3,
            hint="1 + the sum of (kernel - 1) · the product of all strides before.",
        ),
        Case(
            "five convolutions of several strides",
            telling(5),
            weight=3,
            hint="1 + the sum of (kernel - 1) · the product of all strides before.",
        ),
        Case(
            "with convolutions of 1×1 in between",
            with_1x1(),
            weight=1,
            hint="A kernel of 1 adds nothing.",
        ),
        Case(
            "a single convolution of stride 2",
            layers(2),
            weight=1,
            hint="One number sees as many pixels as the kernel has in a row.",
        ),
        Case(
            "no convolution at all",
            {"kernels": [], "strides": []},
            weight=1,
            hint="Then the map is the image, and a number sees one pixel: itself.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the number; any whole number will do, of Python, NumPy or torch."""
    result = as_tensor(implementation(inputs["kernels"], inputs["strides"]), "the number of pixels")
    whole = not (result.is_floating_point() or result.dtype == torch.bool)
    return {"the number of pixels": result.detach().long() if whole else result.detach()}


def _steps(strides: Sequence[int]) -> list[int]:
    """Return how many pixels apart neighbours in each layer's input are, as they should be."""
    return [math.prod(strides[:i]) for i in range(len(strides))]


def _summed(kernels: Sequence[int], steps: Sequence[int]) -> int:
    """Return the right number, or what other distances in pixels make of it."""
    return 1 + sum((kernel - 1) * step for kernel, step in zip(kernels, steps, strict=True))


@mistakes.when("strides are forgotten: after a stride of 2, neighbours are 2 pixels apart.")
def _strides_forgotten(kernels, strides):
    return _summed(kernels, [1] * len(kernels))


@mistakes.when("each layer's own stride is in its product, too: only the strides before it are.")
def _own_stride(kernels, strides):
    return _summed(kernels, [math.prod(strides[: i + 1]) for i in range(len(strides))])


@mistakes.when("only a layer's own stride counts: it is the product of those before it.")
def _own_stride_alone(kernels, strides):
    return _summed(kernels, strides)


@mistakes.when("only the stride just before counts: it is the product of all before.")
def _last_stride_alone(kernels, strides):
    return _summed(kernels, [1, *strides[:-1]] if strides else [])


@mistakes.when("the strides before are added: neighbours are their product apart.")
def _strides_added(kernels, strides):
    return _summed(kernels, [max(sum(strides[:i]), 1) for i in range(len(strides))])


@mistakes.when(
    "each stride is added to the step, step += stride: it is multiplied, step *= stride."
)
def _added_to_step(kernels, strides):
    return _summed(kernels, [1 + sum(strides[:i]) for i in range(len(strides))])


@mistakes.when("all strides are taken for 2: they are given.")
def _always_2(kernels, strides):
    return _summed(kernels, [2**i for i in range(len(kernels))])


@mistakes.when("every layer has the product of all strides: it is that of the ones before it.")
def _all_strides(kernels, strides):
    return _summed(kernels, [math.prod(strides)] * len(kernels))


@mistakes.when(
    "each layer has the strides after it, as where the lists are read from the back, or the way "
    "back, (pixels - 1) · stride + kernel, is taken from the front."
)
def _from_the_back(kernels, strides):
    return _summed(kernels[::-1], _steps(strides[::-1]))


@mistakes.when(
    "on the way back, pixels · stride + kernel is taken: from the first of `pixels` numbers to the "
    "last it is pixels - 1 steps, (pixels - 1) · stride + kernel."
)
def _one_step_more(kernels, strides):
    pixels = 1
    for kernel, stride in zip(kernels[::-1], strides[::-1], strict=True):
        pixels = pixels * stride + kernel
    return pixels


@mistakes.when("the kernels are added, strides or not: it is kernel - 1, times the strides before.")
def _kernels_added(kernels, strides):
    return sum(kernels)


@mistakes.when("a layer adds its kernel: it adds kernel - 1, one of its numbers is there already.")
def _whole_kernels(kernels, strides):
    return _summed([kernel + 1 for kernel in kernels], _steps(strides))


@mistakes.when("the 1 is missing: before the first layer, a number sees itself.")
def _without_1(kernels, strides):
    return _summed(kernels, _steps(strides)) - 1


@mistakes.when("the last layer is left out.")
def _last_left_out(kernels, strides):
    return _summed(kernels[:-1], _steps(strides[:-1]))


@mistakes.when("the kernels are multiplied: what they see overlaps.")
def _kernels_multiplied(kernels, strides):
    return math.prod(kernels)


@mistakes.when("all pixels of the square are counted: it is those in a row.")
def _square(kernels, strides):
    return _summed(kernels, _steps(strides)) ** 2


@mistakes.when(
    "how far apart neighbours of the last map are is returned, the product of all strides: it is "
    "how much one of them sees."
)
def _step_returned(kernels, strides):
    return math.prod(strides)


@mistakes.when("the number is right, but a float: a whole number is asked for, and all here are.")
def _float(kernels, strides):
    return float(_summed(kernels, _steps(strides)))


@mistakes.when(
    "the number is right, but a float, as from np.prod or torch.prod: of no numbers they make 1.0; "
    "math.prod([]) is 1."
)
def _float_by_prod(kernels, strides):
    return 1 + sum(
        (kernel - 1) * float(step) for kernel, step in zip(kernels, _steps(strides), strict=True)
    )


EXERCISE = Exercise(
    name="receptive_field",
    title="How much one number sees",
    points=2,
    reference=receptive_field,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(PatchGAN,),
    read="A discriminator of patches",
)
