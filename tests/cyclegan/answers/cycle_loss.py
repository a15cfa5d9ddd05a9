"""Answers to `cycle_loss` as students give them, written from the lecture's text alone."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def in_two_lines(g_ab, g_ba, a, b):
    loss_a = (g_ba(g_ab(a)) - a).abs().mean()
    loss_b = (g_ab(g_ba(b)) - b).abs().mean()
    return loss_a + loss_b


def functional(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a)), a) + F.l1_loss(g_ab(g_ba(b)), b)


def criterion(g_ab, g_ba, a, b):
    l1 = nn.L1Loss()
    fake_b = g_ab(a)
    fake_a = g_ba(b)
    return l1(g_ba(fake_b), a) + l1(g_ab(fake_a), b)


def image_by_image(g_ab, g_ba, a, b):
    total = 0
    for image in a:
        back = g_ba(g_ab(image[None]))[0]
        total = total + torch.abs(back - image).sum() / a.numel()
    for image in b:
        back = g_ab(g_ba(image.unsqueeze(0))).squeeze(0)
        total = total + torch.abs(back - image).sum() / b.numel()
    return total


def in_double(g_ab, g_ba, a, b):
    back_a, back_b = g_ba(g_ab(a)), g_ab(g_ba(b))
    return (back_a.double() - a.double()).abs().mean() + (back_b.double() - b).abs().mean()


def per_item(g_ab, g_ba, a, b):
    def cycle(there, back, x):
        difference = back(there(x)) - x
        return difference.abs().mean(dim=(1, 2, 3)).mean()

    return cycle(g_ab, g_ba, a) + cycle(g_ba, g_ab, b)


def norms(g_ab, g_ba, a, b):
    loss = torch.linalg.vector_norm(g_ba(g_ab(a)) - a, ord=1) / a.numel()
    return loss + torch.dist(g_ab(g_ba(b)), b, p=1) / b.numel()


def over_pairs(g_ab, g_ba, a, b):
    ways = [(g_ab, g_ba, a), (g_ba, g_ab, b)]
    return torch.stack([torch.mean(torch.abs(g2(g1(x)) - x)) for g1, g2, x in ways]).sum()


def both_in_one_batch(g_ab, g_ba, a, b):
    fakes_a, fakes_b = g_ba(b), g_ab(a)
    back_b, back_a = g_ab(fakes_a), g_ba(fakes_b)
    errors = torch.cat([(back_a - a).flatten(), (back_b - b).flatten()]).abs()
    return errors[: a.numel()].mean() + errors[a.numel() :].mean()


def by_relu(g_ab, g_ba, a, b):
    d, e = g_ba(g_ab(a)) - a, g_ab(g_ba(b)) - b
    return (F.relu(d) + F.relu(-d)).mean() + torch.maximum(e, -e).mean()


def targets_detached(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a)), a.detach()) + F.l1_loss(g_ab(g_ba(b)), b.detach())


# -- wrong ones


def squared(g_ab, g_ba, a, b):
    return ((g_ba(g_ab(a)) - a) ** 2).mean() + ((g_ab(g_ba(b)) - b) ** 2).mean()


def mse(g_ab, g_ba, a, b):
    return F.mse_loss(g_ba(g_ab(a)), a) + F.mse_loss(g_ab(g_ba(b)), b)


def smooth(g_ab, g_ba, a, b):
    return F.smooth_l1_loss(g_ba(g_ab(a)), a) + F.smooth_l1_loss(g_ab(g_ba(b)), b)


def one_way(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a)), a)


def only_from_b(g_ab, g_ba, a, b):
    return (g_ab(g_ba(b)) - b).abs().mean()


def a_half(g_ab, g_ba, a, b):
    return 0.5 * (F.l1_loss(g_ba(g_ab(a)), a) + F.l1_loss(g_ab(g_ba(b)), b))


def sums(g_ab, g_ba, a, b):
    return (g_ba(g_ab(a)) - a).abs().sum() + (g_ab(g_ba(b)) - b).abs().sum()


def sums_by_batch(g_ab, g_ba, a, b):
    loss_a = (g_ba(g_ab(a)) - a).abs().sum() / len(a)
    return loss_a + (g_ab(g_ba(b)) - b).abs().sum() / len(b)


def joint_mean(g_ab, g_ba, a, b):
    errors = torch.cat([(g_ba(g_ab(a)) - a).abs(), (g_ab(g_ba(b)) - b).abs()])
    return errors.mean()


def joint_mean_doubled(g_ab, g_ba, a, b):
    errors = torch.cat([(g_ba(g_ab(a)) - a).abs(), (g_ab(g_ba(b)) - b).abs()])
    return 2 * errors.mean()


def sum_then_mean(g_ab, g_ba, a, b):
    return ((g_ba(g_ab(a)) - a).abs() + (g_ab(g_ba(b)) - b).abs()).mean()


def no_abs(g_ab, g_ba, a, b):
    return (g_ba(g_ab(a)) - a).mean() + (g_ab(g_ba(b)) - b).mean()


def abs_of_mean(g_ab, g_ba, a, b):
    return (g_ba(g_ab(a)) - a).mean().abs() + (g_ab(g_ba(b)) - b).mean().abs()


def other_pile(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(a), b[: len(a)]) + F.l1_loss(g_ba(b), a)


def identity_instead(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a)


def one_translation(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(b), b)


def wrong_order(g_ab, g_ba, a, b):
    return (g_ab(g_ba(a)) - a).abs().mean() + (g_ba(g_ab(b)) - b).abs().mean()


def same_twice(g_ab, g_ba, a, b):
    return (g_ab(g_ab(a)) - a).abs().mean() + (g_ba(g_ba(b)) - b).abs().mean()


def copy_and_paste(g_ab, g_ba, a, b):
    loss_a = (g_ba(g_ab(a)) - a).abs().mean()
    loss_b = (g_ba(g_ab(b)) - b).abs().mean()
    return loss_a + loss_b


def fakes_detached(g_ab, g_ba, a, b):
    fake_b, fake_a = g_ab(a).detach(), g_ba(b).detach()
    return F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b)


def no_grad_on_the_way_there(g_ab, g_ba, a, b):
    with torch.no_grad():
        fake_b = g_ab(a)
        fake_a = g_ba(b)
    return (g_ba(fake_b) - a).abs().mean() + (g_ab(fake_a) - b).abs().mean()


def a_python_number(g_ab, g_ba, a, b):
    return in_two_lines(g_ab, g_ba, a, b).item()


def detached(g_ab, g_ba, a, b):
    return in_two_lines(g_ab, g_ba, a, b).detach()


def by_numpy(g_ab, g_ba, a, b):
    back_a = g_ba(g_ab(a)).detach().numpy()
    back_b = g_ab(g_ba(b)).detach().numpy()
    loss = np.abs(back_a - a.numpy()).mean() + np.abs(back_b - b.numpy()).mean()
    return torch.tensor(loss)


def two_losses(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a)), a), F.l1_loss(g_ab(g_ba(b)), b)


def a_vector(g_ab, g_ba, a, b):
    loss = in_two_lines(g_ab, g_ba, a, b)
    return loss.reshape(1)


def per_image(g_ab, g_ba, a, b):
    n = min(len(a), len(b))
    loss = (g_ba(g_ab(a)) - a).abs().mean(dim=(1, 2, 3))[:n]
    return loss + (g_ab(g_ba(b)) - b).abs().mean(dim=(1, 2, 3))[:n]


def weighted(g_ab, g_ba, a, b):
    return 10 * in_two_lines(g_ab, g_ba, a, b)


def as_many_of_both(g_ab, g_ba, a, b):
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    return F.l1_loss(g_ba(g_ab(a)), a) + F.l1_loss(g_ab(g_ba(b)), b)


def euclidean(g_ab, g_ba, a, b):
    d, e = g_ba(g_ab(a)) - a, g_ab(g_ba(b)) - b
    return d.pow(2).mean().sqrt() + e.pow(2).mean().sqrt()


def clamped(g_ab, g_ba, a, b):
    back_a, back_b = g_ba(g_ab(a)).clamp(-1, 1), g_ab(g_ba(b)).clamp(-1, 1)
    return F.l1_loss(back_a, a) + F.l1_loss(back_b, b)


RIGHT = [
    in_two_lines,
    functional,
    criterion,
    image_by_image,
    in_double,
    per_item,
    norms,
    over_pairs,
    both_in_one_batch,
    by_relu,
    targets_detached,
]
WRONG = {
    squared: "squared",
    mse: "squared",
    smooth: "",
    one_way: "from_a_alone",
    only_from_b: "from_b_alone",
    a_half: "halved",
    sums: "summed",
    sums_by_batch: "summed_over_image",
    joint_mean: "one_mean",
    joint_mean_doubled: "",
    sum_then_mean: "pair_by_pair",
    no_abs: "signed",
    abs_of_mean: "mean_first",
    other_pile: "",
    identity_instead: "identity",
    one_translation: "there_alone",
    wrong_order: "wrong_order",
    same_twice: "same_twice",
    copy_and_paste: "same_order",
    fakes_detached: "fakes_detached",
    no_grad_on_the_way_there: "fakes_detached",
    a_python_number: "detached",
    detached: "detached",
    by_numpy: "detached",
    two_losses: "",
    a_vector: "",
    per_image: "",
    weighted: "times_10",
    as_many_of_both: "",
    euclidean: "",
    clamped: "",
}
