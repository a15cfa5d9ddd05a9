"""Exercise: images drawn pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, as_tensor
from cvgen_course.pixelcnn import Cached, complete, sample
from cvgen_course.pixelcnn.exercises.draws import (
    compared,
    compared_without_generator,
    following,
    require_shares,
)
from cvgen_course.pixelcnn.exercises.toy_model import ToyModel, certain, toy

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: certain levels, shares of many images, modes, graphs, generators."""

    def ask(
        shape: tuple[int, int, int, int],
        base: list[float],
        asked: str = "images",
        first: list[float] | None = None,
        training: bool = False,
        graph: bool = False,
    ) -> dict[str, Any]:
        _, C, H, W = shape
        seed = int(torch.randint(2**31, (), generator=rng))
        options = {"asked": asked, "training": training, "graph": graph, "seed": seed}
        return {"shape": shape, **toy(rng, C * H * W, base, first), **options}

    uneven, even = [1.0, 0.0, -1.0], [0.5, 0.2, 0.0, -0.2, -0.5]
    return [
        Case(
            "grey, one level is certain at each pixel",
            ask((2, 1, 3, 4), certain(5)),
            weight=2,
            hint="Row by row, from the left; each pixel is drawn once those before it are in "
            "`levels`.",
        ),
        Case(
            "colour, one level is certain at each place",
            ask((2, 3, 2, 3), certain(5)),
            weight=3,
            hint="At a pixel, ask the model anew for each channel: green follows from red.",
        ),
        Case(
            "one tall image of two channels, certain levels",
            ask((1, 2, 5, 2), certain(3)),
            weight=1,
            hint="New here: a single image, of more rows than columns.",
        ),
        Case(
            "2000 grey images of 2 × 2 pixels, three levels",
            ask((2000, 1, 2, 2), uneven, "shares"),
            weight=4,
            hint="Each level is drawn with its probability, the softmax over the K levels, for "
            "each image on its own.",
        ),
        Case(
            "2000 images of two pixels and two channels",
            ask((2000, 2, 1, 2), uneven, "shares"),
            weight=5,
            hint="Ask the model again for each channel, and draw with the probabilities that it "
            "then gives.",
        ),
        Case(
            "30 images that follow from their first levels",
            ask((30, 2, 2, 2), certain(5), "following", first=even),
            weight=3,
            hint="Each image has its own logits, which follow from the levels that it has so far.",
        ),
        Case(
            "no generator is given",
            ask((3, 1, 3, 4), even, "no rng"),
            weight=2,
            hint="Without `rng`, draws come from torch's own generator: generator=None does that.",
        ),
        Case(
            "a grey model that comes in training mode",
            ask((2, 1, 3, 4), certain(5), training=True, graph=True),
            weight=8,
            hint="model.eval() before the first question; then model.train(was_training).",
        ),
        Case(
            "a colour model that comes in training mode",
            ask((2, 3, 2, 2), certain(5), training=True),
            weight=4,
            hint="model.eval() before the first question; then model.train(was_training).",
        ),
        Case(
            "no gradient is computed",
            ask((2, 2, 3, 2), certain(5), graph=True),
            weight=4,
            hint="Ask the model under torch.no_grad(): else it keeps what a gradient would need.",
        ),
        Case(
            "all draws come from rng",
            ask((3, 1, 3, 4), even, "rng"),
            weight=12,
            hint="torch.multinomial(probs, 1, generator=rng), at each draw; nothing else is "
            "random.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return images where only one is possible, else what is true of them; modes and graphs."""
    shape, asked, seed = inputs["shape"], inputs["asked"], inputs["seed"]
    model = ToyModel(inputs["weights"], inputs["offsets"], inputs["base"], shape[1])
    model.train(inputs["training"])

    def draw(rng: torch.Generator | None) -> Tensor:
        options = {} if rng is None else {"rng": rng}
        return as_tensor(implementation(model, shape, **options), "what came back")

    def drawn() -> Tensor:
        return draw(torch.Generator().manual_seed(seed))

    found: dict[str, Any] = {}
    if asked == "images":
        found["the images"] = drawn()
    elif asked == "following":
        found = following(model, drawn(), shape)
    elif asked == "shares":
        nothing = torch.zeros(shape, dtype=torch.int64)
        require_shares(model, drawn(), nothing, known=torch.zeros(shape[2:], dtype=torch.bool))
    else:
        found = (compared if asked == "rng" else compared_without_generator)(draw, seed)
    return {**model.facts(inputs["graph"]), **found}


def _drawn(probs: Tensor, rng: torch.Generator | None) -> Tensor:
    return torch.multinomial(probs, 1, generator=rng)[:, 0]


def _right(logits, rng, c, i, j):
    """Return levels for a place, drawn from logits (N, K, C, H, W) as they should be."""
    return _drawn(logits[:, :, c, i, j].softmax(dim=1), rng)


def _sampled(
    model, shape, rng, choose=_right, order="ijc", hide=None, modes=(False, None), graph=False
):
    """Sample rightly, but for what is given.

    Args:
        model: the model.
        shape: of the images.
        rng: where draws come from.
        choose: draws the levels of a place.
        order: of the loops, over rows i, columns j, channels c.
        hide: changes what the model is shown at a place.
        modes: of the model, when it is asked and afterwards; None for what it was.
        graph: whether autograd takes notes.
    """
    was_training = model.training
    model.train(was_training if modes[0] is None else modes[0])
    levels = torch.zeros(shape, dtype=torch.int64)
    sizes = {"c": range(shape[1]), "i": range(shape[2]), "j": range(shape[3])}
    with torch.set_grad_enabled(graph):
        for place in product(*(sizes[each] for each in order)):
            at = dict(zip(order, place, strict=True))
            shown = levels.clone()
            if hide:
                hide(shown, at["i"], at["j"])
            levels[:, at["c"], at["i"], at["j"]] = choose(model(shown), rng, **at)
    model.train(was_training if modes[1] is None else modes[1])
    return levels


@mistakes.when(
    "nothing is drawn: the likeliest level, or the mean of all, is the same at every call; "
    "torch.multinomial takes each level with its probability."
)
def _likeliest(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return logits[:, :, c, i, j].argmax(dim=1)

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "each level is drawn as if nothing stood before it: what is drawn has to be in `levels` when "
    "the model is asked about the next place."
)
def _all_at_once(model, shape, rng=None):
    return _sampled(model, shape, rng, hide=lambda shown, i, j: shown.zero_())


@mistakes.when(
    "a channel is drawn as if the others were not there at its pixel: draw them in their order, "
    "and ask the model anew after each."
)
def _channels_at_once(model, shape, rng=None):
    return _sampled(model, shape, rng, hide=lambda shown, i, j: shown[:, :, i, j].zero_())


@mistakes.when(
    "a pixel is drawn as if the others were not there in its row: draw them from the left, and ask "
    "the model anew after each."
)
def _row_at_once(model, shape, rng=None):
    return _sampled(model, shape, rng, hide=lambda shown, i, j: shown[:, :, i].zero_())


@mistakes.when("the images are drawn column by column: the order is row by row, from the left.")
def _column_by_column(model, shape, rng=None):
    return _sampled(model, shape, rng, order="jic")


@mistakes.when(
    "a whole channel is drawn before the next one: all channels of a pixel come before the next "
    "pixel."
)
def _channel_by_channel(model, shape, rng=None):
    return _sampled(model, shape, rng, order="cij")


@mistakes.when(
    "all levels are drawn equally often, whatever their logits are, as with a softmax over the "
    "batch: it runs over the K levels."
)
def _softmax_over_batch(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _drawn(logits[:, :, c, i, j].softmax(dim=0), rng)

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "the softmax runs over the columns of the image: it runs over the K levels, dimension 1 of the "
    "model's logits."
)
def _softmax_over_columns(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _drawn(logits.softmax(dim=-1)[:, :, c, i, j], rng)

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "torch.multinomial is given numbers that are no probabilities, such as logits or "
    "log-probabilities: softmax makes probabilities of logits."
)
def _logits_as_probabilities(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _drawn(logits[:, :, c, i, j], rng)

    return _sampled(model, shape, rng, choose)


@mistakes.when("softmax is taken twice, which makes all levels nearly as likely as one another.")
def _softmax_twice(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _right(logits.softmax(dim=1), rng, c, i, j)

    return _sampled(model, shape, rng, choose)


@mistakes.when("levels 0 and 1 alone are drawn, as for black and white: there are K of them.")
def _two_levels(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return torch.bernoulli(logits[:, 1, c, i, j].sigmoid(), generator=rng).long()

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "one draw is made for all images of the batch: each image has draws of its own, from its own "
    "probabilities."
)
def _one_draw_for_all(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _right(logits[:1], rng, c, i, j)

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "the logits of one image, or their mean, serve all images of the batch: each has its own, "
    "which follow from its own levels."
)
def _logits_of_one_image(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        return _right(logits[:1].expand_as(logits), rng, c, i, j)

    return _sampled(model, shape, rng, choose)


@mistakes.when(
    "the logits of the place before are used: those at a place are for this very place, since the "
    "model does not see it."
)
def _place_before(model, shape, rng=None):
    def choose(logits, rng, c, i, j):
        _, _, C, _, W = logits.shape
        before = max((i * W + j) * C + c - 1, 0)
        in_order = logits.permute(0, 1, 3, 4, 2).flatten(2)
        return _drawn(in_order[..., before].softmax(dim=1), rng)

    return _sampled(model, shape, rng, choose)


@mistakes.when("the model stays in training mode: call model.eval() before it is asked.")
def _in_training_mode(model, shape, rng=None):
    return _sampled(model, shape, rng, modes=(None, None))


@mistakes.when(
    "the model is left in evaluation mode, whatever it came in: note model.training first, then "
    "model.train(was_training)."
)
def _mode_not_restored(model, shape, rng=None):
    return _sampled(model, shape, rng, modes=(False, False))


@mistakes.when(
    "the model is left in training mode, whatever it came in: note model.training first, then "
    "model.train(was_training)."
)
def _always_training_afterwards(model, shape, rng=None):
    return _sampled(model, shape, rng, modes=(False, True))


@mistakes.when(
    "the model is asked without torch.no_grad(), at least once: then it keeps all that a gradient "
    "would need."
)
def _with_graph(model, shape, rng=None):
    return _sampled(model, shape, rng, graph=True)


@mistakes.when(
    "not all draws come from `rng`: hand it to each of them, as in torch.multinomial(…, "
    "generator=rng)."
)
def _rng_ignored(model, shape, rng=None):
    return _sampled(model, shape, None)


@mistakes.when("a seed is set in here: every call draws the same images, whatever `rng` is.")
def _seed_of_its_own(model, shape, rng=None):
    return _sampled(model, shape, torch.Generator().manual_seed(0))


@mistakes.when("the images are floats: levels are whole numbers, int64.")
def _floats(model, shape, rng=None):
    return _sampled(model, shape, rng).float()


EXERCISE = Exercise(
    name="sample",
    title="Images, pixel by pixel",
    points=3,
    reference=sample,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(complete, Cached),
    read="Drawing, pixel by pixel",
)
