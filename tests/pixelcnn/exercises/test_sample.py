import copy

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
from torch.nn import functional as F

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["sample"]


def multinomial(logits, rng):
    return torch.multinomial(logits.softmax(dim=1), 1, generator=rng)[:, 0]


def varied(choose=multinomial, start=torch.zeros_like, rows_so_far=False):
    """Return a right answer in which the draw, the levels to begin with or the view are others."""

    def answer(model, shape, rng=None):
        N, C, H, W = shape
        was_training = model.training
        model.eval()
        levels = start(torch.zeros(N, C, H, W, dtype=torch.int64))
        with torch.no_grad():
            for i in range(H):
                for j in range(W):
                    for c in range(C):
                        seen = levels[:, :, : i + 1] if rows_so_far else levels
                        levels[:, c, i, j] = choose(model(seen)[:, :, c, i, j], rng)
        model.train(was_training)
        return levels

    return answer


def inverse_of_the_sums(logits, rng):
    sums = F.softmax(logits, -1).cumsum(-1)[:, :-1]
    return (torch.rand(len(logits), 1, generator=rng) > sums).sum(-1)


def gumbel(logits, rng):
    uniform = torch.rand(logits.shape, generator=rng, dtype=torch.float64)
    return (logits - (-uniform.log()).log()).argmax(dim=1)


def a_race(logits, rng):
    """The first of several alarms, of which each rings at its own rate."""
    times = torch.empty_like(logits).exponential_(generator=rng)
    return (times.log() - logits).argmin(dim=1)


def exponentials_as_weights(logits, rng):
    return logits.exp().multinomial(1, generator=rng).squeeze(1)


def image_by_image(logits, rng):
    draws = [torch.multinomial(row.softmax(0), 1, generator=rng).item() for row in logits]
    return torch.tensor(draws)


def numpy_with_a_seed_from_rng(logits, rng):
    seed = torch.randint(2**31, (), generator=rng).item()
    probs = logits.double().softmax(1).numpy()
    uniform = np.random.default_rng(seed).random((len(probs), 1))
    return torch.from_numpy((uniform > probs.cumsum(1)[:, :-1]).sum(1))


def categorical_with_a_seed_from_rng(logits, rng):
    seed = torch.randint(2**62, (), generator=rng).item()
    torch.default_generator.manual_seed(seed)
    return torch.distributions.Categorical(logits=logits).sample()


def ones(levels):
    return torch.ones_like(levels)


