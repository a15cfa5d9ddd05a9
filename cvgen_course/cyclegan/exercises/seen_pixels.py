"""Exercise: which pixels of an image one number of a map depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.cyclegan.receptive_field import seen_pixels

LEAKY, POOL, RELU = "leaky ReLU", "max pooling", "ReLU"
WITHOUT_PARAMETERS = {LEAKY: nn.LeakyReLU(0.2), POOL: nn.MaxPool2d(2), RELU: nn.ReLU()}
"""Other layers; a convolution is its weight, bias, stride and padding."""

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: borders, strides, channels that differ, holes, tiny numbers.

    In each, row and column differ, and both exchanged would still be in the map.
    """

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=rng))

    def conv(before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> list[Any]:
        """Return a convolution; no weight is near 0, and of any two that follow, one is below."""
        size = 0.2 + torch.rand(after, before, kernel, kernel, generator=rng, dtype=torch.float64)
        signs = torch.ones(size.numel(), dtype=torch.float64)
        signs[number(0, 1) :: 2] = -1
        bias = torch.randn(after, generator=rng, dtype=torch.float64)
        return [size * signs.view_as(size), bias, stride, padding]

    def own_columns(layer: list[Any]) -> list[Any]:
        """Return a convolution that sees each channel in one column of its window alone."""
        channels, width = layer[0].shape[1], layer[0].shape[3]
        start = number(0, width - 1)
        for c in range(channels):
            keep = torch.arange(width) == (start + c) % width
            layer[0][:, c] *= keep
        return layer

    def below_zero(layer: list[Any]) -> list[Any]:
        return [-layer[0].abs(), *layer[1:]]

    def cancelling(layer: list[Any]) -> list[Any]:
        """Return a convolution of 1×1 whose weights for two channels are each other's negatives."""
        layer[0][:, 1] = -layer[0][:, 0]
        return layer

    def clear(layer: list[Any]) -> list[Any]:
        """Return a convolution of 1×1 that makes most numbers large, and a black pixel's 0.5."""
        weight, bias, *others = layer
        return [10 * weight, torch.full_like(bias, 0.5), *others]

    def ask(
        size: tuple[int, int],
        place: tuple[int, int],
        *layers: Any,
        dtype: torch.dtype = torch.float32,
        has_grad: bool = False,
    ) -> dict[str, Any]:
        """Return a network's layers and an image; either row or column is the larger one."""
        if number(0, 1):
            size, place = size[::-1], place[::-1]
        made: list[Any] = []
        for layer in layers:
            if layer in (LEAKY, POOL, RELU):
                made.append(layer)
                continue
            weight, bias, stride, padding = layer
            weight, bias = weight.to(dtype), bias.to(dtype)
            made.append([weight, bias, stride, padding])
        image = torch.randn(1, layers[0][0].shape[1], *size, generator=rng, dtype=torch.float64)
        return {
            "layers": made,
            "image": image.to(dtype),
            "row": place[0],
            "column": place[1],
            "has_grad": has_grad,
        }

    return [
        Case(
            "a convolution",
            ask((7, 8), (number(1, 2), number(3, 4)), conv(1, 1, 3)),
            weight=3,
            hint="A derivative may be below 0, too: what counts is that it is not 0.",
        ),
        Case(
            "a convolution with weights below 0, and .grad of before",
            ask((9, 8), (0, number(1, 3)), below_zero(conv(2, 1, 3, 1, 1)), has_grad=True),
            weight=3,
            hint="All derivatives are below 0. What the parameters' .grad holds, it holds "
            "afterwards, too: torch.autograd.grad(number, image) leaves it alone.",
        ),
        Case(
            "three channels, each seen in another column",
            ask((7, 9), (number(0, 1), number(3, 4)), own_columns(conv(3, 1, 3)), has_grad=True),
            weight=3,
            hint="A pixel is seen if the derivative is not 0 in any of its channels: .any(dim=0).",
        ),
        Case(
            "three convolutions, two of stride 2",
            ask(
                (18, 20),
                (number(0, 1), number(2, 3)),
                *(own_columns(conv(3, 4, 4, 2, 1)), LEAKY),
                *(conv(4, 3, 4, 2, 1), LEAKY),
                conv(3, 1, 2),
                has_grad=True,
            ),
            weight=3,
            hint="network(x)[0, 0, row, column] is one number: its derivative, not that of the "
            "whole map's sum.",
        ),
        Case(
            "the last row or column, where the padding is seen, too",
            ask((8, 8), (number(1, 3), 7), own_columns(conv(3, 2, 3, 1, 1)), conv(2, 1, 3, 1, 1)),
            weight=2,
            hint="Of the padding nothing is returned: the result has the image's H and W.",
        ),
        Case(
            "max pooling, through which only the largest are seen",
            ask((10, 12), (number(0, 1), number(2, 3)), conv(2, 3, 3), POOL, conv(3, 1, 2)),
            weight=2,
            hint="The derivative is taken at this very image: others have other maxima.",
        ),
        Case(
            "two channels whose derivatives cancel",
            ask((7, 9), (number(0, 1), number(3, 4)), cancelling(conv(2, 1, 1)), conv(1, 1, 3)),
            weight=5,
            hint="The sum over channels may be 0 where the derivatives aren't.",
        ),
        Case(
            "a ReLU, through which half of the pixels are seen",
            ask((9, 8), (number(0, 1), number(2, 3)), clear(conv(1, 1, 1)), RELU, conv(1, 1, 5)),
            weight=2,
            hint="The pixels that are seen need not fill a rectangle; and one may count at another "
            "value, and have a derivative of 0 at this one.",
        ),
        Case(
            "a map of tiny numbers",
            ask(
                (8, 7),
                (number(3, 4), number(0, 1)),
                conv(2, 2, 3),
                [1e-9 * part for part in conv(2, 1, 1)[:2]] + [1, 0],
            ),
            weight=1,
            hint="Not 0 means not 0, however small: no tolerance.",
        ),
        Case(
            "float64: two convolutions",
            ask(
                (8, 9),
                (number(0, 1), number(2, 3)),
                *(cancelling(conv(2, 1, 1)), LEAKY, conv(1, 1, 3)),
                dtype=torch.float64,
                has_grad=True,
            ),
            weight=2,
            hint="New here: float64. The sum over channels may be 0 where the derivatives aren't.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the pixels, and what is no longer as it was in the network and the image."""
    layers: list[nn.Module] = []
    for layer in inputs["layers"]:
        if isinstance(layer, str):
            layers.append(WITHOUT_PARAMETERS[layer])
            continue
        weight, bias, stride, padding = layer
        after, before, kernel, _ = weight.shape
        conv = nn.Conv2d(before, after, kernel, stride, padding)
        conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
        layers.append(conv)
    network, image = nn.Sequential(*layers), inputs["image"]
    if inputs["has_grad"]:
        for parameter in network.parameters():
            parameter.grad = torch.ones_like(parameter)

    def state() -> dict[str, Any]:
        """Return what is to stay as it is, by its name in words."""
        return {
            "the parameters": [p.detach().clone() for p in network.parameters()],
            "the parameters' .grad": [
                p.grad if p.grad is None else p.grad.clone() for p in network.parameters()
            ],
            "the parameters' requires_grad": [p.requires_grad for p in network.parameters()],
            "the network's mode": [module.training for module in network.modules()],
            "the image's requires_grad": [image.requires_grad],
            "the image's .grad": [image.grad],
        }

    def is_same(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a is b

    as_it_was = state()
    result = implementation(network, image, inputs["row"], inputs["column"])
    as_it_is = state()
    changed = [name for name in as_it_was if not all(map(is_same, as_it_was[name], as_it_is[name]))]
    result = as_tensor(result, "the result").detach()
    return {"the result": result, "what has changed": changed or ["nothing"]}


def _derivative(network: Any, image: Tensor, row: int, column: int) -> Tensor:
    """Return the right derivative, (C, H, W)."""
    leaf = image.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(leaf)[0, 0, row, column], leaf)
    return gradient[0]


@mistakes.when("only the first channel is looked at: any of them counts.")
def _first_channel(network, image, row, column):
    return _derivative(network, image, row, column)[0] != 0


@mistakes.when("a pixel is to be seen in all of its channels: one is enough, .any(dim=0).")
def _all_channels(network, image, row, column):
    return (_derivative(network, image, row, column) != 0).all(dim=0)


@mistakes.when("the channels are kept apart: a pixel is seen if any of its channels is.")
def _channels_apart(network, image, row, column):
    return _derivative(network, image, row, column) != 0


@mistakes.when("the derivative is that of the whole map's sum: it is one number's.")
def _whole_map(network, image, row, column):
    def summed(x):
        return network(x).sum().view(1, 1, 1, 1)

    return (_derivative(summed, image, 0, 0) != 0).any(dim=0)


@mistakes.when("row and column are exchanged: the row comes first, [0, 0, row, column].")
def _exchanged(network, image, row, column):
    return (_derivative(network, image, column, row) != 0).any(dim=0)


@mistakes.when(
    "derivatives are added over the channels, where those above and below 0 may cancel: .any(dim=0)"
    " of those that are not 0, or .abs() first."
)
def _channels_added(network, image, row, column):
    return _derivative(network, image, row, column).sum(dim=0) != 0


@mistakes.when("only derivatives above 0 count (> 0): one below 0 is not 0, either.")
def _above_zero(network, image, row, column):
    return (_derivative(network, image, row, column) > 0).any(dim=0)


@mistakes.when("the result is the other way round: True is where something is seen.")
def _unseen(network, image, row, column):
    return (_derivative(network, image, row, column) == 0).all(dim=0)


@mistakes.when("the derivative itself is returned: it is where it is not 0, a bool.")
def _derivative_returned(network, image, row, column):
    return _derivative(network, image, row, column).abs().sum(dim=0)


@mistakes.when(
    "the network's parameters get gradients, too (.backward()): torch.autograd.grad(number, image) "
    "leaves their .grad alone."
)
def _backward(network, image, row, column):
    leaf = image.clone().requires_grad_()
    network(leaf)[0, 0, row, column].backward()
    return (leaf.grad[0] != 0).any(dim=0)


@mistakes.when(
    "the parameters' .grad is cleared afterwards (zero_grad): what it held before is lost, too."
)
def _zero_grad(network, image, row, column):
    result = _backward(network, image, row, column)
    network.zero_grad()
    return result


@mistakes.when(
    "the image itself is made to need a gradient, and is left so: work on "
    "image.clone().requires_grad_()."
)
def _image_needs_gradient(network, image, row, column):
    (gradient,) = torch.autograd.grad(network(image.requires_grad_())[0, 0, row, column], image)
    return (gradient[0] != 0).any(dim=0)


@mistakes.when(
    "both the image and the parameters are left with a gradient (requires_grad_() on the image "
    "itself, then .backward()): work on a clone, and use torch.autograd.grad."
)
def _image_and_parameters(network, image, row, column):
    network(image.requires_grad_())[0, 0, row, column].backward()
    return (image.grad[0] != 0).any(dim=0)


@mistakes.when("the image is left with a .grad, from .backward(): work on a clone.")
def _image_with_grad(network, image, row, column):
    network(image.requires_grad_())[0, 0, row, column].backward(inputs=[image])
    image.requires_grad_(False)
    return (image.grad[0] != 0).any(dim=0)


@mistakes.when(
    "the parameters are left frozen (requires_grad_(False)): nobody could train the network."
)
def _frozen(network, image, row, column):
    network.requires_grad_(False)
    return (_derivative(network, image, row, column) != 0).any(dim=0)


@mistakes.when("zeros and ones are returned: it is True and False, a bool.")
def _zeros_and_ones(network, image, row, column):
    return (_derivative(network, image, row, column) != 0).any(dim=0).float()


EXERCISE = Exercise(
    name="seen_pixels",
    title="What one number sees, by looking",
    points=2,
    reference=seen_pixels,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="A discriminator of patches",
)
