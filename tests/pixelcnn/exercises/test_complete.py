import copy

import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["complete"]


def multinomial(logits, rng):
    return torch.multinomial(logits.softmax(dim=1), 1, generator=rng)[:, 0]


def varied(choose=multinomial, start=torch.clone, keep=lambda known: known):
    """Return a right answer in which the draw, the images to begin with or the mask are others."""

    def answer(model, levels, known, rng=None):
        was_training = model.training
        model.eval()
        images = start(levels)
        images[:, :, known] = levels[:, :, known]
        kept = keep(known)
        with torch.no_grad():
            for i in range(levels.shape[2]):
                for j in range(levels.shape[3]):
                    if kept[i, j]:
                        continue
                    for c in range(levels.shape[1]):
                        images[:, c, i, j] = choose(model(images)[:, :, c, i, j], rng)
        model.train(was_training)
        return images

    return answer


def inverse_of_the_sums(logits, rng):
    sums = logits.softmax(-1).cumsum(-1)[:, :-1]
    return (torch.rand(len(logits), 1, generator=rng) > sums).sum(-1)


def gumbel(logits, rng):
    uniform = torch.rand(logits.shape, generator=rng, dtype=torch.float64)
    return (logits - (-uniform.log()).log()).argmax(dim=1)


def ones(levels):
    return torch.ones_like(levels)


@torch.inference_mode()
def list_of_unknown_pixels(model, levels, known, rng=None):
    mode = model.training
    model.train(False)
    images = levels * known
    for i, j in (~known).nonzero().tolist():
        for c in range(images.shape[1]):
            probs = model(images).softmax(1)[:, :, c, i, j]
            images[:, c, i, j] = probs.multinomial(1, generator=rng).squeeze(1)
    model.train(mode)
    return images


def draws_what_is_known_and_forgets_it(model, levels, known, rng=None):
    """Each place is drawn, and known pixels are put back at once."""
    was_training = model.training
    model.eval()
    images = torch.zeros_like(levels)
    with torch.no_grad():
        for i in range(levels.shape[2]):
            for j in range(levels.shape[3]):
                for c in range(levels.shape[1]):
                    drawn = multinomial(model(images)[:, :, c, i, j], rng)
                    images[:, c, i, j] = torch.where(known[i, j], levels[:, c, i, j], drawn)
    if was_training:
        model.train()
    return images


