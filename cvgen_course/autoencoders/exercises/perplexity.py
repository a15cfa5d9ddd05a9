"""Exercise: the perplexity of the codes of a whole data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.autoencoders.perplexity import perplexity
from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: one batch and several, codes that never occur, empty batches."""

    def draw(low: int, high: int, *shape: int) -> Tensor:
        """Return indices in [low, high), of which the lower ones are more frequent."""
        share = torch.rand(shape, generator=rng, dtype=torch.float64) ** 2
        return low + (share * (high - low)).long()

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=rng))

    K = number(5, 60)
    uniform = torch.arange(K).repeat(6)[torch.randperm(6 * K, generator=rng)]
    one = number(0, 9)
    nothing = torch.zeros(0, dtype=torch.int64)
    return [
        Case(
            "one batch of three maps",
            {"batches": [draw(0, 8, 3, 4, 5)], "num_codes": 8},
            weight=1,
            hint="p is how often each code occurs, divided by the number of all indices; then "
            "equation (3.15).",
        ),
        Case(
            "codes that never occur",
            {"batches": [draw(3, 9, 2, 5, 5)], "num_codes": 16},
            weight=4,
            hint="0 · log 0 is NaN for a computer: leave out codes with p = 0.",
        ),
        Case(
            "two batches of the same size",
            {"batches": [draw(0, 6, 2, 4, 4), draw(2, 12, 2, 4, 4)], "num_codes": 12},
            weight=2,
            hint="The perplexity is one of all indices together, no mean over batches.",
        ),
        Case(
            "three batches, the last one is small",
            {
                "batches": [draw(0, 10, 4, 4, 4), draw(0, 10, 4, 4, 4), draw(5, 10, 1, 2, 3)],
                "num_codes": 10,
            },
            weight=3,
            hint="Every index counts alike: count over all batches first, then divide.",
        ),
        Case(
            "each batch has codes of its own",
            {
                "batches": [draw(0, 3, 1, 3, 3), draw(3, 7, 2, 3, 3), draw(7, 9, 1, 2, 2)],
                "num_codes": 20,
            },
            weight=3,
            hint="A batch shows only some of the codes; the data set shows them all.",
        ),
        Case(
            "many batches of a single index each",
            {"batches": list(draw(0, 5, 40, 1)), "num_codes": 5},
            weight=3,
            hint="A single index has perplexity 1, and so has the mean of 40 of them: count over "
            "all batches.",
        ),
        Case(
            "an empty batch among others, and other shapes",
            {
                "batches": [draw(0, 7, 11), nothing.view(0, 4, 4), draw(2, 7, 2, 3, 2, 2)],
                "num_codes": 7,
            },
            weight=3,
            hint="An empty batch adds nothing to the counts. Flatten a batch before you count.",
        ),
        Case(
            "all codes equally often",
            {"batches": [uniform[:K], uniform[K : 3 * K], uniform[3 * K :]], "num_codes": K},
            weight=2,
            hint="K codes, each with p = 1 / K: the perplexity is K.",
        ),
        Case(
            "a codebook of thousands, most of it unused",
            {"batches": [draw(0, 40, 4, 8, 8), draw(900, 930, 4, 8, 8)], "num_codes": 4096},
            weight=3,
            hint="What never occurs adds nothing, however many such codes there are.",
        ),
        Case(
            "one index alone, after an empty batch",
            {"batches": [nothing.view(0, 2, 2), torch.full((1, 1, 1), one)], "num_codes": 10},
            weight=1,
            hint="Its code has p = 1. Without any surprise the entropy is 0, and exp(0) = 1.",
        ),
        Case(
            "there is no index at all",
            {"batches": [nothing, nothing.view(2, 0, 3)], "num_codes": 6},
            weight=1,
            hint="Then it is 1, by agreement: no 0 / 0.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> Tensor:
    """Return the perplexity as float32: float32, float64 and Python numbers are right answers."""
    value = as_tensor(implementation(inputs["batches"], inputs["num_codes"]), "the perplexity")
    return value.to(torch.float32) if value.dtype in (torch.float64, torch.int64) else value


def _counts(batches: list[Tensor], num_codes: int) -> Tensor:
    return torch.bincount(torch.cat([b.flatten() for b in batches]), minlength=num_codes)


def _shares(counts: Tensor) -> Tensor:
    """Return the shares of the codes that occur."""
    return counts[counts > 0].double() / counts.sum().clamp(min=1)


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.log()).sum()


def _each(batches: list[Tensor], num_codes: int) -> list[Tensor]:
    """Return the entropy of each batch that holds any index."""
    full = [batch for batch in batches if len(batch.flatten())]
    return [_entropy(_shares(_counts([batch], num_codes))) for batch in full] or [torch.zeros(())]


@mistakes.when(
    "the perplexities of batches are averaged: a batch alone can't show more codes than it has "
    "indices, so count over all batches first."
)
def _mean_of_perplexities(batches, num_codes):
    return torch.stack(_each(batches, num_codes)).exp().mean()


@mistakes.when("the entropies of batches are averaged: count over all batches first.")
def _mean_of_entropies(batches, num_codes):
    return torch.stack(_each(batches, num_codes)).mean().exp()


@mistakes.when(
    "the shares of batches are averaged, as if all batches were of the same size: count over all "
    "batches, then divide by the number of all indices."
)
def _mean_of_shares(batches, num_codes):
    full = [_counts([batch], num_codes) for batch in batches if len(batch.flatten())]
    if not full:
        return 1.0
    p = torch.stack([counts / counts.sum() for counts in full]).mean(dim=0)
    return _entropy(p[p > 0]).exp()


@mistakes.when("only the last batch is counted: add up the counts of all batches.")
def _last_batch(batches, num_codes):
    return _entropy(_shares(_counts(batches[-1:], num_codes))).exp()


@mistakes.when(
    "counts[batch] += 1 counts each code once in a batch, however often it occurs: torch.bincount "
    "counts them all."
)
def _once_in_a_batch(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts[batch.flatten()] += 1
    return _entropy(_shares(counts)).exp()


@mistakes.when("a batch is counted without `flatten`: torch.bincount takes one dimension only.")
def _not_flattened(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts += torch.bincount(batch, minlength=num_codes)
    return _entropy(_shares(counts)).exp()


@mistakes.when(
    "each batch is counted without `minlength`: its counts end at its highest code, and those of "
    "batches don't fit together."
)
def _without_minlength(batches, num_codes):
    counts = torch.zeros(num_codes)
    for batch in batches:
        counts += torch.bincount(batch.flatten())
    return _entropy(_shares(counts)).exp()


@mistakes.when(
    "batches are stacked, for which all need the same shape: flatten each of them first."
)
def _stacked(batches, num_codes):
    return _entropy(_shares(_counts([torch.stack(batches)], num_codes))).exp()


@mistakes.when("the entropy is in bits, but exp undoes the natural logarithm: use log.")
def _log2_with_exp(batches, num_codes):
    p = _shares(_counts(batches, num_codes))
    return (-(p * p.log2()).sum()).exp()


@mistakes.when("the entropy is in nats, but 2 to its power undoes log2: use exp.")
def _log_with_exp2(batches, num_codes):
    return _entropy(_shares(_counts(batches, num_codes))).exp2()


@mistakes.when("codes that never occur stay in the sum: 0 times the logarithm of 0 is NaN.")
def _unused_stay(batches, num_codes):
    counts = _counts(batches, num_codes)
    return _entropy(counts / counts.sum()).exp()


@mistakes.when("the entropy itself is returned: the perplexity is exp of it.")
def _entropy_itself(batches, num_codes):
    return _entropy(_shares(_counts(batches, num_codes)))


@mistakes.when(
    "codes are counted that occur at all: the perplexity also asks how often each of them does."
)
def _used_codes(batches, num_codes):
    return (_counts(batches, num_codes) > 0).sum().clamp(min=1)


@mistakes.when("counts are taken for shares: divide them by their sum.")
def _counts_for_shares(batches, num_codes):
    counts = _counts(batches, num_codes)
    return _entropy(counts[counts > 0].double()).exp()


@mistakes.when("the counts are divided by num_codes: divide them by the number of all indices.")
def _divided_by_codes(batches, num_codes):
    counts = _counts(batches, num_codes)
    return _entropy(counts[counts > 0].double() / num_codes).exp()


@mistakes.when("the result is divided by num_codes: it is a number of codes, not a share of them.")
def _share_of_codebook(batches, num_codes):
    return _entropy(_shares(_counts(batches, num_codes))).exp() / num_codes


@mistakes.when(
    "the sign is lost: the logarithm of a share is negative, so the entropy has a minus."
)
def _sign_lost(batches, num_codes):
    return (-_entropy(_shares(_counts(batches, num_codes)))).exp()


EXERCISE = Exercise(
    name="perplexity",
    title="The perplexity of a data set",
    points=2,
    reference=perplexity,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="How many words are in use?",
)
