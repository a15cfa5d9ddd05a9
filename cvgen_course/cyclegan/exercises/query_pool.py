"""Exercise: a pool of old fakes."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes
from cvgen_course.checks.probes import require_unchanged
from cvgen_course.cyclegan import ImagePool, query_pool
from cvgen_course.cyclegan.exercises.pool_tracks import Tracks, checked, numbers_of, stacked, ties
from cvgen_course.cyclegan.exercises.queries import cut_off, even, fair, queried

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: pools with room and without, graphs, memory, fair chances."""

    def ask(
        asked: str,
        shape: tuple[int, int, int],
        capacity: int,
        kept: int,
        size: int,
        calls: int = 1,
        rounds: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> dict[str, Any]:
        """Return for each round a pool with some images, and batches that are handed to it.

        An image's first number says which one it is: the later one comes in, the higher.
        """
        numbers = count(1)

        def images(*sizes: int) -> Tensor:
            made = torch.randn(*sizes, *shape, generator=rng, dtype=torch.float64)
            for firsts in made.flatten(0, -4):
                firsts[0, 0, 0] = next(numbers)
            return made.to(dtype)

        pairs = [(images(kept), images(calls, size)) for _ in range(rounds)]
        pools, batches = map(torch.stack, zip(*pairs, strict=True))
        return {"asked": asked, "pools": pools, "batches": batches, "capacity": capacity}

    return [
        Case(
            "an empty pool, with room for all images",
            ask("images", (3, 2, 4), capacity=5, kept=0, size=3),
            weight=1,
            hint="While there is room, each image is kept, and comes back as well. The list "
            "itself changes: pool.append(image).",
        ),
        Case(
            "a pool of two, with room for just as many as come",
            ask("images", (1, 4, 3), capacity=6, kept=2, size=4),
            weight=1,
            hint="The pool is full when it holds `capacity` images, not one less.",
        ),
        Case(
            "float64",
            ask("images", (2, 3, 3), capacity=4, kept=1, size=2, dtype=torch.float64),
            weight=1,
            hint="New here: float64; images stay as precise as they come.",
        ),
        Case(
            "capacity 1, one image at a time",
            ask("rules", (2, 2, 1), capacity=1, kept=0, size=1, calls=70),
            weight=1,
            hint="Of a full pool and a new image, one comes back, and all the others are kept.",
        ),
        Case(
            "capacity 3, one image at a time",
            ask("rules", (1, 1, 2), capacity=3, kept=0, size=1, calls=90),
            weight=2,
            hint="Of a full pool and a new image, one comes back, and all the others are kept.",
        ),
        Case(
            "the pool is full in the middle of a batch",
            ask("rules", (1, 2, 2), capacity=3, kept=1, size=6, rounds=20),
            weight=2,
            hint="One image after the other: is there room for it? What comes back stands in its "
            "place in the batch.",
        ),
        Case(
            "images that carry a graph, and change later; room for all",
            ask("memory", (2, 3, 2), capacity=4, kept=1, size=3),
            weight=3,
            hint="image.detach() has no graph, but the image's memory; .clone() has its own.",
        ),
        Case(
            "images that carry a graph, and change later; a full pool",
            ask("memory", (1, 3, 2), capacity=2, kept=2, size=4, rounds=30),
            weight=4,
            hint="image.detach() has no graph, but the image's memory; .clone() has its own.",
        ),
        Case(
            "3500 images, four at a time: are the chances fair?",
            ask("chances", (1, 1, 2), capacity=5, kept=5, size=4, calls=875),
            weight=9,
            hint="A fair coin for each image; a place from 0 to capacity - 1, each as likely, for "
            "each that is kept. No seed.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return images where only some are possible, else what is true of where each one went."""
    asked, tracks = inputs["asked"], Tracks(inputs["capacity"])
    images_found: dict[str, Tensor] = {}
    tied: set[str] = set()
    for start, batches in zip(inputs["pools"], inputs["batches"], strict=True):
        pool = [image.clone() for image in start]
        tracks.kept = numbers_of(start)
        for batch in batches:
            images = 1 * batch.clone().requires_grad_(asked == "memory")
            value = implementation(pool, images, tracks.capacity)
            back = checked(value, batch, "what comes back")
            kept = stacked(pool, batch[0])
            require_unchanged({"images": batch}, {"images": images})
            tracks.follow(numbers_of(batch), numbers_of(back), numbers_of(kept))
            if asked == "images":
                order = kept.flatten(1)[:, 0].argsort()
                images_found = {"what comes back": back, "what is kept": kept[order]}
            elif asked == "chances" and tracks.is_over():
                break
            elif asked == "memory":
                tied |= ties(images, {"comes back": [value], "is kept": pool})
    found = tracks.rules()
    if asked == "memory":
        return {"what is tied to `images`": sorted(tied) or ["nothing"], **found}
    return {**found, **(tracks.chances() if asked == "chances" else images_found)}


@mistakes.when(
    "one coin is tossed for all images of a batch: each image has its own, and so comes back, or "
    "is kept, by itself."
)
def _one_coin(pool, images, capacity):
    coin = fair()
    return queried(pool, images, capacity, coin=lambda: coin)


@mistakes.when(
    "no old image ever comes back: once the pool is full, each new one should do so with a "
    "probability of 1/2 only."
)
def _never_old(*inputs):
    return queried(*inputs, coin=lambda: False)


@mistakes.when(
    "no coin is tossed: once the pool is full, an old image always comes back; it should do so "
    "with a probability of 1/2."
)
def _always_old(*inputs):
    return queried(*inputs, coin=lambda: True)


@mistakes.when(
    "the coin is not fair, and new images come back too often: torch.rand(()) < 0.5 is true half "
    "of the time."
)
def _new_too_often(*inputs):
    return queried(*inputs, coin=lambda: torch.rand(()) < 0.25)


@mistakes.when(
    "the coin is not fair, and new images come back too seldom, as where one of all capacity + 1 "
    "images is drawn evenly: torch.rand(()) < 0.5 is true half of the time."
)
def _new_too_seldom(*inputs):
    return queried(*inputs, coin=lambda: torch.rand(()) < 0.75)


@mistakes.when(
    "a seed is set in here: the coins of every call then fall the same, and so do its places. Set "
    "seeds outside, once."
)
def _seed_of_its_own(*inputs):
    coins = random.Random(0)
    return queried(*inputs, coin=lambda: coins.random() < 0.5, place=coins.randrange)


@mistakes.when(
    "an old image comes back, but the new one does not take its place: the pool stays what it was "
    "when it was first full."
)
def _never_replaced(*inputs):
    return queried(*inputs, exchange=lambda k, pool, image: pool[k])


@mistakes.when(
    "two places are drawn, one for the image that comes back and one for the new image: it takes "
    "the place of the very image that comes back."
)
def _two_places(*inputs):
    def exchange(k, pool, image):
        old = pool[k]
        pool[even(len(pool))] = image
        return old

    return queried(*inputs, exchange=exchange)


@mistakes.when(
    "a new image that comes back is kept as well, and an old one is lost for it: once the pool is "
    "full, an image either comes back or is kept."
)
def _new_kept_as_well(pool, images, capacity):
    back = []
    for image in map(cut_off, images):
        if len(pool) < capacity:
            pool.append(image)
        else:
            k = even(capacity)
            old, pool[k] = pool[k], image
            image = old if fair() else image
        back.append(image)
    return torch.stack(back)


@mistakes.when(
    "old images leave the pool in the order in which they came, as from a queue: which one leaves "
    "is drawn, each as likely."
)
def _queue(*inputs):
    def exchange(k, pool, image):
        pool.append(image)
        return pool.pop(0)

    return queried(*inputs, exchange=exchange)


@mistakes.when(
    "it is always the newest image in the pool that leaves it, as with pool.pop(): which one "
    "leaves is drawn, each as likely."
)
def _newest(*inputs):
    return queried(*inputs, place=lambda capacity: capacity - 1)


@mistakes.when(
    "the last place is never drawn: torch.randint(capacity - 1, ()) and random.randrange(capacity "
    "- 1) leave out their upper end."
)
def _never_last(*inputs):
    return queried(*inputs, place=lambda capacity: even(max(capacity - 1, 1)))


@mistakes.when("the first place is never drawn: places are from 0 to capacity - 1.")
def _never_first(*inputs):
    return queried(*inputs, place=lambda capacity: capacity - 1 - even(max(capacity - 1, 1)))


@mistakes.when(
    "the place may be `capacity`, beyond the last one: random.randint(0, capacity) has its upper "
    "end among what it draws, random.randrange(capacity) has not."
)
def _beyond_the_last(*inputs):
    return queried(*inputs, place=lambda capacity: even(capacity + 1))


@mistakes.when(
    "one place is drawn for all images of a batch: what has just been put there then comes back "
    "next. Each draw is anew."
)
def _one_place(pool, images, capacity):
    k = even(capacity)
    return queried(pool, images, capacity, place=lambda capacity: k)


@mistakes.when(
    "one image too many is kept: there is room while len(pool) is less than capacity, not when it "
    "is equal."
)
def _one_too_many(pool, images, capacity):
    return queried(pool, images, capacity + 1, place=lambda more: even(more - 1))


@mistakes.when(
    "the pool grows beyond its capacity: a new image that is kept takes the place of an old one, "
    "pool[place] = image, and is not appended."
)
def _grows(*inputs):
    def exchange(k, pool, image):
        pool.append(image)
        return pool[k]

    return queried(*inputs, exchange=exchange)


@mistakes.when(
    "`pool` gets another list, as by pool = pool + [image]: outside, it stays as it was. "
    "pool.append(image) and pool[place] = image change the list itself."
)
def _another_list(pool, *inputs):
    return queried(list(pool), *inputs)


@mistakes.when(
    "images come back only once the pool is full: while there is room, they are kept and come back "
    "as well, so that as many come back as came in."
)
def _silent_while_filling(pool, images, capacity):
    room = capacity - len(pool)
    back = queried(pool, images, capacity)
    return torch.stack([*back[max(room, 0) :]])


@mistakes.when(
    "a batch is kept as one thing: the pool's items are single images, (C, H, W), of which each "
    "has its own coin and place."
)
def _batches_kept(pool, images, capacity):
    return queried(pool, images.detach().clone()[None], capacity)[0]


@mistakes.when(
    "images are kept as batches of one, (1, C, H, W): the pool's items are (C, H, W), and "
    "torch.stack makes a batch of them."
)
def _batches_of_one_kept(pool, images, capacity):
    return queried(pool, images[:, None], capacity)[:, 0]


@mistakes.when(
    "images are kept and come back just as they came in: with their graph, and so with all that it "
    "was computed from, and as a part of `images`, which changes when `images` does. "
    "image.detach().clone() has neither."
)
def _as_they_came(*inputs):
    return queried(*inputs, kept=lambda image: image)


@mistakes.when(
    "what is kept and what comes back carries a graph, and so all that it was computed from: "
    ".clone() copies numbers, and .detach() leaves the graph behind."
)
def _with_graph(*inputs):
    return queried(*inputs, kept=lambda image: image.clone())


@mistakes.when(
    "only what comes back is detached: what is kept has its graph, and is a part of `images`, "
    "which changes when `images` does. image.detach().clone() before it is kept."
)
def _kept_as_they_came(*inputs):
    return _as_they_came(*inputs).detach()


@mistakes.when(
    "what is kept is a part of `images`, and changes when `images` does: .detach() leaves the "
    "graph behind, but not the memory; .clone() makes a copy."
)
def _views(*inputs):
    return queried(*inputs, kept=lambda image: image.detach())


EXERCISE = Exercise(
    name="query_pool",
    title="A pool of old fakes",
    points=4,
    reference=query_pool,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(ImagePool,),
    read="A pool of old fakes",
)