def all_noise_first(model, levels, known, rng=None):
    uniform = iter(torch.rand(levels.numel() // len(levels), len(levels), 1, generator=rng))

    def choose(logits, rng):
        return (next(uniform) > logits.softmax(1).cumsum(1)[:, :-1]).sum(1)

    return varied(choose)(model, levels, known)


def of_a_copy(model, levels, known, rng=None):
    return varied()(copy.deepcopy(model), levels, known, rng)


def rows_so_far(model, levels, known, rng=None):
    """The rows below are put on at the end."""
    was_training = model.training
    model.eval()
    images = levels[:, :, :0]
    with torch.no_grad():
        for i in range(levels.shape[2]):
            images = torch.cat([images, levels[:, :, i : i + 1]], dim=2)
            for j in (~known[i]).nonzero().flatten():
                for c in range(levels.shape[1]):
                    images[:, c, i, j] = multinomial(model(images)[:, :, c, i, j], rng)
    model.train(was_training)
    return images


def rounded_mean(logits, rng):
    return (logits.softmax(1) @ torch.arange(logits.shape[1]).float()).round().long()


def hot(logits, rng):
    return multinomial(logits / 1.5, rng)


def uniform(logits, rng):
    return torch.randint(logits.shape[1], (len(logits),), generator=rng)


def softmax_over_batch(logits, rng):
    return torch.multinomial(logits.softmax(0), 1, generator=rng)[:, 0]


def seed_of_its_own(logits, rng):
    return multinomial(logits, torch.Generator().manual_seed(0))


def a_row_is_known_or_is_not(known):
    return known.any(dim=1, keepdim=True).expand_as(known)


def a_row_is_unknown_or_is_not(known):
    return known.all(dim=1, keepdim=True).expand_as(known)


def upper_half(known):
    kept = torch.zeros_like(known)
    kept[: len(kept) // 2] = True
    return kept


def turned_around(known):
    return known.flip(1)


def last_pixel_forgotten(known):
    kept = known.clone()
    kept[tuple((~known).nonzero()[-1]) if not known.all() else (0, 0)] = True
    return kept


def without_clone(model, levels, known, rng=None):
    return levels if known.all() else varied()(model, levels, known, rng)


def changes_known(model, levels, known, rng=None):
    images = varied()(model, levels, known, rng)
    known.fill_(True)
    return images


def changes_what_is_unknown(model, levels, known, rng=None):
    images = varied()(model, levels, known, rng)
    levels[:, :, ~known] = 0
    return images


def unknown_pixels_alone(model, levels, known, rng=None):
    return varied()(model, levels, known, rng)[:, :, ~known]


def unknown_pixels_begin_with_minus_one(model, levels, known, rng=None):
    return varied()(model, levels.masked_fill(~known, -1), known, rng)


def backwards(model, levels, known, rng=None):
    images = levels.clone()
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for i, j in (~known).nonzero().tolist()[::-1]:
            for c in range(images.shape[1]):
                images[:, c, i, j] = multinomial(model(images)[:, :, c, i, j], rng)
    model.train(was_training)
    return images


def lacks_a_level_where_it_was_given(model, levels, known, rng=None):
    """Unknown levels are taken for the truth where they are not 0."""
    images = varied()(model, levels, known, rng)
    return torch.where((levels != 0) | known, levels, images)


def int32(model, levels, known, rng=None):
    return varied()(model, levels, known, rng).int()


def floats(model, levels, known, rng=None):
    return varied()(model, levels, known, rng).float()


def eval_after_the_first_question(model, levels, known, rng=None):
    with torch.no_grad():
        model(levels)
    return varied()(model, levels, known, rng)


def asked_once_with_a_graph(model, levels, known, rng=None):
    was_training = model.training
    model.eval()
    model(levels)
    model.train(was_training)
    return varied()(model, levels, known, rng)


def new_generator_for_none(model, levels, known, rng=None):
    return varied()(model, levels, known, rng or torch.Generator().manual_seed(0))


def generator_that_starts_anew(model, levels, known, rng=None):
    seed = rng.initial_seed() if rng else torch.randint(2**31, ()).item()
    return varied()(model, levels, known, torch.Generator().manual_seed(seed))


RIGHT = {
    "multinomial": varied(),
    "inverse of the sums": varied(inverse_of_the_sums),
    "gumbel": varied(gumbel),
    "begins with zeros": varied(start=torch.zeros_like),
    "begins with ones": varied(start=ones),
    **{
        answer.__name__: answer
        for answer in (
            *(list_of_unknown_pixels, draws_what_is_known_and_forgets_it, all_noise_first),
            *(of_a_copy, rows_so_far),
        )
    },
}
WRONG = {
    **{
        choose.__name__: varied(choose)
        for choose in (rounded_mean, hot, uniform, softmax_over_batch, seed_of_its_own)
    },
    **{
        keep.__name__: varied(keep=keep)
        for keep in (
            *(a_row_is_known_or_is_not, a_row_is_unknown_or_is_not, upper_half, turned_around),
            last_pixel_forgotten,
        )
    },
    **{
        answer.__name__: answer
        for answer in (
            *(without_clone, changes_known, changes_what_is_unknown, unknown_pixels_alone),
            *(unknown_pixels_begin_with_minus_one, backwards, int32, floats),
            *(lacks_a_level_where_it_was_given, eval_after_the_first_question),
            *(asked_once_with_a_graph, new_generator_for_none, generator_that_starts_anew),
        )
    },
}
BAR = "tqdm(range(H), desc='sampling', unit='row', delay=2, leave=False, file=sys.stdout)"
NEW_EMPTY = "probs.new_empty(0, dtype=torch.int64)"
MULTINOMIAL = "torch.multinomial(probs.cpu(), 1, generator=rng)[:, 0]"
EQUIVALENT = {
    **dict.fromkeys(
        (
            "complete: known.to(levels.device) -> known.to()",
            f"_draw: {MULTINOMIAL}.to(probs.device) -> {MULTINOMIAL}.to()",
        ),
        "all is on one device",
    ),
    **dict.fromkeys(
        ("complete: levels[:, :, ~known.to(levels.device)] = 0 -> pass", "complete: 0 -> 1"),
        "the model does not see what stands at places to come",
    ),
    **dict.fromkeys(
        (
            f"complete: {BAR} -> {BAR.replace(part, '')}"
            for part in (
                *(" desc='sampling',", " unit='row',", " delay=2,", " leave=False,"),
                ", file=sys.stdout",
            )
        ),
        "how the progress bar looks",
    ),
    **dict.fromkeys(
        ("complete: 2 -> 3", "complete: 2 -> 1", "complete: False -> True"),
        "when the progress bar comes and goes",
    ),
    **dict.fromkeys(
        (
            f"_draw: if not len(probs): return {NEW_EMPTY} -> pass",
            f"_draw: return {NEW_EMPTY} -> pass",
            f"_draw: {NEW_EMPTY} -> probs.new_empty(0)",
            f"_draw: {NEW_EMPTY} -> probs.new_empty(dtype=torch.int64)",
            "_draw: 0 -> 1",
        ),
        "nobody is asked for no image at all",
    ),
    "_draw: 1 -> 2": "two draws, of which the first is taken",
    "_draw: 0 -> -1": "of a single draw, the last is the first; or no image at all",
}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_complete_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_complete_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_complete_does_not_demand_questions_where_nothing_is_unknown():
    def answer(model, levels, known, rng=None):
        if known.all():
            return levels.clone()
        return varied()(model, levels, known, rng)

    def asks_all_the_same(model, levels, known, rng=None):
        images = draws_what_is_known_and_forgets_it(model, levels, known, rng)
        return torch.where(known, levels, images)

    for each in (answer, asks_all_the_same):
        assert failed(graded(EXERCISE, each)) == []


def test_complete_must_not_come_from_the_librarys_sampling():
    def answer(model, levels, known, rng=None):
        images = ref.sample(model, tuple(levels.shape), rng=rng)
        return varied()(model, torch.where(known, levels, images), known, rng)

    assert graded(EXERCISE, answer).points == 0.0


def test_complete_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("_draw",))
