"""Exercise: a running mean of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer
from cvgen_course.gan.ema import ema_update

REFUSED = ("not implemented for", "can't be cast to")
"""What torch says where a buffer of whole numbers is averaged in place: by lerp_, and by mul_."""

mistakes = Mistakes()


class _Network(nn.Module):
    """A small network with parameters and buffers of all kinds.

    Args:
        kind: ``"linear"`` has parameters only; ``"norm"`` has batch norm, with two float buffers
            and one of whole numbers; ``"own"`` has a frozen parameter and two buffers besides.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        if kind == "linear":
            self.body = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1, bias=False))
        else:
            self.body = nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3))
        if kind == "own":
            self.offset = nn.Parameter(torch.zeros(2, 2), requires_grad=False)
            self.register_buffer("shift", torch.zeros(4))
            self.register_buffer("steps", torch.zeros(2, dtype=torch.int64))

    def numbers(self) -> dict[str, Tensor]:
        """Return copies of all parameters and buffers."""
        return {name: each.clone() for name, each in self.state_dict().items()}

    def for_autograd(self) -> dict[str, list[str]]:
        """Return which parameters require a gradient, and which tensors carry a graph."""
        tensors = self.state_dict(keep_vars=True)
        return {
            "parameters that require a gradient": [
                name for name, each in self.named_parameters() if each.requires_grad
            ]
            or ["none"],
            "tensors that carry a graph": [
                name for name, each in tensors.items() if each.grad_fn is not None
            ]
            or ["none"],
        }


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: networks with and without buffers, decays, several steps, types."""

    def number(low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=rng, dtype=torch.float64).item()

    def drawn(kind: str, dtype: torch.dtype, scale: float = 1.0) -> dict[str, Tensor]:
        """Return random numbers for all parameters and buffers of a network."""
        state = {}
        for name, each in _Network(kind).state_dict().items():
            if each.is_floating_point():
                values = torch.randn(each.shape, generator=rng, dtype=torch.float64)
                state[name] = (scale * (values.abs() if "var" in name else values)).to(dtype)
            else:
                state[name] = torch.randint(1, 2**30, each.shape, generator=rng)
        return state

    def ask(
        kind: str,
        decay: float,
        num_steps: int = 1,
        dtype: torch.dtype = torch.float32,
        scale: float = 1.0,
        trainable: bool = False,
    ) -> dict[str, Any]:
        """Return an average, the model after each step, and whether the average is trainable."""
        return {
            "kind": kind,
            "decay": decay,
            "average": drawn(kind, dtype),
            "models": [drawn(kind, dtype, scale) for _ in range(num_steps)],
            "trainable": trainable,
        }

    return [
        Case(
            "parameters only",
            ask("linear", number(0.6, 0.9)),
            weight=2,
            hint="decay * itself + (1 - decay) * the model's, written into the average's own "
            "tensors, under torch.no_grad().",
        ),
        Case(
            "a network with batch norm",
            ask("norm", number(0.6, 0.9)),
            weight=3,
            hint="Buffers belong to it: running_mean and running_var are averaged, "
            "num_batches_tracked is copied.",
        ),
        Case(
            "a frozen parameter, and buffers of its own",
            ask("own", number(0.6, 0.9)),
            weight=3,
            hint="Every parameter, also one that requires no gradient; and every buffer, whatever "
            "its name.",
        ),
        Case(
            "three steps, decay 0.999",
            ask("own", 0.999, num_steps=3, scale=100.0),
            weight=2,
            hint="The model is another one at each step; what the average was before counts 0.999.",
        ),
        Case(
            "the average's parameters require gradients",
            ask("norm", number(0.6, 0.9), num_steps=2, trainable=True),
            weight=3,
            hint="As copy.deepcopy(model) leaves them. Work under torch.no_grad(); they require "
            "gradients afterwards, too.",
        ),
        Case(
            "decay 0: the average becomes the model",
            ask("norm", 0.0),
            weight=1,
            hint="Nothing of the average stays. It has the model's numbers, but not its tensors.",
        ),
        Case(
            "decay 1: the average stays, but for whole numbers",
            ask("norm", 1.0),
            weight=1,
            hint="Nothing of the model comes in; whole numbers are copied all the same.",
        ),
        Case(
            "float64, two steps",
            # A decay that float32 holds exactly: whoever makes a tensor of it is right, too.
            ask("own", int(torch.randint(40, 60, (), generator=rng)) / 64, 2, torch.float64),
            weight=3,
            hint="The average is as precise as its tensors.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what the average is after the first and the last step, and what else has changed."""
    dtype = next(iter(inputs["average"].values())).dtype
    average, model = (_Network(inputs["kind"]).to(dtype) for _ in range(2))
    average.load_state_dict(inputs["average"])
    if not inputs["trainable"]:
        average.requires_grad_(False)
    answer: dict[str, Any] = {}
    for step, state in enumerate(inputs["models"], start=1):
        model.load_state_dict(state)
        before = model.for_autograd()
        try:
            implementation(average, model, inputs["decay"])
        except RuntimeError as error:  # one of them is a NotImplementedError, but no blank answer
            if any(words in str(error) for words in REFUSED):
                raise WrongAnswer(
                    "whole numbers can't be averaged in place, says torch; copy them"
                ) from None
            raise
        changed = [name for name, each in model.numbers().items() if not each.equal(state[name])]
        if changed or model.for_autograd() != before or not model.training:
            what = f", here its `{changed[0]}`" if changed else ""
            raise WrongAnswer(f"your function changed `model`{what}; only `average` changes")
        if step in (1, len(inputs["models"])):
            answer |= {f"after step {step}, `{name}`": x for name, x in average.numbers().items()}
    answer |= average.for_autograd()
    at_the_end = average.numbers()
    with torch.no_grad():
        for each in model.state_dict().values():
            each.add_(1)
    follows = [name for name, each in average.numbers().items() if not each.equal(at_the_end[name])]
    return {**answer, "what changes when only the model does": follows or ["nothing"]}


