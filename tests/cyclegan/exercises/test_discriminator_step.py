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
from cvgen_course.gan import hinge_discriminator_loss, least_squares_discriminator_loss

EXERCISE = EXERCISES["discriminator_step"]


def loss_of(real, fake):
    return 0.5 * F.mse_loss(real, torch.ones_like(real)) + 0.5 * fake.pow(2).mean()


def learn(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def fakes_first(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    of_fake = (discriminator(fake.detach()) ** 2).mean()
    of_real = ((1 - discriminator(real)) ** 2).mean()
    loss = (of_real + of_fake) / 2
    loss.backward()
    optimizer.step()
    return loss.item()


def two_backwards(discriminator, real, fake, optimizer):
    """Gradients add up before the one step, as in the tutorial on DCGAN."""
    discriminator.zero_grad()
    of_real = 0.5 * (discriminator(real) - 1).square().mean()
    of_real.backward()
    of_fake = 0.5 * discriminator(fake.data).square().mean()
    of_fake.backward()
    optimizer.step()
    return (of_real + of_fake).detach()


def backward_with_inputs(discriminator, real, fake, optimizer):
    """Nothing is detached, and yet nobody else gets a gradient."""
    optimizer.zero_grad(set_to_none=False)
    loss = loss_of(discriminator(real), discriminator(fake))
    loss.backward(inputs=list(discriminator.parameters()))
    optimizer.step()
    return loss.data


def by_autograd_grad(discriminator, real, fake, optimizer):
    loss = loss_of(discriminator(real), discriminator(fake))
    parameters = list(discriminator.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return loss.detach().clone()


def with_a_closure(discriminator, real, fake, optimizer):
    with torch.no_grad():
        fake = fake.clone()

    def closure():
        optimizer.zero_grad()
        loss = loss_of(discriminator(real), discriminator(fake))
        loss.backward()
        return loss

    return optimizer.step(closure).detach()


def thawed_first(discriminator, real, fake, optimizer):
    discriminator.train().requires_grad_(True)
    loss = learn(optimizer, loss_of(discriminator(real), discriminator(fake.detach())))
    optimizer.zero_grad()
    return loss


def in_float64(discriminator, real, fake, optimizer):
    of_real, of_fake = discriminator(real).double(), discriminator(fake.detach()).double()
    return learn(optimizer, ((of_real - 1).square().mean() + of_fake.square().mean()) / 2)


def varied(
    of_both=loss_of,
    before=lambda discriminator: None,
    afterwards=lambda discriminator: None,
    result=lambda loss: loss,
    learn=learn,
):
    """Return the right answer but for what is given."""

    def answer(discriminator, real, fake, optimizer):
        before(discriminator)
        loss = of_both(discriminator(real), discriminator(fake.detach()))
        learned = learn(optimizer, loss)
        afterwards(discriminator)
        return result(loss.detach() if learned is None else learned)

    return answer


def clipped(discriminator):
    for parameter in discriminator.parameters():
        parameter.data.clamp_(-0.1, 0.1)


def step_of_a_copy(discriminator, real, fake, optimizer):
    """The discriminator itself stays as it is."""
    return fakes_first(copy.deepcopy(discriminator), real, fake, optimizer)


def own_descent(discriminator, real, fake, optimizer):
    """The optimizer's momentum and the like are passed over."""
    loss = loss_of(discriminator(real), discriminator(fake))
    parameters = list(discriminator.parameters())
    gradients = torch.autograd.grad(loss, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.data -= optimizer.param_groups[0]["lr"] * gradient
    return loss.detach()


def again(discriminator, real, fake, optimizer):
    """Two steps, each for the whole loss."""
    fakes_first(discriminator, real, fake, optimizer)
    return fakes_first(discriminator, real, fake, optimizer)


def zeroed_between_two_backwards(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    of_real = 0.5 * (discriminator(real) - 1).square().mean()
    of_real.backward()
    optimizer.zero_grad()
    of_fake = 0.5 * discriminator(fake.detach()).square().mean()
    of_fake.backward()
    optimizer.step()
    return (of_real + of_fake).detach()


def not_detached_in_two_backwards(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    of_real = 0.5 * (discriminator(real) - 1).square().mean()
    of_real.backward()
    of_fake = 0.5 * discriminator(fake).square().mean()
    of_fake.backward()
    optimizer.step()
    return (of_real + of_fake).detach()


def first_fakes_only(discriminator, real, fake, optimizer):
    """As many fakes as real images."""
    return fakes_first(discriminator, real, fake[: len(real)], optimizer)


def without_gradients(discriminator, real, fake, optimizer):
    with torch.no_grad():
        of_fake = discriminator(fake)
    return learn(optimizer, loss_of(discriminator(real), of_fake))


RIGHT = [
    *(fakes_first, two_backwards, backward_with_inputs, by_autograd_grad, with_a_closure),
    *(thawed_first, in_float64, varied(), varied(of_both=least_squares_discriminator_loss)),
]
WRONG = {
    "sums": varied(lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / 2),
    "distances": varied(lambda real, fake: ((real - 1).abs().mean() + fake.abs().mean()) / 2),
    "squares of means": varied(
        lambda real, fake: ((real.mean() - 1).square() + fake.mean().square()) / 2
    ),
    "sigmoid": varied(lambda real, fake: loss_of(real.sigmoid(), fake.sigmoid())),
    "hinge": varied(hinge_discriminator_loss),
    "a critic's": varied(lambda real, fake: fake.mean() - real.mean()),
    "a quarter": varied(lambda real, fake: loss_of(real, fake) / 2),
    "one half is halved": varied(
        lambda real, fake: (real - 1).square().mean() + fake.square().mean() / 2
    ),
    "a label of 0.9": varied(lambda real, fake: loss_of(real + 0.1, fake)),
    "labels of 1 and -1": varied(lambda real, fake: loss_of(real, fake + 1)),
    "a generator's": varied(lambda real, fake: (fake - 1).square().mean() / 2),
    "both are real": varied(lambda real, fake: loss_of(real, fake - 1)),
    "real without gradients": varied(lambda real, fake: loss_of(real.detach(), fake)),
    "clipped before": varied(before=clipped),
    "clipped afterwards": varied(afterwards=clipped),
    "eval()": varied(before=lambda d: d.eval(), afterwards=lambda d: d.train()),
    "left in eval()": varied(afterwards=lambda d: d.eval()),
    "left frozen": varied(afterwards=lambda d: d.requires_grad_(False)),
    "no step": varied(learn=lambda optimizer, loss: loss.backward()),
    "no backward": varied(learn=lambda optimizer, loss: optimizer.step()),
    "ascent": varied(learn=lambda optimizer, loss: -learn(optimizer, -loss)),
    "two steps with one gradient": varied(learn=lambda o, loss: (learn(o, loss), o.step())[0]),
    "nothing": varied(result=lambda loss: None),
    "two losses": varied(result=lambda loss: (loss, loss)),
    "a loss of shape (1,)": varied(result=lambda loss: loss[None]),
    "zero": varied(result=lambda loss: 0 * loss),
    **{
        answer.__name__: answer
        for answer in (
            *(step_of_a_copy, own_descent, again, zeroed_between_two_backwards),
            *(not_detached_in_two_backwards, first_fakes_only, without_gradients),
        )
    },
}
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_discriminator_step_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_discriminator_step_wrong_answer_loses_a_quarter(answer):
    assert_points_lost(EXERCISE, answer, at_least=0.25)


def test_discriminator_step_must_not_come_from_the_librarys_cyclegan():
    def answer(discriminator, *rest):
        ref.CycleGAN(torch.nn.Identity, torch.nn.Identity)
        return fakes_first(discriminator, *rest)

    assert graded(EXERCISE, answer).points == 0.0


def test_discriminator_step_says_what_should_be_returned():
    assert "should return one loss" in failed(graded(EXERCISE, WRONG["two losses"]))[0]


def test_discriminator_step_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
