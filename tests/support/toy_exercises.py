"""Small exercises for the tests of `checks`, in a module that another process can import."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor

mistakes = Mistakes()


def weighted_mean(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return (x * w).sum() / w.sum()


def _weighted_cases(rng: torch.Generator) -> list[Case]:
    def inputs(n: int, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
        x = torch.randn(n, generator=rng, dtype=torch.float64)
        w = torch.rand(n, generator=rng, dtype=torch.float64) + 0.5
        return {"x": x.to(dtype), "w": w.to(dtype)}

    return [
        Case("five values", inputs(5), hint="Divide by the sum of the weights."),
        Case("one value", inputs(1)),
        Case("float64", inputs(7, torch.float64), weight=2),
    ]


def _weighted_probe(implementation, inputs):
    x = inputs["x"].requires_grad_()
    mean = as_tensor(implementation(x, inputs["w"]), "the mean", needs_grad=True)
    mean.backward()
    return {"the mean": mean.detach(), "the gradient": x.grad}


@mistakes.when("the sum is divided by the number of values")
def _divides_by_count(x, w):
    return (x * w).sum() / len(x)


@mistakes.when("the weights are left out.")
def _forgets_weights(x, w):
    return x.sum() / len(x)


def nearest(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, -1).repeat_interleave(2, -2)


def _nearest_cases(rng: torch.Generator) -> list[Case]:
    return [
        Case("one image", {"x": torch.rand(1, 1, 2, 2, generator=rng)}),
        Case("a batch, not square", {"x": torch.rand(2, 3, 4, 5, generator=rng)}),
        Case("labels", {"x": torch.randint(9, (1, 1, 3, 3), generator=rng)}, weight=2),
    ]


def _nearest_probe(implementation, inputs):
    return implementation(inputs["x"])


class Affine(nn.Module):
    def __init__(self, scale: torch.Tensor, shift: torch.Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale)
        self.shift = nn.Parameter(shift)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x + self.shift


def _affine_cases(rng: torch.Generator) -> list[Case]:
    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng)

    return [
        Case(f"{n} values", {"scale": draw(n), "shift": draw(n), "x": draw(4, n)}) for n in (1, 3)
    ]


def _affine_probe(implementation, inputs):
    layer = implementation(inputs["scale"], inputs["shift"])
    y = as_tensor(layer(inputs["x"]), "what forward returned")
    return {"y": y.detach(), "parameters": sum(p.numel() for p in layer.parameters())}


EXERCISES = {
    "weighted_mean": Exercise(
        name="weighted_mean",
        title="Mean with weights",
        points=4,
        reference=weighted_mean,
        cases=_weighted_cases,
        probe=_weighted_probe,
        mistakes=tuple(mistakes),
        forbidden=(torch.mean,),
        read="Section 1",
    ),
    "nearest": Exercise(
        name="nearest",
        title="Nearest-neighbour upsampling",
        points=3,
        reference=nearest,
        cases=_nearest_cases,
        probe=_nearest_probe,
        forbidden=(F.interpolate, nn.Upsample),
    ),
    "Affine": Exercise(
        name="Affine",
        title="An affine layer",
        points=1,
        reference=Affine,
        cases=_affine_cases,
        probe=_affine_probe,
    ),
}
