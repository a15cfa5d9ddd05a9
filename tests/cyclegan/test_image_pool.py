import copy
import io
import random

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from cvgen_course.cyclegan import ImagePool, query_pool


def numbered(*numbers, requires_grad=False):
    """Return images that are known by their numbers, (N, 1, 1, 2)."""
    images = torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 1, 1, 2)
    return images.clone().requires_grad_(requires_grad)


def numbers(images):
    return [int(image.flatten()[0]) for image in images]


def ages(capacity, steps, batch, query):
    """Return how many images ago each one was made that comes back, once the pool is full."""
    made, found = 0, []
    for _ in range(steps):
        back = query(list(range(made, made + batch)))
        if made >= 20 * max(capacity, 1):  # long after the start
            found += [made + i - number for i, number in enumerate(back)]
        made += batch
    return found


def simulated(capacity, chance):
    """Return the same pool, written for numbers with Python's own chance."""
    kept = []

    def query(new):
        back = []
        for number in new:
            if len(kept) < capacity:
                kept.append(number)
                back.append(number)
            elif capacity == 0 or chance.random() < 0.5:
                back.append(number)
            else:
                place = chance.randrange(capacity)
                back.append(kept[place])
                kept[place] = number
        return back

    return query


def test_query_pool_gives_back_what_comes_while_it_is_not_full():
    pool = []
    assert numbers(query_pool(pool, numbered(0, 1), 4)) == [0, 1]
    assert numbers(query_pool(pool, numbered(2), 4)) == [2]
    assert numbers(pool) == [0, 1, 2]


def test_query_pool_fills_up_in_the_middle_of_a_batch():
    """Entry by entry: the image that fills the pool may be drawn by the next of its batch."""
    seen = set()
    for seed in range(60):
        torch.manual_seed(seed)
        pool = []
        back = numbers(query_pool(pool, numbered(0, 1, 2), 1))
        assert back[0] == 0
        assert len(pool) == 1
        seen.add((*back, *numbers(pool)))
    # each of the two later images comes back itself, or the one that was kept until then
    assert seen == {(0, 1, 2, 0), (0, 1, 0, 2), (0, 0, 2, 1), (0, 0, 1, 2)}


def test_query_pool_swaps_and_loses_nothing():
    """Once the pool is full: what comes back and what stays is what was there and what came."""
    torch.manual_seed(0)
    pool = list(numbered(*range(5)))
    for start in range(5, 200, 3):
        new = numbered(start, start + 1, start + 2)
        before = numbers(pool)
        back = numbers(query_pool(pool, new, 5))
        # an image that came back at once was never kept
        left = sorted(before + numbers(new))
        assert sorted(back + numbers(pool)) == left
        assert len(pool) == 5


def test_query_pool_gives_back_half_old_ones_once_it_is_full():
    torch.manual_seed(0)
    pool = list(numbered(*[-1] * 50))
    back = numbers(torch.cat([query_pool(pool, numbered(*[1] * 10), 5000) for _ in range(20)]))
    assert back == [1] * 200  # not full: all are new
    pool, old = list(numbered(*[-1] * 5000)), 0
    for _ in range(40):
        old += numbers(query_pool(pool, numbered(*[1] * 25), 5000)).count(-1)
    assert old / 1000 == pytest.approx(0.5 * (1 - 0.05), abs=0.05)


def test_query_pool_draws_each_place_alike():
    torch.manual_seed(0)
    counts = dict.fromkeys(range(4), 0)
    for _ in range(2000):
        pool = list(numbered(*range(4)))
        (back,) = numbers(query_pool(pool, numbered(9), 4))
        if back != 9:
            counts[back] += 1
            assert numbers(pool)[back] == 9
    assert sum(counts.values()) == pytest.approx(1000, abs=90)
    assert all(count == pytest.approx(250, abs=65) for count in counts.values())


@pytest.mark.parametrize("capacity", [1, 4, 20])
@pytest.mark.parametrize("batch", [1, 3])
def test_query_pool_ages_are_those_of_an_independent_simulation(capacity, batch):
    torch.manual_seed(0)
    pool = []
    steps = 3000 // batch + 20 * capacity
    ours = ages(
        *(capacity, steps, batch),
        lambda new: numbers(query_pool(pool, numbered(*new), capacity)),
    )
    theirs = ages(capacity, 10 * steps, batch, simulated(capacity, random.Random(0)))
    assert min(ours) == 0
    for quantity in (
        lambda found: sum(age == 0 for age in found) / len(found),
        lambda found: sum(age <= capacity for age in found) / len(found),
        lambda found: sum(age <= 3 * capacity for age in found) / len(found),
    ):
        assert quantity(ours) == pytest.approx(quantity(theirs), abs=0.04)
    # half are new; an old one has waited for 2 · capacity images, of which every other is kept
    mean = sum(ours) / len(ours)
    assert mean == pytest.approx(capacity, rel=0.15)


