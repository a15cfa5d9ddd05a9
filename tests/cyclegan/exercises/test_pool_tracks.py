import math
import random

import pytest
import scipy.stats
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.cyclegan import query_pool
from cvgen_course.cyclegan.exercises import EXERCISES
from cvgen_course.cyclegan.exercises.pool_tracks import (
    AS_IT_SHOULD_BE,
    EACH,
    EARLY,
    FAIR,
    SURE,
    Tracks,
    checked,
    numbers_of,
    stacked,
    ties,
)

CALLS, SIZE, CAPACITY = 875, 4, 5
LEAVES = "the image that leaves the pool"


def image(*numbers):
    return torch.tensor(numbers, dtype=torch.float32).view(-1, 1, 1, 1)


def followed(draw, coin=None, place=None, calls=CALLS):
    """Return the tracks of a right pool, with coins and places as they are given.

    Args:
        draw: a generator of random numbers.
        coin: takes the number of the call and the place in the batch; is an old image returned?
        place: takes the capacity.
        calls: how many batches.
    """
    coin = coin or (lambda call, i: draw.random() < 0.5)
    place = place or draw.randrange
    pool = list(range(1, CAPACITY + 1))
    tracks, number = Tracks(CAPACITY, list(pool)), CAPACITY
    for call in range(calls):
        new, back = [], []
        for i in range(SIZE):
            number += 1
            new.append(number)
            if coin(call, i):
                k = place(CAPACITY)
                pool[k], came = number, pool[k]
                back.append(came)
            else:
                back.append(number)
        tracks.follow(new, back, list(pool))
    return tracks


def test_the_check_asks_what_is_computed_here():
    *_, case = EXERCISES["query_pool"].cases(torch.Generator().manual_seed(0))
    assert case.inputs["batches"].shape[:3] == (1, CALLS, SIZE)
    assert case.inputs["capacity"] == CAPACITY == case.inputs["pools"].shape[1]


def rarest(n, p):
    """Return the smallest number of events, and the largest, that pass for a coincidence."""
    from cvgen_course.cyclegan.exercises import pool_tracks

    passes = [num for num in range(n + 1) if not pool_tracks._is_no_coincidence(num, n, p)]
    return passes[0], passes[-1]


def alarm(n, p):
    """Return how likely it is that n events of probability p are taken for no coincidence."""
    low, high = rarest(n, p)
    events = scipy.stats.binom(n, p)
    return events.cdf(low - 1) + events.sf(high)


