import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.gan.exercises import EXERCISES

EXERCISE = EXERCISES["gradient_penalty"]


def one_each(real, rng):
    return torch.rand(len(real), 1, 1, 1, generator=rng)


def line(real, fake, alpha):
    return alpha * real + (1 - alpha) * fake


def varied(
    alpha=one_each,
    point=line,
    number=torch.sum,
    length=lambda slopes: slopes.flatten(1).norm(dim=1),
    penalty=lambda lengths: (lengths - 1).square().mean(),
):
    """Return a right answer but for what is given."""

    def answer(critic, real, fake, rng=None):
        between = point(real, fake, alpha(real, rng)).requires_grad_()
        (slopes,) = torch.autograd.grad(number(critic(between)), between, create_graph=True)
        return penalty(length(slopes))

    return answer


def by_func(critic, real, fake, rng=None):
    """Gradients of torch.func, of one image at a time, mapped over the batch."""
    between = line(real, fake, one_each(real, rng))
    slopes = torch.func.vmap(torch.func.grad(lambda x: critic(x[None])[0]))(between)
    return torch.mean((torch.linalg.vector_norm(slopes, dim=(1, 2, 3)) - 1) ** 2)


def by_jacobian(critic, real, fake, rng=None):
    between = line(real, fake, one_each(real, rng))
    slopes = torch.autograd.functional.jacobian(
        lambda x: critic(x).sum(), between, create_graph=True
    )
    return torch.nn.functional.mse_loss(
        slopes.flatten(1).norm(dim=1), torch.ones(len(real), dtype=real.dtype)
    )


def backward_to_the_images_alone(critic, real, fake, rng=None):
    between = line(real, fake, one_each(real, rng)).requires_grad_()
    critic(between).sum().backward(inputs=[between], create_graph=True)
    return (between.grad.flatten(1).norm(dim=1) - 1).square().mean()


def draws_in_float64(critic, real, fake, rng=None):
    """alpha is drawn in float64, and each image's point made on its own."""
    alpha = torch.rand(len(real), generator=rng, dtype=torch.float64).to(real.dtype)
    between = fake.clone()
    for i, a in enumerate(alpha):
        between[i] += (1 - a) * (real[i] - fake[i])
    between.requires_grad_()
    scores = critic(between)
    slopes = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)[0]
    return (torch.einsum("nchw,nchw->n", slopes, slopes).sqrt() - 1).pow(2).sum() / len(real)


def two_halves_of_the_batch(critic, real, fake, rng=None):
    alpha = one_each(real, rng)
    lengths = []
    half = (len(real) + 1) // 2
    for a, x, g in zip(alpha.split(half), real.split(half), fake.split(half), strict=True):
        between = line(x, g, a).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        lengths.append(slopes.flatten(1).norm(dim=1))
    return (torch.cat(lengths) - 1).square().mean()


def lengths_detached(critic, real, fake, rng=None):
    """The value is right; the gradient is that of one factor."""
    between = line(real, fake, one_each(real, rng)).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    lengths = slopes.flatten(1).norm(dim=1)
    return ((lengths - 1) * (lengths - 1).detach()).mean()


def slopes_of_parameters(critic, real, fake, rng=None):
    between = line(real, fake, one_each(real, rng))
    parameters = list(critic.parameters())
    slopes = torch.autograd.grad(
        critic(between).sum(), parameters, create_graph=True, materialize_grads=True
    )
    return (torch.cat([each.flatten() for each in slopes]).norm() - 1).square()


def difference_quotients(critic, real, fake, rng=None):
    """The Lipschitz constant along the line from fake to real, as in other penalties."""
    distances = (real - fake).flatten(1).norm(dim=1)
    return ((critic(real) - critic(fake)).abs() / distances - 1).square().mean()


def in_place(critic, real, fake, rng=None):
    real += one_each(real, rng) * (fake - real)
    between = real.detach().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


def seed_of_its_own(critic, real, fake, rng=None):
    rng = torch.Generator().manual_seed(0)
    return varied()(critic, real, fake, rng)


def generator_that_starts_anew(critic, real, fake, rng=None):
    seed = rng.initial_seed() if rng else torch.randint(2**31, ()).item()
    return varied()(critic, real, fake, torch.Generator().manual_seed(seed))


def new_generator_for_none(critic, real, fake, rng=None):
    return varied()(critic, real, fake, rng or torch.Generator().manual_seed(0))


