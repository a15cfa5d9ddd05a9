"""Answers to `identity_loss` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def in_two_lines(g_ab, g_ba, a, b):
    same_b = (g_ab(b) - b).abs().mean()
    same_a = (g_ba(a) - a).abs().mean()
    return same_a + same_b


def functional(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a)


def criterion(g_ab, g_ba, a, b):
    criterion_idt = nn.L1Loss()
    idt_a = g_ab(b)
    idt_b = g_ba(a)
    return criterion_idt(idt_a, b) + criterion_idt(idt_b, a)


def summed_up(g_ab, g_ba, a, b):
    criterion = nn.L1Loss(reduction="sum")
    return criterion(g_ab(b), b) / b.numel() + criterion(g_ba(a), a) / a.numel()


def in_double(g_ab, g_ba, a, b):
    return (g_ab(b).double() - b).abs().mean() + (g_ba(a).double() - a).abs().mean()


def image_by_image(g_ab, g_ba, a, b):
    of_b = torch.stack([(g_ab(x[None])[0] - x).abs().mean() for x in b]).mean()
    of_a = torch.stack([(g_ba(x[None])[0] - x).abs().mean() for x in a]).mean()
    return of_a + of_b


def wheres(g_ab, g_ba, a, b):
    def changed(g, x):
        y = g(x)
        return torch.where(y > x, y - x, x - y).mean()

    return changed(g_ab, b) + changed(g_ba, a)


def flat(g_ab, g_ba, a, b):
    d_b = torch.flatten(g_ab(b) - b)
    d_a = torch.flatten(g_ba(a) - a)
    return d_b.norm(p=1) / len(d_b) + d_a.norm(p=1) / len(d_a)


def loop_from_zero(g_ab, g_ba, a, b):
    loss = 0
    for translate, images in [(g_ba, a), (g_ab, b)]:
        loss += torch.abs(images - translate(images)).mean()
    return loss


# -- wrong ones


def in_a_loop(g_ab, g_ba, a, b):
    loss = torch.zeros(())  # stays float32, whatever is added in place
    for translate, images in zip((g_ba, g_ab), (a, b)):
        loss += torch.abs(images - translate(images)).mean()
    return loss


def each_its_own(g_ab, g_ba, a, b):
    return (g_ab(a) - a).abs().mean() + (g_ba(b) - b).abs().mean()


def each_its_own_functional(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(b), b)


def cycle(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a)), a) + F.l1_loss(g_ab(g_ba(b)), b)


def crossed(g_ab, g_ba, a, b):
    return (g_ab(a) - b[: len(a)]).abs().mean() + (g_ba(b)[: len(a)] - a).abs().mean()


def squared(g_ab, g_ba, a, b):
    return (g_ab(b) - b).pow(2).mean() + (g_ba(a) - a).pow(2).mean()


def mse(g_ab, g_ba, a, b):
    return F.mse_loss(g_ab(b), b) + F.mse_loss(g_ba(a), a)


def huber(g_ab, g_ba, a, b):
    return F.huber_loss(g_ab(b), b) + F.huber_loss(g_ba(a), a)


def a_half(g_ab, g_ba, a, b):
    return (F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a)) / 2


def with_the_papers_weight(g_ab, g_ba, a, b):
    return 5 * (F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a))


def with_our_weight(g_ab, g_ba, a, b):
    return 2.5 * (F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a))


def only_ab(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b)


def only_ba(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(a), a)


def one_is_right(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(b), b)


def the_other_is_right(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(a), a)


def ab_twice(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ab(a), a)


def sums(g_ab, g_ba, a, b):
    return (g_ab(b) - b).abs().sum() + (g_ba(a) - a).abs().sum()


def sums_over_pixels(g_ab, g_ba, a, b):
    loss_b = (g_ab(b) - b).abs().sum(dim=(1, 2, 3)).mean()
    return loss_b + (g_ba(a) - a).abs().sum(dim=(1, 2, 3)).mean()


def joint_mean(g_ab, g_ba, a, b):
    return torch.cat([(g_ab(b) - b).abs(), (g_ba(a) - a).abs()]).mean()


def joint_mean_doubled(g_ab, g_ba, a, b):
    return 2 * torch.cat([(g_ab(b) - b).abs(), (g_ba(a) - a).abs()]).mean()


def no_abs(g_ab, g_ba, a, b):
    return (g_ab(b) - b).mean() + (g_ba(a) - a).mean()


def abs_of_mean(g_ab, g_ba, a, b):
    return (g_ab(b) - b).mean().abs() + (g_ba(a) - a).mean().abs()


def one_mean_of_means(g_ab, g_ba, a, b):
    return (g_ab(b).mean() - b.mean()).abs() + (g_ba(a).mean() - a.mean()).abs()


def no_gradient(g_ab, g_ba, a, b):
    with torch.no_grad():
        return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a)


def a_python_number(g_ab, g_ba, a, b):
    return float(F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a))


def a_pair(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b), F.l1_loss(g_ba(a), a)


def stacked(g_ab, g_ba, a, b):
    return torch.stack([F.l1_loss(g_ab(b), b), F.l1_loss(g_ba(a), a)])


def of_the_fakes(g_ab, g_ba, a, b):
    fake_b, fake_a = g_ab(a), g_ba(b)
    return F.l1_loss(g_ab(fake_b), fake_b) + F.l1_loss(g_ba(fake_a), fake_a)


def of_the_detached_fakes(g_ab, g_ba, a, b):
    fake_b, fake_a = g_ab(a).detach(), g_ba(b).detach()
    return F.l1_loss(g_ab(fake_b), fake_b) + F.l1_loss(g_ba(fake_a), fake_a)


def same_size(g_ab, g_ba, a, b):
    n = min(len(a), len(b))
    return F.l1_loss(g_ab(b[:n]), b[:n]) + F.l1_loss(g_ba(a[:n]), a[:n])


def new_tensor(g_ab, g_ba, a, b):
    return torch.tensor(functional(g_ab, g_ba, a, b).item(), requires_grad=True)


def half_of_it_detached(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a).item()


def added_before_the_mean(g_ab, g_ba, a, b):
    return ((g_ab(b) - b).abs() + (g_ba(a) - a).abs()).mean()


RIGHT = [
    loop_from_zero,
    in_two_lines,
    functional,
    criterion,
    summed_up,
    in_double,
    image_by_image,
    wheres,
    flat,
]
WRONG = {
    in_a_loop: "",
    each_its_own: "exchanged",
    each_its_own_functional: "exchanged",
    cycle: "cycle",
    crossed: "as_if_paired",
    squared: "squared",
    mse: "squared",
    huber: "",
    a_half: "halved",
    with_the_papers_weight: "times_5",
    with_our_weight: "times_2_5",
    only_ab: "of_g_ab_alone",
    only_ba: "of_g_ba_alone",
    one_is_right: "both_shown_b",
    the_other_is_right: "both_shown_a",
    ab_twice: "",
    sums: "summed",
    sums_over_pixels: "summed_over_image",
    joint_mean: "one_mean",
    joint_mean_doubled: "",
    no_abs: "signed",
    abs_of_mean: "mean_first",
    one_mean_of_means: "mean_first",
    no_gradient: "detached",
    a_python_number: "detached",
    a_pair: "",
    stacked: "",
    of_the_fakes: "shown_fakes",
    of_the_detached_fakes: "shown_fakes",
    same_size: "",
    new_tensor: "",
    half_of_it_detached: "",
    added_before_the_mean: "pair_by_pair",
}
