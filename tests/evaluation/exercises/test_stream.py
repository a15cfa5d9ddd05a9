import gc
import tracemalloc
from collections import deque

import numpy as np
import pytest
import torch

from cvgen_course.evaluation.exercises.stream import FEW, SPARE, Stream

NUM = 25


def batches(dtype=torch.float64):
    return [torch.full((40, 4), float(i), dtype=dtype) for i in range(NUM)]


def kept(answer):
    """Return how many batches an answer keeps, and which share of their memory it needs."""
    with Stream(batches()) as stream:
        answer(stream)
    return stream.num_kept, stream.share_kept


def test_stream_hands_out_copies_of_all_batches_once():
    given = batches()
    with Stream(given) as stream:
        for i, batch in enumerate(stream):
            assert torch.equal(batch, given[i])
            batch.zero_()
        assert i == NUM - 1
        assert list(stream) == []
    assert given[1].tolist() == [[1.0] * 4] * 40


def test_stream_can_be_begun_by_hand():
    with Stream(batches()) as stream:
        assert next(iter(stream)).sum() == 0
        assert len(list(stream)) == NUM - 1


def test_stream_leaves_a_trace_that_runs_alone():
    tracemalloc.start()
    try:
        _elsewhere = np.zeros(10**5)
        assert kept(in_a_loop)[1] < FEW < kept(list)[1]
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    kept(list)
    assert not tracemalloc.is_tracing()


def in_a_loop(stream):
    for batch in stream:
        _ = batch.double().sum(dim=0)


def before_and_now(stream):
    before = None
    for batch in stream:
        before = batch if before is None else before + batch - batch
    return before


def previous_and_present(stream):
    previous = None
    for batch in stream:
        _, previous = previous, batch


def in_circles(stream):
    """A circle is left behind for each batch."""
    for batch in stream:
        circle = [batch]
        circle.append(circle)


def moments_of_each(stream):
    """What is kept of each batch is small."""
    return [(len(x), x.sum(dim=0), x.mean(dim=0), x.T @ x, torch.cov(x.T)) for x in stream]


def moments_of_each_in_numpy(stream):
    return [(len(x), x.mean(axis=0), np.cov(x.T)) for x in (batch.numpy() for batch in stream)]


def moments_of_each_in_lists(stream):
    return [(len(x), x.mean(dim=0).tolist(), (x.T @ x).tolist()) for x in stream]


def one_by_one(stream):
    total = torch.zeros(4, dtype=torch.float64)
    for batch in stream:
        for x in batch:
            total = total + x


@pytest.mark.parametrize(
    "honest",
    [
        in_a_loop,
        before_and_now,
        previous_and_present,
        in_circles,
        moments_of_each,
        moments_of_each_in_numpy,
        moments_of_each_in_lists,
        one_by_one,
    ],
)
def test_stream_is_generous(honest):
    gc.disable()
    try:
        num, share = kept(honest)
    finally:
        gc.enable()
    assert num <= SPARE
    assert share < 0.7 * FEW


def grown(stream):
    everything = torch.zeros(0, 4)
    for batch in stream:
        everything = torch.cat([everything, batch])
    return everything


def written_into_one(stream):
    everything = torch.empty(NUM * 40, 4)
    for i, batch in enumerate(stream):
        everything[40 * i : 40 * (i + 1)] = batch


@pytest.mark.parametrize(
    "keep",
    [
        list,
        grown,
        written_into_one,
        lambda stream: [batch.double() for batch in stream],
        lambda stream: [batch.numpy() for batch in stream],
        lambda stream: [list(batch) for batch in stream],
        lambda stream: torch.cat(tuple(stream)),
        lambda stream: [batch.clone() for batch in stream],
        lambda stream: [batch + 1 for batch in stream],
        lambda stream: [batch.numpy().copy() for batch in stream],
        lambda stream: np.concatenate([batch.numpy() for batch in stream]),
        lambda stream: torch.stack([batch + 1 for batch in stream]),
        lambda stream: torch.tensor([row for batch in stream for row in batch.tolist()]),
    ],
)
def test_stream_notices_who_keeps_batches_or_copies(keep):
    assert kept(keep)[1] > 1.4 * FEW


@pytest.mark.parametrize(
    "keep",
    [
        lambda stream: [batch[0] for batch in stream],
        lambda stream: [batch.numpy()[:1] for batch in stream],
        lambda stream: deque(stream, maxlen=10),
    ],
)
def test_stream_counts_batches_of_which_a_part_is_kept(keep):
    assert kept(keep)[0] >= 10
