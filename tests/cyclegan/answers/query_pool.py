"""Answers to `query_pool` as students give them, written from the lecture's text alone."""

import copy
import random

import numpy as np
import torch


def as_in_the_authors_code(pool, images, capacity):
    return_images = []
    for image in images.detach():
        image = image.clone()
        if len(pool) < capacity:
            pool.append(image)
            return_images.append(image)
        else:
            p = random.uniform(0, 1)
            if p > 0.5:
                random_id = random.randint(0, capacity - 1)
                tmp = pool[random_id].clone()
                pool[random_id] = image
                return_images.append(tmp)
            else:
                return_images.append(image)
    return torch.stack(return_images, 0)


def by_torch(pool, images, capacity):
    out = images.detach().clone()
    for i in range(len(out)):
        if len(pool) < capacity:
            pool.append(out[i].clone())
        elif torch.rand(()) < 0.5:
            j = torch.randint(capacity, ()).item()
            old = pool[j]
            pool[j] = out[i].clone()
            out[i] = old
    return out


def by_numpy(pool, images, capacity):
    back = []
    for x in images:
        x = x.detach().clone()
        if len(pool) < capacity:
            pool.append(x)
        elif np.random.rand() < 0.5:
            k = np.random.randint(len(pool))
            pool[k], x = x, pool[k]
        back.append(x)
    return torch.stack(back)


def pop_and_append(pool, images, capacity):
    shown = []
    for image in images:
        new = image.detach().clone()
        if len(pool) < capacity:
            pool.append(new)
            shown.append(new)
        elif random.random() < 0.5:
            old = pool.pop(random.randrange(len(pool)))
            pool.append(new)
            shown.append(old)
        else:
            shown.append(new)
    return torch.stack(shown)


def coins_beforehand(pool, images, capacity):
    n = images.shape[0]
    heads = torch.rand(n) < 0.5
    places = torch.randint(0, capacity, (n,))
    result = torch.empty_like(images, requires_grad=False)
    with torch.no_grad():
        for i in range(n):
            image = images[i].clone()
            if len(pool) < capacity:
                pool.append(image)
                result[i] = image
            elif heads[i]:
                result[i] = pool[places[i]]
                pool[places[i]] = image
            else:
                result[i] = image
    return result


def by_choice(pool, images, capacity):
    returned = []
    for image in torch.clone(images).detach():
        if len(pool) < capacity:
            pool.append(image)
            returned.append(image)
            continue
        if random.choice([True, False]):
            returned.append(image)
        else:
            index = random.choice(range(capacity))
            returned.append(pool[index])
            pool[index] = image
    return torch.stack(returned)


def by_generator(pool, images, capacity):
    rng = np.random.default_rng()
    returned = []
    for image in images.detach().clone().unbind():
        if len(pool) < capacity:
            pool += [image]
        elif rng.random() < 0.5:
            slot = int(rng.integers(capacity))
            old, pool[slot] = pool[slot], image
            image = old
        returned.append(image[None])
    return torch.cat(returned)


def shuffled(pool, images, capacity):
    out = []
    for image in images:
        new = torch.tensor(image.tolist(), dtype=image.dtype)
        if len(pool) < capacity:
            pool.append(new)
            out.append(new)
        elif torch.randint(2, (1,)) == 1:
            random.shuffle(pool)
            out.append(pool.pop())
            pool.append(new)
        else:
            out.append(new)
    return torch.stack(out)


def deep_copies(pool, images, capacity):
    out = []
    for image in images.detach():
        if len(pool) < capacity:
            pool.append(copy.deepcopy(image))
            out.append(copy.deepcopy(image))
        elif np.random.binomial(1, 0.5):
            i = torch.randperm(capacity)[0]
            out.append(pool[i])
            pool[i] = copy.deepcopy(image)
        else:
            out.append(copy.deepcopy(image))
    return torch.stack(out)