def _pairs(average: nn.Module, model: nn.Module) -> list[tuple[str, Tensor, Tensor]]:
    """Return the name, the average's tensor and the model's, for all parameters and buffers."""
    new = model.state_dict()
    return [(name, mean, new[name]) for name, mean in average.state_dict().items()]


def _update(
    average: nn.Module,
    model: nn.Module,
    decay: float,
    counts: bool = True,
    which: Callable[[str], bool] = lambda name: True,
) -> None:
    """Do what is right, for tensors of some names; whole numbers only with ``counts``."""
    for name, mean, new in _pairs(average, model):
        if mean.is_floating_point() and which(name):
            mean.lerp_(new, 1 - decay)
        elif counts and not mean.is_floating_point():
            mean.copy_(new)


@mistakes.when("only parameters are averaged: batch norm's running mean and variance are buffers.")
def _parameters_only(average, model, decay):
    names = [name for name, _ in average.named_parameters()]
    _update(average, model, decay, counts=False, which=lambda name: name in names)


@mistakes.when(
    "buffers are all copied: the running mean and variance of batch norm are averaged like "
    "parameters; only whole numbers are copied."
)
def _buffers_copied(average, model, decay):
    names = [name for name, _ in average.named_parameters()]
    for name, mean, new in _pairs(average, model):
        if name in names:
            mean.lerp_(new, 1 - decay)
        else:
            mean.copy_(new)


@mistakes.when("decay and 1 - decay are exchanged: decay is the average's share.")
def _exchanged(average, model, decay):
    _update(average, model, 1 - decay)


@mistakes.when("the model's share is not weighted: it is multiplied by 1 - decay.")
def _model_not_weighted(average, model, decay):
    for _, mean, new in _pairs(average, model):
        if mean.is_floating_point():
            mean.mul_(decay).add_(new)
        else:
            mean.copy_(new)


