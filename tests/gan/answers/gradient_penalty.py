"""Answers to `gradient_penalty` as students give them, written from the lecture's text alone."""

import torch
from torch import autograd


def as_in_the_lecture(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).detach().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


def as_in_much_published_code(critic, real, fake, rng=None):
    batch_size = real.size(0)
    epsilon = torch.rand(batch_size, 1, 1, 1, generator=rng).expand_as(real)
    interpolates = epsilon * real.data + (1 - epsilon) * fake.data
    interpolates.requires_grad = True
    scores = critic(interpolates)
    gradients = autograd.grad(
        outputs=scores,
        inputs=interpolates,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(batch_size, -1)
    return ((torch.sqrt(torch.sum(gradients**2, dim=1) + 1e-12) - 1) ** 2).mean()


def image_by_image(critic, real, fake, rng=None):
    alpha = torch.empty(len(real)).uniform_(generator=rng)
    total = 0
    for a, x, g in zip(alpha, real, fake, strict=True):
        point = torch.lerp(g, x, a.to(g.dtype)).unsqueeze(0).requires_grad_()
        (slope,) = autograd.grad(critic(point)[0], point, create_graph=True)
        total = total + (torch.linalg.vector_norm(slope) - 1) ** 2
    return total / len(real)


def exchanged_and_expanded(critic, real, fake, rng=None):
    alpha = torch.rand((real.shape[0],), generator=rng)[:, None, None, None]
    x = real + alpha * (fake - real)
    x.requires_grad_(True)
    g = autograd.grad(critic(x).sum(), x, create_graph=True)[0]
    squares = g.pow(2).sum(dim=(1, 2, 3))
    return torch.mean(squares - 2 * squares.sqrt() + 1)


def alpha_for_every_pixel(critic, real, fake, rng=None):
    alpha = torch.rand(real.shape, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.view(len(real), -1).norm(2, dim=1) - 1) ** 2).mean()


def one_alpha_for_the_batch(critic, real, fake, rng=None):
    alpha = torch.rand(1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def norm_over_dimension_1(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.norm(2, dim=1) - 1) ** 2).mean()


def norm_of_all(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slopes.norm() - 1) ** 2


def mean_of_scores(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).mean(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def without_create_graph(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def without_rng(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def with_backward(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    critic(between).backward(torch.ones(len(real), dtype=real.dtype), create_graph=True)
    return ((between.grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


def r1(critic, real, fake, rng=None):
    images = real.clone().requires_grad_()
    (slopes,) = autograd.grad(critic(images).sum(), images, create_graph=True)
    return slopes.square().flatten(1).sum(dim=1).mean()


def at_the_fakes(critic, real, fake, rng=None):
    x = fake.detach().clone().requires_grad_()
    (slopes,) = autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def squares_without_a_root(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.pow(2).sum(dim=(1, 2, 3)) - 1) ** 2).mean()


def one_sided(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    excess = torch.clamp(slopes.flatten(1).norm(dim=1) - 1, min=0)
    return (excess**2).mean()


def with_lambda(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return 10 * ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def mean_of_norms_first(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slopes.flatten(1).norm(dim=1).mean() - 1) ** 2


def normal_alpha(critic, real, fake, rng=None):
    alpha = torch.randn(len(real), 1, 1, 1, generator=rng)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def extrapolated(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    between = (real + alpha * (real - fake)).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def without_rng_and_pixel_by_pixel(critic, real, fake, rng=None):
    alpha = torch.rand_like(real)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (slopes,) = autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def at_the_other_end(critic, real, fake, rng=None):
    """Alpha and 1 - alpha are alike, so that the points are where they should be."""
    eps = torch.empty(len(real), dtype=real.dtype).uniform_(generator=rng)
    x = torch.lerp(real, fake, eps.view(-1, 1, 1, 1)).detach()
    x.requires_grad = True
    scores = critic(x)
    g = autograd.grad(scores, x, torch.ones_like(scores), create_graph=True)[0]
    lengths = torch.linalg.vector_norm(g, dim=(1, 2, 3))
    return torch.nn.functional.mse_loss(lengths, torch.ones_like(lengths))


def sum_of_absolute_values(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, 1, 1, generator=rng)
    x = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (g,) = autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((g.flatten(1).norm(p=1, dim=1) - 1) ** 2).mean()


def alpha_of_two_dimensions(critic, real, fake, rng=None):
    alpha = torch.rand(len(real), 1, generator=rng)
    x = (alpha * real + (1 - alpha) * fake).requires_grad_()
    (g,) = autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((g.flatten(1).norm(dim=1) - 1) ** 2).mean()


def slope_between_the_ends(critic, real, fake, rng=None):
    apart = (real - fake).flatten(1).norm(dim=1)
    return (((critic(real) - critic(fake)).abs() / apart - 1) ** 2).mean()


def seeded_in_here(critic, real, fake, rng=None):
    torch.manual_seed(0)
    return as_in_the_lecture(critic, real, fake)


RIGHT = [
    *(as_in_the_lecture, as_in_much_published_code, image_by_image, exchanged_and_expanded),
    at_the_other_end,
]
WRONG = {
    alpha_for_every_pixel: "alpha_per_pixel",
    one_alpha_for_the_batch: "one_alpha",
    norm_over_dimension_1: "over_channels",
    norm_of_all: "one_length",
    mean_of_scores: "mean_differentiated",
    without_create_graph: "no_graph",
    without_rng: "rng_ignored",
    with_backward: "backward",
    r1: "r1",
    at_the_fakes: "at_fake",
    squares_without_a_root: "no_root",
    one_sided: "one_sided",
    with_lambda: "weighted",
    mean_of_norms_first: "mean_first",
    normal_alpha: "normal_alpha",
    extrapolated: "beyond",
    without_rng_and_pixel_by_pixel: "alpha_per_pixel rng_ignored",
    sum_of_absolute_values: "",
    alpha_of_two_dimensions: "",
    slope_between_the_ends: "",
    seeded_in_here: "",
}