def anything(levels):
    return torch.randint(2, levels.shape, generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def inference_mode(model, shape, rng=None):
    training, _ = model.training, model.eval()
    levels = torch.full(shape, 0)
    for place in np.ndindex(*shape[2:], shape[1]):
        i, j, c = place
        probs = torch.softmax(model(levels), dim=1)
        levels[:, c, i, j] = torch.multinomial(probs[:, :, c, i, j], 1, generator=rng).flatten()
    model.train(training)
    return levels


def all_noise_first(model, shape, rng=None):
    """Every number that is drawn is drawn before the model is asked."""
    uniform = torch.rand(*shape, generator=rng)
    levels = torch.zeros(shape, dtype=torch.long)
    mode = model.training
    model.train(False)
    with torch.no_grad():
        for i in range(shape[2]):
            for j in range(shape[3]):
                for c in range(shape[1]):
                    sums = model(levels).softmax(1).cumsum(1)[:, :-1, c, i, j]
                    levels[:, c, i, j] = (uniform[:, c, i, j, None] > sums).sum(1)
    if mode:
        model.train()
    return levels


def of_a_copy(model, shape, rng=None):
    """The model itself is neither asked nor changed."""
    return varied()(copy.deepcopy(model), shape, rng)


def one_image_after_the_other(model, shape, rng=None):
    if rng is None:
        rng = torch.default_generator
    images = [varied()(model, (1, *shape[1:]), rng) for _ in range(min(shape[0], 3))]
    if shape[0] > 3:  # else it takes its time
        images.append(varied()(model, (shape[0] - 3, *shape[1:]), rng))
    return torch.cat(images)


def flat(model, shape, rng=None):
    """Places in their order, as a list, and no place is written to twice."""
    N, C, H, W = shape
    was_training = model.training
    model.eval()
    drawn = []
    with torch.no_grad():
        for t in range(H * W * C):
            rest = torch.zeros(N, H * W * C - t, dtype=torch.int64)
            levels = torch.cat([*drawn, rest], dim=1).view(N, H, W, C).permute(0, 3, 1, 2)
            logits = model(levels).permute(0, 3, 4, 2, 1).reshape(N, H * W * C, -1)[:, t]
            drawn.append(torch.multinomial(logits.softmax(-1), 1, generator=rng))
    model.train(was_training)
    return torch.cat(drawn, dim=1).view(N, H, W, C).permute(0, 3, 1, 2)


def rounded_mean(logits, rng):
    return (logits.softmax(1) @ torch.arange(logits.shape[1]).float()).round().long()


def hot(logits, rng):
    return multinomial(logits / 1.5, rng)


def cold(logits, rng):
    return multinomial(logits * 1.5, rng)


def uniform(logits, rng):
    return torch.randint(logits.shape[1], (len(logits),), generator=rng)


def logits_of_the_first_image(logits, rng):
    return multinomial(logits[:1].expand_as(logits), rng)


def mean_logits(logits, rng):
    return multinomial(logits.mean(dim=0).expand_as(logits), rng)


def uniform_shared(logits, rng):
    sums = logits.softmax(1).cumsum(1)[:, :-1]
    return (torch.rand(1, 1, generator=rng) > sums).sum(1)


def same_draws_at_each_place(logits, rng):
    """The generator begins anew at each place, so that an image has one number for all of it."""
    again = torch.Generator().manual_seed(rng.initial_seed() if rng else 0)
    return inverse_of_the_sums(logits, again)


def probabilities_to_the_second_power(logits, rng):
    return torch.multinomial(logits.softmax(1).square(), 1, generator=rng)[:, 0]


def never_the_last_level(logits, rng):
    return multinomial(logits[:, :-1], rng)


def levels_from_one(logits, rng):
    return (multinomial(logits, rng) + 1).clamp(max=logits.shape[1] - 1)


def as_many_as_the_best_two(logits, rng):
    """Top-k sampling."""
    least = logits.topk(2, dim=1).values[:, 1:]
    return multinomial(logits.masked_fill(logits < least, -torch.inf), rng)


def minus_one(levels):
    return levels - 1


def rearranged(model, shape, rng, places, seen=lambda levels, i, j: levels):
    was_training = model.training
    model.eval()
    levels = torch.zeros(shape, dtype=torch.int64)
    with torch.no_grad():
        for c, i, j in places:
            levels[:, c, i, j] = multinomial(model(seen(levels, i, j))[:, :, c, i, j], rng)
    model.train(was_training)
    return levels


def places(shape):
    _, C, H, W = shape
    return [(c, i, j) for i in range(H) for j in range(W) for c in range(C)]


def from_the_last_pixel(model, shape, rng=None):
    return rearranged(model, shape, rng, places(shape)[::-1])


def blue_first(model, shape, rng=None):
    order = sorted(places(shape), key=lambda place: (place[1], place[2], -place[0]))
    return rearranged(model, shape, rng, order)


def from_the_right(model, shape, rng=None):
    order = sorted(places(shape), key=lambda place: (place[1], -place[2], place[0]))
    return rearranged(model, shape, rng, order)


def last_row_forgotten(model, shape, rng=None):
    return rearranged(model, shape, rng, [p for p in places(shape) if p[1] < shape[2] - 1])


def last_column_forgotten(model, shape, rng=None):
    return rearranged(model, shape, rng, [p for p in places(shape) if p[2] < shape[3] - 1])


def first_pixel_forgotten(model, shape, rng=None):
    return rearranged(model, shape, rng, [p for p in places(shape) if p[1:] != (0, 0)])


def sees_up_and_left_only(model, shape, rng=None):
    def part(levels, i, j):
        return levels[:, :, : i + 1, : j + 1]

    return rearranged(model, shape, rng, places(shape), part)


def sees_this_row_only(model, shape, rng=None):
    def row(levels, i, j):
        return torch.cat([torch.zeros_like(levels[:, :, :i]), levels[:, :, i:]], dim=2)

    return rearranged(model, shape, rng, places(shape), row)


def without_channels(model, shape, rng=None):
    return varied()(model, shape, rng)[:, 0]


def width_and_height_exchanged(model, shape, rng=None):
    N, C, H, W = shape
    return varied()(model, (N, C, W, H), rng).transpose(2, 3)


def int32(model, shape, rng=None):
    return varied()(model, shape, rng).int()


def values_between_0_and_1(model, shape, rng=None):
    levels = varied()(model, shape, rng)
    return levels / levels.max()


def with_logits(model, shape, rng=None):
    levels = varied()(model, shape, rng)
    return levels, model(levels)


def eval_after_the_first_question(model, shape, rng=None):
    with torch.no_grad():
        model(torch.zeros(shape, dtype=torch.int64))
    return varied()(model, shape, rng)


def only_the_model_itself_back_in_training(model, shape, rng=None):
    was_training = model.training
    levels = varied()(model.eval(), shape, rng)
    model.training = was_training
    return levels


def asked_once_with_a_graph(model, shape, rng=None):
    model(torch.zeros(shape, dtype=torch.int64))
    return varied()(model, shape, rng)


def graph_at_one_place(model, shape, rng=None):
    was_training = model.training
    levels = varied()(model.eval(), shape, rng)
    levels[:, -1, -1, -1] = multinomial(model(levels)[:, :, -1, -1, -1], rng)
    model.train(was_training)
    return levels


def new_generator_for_none(model, shape, rng=None):
    return varied()(model, shape, rng or torch.Generator().manual_seed(0))


def generator_that_starts_anew(model, shape, rng=None):
    seed = rng.initial_seed() if rng else torch.randint(2**31, ()).item()
    return varied()(model, shape, torch.Generator().manual_seed(seed))


def first_draw_without_rng(model, shape, rng=None):
    levels = varied()(model, shape, rng)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        levels[:, -1, -1, -1] = multinomial(model(levels)[:, :, -1, -1, -1], None)
    model.train(was_training)
    return levels


def generator_is_needed(model, shape, rng):
    return varied()(model, shape, rng)


RIGHT = {
    **{
        choose.__name__: varied(choose)
        for choose in (
            *(multinomial, inverse_of_the_sums, gumbel, a_race, exponentials_as_weights),
            *(image_by_image, numpy_with_a_seed_from_rng, categorical_with_a_seed_from_rng),
        )
    },
    "begins with ones": varied(start=ones),
    "begins with anything": varied(start=anything),
    "asks for the rows so far": varied(rows_so_far=True),
    **{
        answer.__name__: answer
        for answer in (
            *(inference_mode, all_noise_first, of_a_copy, one_image_after_the_other, flat),
        )
    },
}
WRONG = {
    **{
        choose.__name__: varied(choose)
        for choose in (
            *(rounded_mean, hot, cold, uniform, logits_of_the_first_image, mean_logits),
            *(uniform_shared, same_draws_at_each_place, probabilities_to_the_second_power),
            *(never_the_last_level, levels_from_one, as_many_as_the_best_two),
        )
    },
    "begins with -1": varied(start=minus_one),
    **{
        answer.__name__: answer
        for answer in (
            *(from_the_last_pixel, blue_first, from_the_right, last_row_forgotten),
            *(last_column_forgotten, first_pixel_forgotten, sees_up_and_left_only),
            *(sees_this_row_only, without_channels, width_and_height_exchanged, int32),
            *(values_between_0_and_1, with_logits, eval_after_the_first_question),
            *(only_the_model_itself_back_in_training, asked_once_with_a_graph),
            *(graph_at_one_place, new_generator_for_none, generator_that_starts_anew),
            *(first_draw_without_rng, generator_is_needed),
        )
    },
}
BAR = "tqdm(range(H), desc='sampling', unit='row', delay=2, leave=False, file=sys.stdout)"
NEW_EMPTY = "probs.new_empty(0, dtype=torch.int64)"
MULTINOMIAL = "torch.multinomial(probs.cpu(), 1, generator=rng)[:, 0]"
EQUIVALENT = {
    **dict.fromkeys(
        (
            "sample: torch.zeros(shape, dtype=torch.int64, device=_device(model)) -> "
            "torch.zeros(shape, dtype=torch.int64)",
            "complete: known.to(levels.device) -> known.to()",
            f"_draw: {MULTINOMIAL}.to(probs.device) -> {MULTINOMIAL}.to()",
        ),
        "all is on one device",
    ),
    **dict.fromkeys(
        (
            "sample: torch.zeros -> torch.ones",
            "complete: levels[:, :, ~known.to(levels.device)] = 0 -> pass",
            "complete: 0 -> 1",
            "complete: levels = levels.clone() -> pass",
        ),
        "the model does not see what stands at places to come, and nobody else does",
    ),
    **dict.fromkeys(
        (
            "sample: complete(model, levels, known, labels, temperature, rng, logits_at) -> "
            "complete(model, levels, known, labels, temperature, rng)",
            "complete: None -> 1",
            "complete: 1.0 -> 3.0",
        ),
        "labels, temperatures and caches are not asked for; sample hands on all defaults",
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
        ("complete: if known[i, j]: continue -> pass", "complete: continue -> pass"),
        "nothing is known here; it matters in `complete`",
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
def test_sample_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_sample_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_sample_says_which_levels_the_model_takes():
    messages = failed(graded(EXERCISE, varied(start=minus_one)))
    assert "levels: expected" in messages[0]


def test_sample_must_not_come_from_the_librarys_completion():
    def answer(model, shape, rng=None):
        levels = torch.zeros(shape, dtype=torch.int64)
        return ref.complete(model, levels, torch.zeros(shape[2:], dtype=torch.bool), rng=rng)

    assert graded(EXERCISE, answer).points == 0.0


def test_sample_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("complete", "_draw"))
