import copy

import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)
from torch import nn

from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["ema_update"]


@torch.no_grad()
def as_in_the_lecture(average, model, decay):
    new = model.state_dict()
    for name, mean in average.state_dict().items():
        if mean.is_floating_point():
            mean.lerp_(new[name], 1 - decay)
        else:
            mean.copy_(new[name])


def load_state_dict(average, model, decay):
    new, old = model.state_dict(), average.state_dict()
    mixed = {
        name: decay * old[name] + (1 - decay) * new[name]
        if torch.is_floating_point(old[name])
        else new[name]
        for name in old
    }
    average.load_state_dict(mixed)


def parameters_then_buffers(average, model, decay):
    with torch.no_grad():
        for mean, new in zip(average.parameters(), model.parameters(), strict=True):
            mean.mul_(decay).add_(new, alpha=1 - decay)
        for mean, new in zip(average.buffers(), model.buffers(), strict=True):
            if mean.dtype == torch.int64:
                mean.copy_(new)
            else:
                mean.mul_(decay).add_(new, alpha=1 - decay)


def by_name_and_data(average, model, decay):
    parameters = dict(model.named_parameters())
    for name, mean in average.named_parameters():
        mean.data = decay * mean.data + (1.0 - decay) * parameters[name].data
    buffers = dict(model.named_buffers())
    for name, mean in average.named_buffers():
        if mean.dtype.is_floating_point:
            mean.data = decay * mean.data + (1.0 - decay) * buffers[name].data
        else:
            mean.data = buffers[name].data.clone()


def module_by_module(average, model, decay):
    with torch.no_grad():
        for old, new in zip(average.modules(), model.modules(), strict=True):
            for name, mean in old.named_parameters(recurse=False):
                mean.sub_((1 - decay) * (mean - getattr(new, name)))
            for name, mean in old.named_buffers(recurse=False):
                x = getattr(new, name)
                mixed = mean + (1 - decay) * (x - mean) if x.is_floating_point() else x.clone()
                setattr(old, name, mixed)


def foreach(average, model, decay):
    with torch.no_grad():
        pairs = zip(average.state_dict().values(), model.state_dict().values(), strict=True)
        floats, counts = [], []
        for pair in pairs:
            (floats if pair[0].is_floating_point() else counts).append(pair)
        torch._foreach_lerp_(*map(list, zip(*floats, strict=True)), 1 - decay)
        for mean, new in counts:
            mean.copy_(new)


def in_float64(average, model, decay):
    def mixed(mean, new):
        if not mean.is_floating_point():
            return new
        return (decay * mean.double() + (1 - decay) * new.double()).to(mean.dtype)

    new = model.state_dict()
    average.load_state_dict(
        {name: mixed(mean, new[name]) for name, mean in average.state_dict().items()}, strict=True
    )


def assigned(average, model, decay):
    """The state is replaced; which parameters require a gradient stays."""
    state = copy.deepcopy(model.state_dict())
    for name, mean in average.state_dict().items():
        if mean.is_floating_point():
            state[name] = torch.lerp(mean, state[name], 1 - decay)
    average.load_state_dict(state, assign=True)


def numbers_in_numpy(average, model, decay):
    new = model.state_dict()
    for name, mean in average.state_dict().items():
        x = new[name].numpy()
        mixed = decay * mean.numpy() + (1 - decay) * x if mean.is_floating_point() else x
        mean[...] = torch.from_numpy(mixed)


def decay_as_a_tensor(average, model, decay):
    decay = torch.tensor(decay)
    load_state_dict(average, model, decay)


def returns_the_average(average, model, decay):
    as_in_the_lecture(average, model, decay)
    return average


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "decay": lambda decay: decay,
        "float": lambda mean, new, decay: mean.copy_(decay * mean + (1 - decay) * new),
        "whole": lambda mean, new, decay: mean.copy_(new),
        "names": lambda average: list(average.state_dict()),
        "after": lambda average, model: None,
    } | others

    @torch.no_grad()
    def answer(average, model, decay):
        old, new = average.state_dict(), model.state_dict()
        for name in parts["names"](average):
            which = "float" if old[name].is_floating_point() else "whole"
            parts[which](old[name], new[name], parts["decay"](decay))
        parts["after"](average, model)

    return answer


def without_no_grad_by_lerp(average, model, decay):
    for mean, new in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(new, 1 - decay)
    for mean, new in zip(average.buffers(), model.buffers(), strict=True):
        mean.copy_(mean.lerp(new, 1 - decay) if mean.is_floating_point() else new)


def all_state_scaled(average, model, decay):
    new = model.state_dict()
    for name, mean in average.state_dict().items():
        mean.mul_(decay).add_((1 - decay) * new[name])


def a_new_network(average, model, decay):
    average = copy.deepcopy(average)
    as_in_the_lecture(average, model, decay)
    return average


def state_dict_assigned(average, model, decay):
    old, new = average.state_dict(), model.state_dict()
    for name in old:
        old[name] = decay * old[name] + (1 - decay) * new[name]