def kept_in_a_slice(pool, images, capacity):
    new_pool, out = list(pool), []
    for image in images.detach().clone():
        if len(new_pool) < capacity:
            new_pool.append(image)
        elif torch.bernoulli(torch.tensor(0.5)):
            i = int(torch.rand(()) * capacity)
            new_pool[i], image = image, new_pool[i]
        out.append(image)
    pool[:] = new_pool
    return torch.stack(out)


# -- wrong ones


def not_detached(pool, images, capacity):
    out = []
    for image in images:
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            old = pool[i]
            pool[i] = image
            out.append(old)
        else:
            out.append(image)
    return torch.stack(out)


def cloned_not_detached(pool, images, capacity):
    out = []
    for image in images:
        image = image.clone()
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def not_cloned(pool, images, capacity):
    out = []
    for image in images.detach():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def result_with_graph(pool, images, capacity):
    out = []
    for image in images:
        kept = image.detach().clone()
        if len(pool) < capacity:
            pool.append(kept)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = kept
        else:
            out.append(image)
    return torch.stack(out)


def _queried(pool, images, capacity, chance=0.5, place=None):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < chance:
            i = random.randrange(capacity) if place is None else place(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def always_an_old_one(pool, images, capacity):
    return _queried(pool, images, capacity, chance=1.0)


def never_an_old_one(pool, images, capacity):
    return _queried(pool, images, capacity, chance=0.0)


def oldest_goes(pool, images, capacity):
    return _queried(pool, images, capacity, place=lambda n: 0)


def newest_goes(pool, images, capacity):
    return _queried(pool, images, capacity, place=lambda n: n - 1)


def first_never_drawn(pool, images, capacity):
    return _queried(pool, images, capacity, place=lambda n: random.randint(min(1, n - 1), n - 1))


def last_never_drawn(pool, images, capacity):
    return _queried(pool, images, capacity, place=lambda n: np.random.randint(0, max(n - 1, 1)))


def out_of_range(pool, images, capacity):
    return _queried(pool, images, capacity, place=lambda n: random.randint(0, n))


def a_chance_of_one_in_fifty(pool, images, capacity):
    return _queried(pool, images, capacity, chance=1 / capacity)


def a_chance_of_a_third(pool, images, capacity):
    return _queried(pool, images, capacity, chance=1 / 3)


def reservoir(pool, images, capacity):
    return _queried(pool, images, capacity, chance=capacity / (capacity + 1))


def one_too_many(pool, images, capacity):
    return _queried(pool, images, capacity + 1)


def one_too_few(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity - 1:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5 and pool:
            i = random.randrange(len(pool))
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def always_fifty(pool, images, capacity):
    return _queried(pool, images, 50)


def never_full(pool, images, capacity):
    count = 0
    out = []
    for image in images.detach().clone():
        if count < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def counts_in_each_call(pool, images, capacity):
    out = []
    for n, image in enumerate(images.detach().clone()):
        if n < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def one_coin_for_the_batch(pool, images, capacity):
    old = random.random() < 0.5
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif old:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out)


def old_one_shown_and_kept(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            out.append(random.choice(pool))
        else:
            out.append(image)
    return torch.stack(out)


def two_places(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            out.append(pool[random.randrange(capacity)])
            pool[random.randrange(capacity)] = image
        else:
            out.append(image)
    return torch.stack(out)


def new_one_shown_and_kept(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
            continue
        i = random.randrange(capacity)
        if random.random() < 0.5:
            out.append(pool[i])
        else:
            out.append(image)
        pool[i] = image
    return torch.stack(out)


def overwritten_before_it_is_shown(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            pool[i] = image
            out.append(pool[i])
        else:
            out.append(image)
    return torch.stack(out)


def copied_over_in_place(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i].copy_(image)
        else:
            out.append(image)
    return torch.stack(out)


def filled_but_not_shown(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.stack(out) if out else images.detach().clone()


def coin_while_filling(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if pool and random.random() < 0.5:
            i = random.randrange(len(pool))
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
            if len(pool) < capacity:
                pool.append(image)
    return torch.stack(out)


def batch_by_batch(pool, images, capacity):
    new = images.detach().clone()
    if len(pool) + len(new) <= capacity:
        pool.extend(new)
        return new
    if random.random() < 0.5:
        return new
    for i in range(len(new)):
        j = random.randrange(len(pool)) if pool else None
        if j is not None:
            old = pool[j]
            pool[j] = new[i].clone()
            new[i] = old
    return new


def pool_rebound(pool, images, capacity):
    pool = pool + []
    return _queried(pool, images, capacity)


def a_list(pool, images, capacity):
    return list(_queried(pool, images, capacity))


def with_one_dimension_more(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        image = image.unsqueeze(0)
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            out.append(pool[i])
            pool[i] = image
        else:
            out.append(image)
    return torch.cat(out)


def old_ones_last(pool, images, capacity):
    new_ones, old_ones = [], []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            new_ones.append(image)
        elif random.random() < 0.5:
            i = random.randrange(capacity)
            old_ones.append(pool[i])
            pool[i] = image
        else:
            new_ones.append(image)
    return torch.stack(new_ones + old_ones)


def seeded(pool, images, capacity):
    random.seed(0)
    return _queried(pool, images, capacity)


def appended_and_cut(pool, images, capacity):
    out = []
    for image in images.detach().clone():
        if len(pool) < capacity:
            pool.append(image)
            out.append(image)
        elif random.random() < 0.5:
            out.append(random.choice(pool))
            pool.append(image)
            del pool[0]
        else:
            out.append(image)
    return torch.stack(out)


def views_of_what_is_returned(pool, images, capacity):
    out = images.detach().clone()
    for i in range(len(out)):
        if len(pool) < capacity:
            pool.append(out[i])
        elif random.random() < 0.5:
            j = random.randrange(capacity)
            old = pool[j]
            pool[j] = out[i]
            out[i] = old
    return out


def images_overwritten(pool, images, capacity):
    images = images.detach()
    for i in range(len(images)):
        if len(pool) < capacity:
            pool.append(images[i].clone())
        elif random.random() < 0.5:
            j = random.randrange(capacity)
            old = pool[j]
            pool[j] = images[i].clone()
            images[i] = old
    return images


def first_image_only(pool, images, capacity):
    out = images.detach().clone()
    image = out[0].clone()
    if len(pool) < capacity:
        pool.append(image)
    elif random.random() < 0.5:
        j = random.randrange(capacity)
        out[0] = pool[j]
        pool[j] = image
    return out


RIGHT = [
    as_in_the_authors_code,
    by_torch,
    by_numpy,
    pop_and_append,
    coins_beforehand,
    by_choice,
    by_generator,
    shuffled,
    deep_copies,
    kept_in_a_slice,
]
WRONG = {
    not_detached: "as_they_came",
    cloned_not_detached: "with_graph",
    not_cloned: "views",
    result_with_graph: "back_with_graph",
    always_an_old_one: "always_old",
    never_an_old_one: "never_old",
    oldest_goes: "first_place",
    newest_goes: "newest",
    first_never_drawn: "never_first",
    last_never_drawn: "never_last",
    out_of_range: "beyond_the_last",
    a_chance_of_one_in_fifty: "new_too_often",
    a_chance_of_a_third: "new_too_often",
    reservoir: "new_too_seldom",
    one_too_many: "one_too_many",
    one_too_few: "",
    always_fifty: "never_full",
    never_full: "never_full",
    counts_in_each_call: "never_full",
    one_coin_for_the_batch: "one_coin",
    old_one_shown_and_kept: "never_replaced",
    two_places: "two_places",
    new_one_shown_and_kept: "new_kept_as_well",
    overwritten_before_it_is_shown: "overwritten",
    copied_over_in_place: "overwritten",
    filled_but_not_shown: "silent_while_filling",
    coin_while_filling: "",
    batch_by_batch: "",
    pool_rebound: "another_list",
    a_list: "",
    with_one_dimension_more: "batches_of_one_kept",
    old_ones_last: "",
    seeded: "seed_of_its_own",
    appended_and_cut: "two_places",
    views_of_what_is_returned: "never_replaced",
    images_overwritten: "",
    first_image_only: "",
}
