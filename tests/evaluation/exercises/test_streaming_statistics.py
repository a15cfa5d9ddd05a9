import functools
import itertools

import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import evaluation
from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["streaming_statistics"]


def moments_of(batch):
    batch = batch.double()
    mean = batch.sum(dim=0) / max(1, len(batch))
    return len(batch), mean, (batch - mean).T @ (batch - mean)


def divided(moments):
    num, mean, scatter = moments
    return mean, scatter / (num - 1)


def as_in_the_lecture(batches):
    return divided(functools.reduce(evaluation.merge_moments, map(moments_of, batches)))


def sums_in_float64(batches):
    """Of numbers a million deviations from 0, four of sixteen digits are left, or fewer."""
    num, total, squares = 0, 0.0, 0.0
    for batch in batches:
        batch = batch.to(torch.float64)
        num += batch.shape[0]
        total = total + batch.sum(dim=0)
        squares = squares + torch.einsum("ni,nj->ij", batch, batch)
    mean = total / num
    return mean, (squares - num * torch.outer(mean, mean)) / (num - 1)


def mean_of_squares_less_square_of_the_mean(batches):
    num, mean, square = 0, 0.0, 0.0
    for batch in batches:
        for row in batch.double():
            num += 1
            mean = mean + (row - mean) / num
            square = square + (torch.outer(row, row) - square) / num
    return mean, (square - torch.outer(mean, mean)) * num / (num - 1)


def shifted_by_the_first_feature(batches):
    num = 0
    for batch in batches:
        if num == 0 and len(batch):
            shift = batch[0].double()
            total, squares = torch.zeros_like(shift), torch.zeros_like(torch.outer(shift, shift))
        if len(batch):
            near = batch.double() - shift
            num += len(near)
            total += near.sum(0)
            squares += near.T @ near
    return shift + total / num, (squares - torch.outer(total, total) / num) / (num - 1)


def welford(batches):
    num = 0
    for batch in batches:
        for x in batch.double():
            num += 1
            if num == 1:
                mean, scatter = x, x.new_zeros(len(x), len(x))
            step = x - mean
            mean = mean + step / num
            scatter += torch.outer(step, x - mean)
    return mean, scatter / (num - 1)


def numpy_inside(batches):
    num, mean, scatter = 0, 0.0, 0.0
    for batch in batches:
        x = batch.numpy().astype(np.float64)
        if not len(x):
            continue
        new = x.mean(axis=0)
        scatter = scatter + len(x) * np.cov(x.T, bias=True).reshape(2 * new.shape)
        scatter = scatter + np.outer(new - mean, new - mean) * num * len(x) / (num + len(x))
        mean = mean + (new - mean) * len(x) / (num + len(x))
        num += len(x)
    return torch.from_numpy(mean), torch.from_numpy(scatter / (num - 1))


def covariances_of_torch(batches):
    total = None
    for batch in batches:
        if len(batch):
            cov = torch.cov(batch.double().T, correction=0).view(2 * batch.shape[1:])
            new = len(batch), batch.double().mean(dim=0), len(batch) * cov
            total = new if total is None else evaluation.merge_moments(total, new)
    return divided(total)


def moments_are_kept(batches):
    """Small things, one for each batch, are put together at the end."""
    nums, means, scatters = zip(*map(moments_of, batches), strict=True)
    nums, means = torch.tensor(nums, dtype=torch.float64), torch.stack(means)
    mean = nums @ means / nums.sum()
    apart = means - mean
    between = (nums[:, None] * apart).T @ apart
    return mean, (torch.stack(scatters).sum(dim=0) + between) / (nums.sum() - 1)


def one_batch_behind(batches):
    """The batch before is dealt with when the next one has come."""
    total, before = None, None
    for batch in itertools.chain(batches, [None]):
        if before is not None:
            new = moments_of(before)
            total = new if total is None else evaluation.merge_moments(total, new)
        before = batch
    return list(divided(total))


def first_by_hand(batches):
    batches = iter(batches)
    total = moments_of(next(batches))
    while (batch := next(batches, None)) is not None:
        total = evaluation.merge_moments(total, moments_of(batch))
    return divided(total)


def long_doubles(batches):
    """Three digits more than float64 has, where the machine has them."""
    num, total, squares = 0, np.longdouble(0), np.longdouble(0)
    for batch in batches:
        x = batch.numpy().astype(np.longdouble)
        num, total, squares = num + len(x), total + x.sum(axis=0), squares + x.T @ x
    mean = total / num
    covariance = (squares - num * np.multiply.outer(mean, mean)) / (num - 1)
    return tuple(torch.from_numpy(x.astype(np.float64)) for x in (mean, covariance))