def test_query_pool_without_capacity_gives_all_back():
    pool, images = [], numbered(*range(20), requires_grad=True)
    back = query_pool(pool, images, 0)
    assert torch.equal(back, images)
    assert not back.requires_grad
    assert pool == []


def test_query_pool_returns_and_keeps_no_graph_and_no_memory_of_its_images():
    torch.manual_seed(0)
    pool, leaf = [], numbered(*range(8), requires_grad=True)
    images = leaf * 1
    back = query_pool(pool, images, 4)
    assert not back.requires_grad
    assert not any(image.requires_grad for image in pool)
    kept, returned = numbers(pool), numbers(back)
    with torch.no_grad():
        images.fill_(99)
        leaf.fill_(99)
    assert numbers(pool) == kept
    assert numbers(back) == returned
    back.fill_(-5)  # nor does what comes back share any with what is kept
    assert numbers(pool) == kept


@pytest.mark.parametrize("capacity", [0, 3])
def test_query_pool_of_no_images_is_empty(capacity):
    pool = list(numbered(7))[:capacity]
    back = query_pool(pool, torch.zeros(0, 1, 1, 2), capacity)
    assert back.shape == (0, 1, 1, 2)
    assert len(pool) == min(1, capacity)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_query_pool_keeps_the_dtype(dtype):
    pool = []
    assert query_pool(pool, torch.ones(3, 1, 2, 2, dtype=dtype), 2).dtype == dtype
    assert pool[0].dtype == dtype


def test_query_pool_follows_from_torchs_seed():
    def run():
        torch.manual_seed(3)
        pool = []
        return [numbers(query_pool(pool, numbered(i, i + 1), 3)) for i in range(30)]

    assert run() == run()


@pytest.mark.parametrize(
    ("pool", "images", "capacity", "error", "message"),
    [
        ([], torch.zeros(1, 3, 4), 5, ValueError, r"images: expected .*\(N, C, H, W\), got shape"),
        ([], torch.zeros(1, 3, 4, 4).int(), 5, TypeError, "images: expected a floating-point"),
        ([], torch.zeros(1, 3, 4, 4), -1, ValueError, "capacity: expected 0 or more, got -1"),
        (
            *([torch.zeros(3, 8, 8)], torch.zeros(2, 3, 4, 4), 5, ValueError),
            r"images: expected shape \(N, 3, 8, 8\), as in the pool, got \(2, 3, 4, 4\)",
        ),
    ],
)
def test_query_pool_says_what_does_not_fit(pool, images, capacity, error, message):
    with pytest.raises(error, match=message):
        query_pool(pool, images, capacity)


def filled(capacity=3):
    torch.manual_seed(0)
    pool = ImagePool(capacity)
    pool.query(numbered(1, 2, 3, 4))
    return pool


def through_torch(state):
    file = io.BytesIO()
    torch.save(state, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


THERE_AND_BACK = {
    "as it is": lambda state: state,
    "torch.save": through_torch,
    "safetensors": lambda state: load(save(state)),
}


@pytest.mark.parametrize("way", THERE_AND_BACK)
@pytest.mark.parametrize("make", [filled, lambda: ImagePool(3)], ids=["filled", "empty"])
def test_image_pool_is_part_of_the_state(way, make):
    game, other = nn.ModuleDict({"a": make(), "b": ImagePool(3)}), nn.ModuleDict()
    other["a"], other["b"] = ImagePool(3), filled()
    other.load_state_dict(THERE_AND_BACK[way](game.state_dict()))
    kept = numbers(game["a"].images)
    assert numbers(other["a"].images) == kept
    assert other["b"].images == []
    for pool in (game["a"], other["a"]):
        torch.manual_seed(1)
        pool.query(numbered(5, 6, 7))
    assert numbers(other["a"].images) == numbers(game["a"].images)


def test_image_pool_state_shares_no_memory():
    pool, other = filled(), ImagePool(3)
    state = pool.state_dict()
    other.load_state_dict(state)
    kept = numbers(pool.images)
    next(iter(state.values())).fill_(-1)
    assert numbers(pool.images) == numbers(other.images) == kept
    twin = copy.deepcopy(pool)
    twin.images[0].fill_(-2)
    assert numbers(pool.images) == kept


def test_image_pool_takes_in_images_of_another_dtype():
    """As of another device: the images of a file go where the new ones are."""
    torch.manual_seed(0)
    pool = ImagePool(2)
    pool.set_extra_state(numbered(1, 2).double())
    assert pool.query(numbered(3, 4, 5)).dtype == torch.float32
    assert {image.dtype for image in pool.images} == {torch.float32}


def test_image_pool_has_no_parameters_and_holds_fifty():
    pool = ImagePool()
    assert pool.capacity == 50
    assert list(pool.parameters()) == []
    torch.manual_seed(0)
    for _ in range(30):
        pool.query(numbered(1, 2, 3))
    assert len(pool.images) == 50
