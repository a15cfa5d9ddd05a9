import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
)

from cvgen_course.autoencoders.exercises import EXERCISES

EXERCISE = EXERCISES["vq_losses"]


def squares_by_hand(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = ((x - x_hat) ** 2).mean()
    codebook = ((z_e.detach() - z_q) ** 2).mean()
    commitment = beta * ((z_e - z_q.detach()) ** 2).mean()
    return reconstruction, codebook, commitment


def loops(x, x_hat, z_e, z_q, beta=0.25):
    def mean(a, b):
        total = 0.0
        for one, other in zip(a.flatten(), b.flatten(), strict=True):
            total = total + (one - other) ** 2
        return total / a.numel()

    codes, outputs = z_q.clone().detach(), z_e.clone().detach()
    return [mean(x_hat, x), mean(z_q, outputs), beta * mean(z_e, codes)]


def einsum(x, x_hat, z_e, z_q, beta=0.25):
    with torch.no_grad():
        outputs, codes = 1 * z_e, 1 * z_q
    d, e, f = x - x_hat, z_q - outputs, z_e - codes
    reconstruction = torch.einsum("nchw,nchw->", d, d) / d.numel()
    return (
        reconstruction,
        torch.einsum("md,md->", e, e) / e.numel(),
        torch.einsum("md,md->", f, f) * beta / f.numel(),
    )


def norms_squared(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction = torch.dist(x_hat, x) ** 2 / x.numel()
    codebook = (z_q - z_e.data).norm(dim=1).square().mean() / z_q.shape[1]
    commitment = (z_e - z_q.data).norm() ** 2 / z_e.numel() * beta
    return reconstruction, codebook, commitment


def sums_divided_in_float64(x, x_hat, z_e, z_q, beta=0.25):
    x, x_hat, z_e, z_q = (values.double() for values in (x, x_hat, z_e, z_q))
    N, C, H, W = x.shape
    reconstruction = F.mse_loss(x_hat, x, reduction="sum") / (N * C * H * W)
    commitment = F.mse_loss(z_e, z_q.detach(), reduction="none").mean(dim=0).mean()
    return reconstruction, F.mse_loss(z_e.detach(), z_q), commitment * beta


def twice_half_the_square(x, x_hat, z_e, z_q, beta=0.25):
    """The Huber loss is half of a square up to its corner."""

    def half(a, b):
        return F.huber_loss(a, b, delta=1e9)

    return 2 * half(x_hat, x), 2 * half(z_q, z_e.detach()), 2 * beta * half(z_e, z_q.detach())


class Stop(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values):
        return values.clone()

    @staticmethod
    def backward(ctx, upstream):
        return torch.zeros_like(upstream)


def own_stop_gradient(x, x_hat, z_e, z_q, beta=0.25):
    """sg[z] as a function of its own: a gradient of 0 is as good as none."""
    commitment = beta * F.mse_loss(z_e, Stop.apply(z_q))
    return F.mse_loss(x_hat, x), F.mse_loss(Stop.apply(z_e), z_q), commitment


def varied(index, term):
    """Return a right answer in which one of the terms is another."""

    def answer(x, x_hat, z_e, z_q, beta=0.25):
        terms = list(squares_by_hand(x, x_hat, z_e, z_q, beta))
        terms[index] = term(*((x, x_hat) if index == 0 else (z_e, z_q)), beta)
        return tuple(terms)

    return answer


WRONG_TERMS = {
    "a sum of images": (0, lambda x, y, beta: (x - y).square().sum() / len(x)),
    "no square": (0, lambda x, y, beta: (y - x).mean()),
    "a square of a mean": (0, lambda x, y, beta: (y - x).mean() ** 2),
    "half": (0, lambda x, y, beta: (y - x).square().mean() / 2),
    "smooth L1": (0, lambda x, y, beta: F.smooth_l1_loss(y, x)),
    "a log-likelihood": (0, lambda x, y, beta: (y - x).square().mean() / 2 + 0.9189),
    "the reconstruction as a number": (0, lambda x, y, beta: (y - x).square().mean().item()),
    "a mean for each image": (0, lambda x, y, beta: (y - x).square().flatten(1).mean(dim=1)),
    "beta on the codebook": (1, lambda e, q, beta: beta * (e.detach() - q).square().mean()),
    "a codebook that nobody learns from": (1, lambda e, q, beta: (e - q).detach().square().mean()),
    "a codebook for the encoder": (1, lambda e, q, beta: (e - q.detach()).square().mean()),
    "a codebook for both": (1, lambda e, q, beta: (e - q).square().mean()),
    "a codebook that leaks a little": (
        1,
        lambda e, q, beta: (0.01 * e + 0.99 * e.detach() - q).square().mean(),
    ),
    "a codebook summed by rows": (
        1,
        lambda e, q, beta: (e.detach() - q).square().sum(dim=1).mean(),
    ),
    "no beta": (2, lambda e, q, beta: (e - q.detach()).square().mean()),
    "a beta of a quarter": (2, lambda e, q, beta: (e - q.detach()).square().mean() / 4),
    "beta squared": (2, lambda e, q, beta: beta**2 * (e - q.detach()).square().mean()),
    "1 - beta": (2, lambda e, q, beta: (1 - beta) * (e - q.detach()).square().mean()),
    "divided by beta": (2, lambda e, q, beta: (e - q.detach()).square().mean() / (beta or 1)),
    "0 is no beta": (2, lambda e, q, beta: (beta or 0.25) * (e - q.detach()).square().mean()),
    "no more than one": (2, lambda e, q, beta: min(beta, 1) * (e - q.detach()).square().mean()),
    "beta inside the square": (2, lambda e, q, beta: (beta * (e - q.detach())).square().mean()),
    "commitment for both": (2, lambda e, q, beta: beta * (e - q).square().mean()),
    "commitment of the codes": (2, lambda e, q, beta: beta * (e.detach() - q).square().mean()),
    "commitment summed": (2, lambda e, q, beta: beta * (e - q.detach()).square().sum()),
    "a root": (2, lambda e, q, beta: beta * (e - q.detach()).square().mean().sqrt()),
}


def commitment_first(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction, codebook, commitment = squares_by_hand(x, x_hat, z_e, z_q, beta)
    return reconstruction, commitment, codebook


def already_summed(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction, codebook, commitment = squares_by_hand(x, x_hat, z_e, z_q, beta)
    return reconstruction + codebook + commitment, codebook, commitment


def two_terms(x, x_hat, z_e, z_q, beta=0.25):
    reconstruction, codebook, commitment = squares_by_hand(x, x_hat, z_e, z_q, beta)
    return reconstruction, codebook + commitment


def float32_on_the_way(x, x_hat, z_e, z_q, beta=0.25):
    terms = squares_by_hand(x.float(), x_hat.float(), z_e.float(), z_q.float(), beta)
    return tuple(term.to(x.dtype) for term in terms)


def patched_in_the_codebook_only(x, x_hat, z_e, z_q, beta=0.25):
    patched = z_e + (z_q - z_e).detach()
    reconstruction, _, commitment = squares_by_hand(x, x_hat, z_e, z_q, beta)
    return reconstruction, F.mse_loss(patched, z_e.detach()), commitment


def patched_in_the_commitment_only(x, x_hat, z_e, z_q, beta=0.25):
    patched = z_e + (z_q - z_e).detach()
    reconstruction, codebook, _ = squares_by_hand(x, x_hat, z_e, z_q, beta)
    return reconstruction, codebook, beta * F.mse_loss(z_e, patched)


def subtracts_in_place(x, x_hat, z_e, z_q, beta=0.25):
    terms = squares_by_hand(x, x_hat, z_e, z_q, beta)
    z_e.data.sub_(z_q)
    return terms


RIGHT = [
    *(squares_by_hand, loops, einsum, norms_squared, sums_divided_in_float64),
    *(twice_half_the_square, own_stop_gradient),
]
WRONG = {
    **{name: varied(*term) for name, term in WRONG_TERMS.items()},
    **{
        answer.__name__: answer
        for answer in (
            *(commitment_first, already_summed, two_terms, float32_on_the_way),
            *(patched_in_the_codebook_only, patched_in_the_commitment_only, subtracts_in_place),
        )
    },
}
EQUIVALENT = {
    "vq_losses: x, x_hat, z_e, z_q = map(at_least_float32, (x, x_hat, z_e, z_q)) -> pass": (
        "no case is in half precision"
    ),
    **dict.fromkeys(
        (
            "vq_losses: (x, x_hat, z_e, z_q) -> (x_hat, x, z_e, z_q)",
            "vq_losses: F.mse_loss(x_hat, x) -> F.mse_loss(x, x_hat)",
            "vq_losses: F.mse_loss(z_q, z_e.detach()) -> F.mse_loss(z_e.detach(), z_q)",
            "vq_losses: F.mse_loss(z_e, z_q.detach()) -> F.mse_loss(z_q.detach(), z_e)",
        ),
        "a square does not ask which way round",
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_vq_losses_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_vq_losses_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_vq_losses_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