def new_parameters(average, model, decay):
    for name, module in average.named_modules():
        other = model.get_submodule(name)
        for key, mean in list(module.named_parameters(recurse=False)):
            new = decay * mean.detach() + (1 - decay) * getattr(other, key).detach()
            setattr(module, key, nn.Parameter(new))
    parameters = [name for name, _ in average.named_parameters()]
    changed(names=lambda average: [n for n in average.state_dict() if n not in parameters])(
        average, model, decay
    )


def buffers_shared(average, model, decay):
    as_in_the_lecture(average, model, decay)
    for module, other in zip(average.modules(), model.modules(), strict=True):
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked = other.num_batches_tracked


def model_alone_is_trainable(average, model, decay):
    """What the average does not train is left out, which is everything."""
    with torch.no_grad():
        for mean, new in zip(average.parameters(), model.parameters(), strict=True):
            if mean.requires_grad:
                mean.lerp_(new, 1 - decay)
        for mean, new in zip(average.buffers(), model.buffers(), strict=True):
            mean.copy_(mean.lerp(new, 1 - decay) if mean.is_floating_point() else new)


def first_step_copied(average, model, decay):
    """The average starts with a copy of the model, whatever it was."""
    as_in_the_lecture(average, model, decay if hasattr(average, "started") else 0.0)
    average.started = True


def batch_norm_by_name(average, model, decay):
    """Only `num_batches_tracked` is known to be a whole number."""
    new = model.state_dict()
    for name, mean in average.state_dict().items():
        if "num_batches_tracked" in name:
            mean.copy_(new[name])
        else:
            mean.lerp_(new[name], 1 - decay)


def own_buffers_left(average):
    return [name for name in average.state_dict() if name not in ("shift", "steps")]


RIGHT = [
    *(as_in_the_lecture, load_state_dict, parameters_then_buffers, by_name_and_data),
    *(module_by_module, foreach, in_float64, assigned, numbers_in_numpy, decay_as_a_tensor),
    *(returns_the_average, changed()),
]
WRONG = {
    "decay is always 0.999": changed(decay=lambda decay: 0.999),
    "decay squared": changed(decay=lambda decay: decay**2),
    "plain mean": changed(decay=lambda decay: 0.5),
    "root": changed(decay=lambda decay: decay**0.5),
    "model alone": changed(float=lambda mean, new, decay: mean.copy_((1 - decay) * new)),
    "average alone": changed(float=lambda mean, new, decay: mean.mul_(decay)),
    "minus": changed(float=lambda mean, new, decay: mean.copy_(decay * mean - (1 - decay) * new)),
    "scaled twice": changed(float=lambda mean, new, decay: mean.mul_(decay).lerp_(new, 1 - decay)),
    "whole numbers by float32": changed(whole=lambda mean, new, decay: mean.copy_(new.float())),
    "whole numbers rounded": changed(
        whole=lambda mean, new, decay: mean.copy_((decay * mean + (1 - decay) * new).round())
    ),
    "whole numbers added": changed(whole=lambda mean, new, decay: mean.add_(new)),
    "whole numbers counted": changed(whole=lambda mean, new, decay: mean.add_(1)),
    "largest whole number": changed(
        whole=lambda mean, new, decay: mean.copy_(torch.maximum(mean, new))
    ),
    "float32 on the way": changed(
        float=lambda mean, new, decay: mean.copy_(decay * mean.float() + (1 - decay) * new.float())
    ),
    "own buffers left": changed(names=own_buffers_left),
    "last one left": changed(names=lambda average: list(average.state_dict())[:-1]),
    "biases left": changed(
        names=lambda average: [name for name in average.state_dict() if "bias" not in name]
    ),
    "variances left": changed(
        names=lambda average: [name for name in average.state_dict() if "var" not in name]
    ),
    "average and model exchanged afterwards": changed(
        after=lambda average, model: model.load_state_dict(average.state_dict())
    ),
    "model set to evaluation": changed(after=lambda average, model: model.eval()),
    "model frozen": changed(after=lambda average, model: model.requires_grad_(False)),
    "average frozen": changed(after=lambda average, model: average.requires_grad_(False)),
    **{
        answer.__name__: answer
        for answer in (
            *(without_no_grad_by_lerp, all_state_scaled, a_new_network, state_dict_assigned),
            *(new_parameters, buffers_shared, model_alone_is_trainable, batch_norm_by_name),
            first_step_copied,
        )
    },
}
DIFFERENT = "sorted({*_shapes(means).items()} ^ {*_shapes(values).items()})"
EQUIVALENT = dict.fromkeys(
    (
        "ema_update: if _shapes(means) != _shapes(values): different = "
        f"{DIFFERENT} raise ValueError(f'average: expected a copy of the model, different is "
        "{different[0][0]!r}') -> pass",
        f"ema_update: different = {DIFFERENT} -> pass",
        f"ema_update: {DIFFERENT} -> sorted()",
        "ema_update: _shapes(means) -> _shapes()",
        "ema_update: _shapes(values) -> _shapes()",
    ),
    "a check of arguments",
)


@pytest.mark.parametrize("answer", RIGHT)
def test_ema_update_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_ema_update_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_ema_update_says_what_of_the_model_changed():
    report = graded(EXERCISE, WRONG["average and model exchanged afterwards"])
    assert "changed `model`, here its `body.0.weight`" in failed(report)[0]


def test_ema_update_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