@mistakes.when("the mean is written into `model`: it stays, and the average changes.")
def _model_changed(average, model, decay):
    for _, mean, new in _pairs(average, model):
        if mean.is_floating_point():
            new.mul_(1 - decay).add_(mean, alpha=decay)
        else:
            mean.copy_(new)


@mistakes.when("the model is copied, whatever decay is: the average keeps its share, decay.")
def _all_copied(average, model, decay):
    average.load_state_dict(model.state_dict())


@mistakes.when(
    "nothing in `average` changes: a new tensor under the same name is not the network's; write "
    "into its own (.copy_, .mul_, .add_, .lerp_), or load_state_dict."
)
def _nothing_changes(average, model, decay):
    for _, mean, new in _pairs(average, model):
        mean = decay * mean + (1 - decay) * new


@mistakes.when(
    "whole numbers are averaged, and what is behind the point is lost: they are copied instead."
)
def _whole_numbers_averaged(average, model, decay):
    for _, mean, new in _pairs(average, model):
        mean.copy_(decay * mean + (1 - decay) * new)


@mistakes.when(
    "whole numbers are averaged in place like others, which torch refuses: they are copied instead."
)
def _whole_numbers_in_place(average, model, decay):
    for _, mean, new in _pairs(average, model):
        mean.mul_(decay).add_((1 - decay) * new)


@mistakes.when(
    "num_batches_tracked alone is copied, by its name: every buffer of whole numbers is, whatever "
    "its name. is_floating_point() tells them."
)
def _copied_by_name(average, model, decay):
    for name, mean, new in _pairs(average, model):
        kept = 0 if "num_batches_tracked" in name else decay
        mean.copy_(kept * mean + (1 - kept) * new)


@mistakes.when("batch norm's buffers alone follow: every buffer of every layer does.")
def _batch_norm_alone(average, model, decay):
    names = [name for name, _ in average.named_parameters()]
    counted = ("num_batches_tracked", "running_mean", "running_var")
    for name, mean, new in _pairs(average, model):
        if mean.is_floating_point() and (name in names or name.endswith(counted)):
            mean.lerp_(new, 1 - decay)
        elif name.endswith(counted):
            mean.copy_(new)


@mistakes.when("buffers of whole numbers are left as they were: they are copied from the model.")
def _whole_numbers_left(average, model, decay):
    _update(average, model, decay, counts=False)


@mistakes.when(
    "parameters that require no gradient are left out: a frozen one is averaged like the others."
)
def _trainable_only(average, model, decay):
    frozen = [name for name, each in model.named_parameters() if not each.requires_grad]
    _update(average, model, decay, which=lambda name: name not in frozen)


@mistakes.when(
    "some of the average's tensors are the model's own (such as whole numbers, assigned with =): "
    "they change whenever the model does; .copy_ copies the numbers."
)
def _whole_numbers_shared(average, model, decay):
    _update(average, model, decay)
    for mean, new in zip(average.buffers(), model.buffers(), strict=True):
        if not mean.is_floating_point():
            mean.data = new.data


@mistakes.when(
    "autograd takes notes: the average then carries the graph of every step, or its tensors refuse "
    "a change in place; work under torch.no_grad()."
)
def _without_no_grad(average, model, decay):
    for mean, new in zip(average.parameters(), model.parameters(), strict=True):
        mean.mul_(decay).add_((1 - decay) * new)
    names = [name for name, _ in average.named_parameters()]
    _update(average, model, decay, which=lambda name: name not in names)


@mistakes.when(
    "the average gets new parameters, which require a gradient: its own are to change, in place."
)
def _new_parameters(average, model, decay):
    _update(average, model, decay)
    average.requires_grad_(True)


EXERCISE = Exercise(
    name="ema_update",
    title="A running mean of a network",
    points=2,
    reference=ema_update,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="A calmer generator",
)
