"""Answers to `ema_update` as students give them, written from the lecture's text alone."""

import copy

import torch


def state_dicts(average, model, decay):
    old, new = average.state_dict(), model.state_dict()
    for k in old:
        if old[k].dtype.is_floating_point:
            old[k].copy_(decay * old[k] + (1 - decay) * new[k])
        else:
            old[k].copy_(new[k])


@torch.no_grad()
def two_loops(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.mul_(decay)
        p_avg.add_((1 - decay) * p)
    for b_avg, b in zip(average.buffers(), model.buffers()):
        if torch.is_floating_point(b):
            b_avg.mul_(decay)
            b_avg.add_((1 - decay) * b)
        else:
            b_avg.copy_(b)


def load(average, model, decay):
    state = copy.deepcopy(model.state_dict())
    for name, tensor in average.state_dict().items():
        if tensor.is_floating_point():
            state[name] = tensor + (1 - decay) * (state[name] - tensor)
    average.load_state_dict(state)


def data_of_names(average, model, decay):
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, t in list(average.named_parameters()) + list(average.named_buffers()):
        if "float" in str(t.dtype):
            t.data.mul_(decay).add_(tensors[name].data, alpha=1 - decay)
        else:
            t.data.copy_(tensors[name].data)


@torch.no_grad()
def only_parameters(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.mul_(decay).add_(p, alpha=1 - decay)


@torch.no_grad()
def buffers_copied_over(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.lerp_(p, 1 - decay)
    for b_avg, b in zip(average.buffers(), model.buffers()):
        b_avg.copy_(b)


def decay_mixed_up(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        v.copy_((1 - decay) * v + decay * new[k] if v.is_floating_point() else new[k])


def lerp_mixed_up(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        v.lerp_(new[k], decay) if v.is_floating_point() else v.copy_(new[k])


def model_not_scaled(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        if v.is_floating_point():
            v.mul_(decay).add_(new[k])
        else:
            v.copy_(new[k])


def arguments_mixed_up(average, model, decay):
    with torch.no_grad():
        old = average.state_dict()
        for k, v in model.state_dict().items():
            if v.is_floating_point():
                v.mul_(1 - decay).add_(old[k], alpha=decay)
            else:
                old[k].copy_(v)


def roles_mixed_up(average, model, decay):
    state_dicts(model, average, decay)


def plain_copy(average, model, decay):
    average.load_state_dict(copy.deepcopy(model.state_dict()))


def names_rebound(average, model, decay):
    with torch.no_grad():
        for p_avg, p in zip(average.parameters(), model.parameters()):
            p_avg = decay * p_avg + (1 - decay) * p
        for b_avg, b in zip(average.buffers(), model.buffers()):
            b_avg = decay * b_avg + (1 - decay) * b if b.is_floating_point() else b


def dictionary_changed(average, model, decay):
    state = average.state_dict()
    for k, v in model.state_dict().items():
        state[k] = decay * state[k] + (1 - decay) * v if v.is_floating_point() else v


def returns_a_copy(average, model, decay):
    average = copy.deepcopy(average)
    state_dicts(average, model, decay)
    return average


def counts_averaged(average, model, decay):
    new = model.state_dict()
    mixed = {k: decay * v + (1 - decay) * new[k] for k, v in average.state_dict().items()}
    average.load_state_dict(mixed)


def lerp_of_everything(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        v.lerp_(new[k], 1 - decay)


@torch.no_grad()
def no_difference_between_buffers(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.mul_(decay).add_(p, alpha=1 - decay)
    for b_avg, b in zip(average.buffers(), model.buffers()):
        b_avg.mul_(decay).add_(b, alpha=1 - decay)


def counts_skipped(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        if v.is_floating_point():
            v.mul_(decay).add_(new[k], alpha=1 - decay)


def only_what_learns(average, model, decay):
    learns = {name for name, p in model.named_parameters() if p.requires_grad}
    learns |= {name for name, _ in model.named_buffers()}
    new = model.state_dict()
    for k, v in average.state_dict().items():
        if k in learns:
            v.copy_(decay * v + (1 - decay) * new[k] if v.is_floating_point() else new[k])


def counts_assigned(average, model, decay):
    with torch.no_grad():
        for p_avg, p in zip(average.parameters(), model.parameters()):
            p_avg.lerp_(p, 1 - decay)
        for b_avg, b in zip(average.buffers(), model.buffers()):
            if b.is_floating_point():
                b_avg.lerp_(b, 1 - decay)
            else:
                b_avg.data = b


def no_no_grad(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.mul_(decay)
        p_avg.add_((1 - decay) * p)
    for b_avg, b in zip(average.buffers(), model.buffers()):
        if b.is_floating_point():
            b_avg.mul_(decay)
            b_avg.add_((1 - decay) * b)
        else:
            b_avg.copy_(b)


def parameters_made_anew(average, model, decay):
    state_dicts(average, model, decay)
    for module in average.modules():
        for name, p in list(module.named_parameters(recurse=False)):
            setattr(module, name, torch.nn.Parameter(p.detach().clone()))


@torch.no_grad()
def decay_mixed_up_and_buffers_left(average, model, decay):
    for p_avg, p in zip(average.parameters(), model.parameters()):
        p_avg.mul_(1 - decay).add_(decay * p)


def counts_averaged_and_model_not_scaled(average, model, decay):
    new = model.state_dict()
    for k, v in average.state_dict().items():
        v.copy_(decay * v + new[k] if v.is_floating_point() else decay * v + (1 - decay) * new[k])


def by_name(average, model, decay):
    theirs = model.state_dict()
    with torch.no_grad():
        for name, a in average.state_dict().items():
            if "num_batches_tracked" in name:
                a.copy_(theirs[name])
            else:
                a.copy_(a * decay + theirs[name] * (1 - decay))


def batch_norm_layers_only(average, model, decay):
    with torch.no_grad():
        for a, m in zip(average.parameters(), model.parameters()):
            a.lerp_(m, 1 - decay)
        for a, m in zip(average.modules(), model.modules()):
            if isinstance(a, torch.nn.BatchNorm2d):
                a.running_mean.lerp_(m.running_mean, 1 - decay)
                a.running_var.lerp_(m.running_var, 1 - decay)
                a.num_batches_tracked.copy_(m.num_batches_tracked)


def averaged_twice(average, model, decay):
    with torch.no_grad():
        for a, m in zip(average.parameters(), model.parameters()):
            a.lerp_(m, 1 - decay)
        for a, m in zip(average.state_dict().values(), model.state_dict().values()):
            if a.is_floating_point():
                a.lerp_(m, 1 - decay)
            else:
                a.copy_(m)


RIGHT = [state_dicts, two_loops, load, data_of_names]
WRONG = {
    only_parameters: "parameters_only",
    buffers_copied_over: "buffers_copied",
    decay_mixed_up: "exchanged",
    lerp_mixed_up: "exchanged",
    model_not_scaled: "model_not_weighted",
    arguments_mixed_up: "model_changed",
    roles_mixed_up: "model_changed",
    plain_copy: "all_copied",
    names_rebound: "nothing_changes",
    dictionary_changed: "nothing_changes",
    returns_a_copy: "nothing_changes",
    counts_averaged: "whole_numbers_averaged",
    lerp_of_everything: "whole_numbers_in_place",
    no_difference_between_buffers: "whole_numbers_in_place",
    counts_skipped: "whole_numbers_left",
    only_what_learns: "trainable_only",
    counts_assigned: "whole_numbers_shared",
    no_no_grad: "without_no_grad",
    parameters_made_anew: "new_parameters",
    decay_mixed_up_and_buffers_left: "exchanged parameters_only",
    counts_averaged_and_model_not_scaled: "whole_numbers_averaged model_not_weighted",
    by_name: "copied_by_name",
    batch_norm_layers_only: "batch_norm_alone",
    averaged_twice: "",
}