RIGHT = [
    *(
        by_func,
        by_jacobian,
        backward_to_the_images_alone,
        draws_in_float64,
        two_halves_of_the_batch,
    ),
    varied(),
    varied(length=lambda slopes: (slopes.square().sum(dim=(1, 2, 3)) + 1e-16).sqrt()),
    varied(length=lambda slopes: torch.sqrt(slopes.flatten(1).pow(2).sum(-1) + 1e-8)),
    varied(penalty=lambda lengths: (1 - lengths).pow(2).mean()),
    varied(penalty=lambda lengths: lengths.square().mean() - 2 * lengths.mean() + 1),
    varied(number=lambda scores: scores @ torch.ones_like(scores)),
]
WRONG = {
    "alpha per channel": varied(
        alpha=lambda real, rng: torch.rand(*real.shape[:2], 1, 1, generator=rng)
    ),
    "alpha per row": varied(
        alpha=lambda real, rng: torch.rand(len(real), 1, real.shape[2], 1, generator=rng)
    ),
    "alpha of shape (N,)": varied(
        alpha=lambda real, rng: torch.rand(len(real), generator=rng).expand(real.shape)
    ),
    "alpha of shape (N, 1)": varied(
        alpha=lambda real, rng: torch.rand(len(real), 1, generator=rng).expand(real.shape)
    ),
    "alpha of shape (N, 1, 1)": varied(
        alpha=lambda real, rng: torch.rand(len(real), 1, 1, generator=rng).expand(real.shape)
    ),
    "alpha from [0, 1/2]": varied(alpha=lambda real, rng: one_each(real, rng) / 2),
    "alpha from [1/2, 1]": varied(alpha=lambda real, rng: 1 - one_each(real, rng) / 2),
    "alpha is 0 or 1": varied(alpha=lambda real, rng: one_each(real, rng).round()),
    "alpha is squared": varied(alpha=lambda real, rng: one_each(real, rng).square()),
    "alpha is a mean of two": varied(
        alpha=lambda real, rng: (one_each(real, rng) + one_each(real, rng)) / 2
    ),
    "alpha is evenly spaced": varied(
        alpha=lambda real, rng: torch.linspace(0, 1, len(real)).view(-1, 1, 1, 1)
    ),
    "alpha from [-1, 1]": varied(alpha=lambda real, rng: 2 * one_each(real, rng) - 1),
    "the sum of both": varied(point=lambda real, fake, alpha: alpha * real + fake),
    "1 + alpha": varied(point=lambda real, fake, alpha: alpha * real + (1 + alpha) * fake),
    "on both sides of real images": varied(point=lambda real, fake, alpha: real + alpha - 0.5),
    "another image's fake": varied(point=lambda x, fake, alpha: line(x, fake.roll(1, 0), alpha)),
    "the first number alone": varied(number=lambda scores: scores[0]),
    "the largest slope": varied(length=lambda slopes: slopes.flatten(1).abs().amax(dim=1)),
    "the sum of absolute slopes": varied(length=lambda slopes: slopes.flatten(1).abs().sum(dim=1)),
    "over dimensions 2 and 3": varied(length=lambda slopes: slopes.norm(dim=(2, 3))),
    "nothing subtracted": varied(penalty=lambda lengths: lengths.mean()),
    "not squared": varied(penalty=lambda lengths: (lengths - 1).mean()),
    "a root at the end": varied(penalty=lambda lengths: (lengths - 1).square().mean().sqrt()),
    "one for each image": varied(penalty=lambda lengths: (lengths - 1).square()),
    "half": varied(penalty=lambda lengths: (lengths - 1).square().mean() / 2),
    "the largest": varied(penalty=lambda lengths: (lengths - 1).square().max()),
    "log lengths": varied(penalty=lambda lengths: lengths.log().square().mean()),
    "a number": varied(penalty=lambda lengths: (lengths - 1).square().mean().item()),
    "float32 on the way": varied(
        penalty=lambda lengths: (lengths.float() - 1).square().mean().to(lengths.dtype)
    ),
    "towards 2": varied(penalty=lambda lengths: (lengths - 2).square().mean()),
    **{
        answer.__name__: answer
        for answer in (
            *(lengths_detached, slopes_of_parameters, difference_quotients, in_place),
            *(seed_of_its_own, generator_that_starts_anew, new_generator_for_none),
        )
    },
}
EQUIVALENT = {
    "gradient_penalty: torch.rand(shape, generator=rng).to(real)"
    " -> torch.rand(shape, generator=rng).to()": (
        "alpha then takes the number type of images: all of the check's hold float32's numbers"
    ),
    "gradient_penalty: _slopes(critic, between).norm(dim=1) - 1"
    " -> 1 - _slopes(critic, between).norm(dim=1)": "it is squared",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_gradient_penalty_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_gradient_penalty_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_gradient_penalty_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_slopes",))
