import random

import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["query_pool"]
OWN = random.Random()
OWN_OF_NUMPY = np.random.default_rng()
OWN_OF_TORCH = torch.Generator()


def varied(
    coin=lambda: random.random() < 0.5,
    place=random.randrange,
    kept=lambda image: image.detach().clone(),
    result=torch.stack,
):
    """Return the right answer but for what is given."""

    def answer(pool, images, capacity):
        back = []
        for image in images:
            image = kept(image)
            if len(pool) < capacity:
                pool.append(image)
                back.append(image)
            elif coin():
                back.append(image)
            else:
                k = place(capacity)
                back.append(pool[k])
                pool[k] = image
        return result(back)

    return answer


def with_numpy(pool, images, capacity):
    back = images.detach().numpy().copy()
    for i in range(len(back)):
        if len(pool) < capacity:
            pool.append(torch.from_numpy(back[i].copy()))
        elif np.random.uniform() > 0.5:
            k = np.random.randint(0, capacity)
            old = pool[k].numpy().copy()
            pool[k] = torch.from_numpy(back[i].copy())
            back[i] = old
    return torch.from_numpy(back)


@torch.no_grad()
def popped_and_appended(pool, images, capacity):
    """The list's order is another one: what has come in last is last."""
    back = []
    for image in images:
        pool.append(image.clone())
        if len(pool) <= capacity:
            back.append(pool[-1])
        else:
            back.append(pool.pop(random.choice([capacity, random.randrange(capacity)])))
    return torch.stack(back)


def into_the_same_tensors(pool, images, capacity):
    back = images.detach().clone()
    for i, image in enumerate(images.detach()):
        if len(pool) < capacity:
            pool.insert(0, image.clone())
        elif random.getrandbits(1):
            kept = random.choice(pool)
            back[i] = kept
            kept.copy_(image)
    return back


def all_coins_first(pool, images, capacity):
    coins = torch.rand(len(images)) < 0.5
    places = torch.randint(capacity, (len(images),)).tolist()
    images = images.detach().clone()
    back = []
    for image, coin, k in zip(images, coins, places, strict=True):
        if len(pool) < capacity:
            pool.append(image)
            back.append(image)
        elif coin:
            old, pool[k] = pool[k], image
            back.append(old)
        else:
            back.append(image)
    return torch.cat([each[None] for each in back])


def one_number_for_both(pool, images, capacity):
    """One of 2 * capacity numbers: the lower half are places, the upper half is heads."""
    back = []
    for image in images.detach().double():
        k = random.randrange(2 * capacity)
        if len(pool) < capacity:
            pool.append(image.clone())
        elif k < capacity:
            pool[k], image = image.clone(), pool[k]
        back.append(image.double())
    return torch.stack(back)


def shuffled(pool, images, capacity):
    """The list is another one after each image."""
    back = []
    for image in images.detach().clone():
        pool[:] = random.sample(pool, len(pool))
        if len(pool) < capacity:
            pool.append(image)
        elif torch.randperm(2)[0] == 0:
            image, pool[0] = pool[0], image
        back.append(image)
    return torch.stack(back)


def seeded(seed):
    def answer(pool, images, capacity):
        seed()
        return varied()(pool, images, capacity)

    return answer


def generator_inside(pool, images, capacity):
    draw = random.Random(1)
    return varied(lambda: draw.random() < 0.5, draw.randrange)(pool, images, capacity)


def seeded_places(pool, images, capacity):
    return varied(place=random.Random(3).randrange)(pool, images, capacity)


def first_image_alone(pool, images, capacity):
    coins = iter([OWN.random() < 0.5])
    return varied(coin=lambda: next(coins, True))(pool, images, capacity)


def whole_batch_fits_or_not(pool, images, capacity):
    if len(pool) + len(images) <= capacity:
        pool.extend(images.detach().clone())
        return images.detach().clone()
    back = images.detach().clone()
    for i, image in enumerate(back.clone()):
        if pool and random.random() < 0.5:
            k = random.randrange(len(pool))
            back[i], pool[k] = pool[k], image
    return back


def different_places(pool, images, capacity):
    """No two images of a batch are put into the same place."""
    places = iter(random.sample(range(capacity), capacity) * len(images))
    return varied(place=lambda capacity: next(places))(pool, images, capacity)


def place_by_number(pool, images, capacity):
    numbers = iter(range(10**6))
    return varied(place=lambda capacity: next(numbers) % capacity)(pool, images, capacity)


def coins_while_filling(pool, images, capacity):
    back = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            k = len(pool) - 1
        else:
            k = random.randrange(capacity)
        old = pool[k]
        if random.random() < 0.5:
            pool[k], image = image, old
        elif len(pool) > 1:
            image = random.choice(pool)
        back.append(image)
    return torch.stack(back)


def reservoir(pool, images, capacity):
    """Each image that ever came is in the pool with the same probability."""
    back = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
        elif (k := random.randrange(capacity + 1)) < capacity:
            pool[k], image = image, pool[k]
        back.append(image)
    return torch.stack(back)


def newest_in_a_ring(pool, images, capacity):
    """A pool that holds the last images, of which any comes back."""
    back = []
    for image in images.detach().clone():
        pool.append(image)
        del pool[:-capacity]
        back.append(image if random.random() < 0.5 else random.choice(pool))
    return torch.stack(back)


def in_another_order(pool, images, capacity):
    back = varied()(pool, images, capacity)
    return back.flip(0)


def returns_in_the_loop(pool, images, capacity):
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
        return image[None]
    return images


def changes_images(pool, images, capacity):
    back = varied()(pool, images, capacity)
    with torch.no_grad():
        images.zero_()
    return back


