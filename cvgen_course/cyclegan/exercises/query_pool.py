"""Exercise: a pool of old fakes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Exercise, Mistakes
from cvgen_course.checks.probes import require_unchanged
from cvgen_course.cyclegan import ImagePool, query_pool
from cvgen_course.cyclegan.exercises.pool_questions import cases
from cvgen_course.cyclegan.exercises.pool_tracks import Tracks, checked, numbers_of, stacked, ties

mistakes = Mistakes()


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


def _even(capacity):
    return int(torch.randint(capacity, ()))


def _cut_off(image):
    return image.detach().clone()


def _queried(pool, images, capacity, *, coin=None, place=_even, kept=_cut_off, exchange=None):
    """Query rightly, but for what is given.

    Args:
        pool: the pool.
        images: the new fakes.
        capacity: how many are kept at most.
        coin: whether an old image comes back; a fair one where it is None.
        place: draws its place.
        kept: makes what is kept, and comes back, of an image that came in.
        exchange: takes place, pool and image; puts the image into the pool, and returns another.
    """
    back = []
    for image in images:
        image = kept(image)
        if len(pool) < capacity:
            pool.append(image)
        elif torch.rand(()) < 0.5 if coin is None else coin():
            k = place(capacity)
            if exchange:
                image = exchange(k, pool, image)
            else:
                pool[k], image = image, pool[k]
        back.append(image)
    return torch.stack(back)


@mistakes.when(
    "one coin is tossed for all images of a batch: each image has its own, and so comes back, or "
    "is kept, by itself."
)
def _one_coin(pool, images, capacity):
    coin = bool(torch.rand(()) < 0.5)
    return _queried(pool, images, capacity, coin=lambda: coin)


@mistakes.when(
    "no old image ever comes back: once the pool is full, each new one should do so with a "
    "probability of 1/2 only."
)
def _never_old(*inputs):
    return _queried(*inputs, coin=lambda: False)


@mistakes.when(
    "no coin is tossed: once the pool is full, an old image always comes back; it should do so "
    "with a probability of 1/2."
)
def _always_old(*inputs):
    return _queried(*inputs, coin=lambda: True)


@mistakes.when(
    "the coin is not fair, and new images come back too often: torch.rand(()) < 0.5 is true half "
    "of the time."
)
def _new_too_often(*inputs):
    return _queried(*inputs, coin=lambda: torch.rand(()) < 0.25)


@mistakes.when(
    "the coin is not fair, and new images come back too seldom, as where one of all capacity + 1 "
    "images is drawn evenly: torch.rand(()) < 0.5 is true half of the time."
)
def _new_too_seldom(*inputs):
    return _queried(*inputs, coin=lambda: torch.rand(()) < 0.75)


@mistakes.when(
    "a seed is set in here: the coins of every call then fall the same, and so do its places. Set "
    "seeds outside, once."
)
def _seed_of_its_own(*inputs):
    coins = random.Random(0)
    return _queried(*inputs, coin=lambda: coins.random() < 0.5, place=coins.randrange)


@mistakes.when(
    "an old image comes back, but the new one does not take its place: the pool stays what it was "
    "when it was first full."
)
def _never_replaced(*inputs):
    return _queried(*inputs, exchange=lambda k, pool, image: pool[k])


@mistakes.when(
    "another image leaves the pool than the one that comes back, as where two places are drawn: "
    "the new image takes the place of the very image that comes back."
)
def _two_places(*inputs):
    def exchange(k, pool, image):
        old = pool[k]
        pool[_even(len(pool))] = image
        return old

    return _queried(*inputs, exchange=exchange)


@mistakes.when(
    "a new image that comes back is kept as well, and an old one is lost for it: once the pool is "
    "full, an image either comes back or is kept."
)
def _new_kept_as_well(pool, images, capacity):
    back = []
    for image in map(_cut_off, images):
        if len(pool) < capacity:
            pool.append(image)
        else:
            k = _even(capacity)
            old, pool[k] = pool[k], image
            image = old if bool(torch.rand(()) < 0.5) else image
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

    return _queried(*inputs, exchange=exchange)


@mistakes.when(
    "it is always the newest image in the pool that leaves it, as with pool.pop(): which one "
    "leaves is drawn, each as likely."
)
def _newest(*inputs):
    return _queried(*inputs, place=lambda capacity: capacity - 1)


@mistakes.when(
    "the last place is never drawn: torch.randint(capacity - 1, ()) and random.randrange(capacity "
    "- 1) leave out their upper end."
)
def _never_last(*inputs):
    return _queried(*inputs, place=lambda capacity: _even(max(capacity - 1, 1)))


@mistakes.when("the first place is never drawn: places are from 0 to capacity - 1.")
def _never_first(*inputs):
    return _queried(*inputs, place=lambda capacity: capacity - 1 - _even(max(capacity - 1, 1)))


@mistakes.when(
    "the place may be `capacity`, beyond the last one: random.randint(0, capacity) has its upper "
    "end among what it draws, random.randrange(capacity) has not."
)
def _beyond_the_last(*inputs):
    return _queried(*inputs, place=lambda capacity: _even(capacity + 1))


@mistakes.when(
    "one place is drawn for all images of a batch: what has just been put there then comes back "
    "next. Each draw is anew."
)
def _one_place(pool, images, capacity):
    k = _even(capacity)
    return _queried(pool, images, capacity, place=lambda capacity: k)


@mistakes.when(
    "one image too many is kept: there is room while len(pool) is less than capacity, not when it "
    "is equal."
)
def _one_too_many(pool, images, capacity):
    return _queried(pool, images, capacity + 1, place=lambda more: _even(more - 1))


@mistakes.when(
    "the pool never counts as full, and keeps everything for ever, as where a count of images is "
    "never increased, or begins anew with each batch: there is room while len(pool) is less than "
    "capacity."
)
def _never_full(pool, images, capacity):
    return _queried(pool, images, len(pool) + len(images))


@mistakes.when(
    "the new image is put into the pool before the old one is taken out: what comes back is the "
    "new one again, and the old one is lost."
)
def _overwritten(*inputs):
    def exchange(k, pool, image):
        pool[k] = image
        return pool[k]

    return _queried(*inputs, exchange=exchange)


@mistakes.when("it is always the first place whose image leaves: which one leaves is drawn.")
def _first_place(*inputs):
    return _queried(*inputs, place=lambda capacity: 0)


@mistakes.when(
    "the pool grows beyond its capacity: a new image that is kept takes the place of an old one, "
    "pool[place] = image, and is not appended."
)
def _grows(*inputs):
    def exchange(k, pool, image):
        pool.append(image)
        return pool[k]

    return _queried(*inputs, exchange=exchange)


@mistakes.when(
    "`pool` gets another list, as by pool = pool + [image]: outside, it stays as it was. "
    "pool.append(image) and pool[place] = image change the list itself."
)
def _another_list(pool, *inputs):
    return _queried(list(pool), *inputs)


@mistakes.when(
    "images come back only once the pool is full: while there is room, they are kept and come back "
    "as well, so that as many come back as came in."
)
def _silent_while_filling(pool, images, capacity):
    room = capacity - len(pool)
    back = _queried(pool, images, capacity)
    return torch.stack([*back[max(room, 0) :]])


@mistakes.when(
    "a batch is kept as one thing: the pool's items are single images, (C, H, W), of which each "
    "has its own coin and place."
)
def _batches_kept(pool, images, capacity):
    return _queried(pool, images.detach().clone()[None], capacity)[0]


@mistakes.when(
    "images are kept as batches of one, (1, C, H, W): the pool's items are (C, H, W), and "
    "torch.stack makes a batch of them."
)
def _batches_of_one_kept(pool, images, capacity):
    return _queried(pool, images[:, None], capacity)[:, 0]


@mistakes.when(
    "images are kept and come back just as they came in: with their graph, and so with all that it "
    "was computed from, and as a part of `images`, which changes when `images` does. "
    "image.detach().clone() has neither."
)
def _as_they_came(*inputs):
    return _queried(*inputs, kept=lambda image: image)


@mistakes.when(
    "what is kept and what comes back carries a graph, and so all that it was computed from: "
    ".clone() copies numbers, and .detach() leaves the graph behind."
)
def _with_graph(*inputs):
    return _queried(*inputs, kept=lambda image: image.clone())


@mistakes.when(
    "only what comes back is detached: what is kept has its graph, and is a part of `images`, "
    "which changes when `images` does. image.detach().clone() before it is kept."
)
def _kept_as_they_came(*inputs):
    return _as_they_came(*inputs).detach()


@mistakes.when(
    "only what is kept is detached: what comes back has its graph, and with it all that it was "
    "computed from. image.detach().clone() for both."
)
def _back_with_graph(pool, images, capacity):
    back = []
    for image in images:
        if len(pool) < capacity:
            pool.append(_cut_off(image))
        elif bool(torch.rand(()) < 0.5):
            k = _even(capacity)
            image, pool[k] = pool[k], _cut_off(image)
        back.append(image)
    return torch.stack(back)


@mistakes.when(
    "what is kept is a part of `images`, and changes when `images` does: .detach() leaves the "
    "graph behind, but not the memory; .clone() makes a copy."
)
def _views(*inputs):
    return _queried(*inputs, kept=lambda image: image.detach())


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
