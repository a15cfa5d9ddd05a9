"""Answers to `generator_step` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn

from cvgen_course import cyclegan as ref


def as_in_the_lecture(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    g_ab, g_ba = generators
    d_a, d_b = discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)
    loss = 0.5 * ((d_b(fake_b) - 1) ** 2).mean() + 0.5 * ((d_a(fake_a) - 1) ** 2).mean()
    loss = loss + cycle_weight * ref.cycle_loss(g_ab, g_ba, a, b)
    loss = loss + identity_weight * ref.identity_loss(g_ab, g_ba, a, b)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach(), fake_a.detach(), fake_b.detach()


def as_in_the_authors_code(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    g_ab, g_ba = generators
    d_a, d_b = discriminators
    mse, l1 = nn.MSELoss(), nn.L1Loss()
    fake_b = g_ab(a)
    rec_a = g_ba(fake_b)
    fake_a = g_ba(b)
    rec_b = g_ab(fake_a)
    for d in discriminators:
        for param in d.parameters():
            param.requires_grad = False
    optimizer.zero_grad()
    pred_b, pred_a = d_b(fake_b), d_a(fake_a)
    loss_g = 0.5 * mse(pred_b, torch.ones_like(pred_b)) + 0.5 * mse(pred_a, torch.ones_like(pred_a))
    loss_cycle = l1(rec_a, a) + l1(rec_b, b)
    loss_idt = l1(g_ab(b), b) + l1(g_ba(a), a)
    loss = loss_g + cycle_weight * loss_cycle + identity_weight * loss_idt
    loss.backward()
    optimizer.step()
    for d in discriminators:
        for param in d.parameters():
            param.requires_grad = True
    return loss.item(), fake_a.data, fake_b.data


def way_by_way(generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5):
    optimizer.zero_grad()
    g_ab, g_ba = generators
    total, fakes = 0.0, {}
    for name, there, back, judge, x, y in [
        ("b", g_ab, g_ba, discriminators[1], a, b),
        ("a", g_ba, g_ab, discriminators[0], b, a),
    ]:
        fake = there(x)
        loss = 0.5 * torch.mean((1 - judge(fake)) ** 2)
        loss += cycle_weight * torch.mean(torch.abs(back(fake) - x))
        loss += identity_weight * torch.mean(torch.abs(there(y) - y))
        loss.backward()
        total += loss.detach()
        fakes[name] = fake.detach()
    optimizer.step()
    return total, fakes["a"], fakes["b"]


def otherwise(
    adversarial=lambda d_a, d_b, fake_a, fake_b: (
        0.5 * ((d_b(fake_b) - 1) ** 2).mean() + 0.5 * ((d_a(fake_a) - 1) ** 2).mean()
    ),
    cycle=lambda g_ab, g_ba, a, b, fake_a, fake_b: (
        F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b)
    ),
    identity=lambda g_ab, g_ba, a, b: F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a), a),
    weights=lambda cycle_weight, identity_weight: (cycle_weight, identity_weight),
    made=lambda g_ab, g_ba, a, b: (g_ba(b), g_ab(a)),
    learn=lambda optimizer, loss: (optimizer.zero_grad(), loss.backward(), optimizer.step()),
    returned=lambda loss, fake_a, fake_b: (loss.detach(), fake_a.detach(), fake_b.detach()),
):
    def answer(generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5):
        fake_a, fake_b = made(*generators, a, b)
        lambdas = weights(cycle_weight, identity_weight)
        loss = adversarial(*discriminators, fake_a, fake_b)
        loss = loss + lambdas[0] * cycle(*generators, a, b, fake_a, fake_b)
        loss = loss + lambdas[1] * identity(*generators, a, b)
        learn(optimizer, loss)
        return returned(loss, fake_a, fake_b)

    return answer


def named(name, carries, **parts):
    answer = otherwise(**parts)
    answer.__name__ = name
    return {answer: carries}


def frozen_for_good(generators, discriminators, *rest):
    for discriminator in discriminators:
        discriminator.requires_grad_(False)
    return as_in_the_lecture(generators, discriminators, *rest)


def a_step_for_each_generator(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_a, fake_b = g_ba(b).detach(), g_ab(a).detach()
    fake = g_ab(a)
    loss_ab = 0.5 * ((d_b(fake) - 1) ** 2).mean() + cycle_weight * (g_ba(fake) - a).abs().mean()
    loss_ab = loss_ab + identity_weight * (g_ab(b) - b).abs().mean()
    optimizer.zero_grad()
    loss_ab.backward()
    optimizer.step()
    fake = g_ba(b)
    loss_ba = 0.5 * ((d_a(fake) - 1) ** 2).mean() + cycle_weight * (g_ab(fake) - b).abs().mean()
    loss_ba = loss_ba + identity_weight * (g_ba(a) - a).abs().mean()
    optimizer.zero_grad()
    loss_ba.backward()
    optimizer.step()
    return (loss_ab + loss_ba).detach(), fake_a, fake_b


def translates_again_at_the_end(generators, discriminators, a, b, *rest):
    loss, *_ = as_in_the_lecture(generators, discriminators, a, b, *rest)
    with torch.no_grad():
        return loss, generators[1](b), generators[0](a)


def hard_coded_weights(generators, discriminators, a, b, optimizer, *weights, **more):
    return as_in_the_lecture(generators, discriminators, a, b, optimizer)


def without_gradients(g_ab, g_ba, a, b):
    with torch.no_grad():
        return g_ba(b), g_ab(a)


RIGHT = [as_in_the_lecture, as_in_the_authors_code, way_by_way, otherwise()]
WRONG = {
    **named(
        "identity_of_what_is_translated",
        "identity_of_the_other_domain",
        identity=lambda g_ab, g_ba, a, b: F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(b), b),
    ),
    **named(
        "fake_a_to_d_b",
        "discriminators_exchanged",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            0.5 * ((d_a(fake_b) - 1) ** 2).mean() + 0.5 * ((d_b(fake_a) - 1) ** 2).mean()
        ),
    ),
    **named(
        "forward_cycle",
        "one_way",
        cycle=lambda g_ab, g_ba, a, b, fake_a, fake_b: F.l1_loss(g_ba(fake_b), a),
    ),
    **named("fakes_without_gradients", "fakes_detached", made=without_gradients),
    **named(
        "detached_for_d",
        "detached_for_the_discriminators",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            0.5 * ((d_b(fake_b.detach()) - 1) ** 2).mean()
            + 0.5 * ((d_a(fake_a.detach()) - 1) ** 2).mean()
        ),
    ),
    **named(
        "detached_for_the_cycle",
        "detached_for_the_way_back",
        cycle=lambda g_ab, g_ba, a, b, fake_a, fake_b: (
            F.l1_loss(g_ba(fake_b.detach()), a) + F.l1_loss(g_ab(fake_a.detach()), b)
        ),
    ),
    **named(
        "fakes_are_zero",
        "discriminators_label",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            0.5 * (d_b(fake_b) ** 2).mean() + 0.5 * (d_a(fake_a) ** 2).mean()
        ),
    ),
    **named(
        "bce",
        "cross_entropy",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            -(F.logsigmoid(d_b(fake_b)).mean() + F.logsigmoid(d_a(fake_a)).mean())
        ),
    ),
    **named(
        "whole_squares",
        "not_halved",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            ((d_b(fake_b) - 1) ** 2).mean() + ((d_a(fake_a) - 1) ** 2).mean()
        ),
    ),
    **named(
        "mean_of_both",
        "",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            0.25 * ((d_b(fake_b) - 1) ** 2).mean() + 0.25 * ((d_a(fake_a) - 1) ** 2).mean()
        ),
    ),
    **named(
        "no_zero_grad",
        "not_zeroed",
        learn=lambda optimizer, loss: (loss.backward(), optimizer.step()),
    ),
    **named(
        "zeroed_at_the_end",
        "zeroed_afterwards",
        learn=lambda optimizer, loss: (loss.backward(), optimizer.step(), optimizer.zero_grad()),
    ),
    **named(
        "zeroed_between",
        "zeroed_too_late",
        learn=lambda optimizer, loss: (loss.backward(), optimizer.zero_grad(), optimizer.step()),
    ),
    frozen_for_good: "stay_frozen",
    **named("exchanged", "weights_exchanged", weights=lambda cycle, identity: (identity, cycle)),
    **named(
        "both_weights",
        "weights_multiplied",
        weights=lambda cycle, identity: (cycle, cycle * identity),
    ),
    hard_coded_weights: "weights_passed_over",
    **named(
        "squared_cycle",
        "cycle_squared",
        cycle=lambda g_ab, g_ba, a, b, fake_a, fake_b: (
            F.mse_loss(g_ba(fake_b), a) + F.mse_loss(g_ab(fake_a), b)
        ),
    ),
    **named("twice", "cycle_counted_twice", weights=lambda cycle, identity: (2 * cycle, identity)),
    a_step_for_each_generator: "two_steps",
    translates_again_at_the_end: "fakes_afterwards",
    **named(
        "fake_b_first",
        "fakes_exchanged",
        returned=lambda loss, fake_a, fake_b: (loss.detach(), fake_b.detach(), fake_a.detach()),
    ),
    **named("nothing_detached", "all_with_graph", returned=lambda *three: three),
    **named(
        "only_the_loss_detached",
        "fakes_with_graph",
        returned=lambda loss, *fakes: (loss.detach(), *fakes),
    ),
    **named(
        "not_halved_and_identity_of_what_is_translated",
        "not_halved identity_of_the_other_domain",
        adversarial=lambda d_a, d_b, fake_a, fake_b: (
            ((d_b(fake_b) - 1) ** 2).mean() + ((d_a(fake_a) - 1) ** 2).mean()
        ),
        identity=lambda g_ab, g_ba, a, b: F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(b), b),
    ),
    **named(
        "no_zero_grad_and_graphs",
        "not_zeroed all_with_graph",
        learn=lambda optimizer, loss: (loss.backward(), optimizer.step()),
        returned=lambda *three: three,
    ),
}
