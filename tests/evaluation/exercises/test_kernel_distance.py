import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchmetrics.image.kid import poly_mmd

from cvgen_course import evaluation as ref
from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["kernel_distance"]


def kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def of_different(pairs):
    return (pairs.sum() - pairs.trace()) / (len(pairs) * (len(pairs) - 1))


def varied(kernel=kernel, within=of_different, across=torch.mean, end=lambda distance: distance):
    """Return a right answer but for what is given."""

    def answer(real, fake):
        inside = within(kernel(real, real)) + within(kernel(fake, fake))
        return end(inside - 2 * across(kernel(real, fake)))

    return answer


def pair_by_pair(real, fake):
    def k(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def within(rows):
        N = len(rows)
        pairs = [k(rows[i], rows[j]) for i in range(N) for j in range(N) if i != j]
        return sum(pairs) / len(pairs)

    real, fake = real.tolist(), fake.tolist()
    across = [k(x, y) for x in real for y in fake]
    return within(real) + within(fake) - 2 * sum(across) / len(across)


def by_einsum(real, fake):
    def k(x, y):
        return (torch.einsum("nd,md->nm", x, y) / x.size(1)).add(1).pow(3)

    def within(x):
        pairs = k(x, x)
        return pairs[~torch.eye(len(x), dtype=torch.bool)].mean()

    return (
        within(real)
        + within(fake)
        - 2 * torch.einsum("nm->", k(real, fake)) / (len(real) * len(fake))
    )


def by_scikit_learn(real, fake):
    real, fake = real.numpy(), fake.numpy()

    def within(x):
        pairs = polynomial_kernel(x, degree=3)  # gamma is 1 / D, coef0 is 1
        return pairs.sum(where=~torch.eye(len(x), dtype=torch.bool).numpy()) / (
            len(x) * (len(x) - 1)
        )

    return within(real) + within(fake) - 2 * polynomial_kernel(real, fake, degree=3).mean()


def all_in_one_matrix(real, fake):
    """Each pair has a weight: 1 / N (N - 1), 1 / M (M - 1) or -1 / N M, and 0 with itself."""
    N, M = len(real), len(fake)
    both = torch.cat([real, fake]).double()
    weight = torch.full((N + M, N + M), -1 / (N * M), dtype=torch.float64)
    weight[:N, :N], weight[N:, N:] = 1 / (N * (N - 1)), 1 / (M * (M - 1))
    weight.fill_diagonal_(0)
    return (kernel(both, both) * weight).sum()


def by_torchmetrics(real, fake):
    """It takes as many fakes as real ones."""
    return poly_mmd(real, fake, degree=3, coef=1.0)


def subsets(size):
    def answer(real, fake):
        return varied()(real[:size], fake[:size])

    return answer


def copies_left_out(pairs_of=kernel):
    def within(x):
        pairs = pairs_of(x, x)
        return pairs[(x[:, None] != x[None]).any(dim=2)].mean()

    def answer(real, fake):
        return within(real) + within(fake) - 2 * pairs_of(real, fake).mean()

    return answer


def not_zero(pairs):
    """Return the mean of what is not 0, once the diagonal is."""
    pairs = pairs - pairs.diag().diag()
    return pairs[pairs != 0].mean()


RIGHT = {
    **{
        answer.__name__: answer
        for answer in (pair_by_pair, by_einsum, by_scikit_learn, all_in_one_matrix)
    },
    "the formula": varied(),
    "twice the upper triangle": varied(
        within=lambda pairs: 2 * pairs.triu(1).sum() / (len(pairs) * (len(pairs) - 1))
    ),
    "the lower triangle": varied(
        within=lambda pairs: pairs[tuple(torch.tril_indices(*pairs.shape, -1))].mean()
    ),
    "diagonal set to 0": varied(
        within=lambda pairs: pairs.clone().fill_diagonal_(0).sum() / (len(pairs) ** 2 - len(pairs))
    ),
    "features scaled first": varied(
        kernel=lambda x, y: ((x / x.shape[1] ** 0.5) @ (y / y.shape[1] ** 0.5).T + 1) ** 3
    ),
    "the power multiplied out": varied(
        kernel=lambda x, y: (
            (x @ y.T / x.shape[1]) ** 3
            + 3 * (x @ y.T / x.shape[1]) ** 2
            + 3 * x @ y.T / x.shape[1]
            + 1
        )
    ),
}
WRONG = {
    "torchmetrics": by_torchmetrics,
    "degree 4": varied(kernel=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 4),
    "the absolute value of the kernel": varied(kernel=lambda x, y: kernel(x, y).abs()),
    "divided by D after the power": varied(kernel=lambda x, y: (x @ y.T + 1) ** 3 / x.shape[1]),
    "divided by the root of D": varied(kernel=lambda x, y: (x @ y.T / x.shape[1] ** 0.5 + 1) ** 3),
    "divided by D - 1": varied(kernel=lambda x, y: (x @ y.T / max(x.shape[1] - 1, 1) + 1) ** 3),
    "distances for products": varied(
        kernel=lambda x, y: (torch.cdist(x, y).square() / x.shape[1] + 1) ** 3
    ),
    "cosines": varied(
        kernel=lambda x, y: (
            ((x / x.norm(dim=1, keepdim=True)) @ (y / y.norm(dim=1, keepdim=True)).T + 1) ** 3
        )
    ),
    "centred features": varied(kernel=lambda x, y: kernel(x - x.mean(dim=0), y - y.mean(dim=0))),
    "sums for means": varied(within=lambda pairs: pairs.sum() - pairs.trace(), across=torch.sum),
    "divided by N": varied(within=lambda pairs: (pairs.sum() - pairs.trace()) / len(pairs)),
    "the diagonal alone": varied(within=lambda pairs: pairs.diag().mean()),
    "the largest of pairs": varied(across=torch.max),
    "the median of pairs": varied(across=torch.median),
    "half": varied(end=lambda distance: distance / 2),
    "the sign": varied(end=torch.neg),
    "times 1000": varied(end=lambda distance: 1000 * distance),
    "float32": varied(end=lambda distance: distance.float()),
    "float32 on the way": varied(kernel=lambda x, y: kernel(x.float(), y.float()).to(x.dtype)),
    "one number too many": varied(end=lambda distance: distance[None]),
    "whole numbers": varied(end=torch.round),
    "subsets of 50": subsets(50),
    "subsets of 100": subsets(100),
    "copies left out": copies_left_out(),
    "zeros for the diagonal": varied(within=not_zero),
}
_NOT_ASKED = "nothing is asked in half precision"
_BLOCKS = "the sum is the same, whatever the blocks"
EQUIVALENT = {
    "kernel_distance: for name, each in (('real', real), ('fake', fake)): if len(each) < 2: "
    "raise ValueError(f'{name}: expected two rows or more, got {len(each)}') -> pass": (
        "a check of the arguments"
    ),
    "kernel_distance: (('real', real), ('fake', fake)) -> (('fake', fake), ('real', real))": (
        "a check of the arguments"
    ),
    "kernel_distance: ('real', real) -> (real, 'real')": "a check of the arguments",
    "kernel_distance: ('fake', fake) -> (fake, 'fake')": "a check of the arguments",
    "kernel_distance: real, fake = (real.double(), fake.double()) -> pass": (
        "the result is as precise as the features then"
    ),
    "kernel_distance: (real.double(), fake.double()) -> (fake.double(), real.double())": (
        "it is symmetric"
    ),
    "kernel_distance: _sum_of_pairs(real, fake) -> _sum_of_pairs(fake, real)": "it is symmetric",
    "_sum_of_pairs: polynomial_kernel(block, second) -> polynomial_kernel(second, block)": (
        "it is symmetric"
    ),
    "polynomial_kernel: first, second = (at_least_float32(first), at_least_float32(second))"
    " -> pass": _NOT_ASKED,
    "polynomial_kernel: (at_least_float32(first), at_least_float32(second))"
    " -> (at_least_float32(second), at_least_float32(first))": "it is symmetric",
    "polynomial_kernel: torch.autocast(first.device.type, enabled=False)"
    " -> torch.autocast(first.device.type)": _NOT_ASKED,
    "polynomial_kernel: False -> True": _NOT_ASKED,
    "_sum_of_pairs: max(1, AT_ONCE // len(second)) -> max(AT_ONCE // len(second), 1)": _BLOCKS,
    "_sum_of_pairs: AT_ONCE // len(second) -> AT_ONCE * len(second)": _BLOCKS,
    "_sum_of_pairs: AT_ONCE // len(second) -> len(second) // AT_ONCE": _BLOCKS,
    "_sum_of_pairs: 1 -> 2": _BLOCKS,
    "_sum_of_pairs: 1 -> 0": _BLOCKS,
    "_sum_of_pairs: torch.stack([polynomial_kernel(block, second).sum() for block in blocks]).sum"
    " -> torch.stack([polynomial_kernel(block, second).sum() for block in blocks]).mean": (
        "there is a single block"
    ),
}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_kernel_distance_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_kernel_distance_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_kernel_distance_must_not_come_from_the_librarys_kernel():
    assert graded(EXERCISE, varied(kernel=ref.polynomial_kernel)).points == 0.0


def test_kernel_distance_mutants_lose_points():
    assert_mutants_lose_points(
        EXERCISE, EQUIVALENT, helpers=("polynomial_kernel", "_sum_of_pairs", "_within")
    )