def normalised(pool, images, capacity):
    return varied(kept=lambda image: image.detach().clamp(-1, 1))(pool, images, capacity)


def copied_after_return(pool, images, capacity):
    """What comes back is overwritten before it is copied: the new image comes back."""
    back = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image.clone())
        elif random.random() < 0.5:
            old = random.choice(pool)
            new, image = image, old
            old.copy_(new)
        back.append(image)
    return torch.stack(back)


def images_themselves_while_there_is_room(pool, images, capacity):
    if len(pool) + len(images) <= capacity:
        pool.extend(images.detach().clone())
        return images.detach()
    return varied()(pool, images, capacity)


def kept_twice(pool, images, capacity):
    back = varied()(pool, images, capacity)
    if len(pool) < capacity:
        pool.append(pool[-1])
    return back


def cleared(pool, images, capacity):
    back = varied()(pool, images, capacity)
    if len(pool) == capacity:
        pool.clear()
    return back


def pool_of_the_function(pool, images, capacity, kept=[]):  # noqa: B006
    return varied()(kept, images, capacity)


RIGHT = {
    "random": varied(),
    "random.randint": varied(lambda: random.randint(0, 1), lambda n: random.randint(0, n - 1)),
    "uniform": varied(lambda: random.uniform(0, 1) > 0.5, lambda n: int(random.random() * n)),
    "torch": varied(lambda: torch.rand(1).item() > 0.5, lambda n: torch.randint(0, n, (1,)).item()),
    "bernoulli": varied(
        lambda: torch.bernoulli(torch.tensor(0.5)), lambda n: torch.randperm(n)[0].item()
    ),
    "multinomial": varied(
        lambda: torch.randn(()) > 0, lambda n: int(torch.multinomial(torch.ones(n), 1))
    ),
    "own generator": varied(lambda: OWN.random() < 0.5, OWN.randrange),
    "own generator of NumPy": varied(
        lambda: OWN_OF_NUMPY.random() < 0.5, lambda n: OWN_OF_NUMPY.integers(n)
    ),
    "own generator of torch": varied(
        lambda: torch.rand((), generator=OWN_OF_TORCH) < 0.5,
        lambda n: int(torch.randint(n, (), generator=OWN_OF_TORCH)),
    ),
    "float64": varied(kept=lambda image: image.detach().clone().double()),
    **{answer.__name__: answer for answer in (with_numpy, into_the_same_tensors, all_coins_first)},
    **{answer.__name__: answer for answer in (one_number_for_both, shuffled)},
}
WRONG = {
    "coin of 0.4": varied(coin=lambda: OWN.random() < 0.4),
    "coin of 0.6": varied(coin=lambda: OWN.random() < 0.6),
    "the smaller of two places": varied(place=lambda n: min(OWN.randrange(n), OWN.randrange(n))),
    "rounded place": varied(place=lambda n: round(OWN.random() * (n - 1))),
    "place by a bell": varied(place=lambda n: min(int(abs(OWN.gauss(0, 1)) * n / 2), n - 1)),
    "seed of random": seeded(lambda: random.seed(0)),
    "seed 42 of random": seeded(lambda: random.seed(42)),
    "seed of everything": seeded(lambda: (random.seed(7), torch.manual_seed(7))),
    "a list": varied(result=list),
    "a tuple": varied(result=tuple),
    "float16": varied(kept=lambda image: image.detach().half()),
    "float32": varied(kept=lambda image: image.detach().clone().float()),
    "arrays": varied(kept=lambda image: image.detach().numpy().copy(), result=np.stack),
    "one long image": varied(result=torch.cat),
    "NaN": varied(result=lambda back: torch.stack(back) * float("nan")),
    **{
        answer.__name__: answer
        for answer in (
            *(generator_inside, seeded_places, first_image_alone, whole_batch_fits_or_not),
            *(different_places, place_by_number, coins_while_filling, reservoir),
            *(newest_in_a_ring, in_another_order, returns_in_the_loop, changes_images),
            *(normalised, copied_after_return, images_themselves_while_there_is_room),
            *(kept_twice, cleared, pool_of_the_function),
        )
    },
}
EQUIVALENT = {
    "query_pool: torch.rand(()) < 0.5 -> torch.rand(()) <= 0.5": "0.5 itself comes once in 2^24",
    "query_pool: torch.rand(()) < 0.5 -> torch.rand(()) > 0.5": "as likely",
}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_query_pool_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_query_pool_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_query_pool_finds_popped_places_as_they_are():
    """Half of what is popped is the new image, half any of the old ones."""
    assert_full_points(EXERCISE, popped_and_appended)


SAID = {
    "a list": "What comes back is a list; a tensor was expected",
    "arrays": "what comes back is a NumPy array",
    "cleared": "is not kept",
    "returns_in_the_loop": "has shape (1, 3, 2, 4), expected (3, 3, 2, 4)",
    "coin of 0.4": "`let a new image come back too seldom` came",
    "different_places": "`is not each as often` came",
    "generator_inside": "`fall the same in every call` came",
}


@pytest.mark.parametrize(("name", "words"), SAID.items(), ids=list(SAID))
def test_query_pool_says_in_plain_words_what_is_wrong(name, words):
    messages = failed(graded(EXERCISE, WRONG[name]))
    assert any(words.lower() in message.lower() for message in messages), messages


@pytest.mark.parametrize("seed", ["seed of random", "seed 42 of random", "generator_inside"])
def test_query_pool_recognises_any_seed(seed):
    diagnosis = graded(EXERCISE, WRONG[seed]).diagnosis
    assert "a seed is set in here" in diagnosis


def test_query_pool_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
