"""Answers to `alternating_step` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn

from cvgen_course import gan as ref


def as_in_the_lecture(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def as_in_the_dcgan_tutorial(generator, discriminator, real, z, optimizers):
    criterion = nn.BCEWithLogitsLoss()
    discriminator.zero_grad()
    output = discriminator(real).view(-1)
    err_real = criterion(output, torch.full((len(real),), 1.0))
    err_real.backward()
    fake = generator(z[0])
    output = discriminator(fake.detach()).view(-1)
    err_fake = criterion(output, torch.full((len(z[0]),), 0.0))
    err_fake.backward()
    optimizers[1].step()
    generator.zero_grad()
    output = discriminator(generator(z[1])).view(-1)
    err_g = criterion(output, torch.ones(len(z[1])))
    err_g.backward()
    optimizers[0].step()
    return (err_real + err_fake).item(), err_g.item()


def no_detach_but_zeroed(generator, discriminator, real, z, optimizers):
    loss_d = (
        F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(generator(z[0]))).mean()
    )
    optimizers[1].zero_grad(set_to_none=False)
    loss_d.backward()
    optimizers[1].step()
    loss_g = F.softplus(-discriminator(generator(z[1]))).mean()
    optimizers[0].zero_grad(set_to_none=False)
    loss_g.backward()
    optimizers[0].step()
    return loss_d.data, loss_g.data


def frozen_and_thawed(generator, discriminator, real, z, optimizers):
    generator.requires_grad_(False)
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0])))
    optimizers[1].zero_grad()
    loss_d.backward()
    optimizers[1].step()
    generator.requires_grad_(True)
    discriminator.requires_grad_(False)
    loss_g = -F.logsigmoid(discriminator(generator(z[1]))).mean()
    optimizers[0].zero_grad()
    loss_g.backward()
    optimizers[0].step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach()


def no_grad_and_zeroed_all_over(generator, discriminator, real, z, optimizers):
    for optimizer in optimizers:
        optimizer.zero_grad()
    with torch.no_grad():
        fake = generator(z[0])
    d_fake, d_real = discriminator(fake), discriminator(real)
    loss_d = -(F.logsigmoid(d_real).mean() + F.logsigmoid(-d_fake).mean())
    loss_d.backward()
    optimizers[1].step()
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss_g = -F.logsigmoid(discriminator(generator(z[1]))).mean()
    loss_g.backward()
    optimizers[0].step()
    for optimizer in optimizers:
        optimizer.zero_grad()
    return loss_d.detach().clone(), loss_g.detach().clone()


def no_zero_grad(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def generator_zeroed_only(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    opt_g.zero_grad()
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def zeroed_at_the_end(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    loss_d.backward()
    opt_d.step()
    opt_d.zero_grad()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    opt_g.zero_grad()
    return loss_d.detach(), loss_g.detach()


def zeroed_once_and_not_detached(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    opt_g.zero_grad()
    opt_d.zero_grad()
    fake = generator(z[0])
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def one_fake_for_both(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fake = generator(z[0])
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake.detach()))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(fake))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def generator_detached_too(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fakes = [generator(each).detach() for each in z]
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fakes[0]))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(fakes[1]))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def both_gradients_before_both_steps(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def generator_first(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    opt_g.zero_grad()
    loss_g = F.softplus(-discriminator(generator(z[1]))).mean()
    loss_g.backward()
    opt_g.step()
    opt_d.zero_grad()
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    loss_d.backward()
    opt_d.step()
    return loss_d.detach(), loss_g.detach()


def optimizers_in_the_wrong_order(generator, discriminator, real, z, optimizers):
    opt_d, opt_g = optimizers
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def concatenated(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fake = generator(z[0]).detach()
    logits = discriminator(torch.cat([real, fake]))
    loss_d = ref.discriminator_loss(logits[: len(real)], logits[len(real) :])
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def minimax(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    fake = generator(z[0]).detach()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = -F.binary_cross_entropy_with_logits(
        discriminator(generator(z[1])), torch.zeros(len(z[1]))
    )
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def half_of_both(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    bce = F.binary_cross_entropy_with_logits
    d_real, d_fake = discriminator(real), discriminator(generator(z[0]).detach())
    loss_d = (bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake))) / 2
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    d_fake = discriminator(generator(z[1]))
    loss_g = bce(d_fake, torch.ones_like(d_fake))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def generators_loss_returned_first(generator, discriminator, real, z, optimizers):
    loss_d, loss_g = as_in_the_lecture(generator, discriminator, real, z, optimizers)
    return loss_g, loss_d


def losses_with_their_graphs(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d, loss_g


def discriminator_steps_again(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    opt_g.zero_grad()
    opt_d.zero_grad()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    opt_d.step()
    return loss_d.detach(), loss_g.detach()


def frozen_for_good(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()
    discriminator.requires_grad_(False)
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    return loss_d.detach(), loss_g.detach()


def no_zero_grad_and_graphs(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(generator(z[0]).detach()))
    loss_d.backward()
    opt_d.step()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    return loss_d, loss_g


def fakes_shown_first_and_both_losses_by_closures(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers

    def closure_d():
        opt_d.zero_grad()
        with torch.no_grad():
            fake = generator(z[0])
        fake_logits = discriminator(fake)
        loss = ref.discriminator_loss(discriminator(real), fake_logits)
        loss.backward()
        return loss

    def closure_g():
        opt_g.zero_grad()
        loss = ref.non_saturating_loss(discriminator(generator(z[1])))
        loss.backward()
        return loss

    return opt_d.step(closure_d).detach(), opt_g.step(closure_g).detach()


def by_autograd_grad_and_both_fakes_at_first(generator, discriminator, real, z, optimizers):
    first, second = generator(z[0]).detach(), generator(z[1])
    params = list(discriminator.parameters())
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(first))
    for p, grad in zip(params, torch.autograd.grad(loss_d, params)):
        p.grad = grad
    optimizers[1].step()
    params = list(generator.parameters())
    loss_g = ref.non_saturating_loss(discriminator(second))
    for p, grad in zip(params, torch.autograd.grad(loss_g, params)):
        p.grad = grad
    optimizers[0].step()
    return torch.tensor(loss_d.item()), torch.tensor(loss_g.item())


def played_otherwise(
    generator, discriminator, real, z, optimizers, before_d=None, before_g=None, d_step=True
):
    opt_g, opt_d = optimizers
    if before_d:
        before_d()
    fake = generator(z[0]).detach()
    generator.train()
    loss_d = ref.discriminator_loss(discriminator(real), discriminator(fake))
    opt_d.zero_grad()
    loss_d.backward()
    if d_step:
        opt_d.step()
    if before_g:
        before_g()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    discriminator.train()
    return loss_d.detach(), loss_g.detach()


def generator_in_eval_for_the_discriminator(generator, *rest):
    return played_otherwise(generator, *rest, before_d=generator.eval)


def discriminator_in_eval_for_the_generator(generator, discriminator, *rest):
    return played_otherwise(generator, discriminator, *rest, before_g=discriminator.eval)


def discriminators_step_forgotten(*args):
    return played_otherwise(*args, d_step=False)


def a_step_for_real_and_a_step_for_fake(generator, discriminator, real, z, optimizers):
    opt_g, opt_d = optimizers
    opt_d.zero_grad()
    real_logits = discriminator(real)
    loss_real = F.binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
    loss_real.backward()
    opt_d.step()
    opt_d.zero_grad()
    fake_logits = discriminator(generator(z[0]).detach())
    loss_fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    loss_fake.backward()
    opt_d.step()
    opt_g.zero_grad()
    loss_g = ref.non_saturating_loss(discriminator(generator(z[1])))
    loss_g.backward()
    opt_g.step()
    return (loss_real + loss_fake).detach(), loss_g.detach()


RIGHT = [
    *(as_in_the_lecture, as_in_the_dcgan_tutorial, no_detach_but_zeroed),
    *(frozen_and_thawed, no_grad_and_zeroed_all_over),
    *(fakes_shown_first_and_both_losses_by_closures, by_autograd_grad_and_both_fakes_at_first),
]
WRONG = {
    no_zero_grad: "nothing_zeroed",
    generator_zeroed_only: "discriminator_not_zeroed",
    zeroed_at_the_end: "zeroed_afterwards",
    zeroed_once_and_not_detached: "learns_from_both",
    one_fake_for_both: "same_noise",
    generator_detached_too: "generator_cut_off",
    both_gradients_before_both_steps: "old_discriminator",
    generator_first: "generator_first",
    optimizers_in_the_wrong_order: "optimizers_exchanged",
    concatenated: "one_batch",
    minimax: "saturating",
    half_of_both: "halved",
    generators_loss_returned_first: "losses_exchanged",
    losses_with_their_graphs: "with_graph",
    discriminator_steps_again: "both_step",
    frozen_for_good: "stays_frozen",
    no_zero_grad_and_graphs: "nothing_zeroed with_graph",
    generator_in_eval_for_the_discriminator: "",
    discriminator_in_eval_for_the_generator: "d_in_evaluation",
    discriminators_step_forgotten: "no_step_of_d",
    a_step_for_real_and_a_step_for_fake: "two_steps_of_d",
}