def all_at_once(features):
    return features.double().mean(dim=0), torch.cov(features.double().T).view(
        2 * features.shape[1:]
    )


def varied(batch=lambda batch: batch, result=lambda mean, covariance: (mean, covariance)):
    """Return a right answer, but for what it makes of each batch, or of the result."""

    def answer(batches):
        return result(*as_in_the_lecture(map(batch, batches)))

    return answer


def list_of_copies(batches):
    return all_at_once(torch.cat([batch.double().clone() for batch in batches]))


def tensor_that_grows(batches):
    everything = None
    for batch in batches:
        everything = batch if everything is None else torch.cat([everything, batch])
    return all_at_once(everything)


def arrays(batches):
    return all_at_once(torch.from_numpy(np.concatenate([batch.numpy() for batch in batches])))


def rows(batches):
    return all_at_once(torch.stack([row for batch in batches for row in batch]))


def rows_in_lists(batches):
    return all_at_once(
        torch.tensor([row for batch in batches for row in batch.tolist()], dtype=torch.float64)
    )


def tee(batches):
    first, second = itertools.tee(batches)
    num, total = 0, 0.0
    for batch in first:
        num, total = num + len(batch), total + batch.double().sum(dim=0)
    mean = total / num
    return mean, sum((b.double() - mean).T @ (b.double() - mean) for b in second) / (num - 1)


def last_ten_are_kept(batches):
    kept, total = [], None
    for batch in batches:
        kept = [*kept[-9:], batch]
        new = moments_of(batch)
        total = new if total is None else evaluation.merge_moments(total, new)
    return divided(total)


def sums_in_float32(batches):
    num, total, squares = 0, 0.0, 0.0
    for batch in batches:
        num, total = num + len(batch), total + batch.float().sum(dim=0)
        squares = squares + batch.float().T @ batch.float()
    mean = (total / num).double()
    return mean, (squares.double() - num * torch.outer(mean, mean)) / (num - 1)


def means_in_float32(batches):
    """Only the batch's own mean is float32."""
    total = None
    for batch in batches:
        mean = (batch.float().sum(dim=0) / max(1, len(batch))).double()
        batch = batch.double()
        new = len(batch), mean, (batch - mean).T @ (batch - mean)
        total = new if total is None else evaluation.merge_moments(total, new)
    return divided(total)


def shifted_in_float32(batches):
    """The sums are of small numbers, but float32 ones: six digits, wherever the mean is."""
    num = 0
    for batch in batches:
        if num == 0 and len(batch):
            shift, total, squares = batch[0], 0.0, 0.0
        if len(batch):
            near = batch - shift
            num, total, squares = num + len(near), total + near.sum(0), squares + near.T @ near
    mean = total.double() / num
    covariance = (squares.double() - num * torch.outer(mean, mean)) / (num - 1)
    return shift.double() + mean, covariance


def sums_shifted_by_1000(batches):
    mean, covariance = sums_in_float64(batch.double() - 1000 for batch in batches)
    return mean + 1000, covariance


def centred_in_place(batches):
    """Where a batch is float64, batch.double() is the batch itself."""

    def moments(batch):
        x = batch.double()
        mean = x.sum(dim=0) / max(1, len(x))
        x -= mean
        return len(x), mean, x.T @ x

    return divided(functools.reduce(evaluation.merge_moments, map(moments, batches)))


def erased_afterwards(batches):
    def moments(batch):
        found = moments_of(batch)
        batch.zero_()
        return found

    return divided(functools.reduce(evaluation.merge_moments, map(moments, batches)))


def first_may_not_be_empty(batches):
    first = next(batches)
    x = first.double()
    total = len(x), x.mean(dim=0), (x - x.mean(dim=0)).T @ (x - x.mean(dim=0))
    return divided(functools.reduce(evaluation.merge_moments, map(moments_of, batches), total))


def ends_at_an_empty_batch(batches):
    return as_in_the_lecture(itertools.takewhile(len, batches))


def leaves_single_features_out(batches):
    batches = (batch for batch in batches if len(batch) > 1)
    total = functools.reduce(evaluation.merge_moments, map(moments_of, batches))
    return divided(total)


def first_batch_twice(batches):
    batches = iter(batches)
    first = next(batches)
    return as_in_the_lecture(itertools.chain([first.clone(), first], batches))


def first_batch_lost(batches):
    return as_in_the_lecture(itertools.islice(batches, 1, None))


