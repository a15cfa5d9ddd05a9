import copy

import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import cyclegan as ref
from cvgen_course.cyclegan.exercises import EXERCISES
from cvgen_course.gan import least_squares_generator_loss

EXERCISE = EXERCISES["generator_step"]


def parts(generators, discriminators, a, b):
    """The adversarial loss, the cycle loss and the identity loss; and both fakes."""
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)
    of_a, of_b = d_a(fake_a), d_b(fake_b)
    mse, l1 = F.mse_loss, F.l1_loss
    fooled = (mse(of_a, torch.ones_like(of_a)) + mse(of_b, torch.ones_like(of_b))) / 2
    cycle = l1(g_ba(fake_b), a) + l1(g_ab(fake_a), b)
    return (fooled, cycle, l1(g_ab(b), b) + l1(g_ba(a), a)), (fake_a, fake_b)


def weighted(fooled, cycle, identity, cycle_weight=5.0, identity_weight=2.5):
    return fooled + cycle_weight * cycle + identity_weight * identity


def learn(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def fakes_made_once(generators, discriminators, a, b, optimizer, *weights):
    losses, (fake_a, fake_b) = parts(generators, discriminators, a, b)
    loss = weighted(*losses, *weights)
    learn(optimizer, loss)
    return loss.detach(), fake_a.detach(), fake_b.detach()


def fakes_made_thrice(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    """For what is returned, for the discriminators, and for the way back."""
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    with torch.no_grad():
        fakes = [g_ba(b), g_ab(a)]
    optimizer.zero_grad(set_to_none=False)
    loss = ref.identity_loss(*generators, a, b) * identity_weight
    loss = loss + cycle_weight * ref.cycle_loss(*generators, a, b)
    loss = loss + least_squares_generator_loss(d_a(g_ba(b)))
    loss = loss + 0.5 * ((d_b(g_ab(a)) - 1) ** 2).mean()
    loss.backward()
    optimizer.step()
    return [loss.item(), *fakes]


def many_backwards(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    """Gradients add up before the one step."""
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    for generator in generators:
        generator.zero_grad()
    total, made = 0.0, []
    for there, back, judge, x, y in ((g_ba, g_ab, d_a, b, a), (g_ab, g_ba, d_b, a, b)):
        fake = there(x)
        (0.5 * (1 - judge(fake)).pow(2).mean()).backward(retain_graph=True)
        (cycle_weight * (x - back(fake)).abs().mean()).backward()
        (identity_weight * (there(y) - y).abs().mean()).backward()
        with torch.no_grad():
            total += 0.5 * (1 - judge(fake)).pow(2).mean()
            total += cycle_weight * (x - back(fake)).abs().mean()
            total += identity_weight * (there(y) - y).abs().mean()
        made.append(fake.detach().clone())
    optimizer.step()
    return total, *made


def backward_with_inputs(generators, discriminators, a, b, optimizer, *weights):
    losses, fakes = parts(generators, discriminators, a, b)
    loss = weighted(*losses, *weights)
    optimizer.zero_grad()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    loss.backward(inputs=parameters)
    optimizer.step()
    return loss.detach(), *(fake.detach() for fake in fakes)


def by_autograd_grad(generators, discriminators, a, b, optimizer, *weights):
    losses, fakes = parts(generators, discriminators, a, b)
    loss = weighted(*losses, *weights)
    parameters = [p for generator in generators for p in generator.parameters()]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.detach(), *(fake.detach() for fake in fakes)


def frozen_and_thawed(generators, discriminators, *rest):
    for discriminator in discriminators:
        discriminator.requires_grad_(False).eval()
    results = fakes_made_once(generators, discriminators, *rest)
    for discriminator in discriminators:
        discriminator.requires_grad_(True).train()
    return results


def with_a_closure(generators, discriminators, a, b, optimizer, *weights):
    kept = []

    def closure():
        optimizer.zero_grad()
        losses, fakes = parts(generators, discriminators, a, b)
        kept.extend(fake.detach() for fake in fakes)
        loss = weighted(*losses, *weights)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    return loss.detach(), *kept


def both_domains_in_one_batch(generators, discriminators, a, b, optimizer, *weights):
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_b, same_b = g_ab(torch.cat([a, b])).split([len(a), len(b)])
    fake_a, same_a = g_ba(torch.cat([b, a])).split([len(b), len(a)])
    fooled = least_squares_generator_loss(d_a(fake_a)) + least_squares_generator_loss(d_b(fake_b))
    cycle = F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b)
    identity = F.l1_loss(same_a, a) + F.l1_loss(same_b, b)
    loss = weighted(fooled, cycle, identity, *weights)
    learn(optimizer, loss)
    return loss.data, fake_a.data, fake_b.data


def losses_in_float64(generators, discriminators, a, b, optimizer, *weights):
    (g_ab, g_ba), (d_a, d_b) = generators, discriminators
    fake_a, fake_b = g_ba(b), g_ab(a)

    def apart(x, y):
        return (x.double() - y.double()).abs().mean()

    fooled = sum((d(x).double() - 1).square().mean() / 2 for d, x in ((d_a, fake_a), (d_b, fake_b)))
    cycle = apart(g_ba(fake_b), a) + apart(g_ab(fake_a), b)
    loss = weighted(fooled, cycle, apart(g_ab(b), b) + apart(g_ba(a), a), *weights)
    learn(optimizer, loss)
    return loss.detach(), fake_a.detach(), fake_b.detach()


def leaves_out_what_weighs_nothing(
    generators, discriminators, a, b, optimizer, cycle_weight=5.0, identity_weight=2.5
):
    (fooled, cycle, identity), fakes = parts(generators, discriminators, a, b)
    loss = fooled
    if cycle_weight > 0:
        loss += cycle * cycle_weight
    if identity_weight > 0:
        loss += identity * identity_weight
    learn(optimizer, loss)
    for discriminator in discriminators:
        discriminator.zero_grad()
    return loss.detach(), *(fake.detach() for fake in fakes)


def varied(
    of_parts=lambda losses: losses,
    before=lambda generators, discriminators: None,
    afterwards=lambda generators, discriminators: None,
    result=lambda loss, fake_a, fake_b: (loss, fake_a, fake_b),
    swapped=lambda *networks: networks,
    learn=learn,
):
    """Return the right answer but for what is given."""

    def answer(generators, discriminators, a, b, optimizer, *weights):
        before(generators, discriminators)
        networks = swapped(generators, discriminators)
        losses, fakes = parts(*networks, a, b)
        loss = weighted(*of_parts(losses), *weights)
        learn(optimizer, loss)
        afterwards(generators, discriminators)
        return result(loss.detach(), *(fake.detach() for fake in fakes))

    return answer


def own(of_fake=None, of_cycle=None, of_identity=None):
    """Return the right answer but for a loss that is given."""
    half = least_squares_generator_loss

    def answer(generators, discriminators, a, b, optimizer, *weights):
        (g_ab, g_ba), (d_a, d_b) = generators, discriminators
        fake_a, fake_b = g_ba(b), g_ab(a)
        fooled = (of_fake or half)(d_a(fake_a)) + (of_fake or half)(d_b(fake_b))
        cycle = (of_cycle or ref.cycle_loss)(g_ab, g_ba, a, b)
        identity = (of_identity or ref.identity_loss)(g_ab, g_ba, a, b)
        loss = weighted(fooled, cycle, identity, *weights)
        learn(optimizer, loss)
        return loss.detach(), fake_a.detach(), fake_b.detach()

    return answer


def clipped(generators, discriminators):
    for discriminator in discriminators:
        for parameter in discriminator.parameters():
            parameter.data.clamp_(-0.1, 0.1)


def discriminators_descend(generators, discriminators):
    for discriminator in discriminators:
        for parameter in discriminator.parameters():
            parameter.data -= 0.1 * parameter.grad


def steps_of_copies(generators, *rest):
    """The generators themselves stay as they are."""
    return fakes_made_once(copy.deepcopy(generators), *rest)


def own_descent(generators, discriminators, a, b, optimizer, *weights):
    """The optimizer's momentum and the like are passed over."""
    losses, fakes = parts(generators, discriminators, a, b)
    loss = weighted(*losses, *weights)
    parameters = [p for generator in generators for p in generator.parameters()]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.data -= optimizer.param_groups[0]["lr"] * gradient
    return loss.detach(), *(fake.detach() for fake in fakes)


def only_the_first_generator_learns(generators, discriminators, a, b, optimizer, *weights):
    losses, fakes = parts(generators, discriminators, a, b)
    loss = weighted(*losses, *weights)
    optimizer.zero_grad()
    loss.backward(inputs=list(generators[0].parameters()))
    optimizer.step()
    return loss.detach(), *(fake.detach() for fake in fakes)


def weights_passed_over(generators, discriminators, a, b, optimizer, *weights):
    return fakes_made_once(generators, discriminators, a, b, optimizer)


def other_weights_by_default(
    generators, discriminators, a, b, optimizer, cycle_weight=10.0, identity_weight=5.0
):
    rest = a, b, optimizer, cycle_weight, identity_weight
    return fakes_made_once(generators, discriminators, *rest)


def way_back_learns_nothing(g_ab, g_ba, a, b):
    """The second generator of each way is not to learn from it: it is."""
    g_ab, g_ba = (copy.deepcopy(g).requires_grad_(False) for g in (g_ab, g_ba))
    return ref.cycle_loss(g_ab, g_ba, a, b)


def with_two_optimizers(generators, discriminators, a, b, optimizer, *weights):
    for generator in generators:
        losses, fakes = parts(generators, discriminators, a, b)
        loss = weighted(*losses, *weights)
        optimizer.zero_grad()
        loss.backward(inputs=list(generator.parameters()))
        optimizer.step()
    return loss.detach(), *(fake.detach() for fake in fakes)


RIGHT = [
    *(fakes_made_once, fakes_made_thrice, many_backwards, backward_with_inputs, by_autograd_grad),
    *(frozen_and_thawed, with_a_closure, both_domains_in_one_batch, losses_in_float64),
    *(leaves_out_what_weighs_nothing, varied(), own()),
]
WRONG = {
    "sums of squares": own(of_fake=lambda logits: (logits - 1).square().sum() / 2),
    "distances": own(of_fake=lambda logits: (logits - 1).abs().mean() / 2),
    "sigmoid": own(of_fake=lambda logits: least_squares_generator_loss(logits.sigmoid())),
    "a critic's": own(of_fake=lambda logits: -logits.mean()),
    "a label of 0.9": own(of_fake=lambda logits: (logits - 0.9).square().mean() / 2),
    "the square of a mean": own(of_fake=lambda logits: (logits.mean() - 1).square() / 2),
    "cycles of sums": own(
        of_cycle=lambda g, f, a, b: (f(g(a)) - a).abs().sum() + (g(f(b)) - b).abs().sum()
    ),
    "without absolute values": own(
        of_cycle=lambda g, f, a, b: (f(g(a)) - a).mean() + (g(f(b)) - b).mean()
    ),
    "the mean of both cycles": own(of_cycle=lambda *both: ref.cycle_loss(*both) / 2),
    "one mean over both cycles": own(
        of_cycle=lambda g, f, a, b: 2 * torch.cat([f(g(a)) - a, g(f(b)) - b]).abs().mean()
    ),
    "cycles the other way round": own(of_cycle=lambda g, f, a, b: ref.cycle_loss(f, g, a, b)),
    "smooth cycles": own(
        of_cycle=lambda g, f, a, b: F.smooth_l1_loss(f(g(a)), a) + F.smooth_l1_loss(g(f(b)), b)
    ),
    "the second way alone": own(of_cycle=lambda g, f, a, b: (g(f(b)) - b).abs().mean()),
    "the cycle's second generators are frozen": own(of_cycle=way_back_learns_nothing),
    "cycles without gradients": own(of_cycle=lambda *both: ref.cycle_loss(*both).detach()),
    "identity without gradients": own(of_identity=lambda *both: ref.identity_loss(*both).detach()),
    "the mean of both identities": own(of_identity=lambda *both: ref.identity_loss(*both) / 2),
    "squared identity": own(
        of_identity=lambda g, f, a, b: F.mse_loss(g(b), b) + F.mse_loss(f(a), a)
    ),
    "half of the identity loss": own(of_identity=lambda g, f, a, b: (g(b) - b).abs().mean()),
    "no adversarial loss": varied(of_parts=lambda losses: (0.0, *losses[1:])),
    "no cycle loss": varied(of_parts=lambda losses: (losses[0], 0.0, losses[2])),
    "no identity loss": varied(of_parts=lambda losses: (*losses[:2], 0.0)),
    "losses exchanged": varied(of_parts=lambda losses: (losses[0], losses[2], losses[1])),
    "one part without gradients": varied(of_parts=lambda p: (p[0].detach(), *p[1:])),
    "generators exchanged": varied(swapped=lambda g, d: (g[::-1], d)),
    "one discriminator for both": varied(swapped=lambda g, d: (g, (d[0], d[0]))),
    "weights are clipped before": varied(before=clipped),
    "weights are clipped afterwards": varied(afterwards=clipped),
    "discriminators learn, too": varied(afterwards=discriminators_descend),
    "left in eval()": varied(afterwards=lambda g, d: [each.eval() for each in d]),
    "generators are left in eval()": varied(afterwards=lambda g, d: [each.eval() for each in g]),
    "one stays frozen": varied(afterwards=lambda g, d: d[0].requires_grad_(False)),
    "generators are frozen": varied(afterwards=lambda g, d: g[1].requires_grad_(False)),
    "no step": varied(learn=lambda optimizer, loss: loss.backward()),
    "ascent": varied(learn=lambda optimizer, loss: learn(optimizer, -loss)),
    "two steps for one loss": varied(learn=lambda o, loss: (learn(o, loss), o.step())),
    "the loss alone": varied(result=lambda loss, fake_a, fake_b: loss),
    "nothing": varied(result=lambda loss, fake_a, fake_b: None),
    "no loss": varied(result=lambda loss, fake_a, fake_b: (fake_a, fake_b)),
    "the loss at last": varied(result=lambda loss, fake_a, fake_b: (fake_a, fake_b, loss)),
    "a loss of shape (1,)": varied(result=lambda loss, *fakes: (loss[None], *fakes)),
    "one fake with a graph": varied(result=lambda loss, a, b: (loss, a.requires_grad_(), b)),
    "fakes clamped": varied(result=lambda loss, a, b: (loss, a.clamp(-1, 1), b.clamp(-1, 1))),
    **{
        answer.__name__: answer
        for answer in (
            *(steps_of_copies, own_descent, only_the_first_generator_learns),
            *(weights_passed_over, other_weights_by_default, with_two_optimizers),
        )
    },
}
EQUIVALENT = {
    "generators_loss: ((g_ba, fake_b, a), (g_ab, fake_a, b)) -> "
    "((g_ab, fake_a, b), (g_ba, fake_b, a))": "another order of a sum",
    "generators_loss: distance(back(fake), original) -> distance(original, back(fake))": (
        "a distance is symmetric"
    ),
    "generators_loss: for weight, (back, fake, original) in zip(cycle_weights, ways, strict=True) "
    "if weight -> for weight, (back, fake, original) in zip(cycle_weights, ways, strict=True)": (
        "what has the weight 0 is computed in vain"
    ),
    "generators_loss: zip(cycle_weights, ways, strict=True) -> zip(cycle_weights, ways)": (
        "both always have two"
    ),
    "generators_loss: True -> False": "both always have two",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_generator_step_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_generator_step_wrong_answer_loses_a_quarter(answer):
    assert_points_lost(EXERCISE, answer, at_least=0.25)


@pytest.mark.parametrize("forbidden", [ref.generators_loss, ref.CycleGAN.generators_loss])
def test_generator_step_must_not_come_from_the_librarys_loss(forbidden):
    def answer(generators, discriminators, a, b, optimizer, *weights):
        if forbidden is ref.generators_loss:
            forbidden(generators, discriminators, a, b)
        else:
            made = iter((*generators, *discriminators))
            ref.CycleGAN(lambda: next(made), lambda: next(made)).generators_loss(a, b)
        return fakes_made_once(generators, discriminators, a, b, optimizer, *weights)

    assert graded(EXERCISE, answer).points == 0.0


@pytest.mark.parametrize("wrong", ["the loss alone", "no loss"])
def test_generator_step_says_what_should_be_returned(wrong):
    assert "should return three things" in failed(graded(EXERCISE, WRONG[wrong]))[0]


def test_generator_step_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, ("generators_loss",))
