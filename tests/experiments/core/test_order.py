import pickle
from itertools import chain

import pytest
import torch
from support.tiny_experiment import Coloured, draw
from torch.utils.data import DataLoader

from cvgen_course.experiments.core.order import Drawn, Order


def flat(order):
    return [place for batch in order for place in batch]


def test_order_shows_every_image_once_before_any_comes_again():
    places = flat(Order(7, batch_size=3, first=0, last=14, seed=0))
    indices = [index for index, _ in places]
    assert [position for _, position in places] == list(range(42))
    for start in range(0, 42, 7):
        assert sorted(indices[start : start + 7]) == list(range(7))
    assert indices[:7] != indices[7:14]


def test_order_follows_from_the_seed():
    orders = [flat(Order(20, 4, 0, 5, seed)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]


def test_order_goes_on_where_it_was_left():
    whole = list(Order(7, 4, 0, 9, seed=3))
    assert list(Order(7, 4, 5, 9, seed=3)) == whole[5:]
    assert list(Order(7, 4, 9, 9, seed=3)) == []


@pytest.mark.parametrize("num_devices", [2, 3])
def test_order_of_several_devices_together_is_that_of_one(num_devices):
    parts = [Order(7, 6, 2, 8, 0, device, num_devices) for device in range(num_devices)]
    joined = [[*a] for a in map(chain.from_iterable, zip(*parts, strict=True))]
    assert joined == list(Order(7, 6, 2, 8, seed=0))
    assert {len(batch) for part in parts for batch in part} == {6 // num_devices}


def test_order_takes_a_batch_larger_than_the_set():
    (batch,) = Order(3, 8, 0, 1, seed=0)
    assert sorted(index for index, _ in batch[:3]) == [0, 1, 2]
    assert len(batch) == 8


def test_order_has_as_many_batches_as_steps():
    assert len(Order(7, 4, 3, 9, seed=0)) == 6


def test_drawn_follows_from_seed_and_position_alone():
    first, again = (Drawn(Coloured(7, 1), draw, seed=0) for _ in range(2))
    torch.randn(3)
    assert torch.equal(first[2, 30].image, again[2, 30].image)
    assert not torch.equal(first[2, 30].image, first[2, 37].image)  # the next time round
    assert not torch.equal(first[2, 30].image, Drawn(Coloured(7, 1), draw, seed=1)[2, 30].image)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_drawn_gives_a_loader_the_same_whoever_works(num_workers):
    drawn = pickle.loads(pickle.dumps(Drawn(Coloured(7, 1), draw, seed=0)))
    order = Order(7, 2, 1, 4, seed=0)
    loader = DataLoader(drawn, batch_sampler=order, collate_fn=list, num_workers=num_workers)
    for batch, places in zip(loader, order, strict=True):
        for item, place in zip(batch, places, strict=True):
            assert torch.equal(item.image, drawn[place].image)