def covariances_weighted(batches):
    """Mixed as if all means were the same."""
    num, mean, covariance = 0, 0.0, 0.0
    for batch in batches:
        if len(batch) > 1:
            m, c = all_at_once(batch)
            mean, covariance = mean + len(batch) * m, covariance + len(batch) * c
            num += len(batch)
    return mean / num, covariance / num


RIGHT = [
    *(as_in_the_lecture, welford),
    *(shifted_by_the_first_feature, numpy_inside, covariances_of_torch, moments_are_kept),
    *(one_batch_behind, first_by_hand),
    *([long_doubles] if np.finfo(np.longdouble).eps < 1e-18 else []),
    varied(batch=lambda batch: batch.double() if len(batch) else batch.flip(0)),
]
WRONG = {
    "correlation": varied(result=lambda mean, cov: (mean, torch.corrcoef(cov))),
    "deviations": varied(result=lambda mean, cov: (mean, cov.diagonal().sqrt())),
    "another order": varied(result=lambda mean, cov: (cov, mean)),
    "three things": varied(result=lambda mean, cov: (mean, cov, 1)),
    "the covariance alone": varied(result=lambda mean, cov: cov),
    "no shape for one dimension": varied(result=lambda mean, cov: (mean.squeeze(), cov.squeeze())),
    "a row": varied(result=lambda mean, cov: (mean[None], cov)),
    "arrays": varied(result=lambda mean, cov: (mean.numpy(), cov.numpy())),
    "rounded at the end": varied(result=lambda mean, cov: (mean.float(), cov.float())),
    "the covariance is float32": varied(result=lambda mean, cov: (mean, cov.float())),
    "rounded at the beginning": varied(batch=torch.Tensor.float),
    "half precision": varied(batch=torch.Tensor.bfloat16),
    "each batch is centred": varied(batch=lambda batch: batch - batch.mean(dim=0)),
    "first feature of each batch": varied(batch=lambda batch: batch[:1]),
    **{
        answer.__name__: answer
        for answer in (
            *(list_of_copies, tensor_that_grows, arrays, rows, rows_in_lists, tee),
            *(last_ten_are_kept, sums_in_float32, means_in_float32, shifted_in_float32),
            *(sums_in_float64, mean_of_squares_less_square_of_the_mean, sums_shifted_by_1000),
            *(centred_in_place, erased_afterwards, first_may_not_be_empty),
            *(ends_at_an_empty_batch, leaves_single_features_out, first_batch_twice),
            *(first_batch_lost, covariances_weighted),
        )
    },
}
EQUIVALENT = {
    "_add: max(1, num) -> max(num, 1)": "the larger of both, in any order",
    "_add: max(1, len(features)) -> max(len(features), 1)": "the larger of both, in any order",
    "_add: [features - mean, (total.num * share) ** 0.5 * apart[None]]"
    " -> [(total.num * share) ** 0.5 * apart[None], features - mean]": "rows are summed",
    "_add: features - mean -> mean - features": "it is multiplied by itself",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_streaming_statistics_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(3))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_streaming_statistics_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize(
    "answer", [sums_in_float64, sums_shifted_by_1000, first_may_not_be_empty, centred_in_place]
)
def test_streaming_statistics_grave_mistake_loses_an_eighth(answer):
    assert_points_lost(EXERCISE, answer, at_least=1 / 8)


def test_streaming_statistics_says_that_batches_were_changed():
    report = graded(EXERCISE, erased_afterwards)
    assert "changed its input `batches` in place" in report.rows[0].message


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (lambda mean, covariance: (mean.float(), covariance.float()), "mean"),
        (lambda mean, covariance: (mean, covariance.float()), "covariance"),
    ],
)
def test_streaming_statistics_says_what_is_float32(result, name):
    report = graded(EXERCISE, varied(result=result))
    messages = {row.message for row in report.rows}
    assert messages == {f"The {name} is float32, it should be float64."}
    assert "computed in" not in report.diagnosis


def test_streaming_statistics_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_moments", "_add"))


@pytest.mark.parametrize(
    "answer",
    [
        lambda batches: evaluation.feature_statistics(torch.cat(list(batches))),
        lambda batches: (
            functools.reduce(evaluation.merge_moments, map(evaluation.moments, batches)).statistics
        ),
    ],
)
def test_streaming_statistics_by_the_librarys_moments_is_forbidden(answer):
    report = graded(EXERCISE, answer)
    assert report.points == 0
    assert "the exercise is to do it without" in report.rows[0].message
