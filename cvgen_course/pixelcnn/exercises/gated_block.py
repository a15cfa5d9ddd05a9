"""Exercise: a step in both stacks of a gated PixelCNN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.pixelcnn import GatedLayer, Vertical, gate, gated_block
from cvgen_course.pixelcnn.exercises.sight import sight

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: with and without a condition, sizes, gradients, who sees whom."""

    def ask(
        shape: tuple[int, int, int, int],
        of: str = "vh",
        condition: bool = False,
        dtype: torch.dtype = torch.float32,
        asked: str = "values",
    ) -> dict[str, Any]:
        """Return maps (N, P, H, W) and the weights of all layers; ``of``: what is looked at."""
        N, P = shape[:2]

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)

        def layer(before: int, after: int, *size: int) -> list[Tensor]:
            """Return a weight and a bias; the sums have a deviation of about 1."""
            weight = normal(after, before, *size)
            return [weight / weight[0].numel() ** 0.5, normal(after)]

        return {
            "v": normal(*shape),
            "h": normal(*shape),
            "vertical": layer(P, 2 * P, 2, 3),
            "link": layer(2 * P, 2 * P, 1, 1),
            "horizontal": layer(P, 2 * P, 1, 2),
            "output": layer(P, P, 1, 1),
            "condition": normal(N, 2 * P) if condition else None,
            "upstream": normal(2, *shape) if asked == "gradients" else None,
            "of": of,
            "asked": asked,
        }

    return [
        Case(
            "the new v, no condition",
            ask((2, 2, 4, 3), of="v"),
            weight=3,
            hint="The gate of maps: tanh of the first P, times sigmoid of the last P.",
        ),
        Case(
            "the new h, no condition",
            ask((2, 2, 3, 4), of="h"),
            weight=3,
            hint="h + output(gate(horizontal(h) + link(above))).",
        ),
        Case(
            "the new v, with a condition",
            ask((3, 2, 3, 4), of="v", condition=True),
            weight=2,
            hint="An image's condition is added to its maps at every pixel: "
            "condition[:, :, None, None].",
        ),
        Case(
            "the new h, with a condition",
            ask((3, 3, 4, 2), of="h", condition=True),
            weight=3,
            hint="The condition is added to the sum of horizontal(h) and link(above), once.",
        ),
        Case(
            "one image of one row",
            ask((1, 3, 1, 5)),
            weight=1,
            hint="Then `above` is 0; but link(above) is not, since link has a bias.",
        ),
        Case(
            "a single map in each stack, and a condition",
            ask((2, 1, 3, 3), condition=True),
            weight=1,
            hint="P may be 1: of two maps, the first goes through tanh, the last through sigmoid.",
        ),
        Case(
            "one pixel, and a condition",
            ask((2, 4, 1, 1), condition=True),
            weight=1,
            hint="Height and width may be 1: no squeeze.",
        ),
        Case(
            "float64, and a condition",
            ask((2, 3, 3, 2), condition=True, dtype=torch.float64),
            weight=1,
            hint="New here: float64; the results are as precise as v and h.",
        ),
        Case(
            "who sees whom",
            ask((1, 2, 3, 3), dtype=torch.float64, asked="sight"),
            weight=2,
            hint="v follows from v alone. h sees the rows above in v, by way of `above`; in h, "
            "itself and what is left.",
        ),
        Case(
            "the gradients, no condition",
            ask((2, 2, 3, 3), dtype=torch.float64, asked="gradients"),
            weight=3,
            hint="Both results are differentiable with respect to v and h: no detach.",
        ),
        Case(
            "the gradients, with a condition",
            ask((2, 3, 3, 2), condition=True, dtype=torch.float64, asked="gradients"),
            weight=4,
            hint="The class learns, too: the condition gets gradients from both gates.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return v and h and, where a case asks for them, their gradients; or who sees whom."""
    names = ("v", "h") if inputs["condition"] is None else ("v", "h", "condition")
    leaves = {name: inputs[name].requires_grad_() for name in names}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as other layers' outputs
    v, h, *condition = handed.values()

    def vertical(v: Tensor) -> Vertical:
        maps = F.conv2d(F.pad(v, (1, 1, 1, 0)), *inputs["vertical"])
        return Vertical(maps, F.pad(maps, (0, 0, 1, -1)))

    def link(above: Tensor) -> Tensor:
        return F.conv2d(above, *inputs["link"])

    def horizontal(h: Tensor) -> Tensor:
        return F.conv2d(F.pad(h, (1, 0)), *inputs["horizontal"])

    def output(maps: Tensor) -> Tensor:
        return F.conv2d(maps, *inputs["output"])

    layers = vertical, link, horizontal, output
    pair = implementation(v, h, *layers, *condition)
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return v, h")
    require_unchanged(leaves, handed)
    results = {"v": pair[0], "h": pair[1]}
    found = {
        f"the new {name}": as_tensor(results[name], f"the new {name}") for name in inputs["of"]
    }
    if inputs["asked"] == "sight":
        if any(each.shape != leaves["v"].shape for each in found.values()):
            raise WrongAnswer("v and h keep their shapes")
        return sight(found, leaves)
    answer = {name: each.detach() for name, each in found.items()}
    if inputs["asked"] == "gradients":
        for (name, each), upstream in zip(found.items(), inputs["upstream"], strict=True):
            slopes = gradients(name, each, upstream, **leaves)
            answer |= {f"{key} through {name}": slope for key, slope in slopes.items()}
    return answer


def _gate(maps: Tensor, condition: Tensor | None = None) -> Tensor:
    if condition is not None:
        maps = maps + condition[:, :, None, None]
    first, last = maps.chunk(2, dim=1)
    return first.tanh() * last.sigmoid()


def _gated_by(combine, v, h, vertical, link, horizontal, output, condition=None):
    """Do the step with another gate: ``combine`` gets the two halves of its maps."""

    def gate(maps):
        if condition is not None:
            maps = maps + condition[:, :, None, None]
        return combine(*maps.chunk(2, dim=1))

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


@mistakes.when(
    "maps, not `above`, go through link: then h sees its own row in v, and what comes after it."
)
def _maps_linked(v, h, vertical, link, horizontal, output, condition=None):
    maps, _ = vertical(v)
    step = output(_gate(horizontal(h) + link(maps), condition))
    return _gate(maps, condition), h + step


@mistakes.when("`above` goes through the gate of v: maps do, `above` goes to link.")
def _above_gated_for_v(v, h, vertical, link, horizontal, output, condition=None):
    _, above = vertical(v)
    step = output(_gate(horizontal(h) + link(above), condition))
    return _gate(above, condition), h + step


@mistakes.when("what the vertical stack tells is left out: link(above) belongs into h's gate.")
def _link_left_out(v, h, vertical, link, horizontal, output, condition=None):
    maps, _ = vertical(v)
    return _gate(maps, condition), h + output(_gate(horizontal(h), condition))


@mistakes.when("`above` is added without its layer: it passes through link first.")
def _not_linked(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps, condition), h + output(_gate(horizontal(h) + above, condition))


@mistakes.when(
    "horizontal(h) and link(above) have a gate each, and are added after it: they are added first."
)
def _added_after_gates(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    gated = _gate(horizontal(h), condition) + _gate(link(above), condition)
    return _gate(maps, condition), h + output(gated)


@mistakes.when(
    "the vertical layer is given h: it gets v, and the vertical stack never hears of the "
    "horizontal one."
)
def _vertical_sees_h(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(h)
    step = output(_gate(horizontal(h) + link(above), condition))
    return _gate(maps, condition), h + step


@mistakes.when(
    "`above` comes from the new v, as where vertical(v) is called once more after v has changed: "
    "maps and `above` are the results of one call."
)
def _above_of_the_new_v(v, h, vertical, link, horizontal, output, condition=None):
    v = _gate(vertical(v)[0], condition)
    _, above = vertical(v)
    return v, h + output(_gate(horizontal(h) + link(above), condition))


@mistakes.when("the horizontal layer is given v: it gets h.")
def _horizontal_of_v(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    step = output(_gate(horizontal(v) + link(above), condition))
    return _gate(maps, condition), h + step


@mistakes.when("h itself is not added: the horizontal stack has a residual connection.")
def _no_residual(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps, condition), output(_gate(horizontal(h) + link(above), condition))


@mistakes.when("v is added to its gate: only the horizontal stack has a residual connection.")
def _residual_in_v(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    step = output(_gate(horizontal(h) + link(above), condition))
    return v + _gate(maps, condition), h + step


@mistakes.when("h is added before `output`: it is added to what comes out of it.")
def _residual_inside(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    gated = _gate(horizontal(h) + link(above), condition)
    return _gate(maps, condition), output(h + gated)


@mistakes.when("`output` is left out: it stands between the horizontal stack's gate and the sum.")
def _output_left_out(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps, condition), h + _gate(horizontal(h) + link(above), condition)


@mistakes.when(
    "the halves of a gate are exchanged: the first P maps go through tanh, the last through "
    "sigmoid."
)
def _halves_exchanged(*inputs):
    return _gated_by(lambda first, last: first.sigmoid() * last.tanh(), *inputs)


@mistakes.when(
    "a gate takes its maps in turn, one for tanh and one for sigmoid: the first P go through tanh, "
    "the last P through sigmoid."
)
def _maps_in_turn(v, h, vertical, link, horizontal, output, condition=None):
    def gate(maps):
        if condition is not None:
            maps = maps + condition[:, :, None, None]
        return maps[:, ::2].tanh() * maps[:, 1::2].sigmoid()

    maps, above = vertical(v)
    return gate(maps), h + output(gate(horizontal(h) + link(above)))


@mistakes.when("both halves of a gate go through sigmoid: the first goes through tanh.")
def _two_sigmoids(*inputs):
    return _gated_by(lambda first, last: first.sigmoid() * last.sigmoid(), *inputs)


@mistakes.when("tanh is missing, as in F.glu: the first half of a gate goes through tanh.")
def _no_tanh(*inputs):
    return _gated_by(lambda first, last: first * last.sigmoid(), *inputs)


@mistakes.when("a gate has relu in place of tanh: the first half of its maps goes through tanh.")
def _relu_for_tanh(*inputs):
    return _gated_by(lambda first, last: first.relu() * last.sigmoid(), *inputs)


@mistakes.when("the halves of a gate are added: tanh of the first *times* sigmoid of the last.")
def _halves_added(*inputs):
    return _gated_by(lambda first, last: first.tanh() + last.sigmoid(), *inputs)


@mistakes.when("the condition is ignored: it is added to the maps before both gates.")
def _condition_ignored(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps), h + output(_gate(horizontal(h) + link(above)))


@mistakes.when("only v's gate gets the condition: h's gets it, too.")
def _condition_for_v_only(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps, condition), h + output(_gate(horizontal(h) + link(above)))


@mistakes.when("only h's gate gets the condition: v's gets it, too.")
def _condition_for_h_only(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    return _gate(maps), h + output(_gate(horizontal(h) + link(above), condition))


@mistakes.when("the condition comes twice into h's gate: once, to the sum of the maps.")
def _condition_twice(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    twice = None if condition is None else 2 * condition
    return _gate(maps, condition), h + output(_gate(horizontal(h) + link(above), twice))


@mistakes.when(
    "the condition reaches `above`, and passes through link: it is added to the maps at the gates."
)
def _condition_through_link(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    if condition is not None:
        maps, above = (each + condition[:, :, None, None] for each in (maps, above))
    return _gate(maps), h + output(_gate(horizontal(h) + link(above)))


@mistakes.when(
    "only the half of a gate that goes through tanh gets its part of the condition: both do."
)
def _condition_for_tanh_only(v, h, vertical, link, horizontal, output, condition=None):
    if condition is not None:
        first, last = condition.chunk(2, dim=1)
        condition = torch.cat([first, torch.zeros_like(last)], dim=1)
    maps, above = vertical(v)
    step = output(_gate(horizontal(h) + link(above), condition))
    return _gate(maps, condition), h + step


@mistakes.when("the results are exchanged: return v, h.")
def _results_exchanged(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    step = output(_gate(horizontal(h) + link(above), condition))
    return h + step, _gate(maps, condition)


@mistakes.when(
    "link(above) is cut off from v (`.detach()`): the vertical stack is to learn what the "
    "horizontal one needs."
)
def _link_detached(v, h, vertical, link, horizontal, output, condition=None):
    maps, above = vertical(v)
    step = output(_gate(horizontal(h) + link(above).detach(), condition))
    return _gate(maps, condition), h + step


EXERCISE = Exercise(
    name="gated_block",
    title="A step in both stacks",
    points=4,
    reference=gated_block,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(gate, GatedLayer),
    read="Gates",
)