def test_a_right_answer_fails_less_than_once_in_1e9_times():
    total = 0.0
    for calls in (EARLY, CALLS):
        n = calls * SIZE
        total += alarm(n, 0.5) + SIZE * alarm(calls, 0.5)
        total += alarm(calls * (SIZE - 1), 0.5) + alarm((calls - 1) * SIZE, 0.5)
        # whatever the coins: of fewer draws, or more, shares are as rarely off
        total += 2 * CAPACITY * max(alarm(m, 1 / CAPACITY) for m in (n // 3, n // 2, 2 * n // 3))
    assert 2 * total < 1e-9  # each check asks twice
    assert 2 * 2 * 34 * math.exp(-SURE) < 1e-9  # what Chernoff's inequality promises


def test_a_coin_of_two_fifths_is_noticed():
    n = CALLS * SIZE
    low, high = rarest(n, 0.5)
    assert 0.437 < low / n < high / n < 0.563
    assert scipy.stats.binom(n, 0.6).cdf(high) < 1e-5
    assert scipy.stats.binom(n, 0.4).sf(low - 1) < 1e-5


def test_shares_of_places_are_noticed_where_they_are_off_by_a_third():
    low, high = rarest(1750, 1 / CAPACITY)
    assert 0.13 < low / 1750 < high / 1750 < 0.28


@pytest.mark.parametrize("seed", range(20))
def test_tracks_of_a_right_pool_are_as_they_should_be(seed):
    tracks = followed(random.Random(seed))
    assert tracks.chances() == AS_IT_SHOULD_BE
    assert not tracks.amiss
    early = followed(random.Random(seed), calls=EARLY)
    assert not early.is_over()


def test_tracks_of_the_reference_are_as_they_should_be():
    torch.manual_seed(1)
    pool, tracks = [image(n)[0] for n in range(1, 6)], Tracks(CAPACITY, [1, 2, 3, 4, 5])
    for call in range(CALLS):
        new = [6 + SIZE * call + i for i in range(SIZE)]
        back = query_pool(pool, image(*new), CAPACITY)
        tracks.follow(new, numbers_of(back), numbers_of(torch.stack(pool)))
    assert tracks.chances() == AS_IT_SHOULD_BE


DRAW = random.Random(1)
COINS = {
    "always let a new image come back": lambda call, i: False,
    "never let a new image come back": lambda call, i: True,
    "fall the same in every call": lambda call, i: i > 1,
    "fall the same for all images of a batch": lambda call, i: random.Random(call).random() < 0.5,
    "let a new image come back too often": lambda call, i: DRAW.random() < 0.4,
    "let a new image come back too seldom": lambda call, i: DRAW.random() < 0.6,
}


@pytest.mark.parametrize(("words", "coin"), COINS.items(), ids=list(COINS))
def test_chances_tell_what_is_wrong_with_coins(words, coin):
    found = followed(random.Random(2), coin)
    assert found.chances()["the coins"] == [words]
    assert found.chances()[LEAVES] != [EACH]


DEPENDENT = {
    "by turns": lambda call, i: (call * SIZE + i + call // 2) % 2,
    "the first image always stays": lambda call, i: i == 0 or DRAW.random() < 1 / 3,
    "the coins of two calls": lambda call, i: random.Random(call // 2 * SIZE + i).random() < 0.5,
    "two coins for four images": lambda call, i: random.Random(2 * call + i // 2).random() < 0.5,
}


@pytest.mark.parametrize("coin", DEPENDENT.values(), ids=list(DEPENDENT))
def test_coins_that_follow_from_one_another_are_noticed(coin):
    (words,) = followed(random.Random(2), coin).chances()["the coins"]
    assert words == "follow from one another, or from the place in the batch"


PLACES = {
    "is never the one in place 4": lambda K: DRAW.randrange(K - 1),
    "is never the one in place 0": lambda K: DRAW.randrange(1, K),
    "is always the newest": lambda K: K - 1,
    "is not each as often": lambda K: min(DRAW.randrange(K), DRAW.randrange(K)),
}


@pytest.mark.parametrize(("words", "place"), PLACES.items(), ids=list(PLACES))
def test_chances_tell_what_is_wrong_with_places(words, place):
    found = followed(random.Random(2), place=place).chances()
    assert found == {"the coins": [FAIR], LEAVES: [words]}


def test_a_queue_is_noticed_whose_places_come_round():
    turn = iter(range(10**6))
    found = followed(random.Random(2), place=lambda K: next(turn) % K).chances()
    assert found[LEAVES] == ["is always the oldest"]


BROKEN = {
    "another one comes back": ([], [7], [8], [7]),
    "not kept": ([], [7], [7], []),
    "unknown": ([1, 2], [7], [9], [1, 2]),
    "new one kept": ([1, 2], [7], [7], [7, 2]),
    "old one lost": ([1, 2], [7], [7], [2]),
    "old one stays": ([1, 2], [7], [2], [1, 2]),
    "new one lost": ([1, 2], [7], [2], [1]),
    "gained": ([1, 2], [7], [7], [1, 2, 9]),
    "one too many": ([1, 2], [7], [7], [1, 2, 7]),
    "too many": ([1, 2], [7, 8], [7, 8], [1, 2, 7, 8]),
}


@pytest.mark.parametrize(("flaw", "step"), BROKEN.items(), ids=list(BROKEN))
def test_tracks_note_what_is_amiss(flaw, step):
    before, *batch = step
    tracks = Tracks(2, before)
    assert [words for (words,) in tracks.rules().values()] == [
        right for (right,) in Tracks(2).rules().values()
    ]
    tracks.follow(*batch)
    assert flaw in tracks.amiss
    assert tracks.rules() != Tracks(2).rules()
    assert tracks.chances()[LEAVES] != [EACH]


def test_order_of_the_list_does_not_matter():
    tracks = Tracks(3, [1, 2, 3])
    tracks.follow([4, 5, 6], [4, 1, 5], [6, 3, 2])
    assert not tracks.amiss
    assert (tracks.coins, tracks.places, tracks.ages) == ([[True, False, False]], [0, 0], [0, 2])


def test_what_is_kept_is_read_from_the_images():
    like = torch.zeros(1, 1, 2)
    assert stacked([], like).shape == (0, 1, 1, 2)
    pool = [torch.tensor([[[3.0, 0.2]]], requires_grad=True), torch.tensor([[[0.5, 0.1]]])]
    assert numbers_of(stacked(pool, like)) == [3, 0]
    for wrong, words in {
        (torch.zeros(1, 1, 1, 2),): r"has shape \(1, 1, 1, 2\), expected \(1, 1, 2\)",
        (torch.zeros(1, 1, 2).half(),): r"is torch.float16, expected torch.float32",
        (3.0,): r"has shape \(\), expected",
        (None,): "is None",
    }.items():
        with pytest.raises(WrongAnswer, match=words):
            stacked([*wrong], like)
    assert checked(like.double(), like, "it").dtype == torch.float64


def test_ties_are_graphs_and_memory():
    def tied(make):
        images = 1 * torch.ones(2, 1, 1, 1, requires_grad=True)
        return sorted(ties(images, {"is kept": [make(each) for each in images]}))

    assert tied(lambda each: each.detach().clone()) == []
    assert tied(lambda each: each.detach()) == ["what is kept, by its memory"]
    assert tied(lambda each: each.clone()) == ["what is kept, by a graph"]
    assert len(tied(lambda each: each)) == 2
