import pytest
import torch

from cvgen_course.evaluation.exercises.stream import SPARE, LargestTensor, Stream

NUM = 10


def batches(dtype=torch.float64):
    return [torch.full((4, 2), float(i), dtype=dtype) for i in range(NUM)]


def test_stream_hands_out_copies_of_all_batches_once():
    given = batches()
    stream = Stream(given)
    for i, batch in enumerate(stream):
        assert torch.equal(batch, given[i])
        batch.zero_()
    assert i == NUM - 1
    assert list(stream) == []
    assert given[1].tolist() == [[1.0, 1.0]] * 4


def test_stream_can_be_begun_by_hand():
    stream = iter(Stream(batches()))
    assert next(stream).sum() == 0
    assert len(list(stream)) == NUM - 1


def test_stream_sees_what_a_loop_holds_on_to():
    stream = Stream(batches())
    for batch in stream:
        _ = batch.double().sum(dim=0)
    assert stream.num_kept == 1


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


@pytest.mark.parametrize("honest", [before_and_now, previous_and_present, in_circles])
def test_stream_is_generous(honest):
    stream = Stream(batches())
    honest(stream)
    assert stream.num_kept <= SPARE


@pytest.mark.parametrize(
    "keep",
    [
        list,
        lambda stream: [batch.double() for batch in stream],
        lambda stream: [batch.numpy() for batch in stream],
        lambda stream: [batch[0] for batch in stream],
        lambda stream: [list(batch) for batch in stream],
        lambda stream: torch.cat(tuple(stream)),
    ],
)
def test_stream_notices_who_keeps_the_batches_memory(keep):
    stream = Stream(batches())
    keep(stream)
    assert stream.num_kept == NUM


def grown(stream):
    everything = torch.zeros(0, 2)
    for batch in stream:
        everything = torch.cat([everything, batch])
    return everything


@pytest.mark.parametrize(
    "keep",
    [
        grown,
        lambda stream: torch.cat([batch.clone() for batch in stream]),
        lambda stream: torch.stack([batch + 1 for batch in stream]),
        lambda stream: torch.tensor([row for batch in stream for row in batch.tolist()]),
    ],
)
def test_largest_tensor_notices_copies_that_are_put_together(keep):
    stream = Stream(batches())
    with LargestTensor() as largest:
        keep(stream)
    assert largest.numel == NUM * 4 * 2


def test_largest_tensor_looks_at_all_that_an_operation_makes():
    x = torch.arange(12.0).view(3, 4)
    with LargestTensor() as largest:
        x[:1].max(dim=1)
        assert largest.numel == 4  # the row itself
        torch.linalg.svd(x, full_matrices=True)
    assert largest.numel == 16  # of the three factors, the last
