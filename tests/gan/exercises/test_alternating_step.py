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
from torch import nn

from cvgen_course import gan as ref
from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["alternating_step"]


def learn(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def by_autograd_grad(generator, discriminator, real, z, optimizers):
    """Gradients by torch.autograd.grad: nobody else's .grad is ever touched."""

    def step(network, optimizer, loss):
        parameters = list(network.parameters())
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            parameter.grad = gradient
        optimizer.step()
        return loss.detach()

    fake_logits = discriminator(generator(z[0]))
    loss_d = step(
        discriminator, optimizers[1], ref.discriminator_loss(discriminator(real), fake_logits)
    )
    loss = ref.non_saturating_loss(discriminator(generator(z[1])))
    return loss_d, step(generator, optimizers[0], loss)


def backward_with_inputs(generator, discriminator, real, z, optimizers):
    optimizers[1].zero_grad()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0])))
    loss_d.backward(inputs=list(discriminator.parameters()))
    optimizers[1].step()
    optimizers[0].zero_grad()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward(inputs=list(generator.parameters()))
    optimizers[0].step()
    return [loss_d.detach(), loss_g.detach()]


def all_images_made_first(generator, discriminator, real, z, optimizers):
    """The generator does not change before its own step."""
    fake, fake_g = generator(z[0]), generator(z[1])
    loss = F.softplus(discriminator(fake.detach())).mean() + F.softplus(-discriminator(real)).mean()
    loss_d = learn(optimizers[1], loss)
    return loss_d, learn(optimizers[0], F.softplus(-discriminator(fake_g)).mean())


def zeroed_once_and_detached(generator, discriminator, real, z, optimizers):
    generator.zero_grad()
    discriminator.zero_grad()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    loss_d.backward()
    optimizers[1].step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    optimizers[0].step()
    return loss_d.detach(), loss_g.detach()


def with_closures(generator, discriminator, real, z, optimizers):
    def discriminators():
        optimizers[1].zero_grad()
        with torch.no_grad():
            fake = generator(z[0])
        loss = ref.discriminator_loss(discriminator(real), discriminator(fake))
        loss.backward()
        return loss

    def generators():
        optimizers[0].zero_grad()
        loss = ref.non_saturating_loss(discriminator(generator(z[1])))
        loss.backward()
        return loss

    return (
        optimizers[1].step(discriminators).detach(),
        optimizers[0].step(generators).detach(),
    )


def thawed_at_the_next_call(generator, discriminator, real, z, optimizers):
    """As set_requires_grad in the code of CycleGAN: it is switched on where it is needed."""
    discriminator.train().requires_grad_(True)
    generator.train()
    bce = nn.BCEWithLogitsLoss()
    d_real, d_fake = discriminator(real), discriminator(generator(z[0]).detach())
    loss = bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake))
    loss_d = learn(optimizers[1], loss)
    discriminator.requires_grad_(False)
    d_fake = discriminator(generator(z[1]))
    return loss_d, learn(optimizers[0], bce(d_fake, torch.ones_like(d_fake)))


def losses_in_float64(generator, discriminator, real, z, optimizers):
    loss = ref.discriminator_loss(
        discriminator(real).double(), discriminator(generator(z[0]).detach()).double()
    )
    loss_d = learn(optimizers[1], loss)
    loss = -discriminator(generator(z[1])).double().sigmoid().log().mean()
    return loss_d.item(), learn(optimizers[0], loss).item()


def varied(
    of_d=ref.discriminator_loss,
    of_g=ref.non_saturating_loss,
    before_g=lambda generator, discriminator: None,
    afterwards=lambda generator, discriminator: None,
    result=lambda loss_d, loss_g: (loss_d, loss_g),
):
    """Return the right answer but for what is given."""

    def answer(generator, discriminator, real, z, optimizers):
        fake = generator(z[0]).detach()
        loss_d = learn(optimizers[1], of_d(discriminator(real), discriminator(fake)))
        before_g(generator, discriminator)
        loss_g = learn(optimizers[0], of_g(discriminator(generator(z[1]))))
        afterwards(generator, discriminator)
        return result(loss_d, loss_g)

    return answer


def one_mean(real, fake):
    labels = torch.cat([torch.ones_like(real), torch.zeros_like(fake)])
    return F.binary_cross_entropy_with_logits(torch.cat([real, fake]), labels)


def clipped(generator, discriminator):
    for parameter in discriminator.parameters():
        parameter.data.clamp_(-0.1, 0.1)


def steps_of_copies(generator, discriminator, real, z, optimizers):
    """The networks themselves stay as they are."""
    return varied()(copy.deepcopy(generator), copy.deepcopy(discriminator), real, z, optimizers)


