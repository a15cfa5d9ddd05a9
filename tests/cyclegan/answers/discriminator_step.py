"""Answers to `discriminator_step` as students give them, written from the lecture's text alone."""

import torch
import torch.nn.functional as F
from torch import nn


def in_order(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def as_in_the_authors_code(discriminator, real, fake, optimizer):
    criterion = nn.MSELoss()
    optimizer.zero_grad()
    pred_real = discriminator(real)
    loss_real = criterion(pred_real, torch.tensor(1.0).to(pred_real).expand_as(pred_real))
    pred_fake = discriminator(fake.detach())
    loss_fake = criterion(pred_fake, torch.tensor(0.0).to(pred_fake).expand_as(pred_fake))
    loss = (loss_real + loss_fake) * 0.5
    loss.backward()
    optimizer.step()
    return loss.item()


def one_backward_for_each(discriminator, real, fake, optimizer):
    discriminator.zero_grad()
    d_real = discriminator(real)
    real_loss = 0.5 * F.mse_loss(d_real, torch.ones_like(d_real))
    real_loss.backward()
    d_fake = discriminator(fake.detach())
    fake_loss = 0.5 * F.mse_loss(d_fake, torch.zeros_like(d_fake))
    fake_loss.backward()
    optimizer.step()
    return real_loss.detach() + fake_loss.detach()


def forgot_detach(discriminator, real, fake, optimizer):
    loss = 0.5 * ((discriminator(real) - 1) ** 2).mean() + 0.5 * (discriminator(fake) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def forgot_detach_and_half(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() + (discriminator(fake) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def sum_of_mse(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(fake.detach())
    loss = F.mse_loss(d_real, torch.ones_like(d_real)) + F.mse_loss(
        d_fake, torch.zeros_like(d_fake)
    )
    loss.backward()
    optimizer.step()
    return loss.detach()


def real_is_zero(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(fake.detach())
    loss = F.mse_loss(d_real, torch.zeros_like(d_real)) + F.mse_loss(
        d_fake, torch.ones_like(d_fake)
    )
    loss = loss / 2
    loss.backward()
    optimizer.step()
    return loss.detach()


def concatenated(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    logits = discriminator(torch.cat([real, fake.detach()]))
    d_real, d_fake = logits[: len(real)], logits[len(real) :]
    loss = 0.5 * (d_real - 1).pow(2).mean() + 0.5 * d_fake.pow(2).mean()
    loss.backward()
    optimizer.step()
    return loss.detach()


def concatenated_with_labels(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    logits = discriminator(torch.cat([real, fake.detach()]))
    labels = torch.zeros_like(logits)
    labels[: len(real)] = 1
    loss = F.mse_loss(logits, labels)
    loss.backward()
    optimizer.step()
    return loss.detach()


def logits_concatenated(discriminator, real, fake, optimizer):
    optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(fake.detach())
    loss = F.mse_loss(
        torch.cat([d_real, d_fake]), torch.cat([torch.ones_like(d_real), torch.zeros_like(d_fake)])
    )
    loss.backward()
    optimizer.step()
    return loss.detach()


def bce(discriminator, real, fake, optimizer):
    criterion = nn.BCEWithLogitsLoss()
    optimizer.zero_grad()
    d_real, d_fake = discriminator(real), discriminator(fake.detach())
    loss = criterion(d_real, torch.ones_like(d_real)) + criterion(d_fake, torch.zeros_like(d_fake))
    loss = 0.5 * loss
    loss.backward()
    optimizer.step()
    return loss.detach()


def no_zero_grad(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    loss.backward()
    optimizer.step()
    return loss.detach()


def zeroed_at_the_end(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def zeroed_between(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach()


def loss_as_it_is(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def a_step_for_each(discriminator, real, fake, optimizer):
    total = 0.0
    for images, label in ((real, 1.0), (fake.detach(), 0.0)):
        optimizer.zero_grad()
        loss = 0.5 * (discriminator(images) - label).pow(2).mean()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total


def fakes_without_gradients(discriminator, real, fake, optimizer):
    d_real = discriminator(real)
    with torch.no_grad():
        d_fake = discriminator(fake)
    loss = 0.5 * (d_real - 1).pow(2).mean() + 0.5 * d_fake.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def in_eval(discriminator, real, fake, optimizer):
    discriminator.eval()
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    discriminator.train()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def shows_the_new_loss(discriminator, real, fake, optimizer):
    in_order(discriminator, real, fake, optimizer)
    with torch.no_grad():
        d_real, d_fake = discriminator(real), discriminator(fake)
        return 0.5 * (d_real - 1).pow(2).mean() + 0.5 * d_fake.pow(2).mean()


def never_steps(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).mean() / 2 + (
        discriminator(fake.detach()) ** 2
    ).mean() / 2
    optimizer.zero_grad()
    loss.backward()
    return loss.detach()


def sums(discriminator, real, fake, optimizer):
    loss = ((discriminator(real) - 1) ** 2).sum() / 2 + (
        discriminator(fake.detach()) ** 2
    ).sum() / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


RIGHT = [in_order, as_in_the_authors_code, one_backward_for_each]
WRONG = {
    forgot_detach: "not_detached",
    forgot_detach_and_half: "not_detached not_halved",
    sum_of_mse: "not_halved",
    real_is_zero: "labels_exchanged",
    concatenated: "one_batch",
    concatenated_with_labels: "one_batch_and_one_mean",
    logits_concatenated: "one_mean",
    bce: "half_a_cross_entropy",
    no_zero_grad: "not_zeroed",
    zeroed_at_the_end: "zeroed_afterwards",
    zeroed_between: "zeroed_too_late",
    loss_as_it_is: "with_graph",
    a_step_for_each: "two_steps",
    fakes_without_gradients: "logits_detached",
    in_eval: "in_evaluation",
    shows_the_new_loss: "loss_afterwards",
    never_steps: "zeroed_too_late",
    sums: "",
}