def own_descent(generator, discriminator, real, z, optimizers):
    """The optimizers' momentum and the like are passed over."""

    def step(network, optimizer, loss):
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.data -= optimizer.param_groups[0]["lr"] * gradient
        return loss.detach()

    loss = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0])))
    loss_d = step(discriminator, optimizers[1], loss)
    loss = ref.non_saturating_loss(discriminator(generator(z[1])))
    return loss_d, step(generator, optimizers[0], loss)


def two_steps_of_the_discriminator(generator, discriminator, real, z, optimizers):
    for _ in range(2):
        fake = generator(z[0]).detach()
        loss_d = learn(
            optimizers[1], ref.discriminator_loss(discriminator(real), discriminator(fake))
        )
    return loss_d, learn(optimizers[0], ref.non_saturating_loss(discriminator(generator(z[1]))))


def a_step_for_real_and_one_for_fake(generator, discriminator, real, z, optimizers):
    loss_d = learn(optimizers[1], F.softplus(-discriminator(real)).mean())
    fake = generator(z[0]).detach()
    loss_d = loss_d + learn(optimizers[1], F.softplus(discriminator(fake)).mean())
    return loss_d, learn(optimizers[0], ref.non_saturating_loss(discriminator(generator(z[1]))))


def one_loss_for_both(generator, discriminator, real, z, optimizers):
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    for optimizer in optimizers:
        optimizer.zero_grad()
    (loss_d + loss_g).backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss_d.detach(), loss_g.detach()


def one_batch_of_noise(generator, discriminator, real, z, optimizers):
    fakes = generator(torch.cat(z)).split([len(z[0]), len(z[1])])
    loss = ref.discriminator_loss(discriminator(real), discriminator(fakes[0].detach()))
    loss_d = learn(optimizers[1], loss)
    return loss_d, learn(optimizers[0], ref.non_saturating_loss(discriminator(fakes[1])))


def discriminator_only(generator, discriminator, real, z, optimizers):
    fake = generator(z[0]).detach()
    loss = ref.discriminator_loss(discriminator(real), discriminator(fake))
    loss_d = learn(optimizers[1], loss)
    with torch.no_grad():
        return loss_d, ref.non_saturating_loss(discriminator(generator(z[1])))


RIGHT = [
    *(by_autograd_grad, backward_with_inputs, all_images_made_first, zeroed_once_and_detached),
    *(with_closures, thawed_at_the_next_call, losses_in_float64, varied()),
]
WRONG = {
    "one mean over all logits": varied(of_d=one_mean),
    "one mean, doubled": varied(of_d=lambda real, fake: 2 * one_mean(real, fake)),
    "real labels of 0.9": varied(of_d=lambda r, f: ref.discriminator_loss(r, f) + 0.1 * r.mean()),
    "real images alone": varied(of_d=lambda real, fake: ref.non_saturating_loss(real)),
    "hinge": varied(of_d=ref.hinge_discriminator_loss),
    "least squares": varied(of_g=ref.least_squares_generator_loss),
    "sum for the generator": varied(of_g=lambda fake: F.softplus(-fake).sum()),
    "sigmoid twice": varied(of_g=lambda fake: ref.non_saturating_loss(fake.sigmoid())),
    "the generator minimises what the discriminator does": varied(
        of_g=lambda fake: F.softplus(fake).mean()
    ),
    "weights are clipped": varied(before_g=clipped),
    "eval() in the generator's step": varied(
        before_g=lambda generator, discriminator: discriminator.eval(),
        afterwards=lambda generator, discriminator: discriminator.train(),
    ),
    "left in eval()": varied(afterwards=lambda generator, discriminator: discriminator.eval()),
    "one is left in eval()": varied(afterwards=lambda generator, discriminator: generator.eval()),
    "the sum of losses": varied(result=lambda loss_d, loss_g: loss_d + loss_g),
    "the discriminator's loss alone": varied(result=lambda loss_d, loss_g: loss_d),
    "nothing": varied(result=lambda loss_d, loss_g: None),
    "losses of shape (1,)": varied(result=lambda loss_d, loss_g: (loss_d[None], loss_g[None])),
    **{
        answer.__name__: answer
        for answer in (
            *(steps_of_copies, own_descent, two_steps_of_the_discriminator, one_loss_for_both),
            *(a_step_for_real_and_one_for_fake, one_batch_of_noise, discriminator_only),
        )
    },
}
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_alternating_step_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_alternating_step_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_alternating_step_must_not_come_from_the_librarys_gan():
    def answer(generator, discriminator, real, z, optimizers):
        ref.GAN(generator, discriminator)
        return varied()(generator, discriminator, real, z, optimizers)

    assert graded(EXERCISE, answer).points == 0.0


def test_alternating_step_says_what_should_be_returned():
    report = graded(EXERCISE, WRONG["the discriminator's loss alone"])
    assert "should return two losses" in failed(report)[0]


def test_alternating_step_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
