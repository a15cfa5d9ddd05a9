"""Exercise: images completed."""

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
    require_shares,
)
from cvgen_course.pixelcnn.exercises.toy_model import ToyModel, certain, toy

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: halves, scattered pixels, shares of many images, modes, generators."""

    def ask(
        shape: tuple[int, int, int, int],
        base: list[float],
        known: list[list[int]] | None = None,
        asked: str = "images",
        filled: bool = False,
        training: bool = False,
        graph: bool = False,
    ) -> dict[str, Any]:
        """Return a model, images and what is known of them; scattered pixels where it's None.

        At unknown pixels stands 0, or any level if they are to be ``filled``.
        """
        _, C, H, W = shape
        mask = torch.tensor(known or scattered(H, W), dtype=torch.bool)
        levels, other = torch.randint(len(base), (2, *shape), generator=rng)
        if asked in ("shares", "rng"):  # what is known is the same in all images
            levels[:, :, mask] = levels[:1, :, mask]
        return {
            "levels": levels if filled else levels * mask,
            "known": mask,
            "other": torch.where(mask, levels, other),
            "asked": asked,
            "training": training,
            "graph": graph,
            "seed": int(torch.randint(2**31, (), generator=rng)),
            **toy(rng, C * H * W, base),
        }

    def scattered(H: int, W: int) -> list[list[int]]:
        """Return a mask in which True and False come before one another, by rows and columns."""
        mask = torch.randint(2, (H * W,), generator=rng)
        mask[[0, W - 1, W]] = 0
        mask[[1, -1]] = 1
        return mask.view(H, W).tolist()

    uneven, even = [1.0, 0.0, -1.0], [0.5, 0.2, 0.0, -0.2, -0.5]
    return [
        Case(
            "the upper half is known, certain levels",
            ask((3, 1, 4, 3), certain(5), [[1, 1, 1]] * 2 + [[0, 0, 0]] * 2),
            hint="As in `sample`, but known pixels are skipped; the first draw sees all of them "
            "that come before.",
        ),
        Case(
            "the last row is known, certain levels",
            ask((3, 1, 3, 4), certain(5), [[0, 0, 0, 0]] * 2 + [[1, 1, 1, 1]]),
            hint="Pixels that come before the known ones are drawn, too.",
        ),
        Case(
            "scattered pixels are known, colour, certain levels",
            ask((2, 3, 3, 3), certain(5)),
            hint="known[i, j] says of a pixel whether all its channels are kept.",
        ),
        Case(
            "nothing is known, certain levels",
            ask((2, 2, 3, 2), certain(5), [[0, 0]] * 3, filled=True),
            hint="Then it is `sample`.",
        ),
        Case(
            "all is known",
            ask((2, 2, 2, 3), certain(5), [[1, 1, 1]] * 2, "copy"),
            hint="Then nothing is drawn; what is returned is a new tensor all the same, a clone.",
        ),
        Case(
            "other levels at unknown pixels, certain levels",
            ask((3, 2, 3, 3), certain(3), asked="other levels", filled=True),
            hint="What stands at unknown pixels changes nothing, be it 0 or any other level.",
        ),
        Case(
            "2000 images whose first row is known",
            ask((2000, 1, 2, 3), uneven, [[1, 1, 1], [0, 0, 0]], "shares"),
            weight=5,
            hint="Unknown levels are drawn, with the probabilities that follow from all before.",
        ),
        Case(
            "2000 images of three pixels; that in the middle is known",
            ask((2000, 2, 1, 3), uneven, [[0, 1, 0]], "shares"),
            weight=6,
            hint="The first pixel is drawn without a look at the second; the third sees both.",
        ),
        Case(
            "no generator is given",
            ask((3, 1, 4, 5), even, asked="no rng"),
            hint="Without `rng`, draws come from torch's own generator: generator=None does that.",
        ),
        Case(
            "a grey model that comes in training mode",
            ask((2, 1, 3, 4), certain(5), training=True, graph=True),
            weight=7,
            hint="As in `sample`: eval(), torch.no_grad(), and back to the mode in which it came.",
        ),
        Case(
            "a colour model that comes in training mode",
            ask((2, 3, 2, 3), certain(5), training=True),
            weight=4,
            hint="As in `sample`: eval() before the first question, then train(was_training).",
        ),
        Case(
            "no gradient is computed",
            ask((2, 2, 3, 3), certain(5), graph=True),
            weight=4,
            hint="Ask the model under torch.no_grad(): else it keeps what a gradient would need.",
        ),
        Case(
            "all draws come from rng",
            ask((3, 1, 4, 5), even, asked="rng"),
            weight=11,
            hint="torch.multinomial(probs, 1, generator=rng), at each draw; nothing else is "
            "random.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """Return images where only one is possible, else what is true of them; modes and graphs."""
    levels, known, asked = inputs["levels"], inputs["known"], inputs["asked"]
    model = ToyModel(inputs["weights"], inputs["offsets"], inputs["base"], levels.shape[1])
    model.train(inputs["training"])

    def draw(rng: torch.Generator | None, levels: Tensor = levels) -> Tensor:
        options = {} if rng is None else {"rng": rng}
        return as_tensor(implementation(model, levels, known, **options), "what came back")

    def drawn(levels: Tensor = levels) -> Tensor:
        return draw(torch.Generator().manual_seed(inputs["seed"]), levels)

    found: dict[str, Any] = {}
    if asked == "copy":
        images = drawn()
        new = images.untyped_storage().data_ptr() != levels.untyped_storage().data_ptr()
        found = {"the images": images, "they are": ["a new tensor" if new else "the old one"]}
        return {"the model's mode afterwards": model.modes(), **found}
    if asked == "images":
        found["the images"] = drawn()
    elif asked == "other levels":
        found = {"the images": drawn(), "those with other levels": drawn(inputs["other"].clone())}
    elif asked == "shares":
        require_shares(model, drawn(), levels.clone(), known)
    else:
        ask = compared if asked == "rng" else compared_without_generator
        found = ask(draw, inputs["seed"])
    return {**model.facts(inputs["graph"]), **found}


def _right(logits: Tensor, rng: torch.Generator | None) -> Tensor:
    return torch.multinomial(logits.softmax(dim=1), 1, generator=rng)[:, 0]


def _completed(
    model,
    levels,
    known,
    rng,
    choose=_right,
    order="ijc",
    hide=None,
    modes=(False, None),
    graph=False,
):
    """Complete images rightly, but for what is given.

    Args:
        model: the model.
        levels: the images, which are changed.
        known: which pixels, or which places (C, H, W), are kept.
        rng: where draws come from.
        choose: draws levels from logits, (N, K).
        order: of the loops, over rows i, columns j, channels c.
        hide: changes what the model is shown at a place.
        modes: of the model, when it is asked and afterwards; None for what it was.
        graph: whether autograd takes notes.
    """
    was_training = model.training
    model.train(was_training if modes[0] is None else modes[0])
    known = known.expand(levels.shape[1:])
    sizes = {"c": range(levels.shape[1]), "i": range(levels.shape[2]), "j": range(levels.shape[3])}
    with torch.set_grad_enabled(graph):
        for place in product(*(sizes[each] for each in order)):
            at = dict(zip(order, place, strict=True))
            c, i, j = at["c"], at["i"], at["j"]
            if known[c, i, j]:
                continue
            shown = levels.clone()
            if hide:
                hide(shown, i, j)
            levels[:, c, i, j] = choose(model(shown)[:, :, c, i, j], rng)
    model.train(was_training if modes[1] is None else modes[1])
    return levels


@mistakes.when("known pixels are drawn, too: they stay as they are.")
def _known_overwritten(model, levels, known, rng=None):
    return _completed(model, levels.clone(), torch.zeros_like(known), rng)


@mistakes.when("known and unknown are exchanged: where `known` is True, a pixel is kept.")
def _exchanged(model, levels, known, rng=None):
    return _completed(model, levels.clone(), ~known, rng)


@mistakes.when(
    "whole images are drawn first, and known pixels put in afterwards: the others have to follow "
    "from them."
)
def _known_put_in_afterwards(model, levels, known, rng=None):
    images = _completed(model, levels.clone(), torch.zeros_like(known), rng)
    images[:, :, known] = levels[:, :, known]
    return images


@mistakes.when("known pixels are skipped, and never put in: begin with levels.clone(), not with 0.")
def _known_never_put_in(model, levels, known, rng=None):
    return _completed(model, torch.zeros_like(levels), known, rng)


@mistakes.when(
    "from the first unknown pixel on, all are drawn: known ones that come later are kept, too."
)
def _known_up_to_the_first_unknown(model, levels, known, rng=None):
    kept = torch.ones_like(known)
    kept.view(-1)[(~known).flatten().int().argmax() :] = False
    return _completed(model, levels.clone(), kept, rng)


@mistakes.when(
    "a level of 0 counts as unknown, whatever `known` says: 0 is a level like any other, and any "
    "level may stand at unknown pixels."
)
def _zero_is_unknown(model, levels, known, rng=None):
    drawn = _completed(model, levels.clone(), torch.zeros_like(known), rng)
    return torch.where(levels == 0, drawn, levels)


@mistakes.when("only the first channel is completed: an unknown pixel lacks all its channels.")
def _first_channel_only(model, levels, known, rng=None):
    kept = known.expand(levels.shape[1:]).clone()
    kept[1:] = True
    return _completed(model, levels.clone(), kept, rng)


@mistakes.when("`levels` is changed in place: work on levels.clone().")
def _in_place(model, levels, known, rng=None):
    return _completed(model, levels, known, rng)


@mistakes.when(
    "a level follows from what stood at unknown pixels at first, not from what is drawn there: "
    "that has to be in the images when the model is asked about the next place."
)
def _asked_once(model, levels, known, rng=None):
    def hide(shown, i, j):
        shown[:] = levels

    return _completed(model, levels.clone(), known, rng, hide=hide)


@mistakes.when(
    "a level is drawn as if 0 stood at all unknown pixels: what is drawn has to be in the images "
    "when the model is asked about the next place."
)
def _asked_once_about_zeros(model, levels, known, rng=None):
    def hide(shown, i, j):
        shown[:, :, ~known] = 0

    return _completed(model, levels.clone(), known, rng, hide=hide)


@mistakes.when(
    "a channel is drawn before those that it follows from stand at its pixel: draw them in their "
    "order, and ask the model anew after each."
)
def _channels_at_once(model, levels, known, rng=None):
    def hide(shown, i, j):
        shown[:, :, i, j] = levels[:, :, i, j]

    return _completed(model, levels.clone(), known, rng, hide=hide)


@mistakes.when("the images are drawn column by column: the order is row by row, from the left.")
def _column_by_column(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, order="jic")


@mistakes.when(
    "a whole channel is drawn before the next one: all channels of a pixel come before the next "
    "pixel."
)
def _channel_by_channel(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, order="cij")


@mistakes.when(
    "nothing is drawn: the likeliest level, or the mean of all, is the same at every call; "
    "torch.multinomial takes each level with its probability."
)
def _likeliest(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, lambda logits, rng: logits.argmax(dim=1))


@mistakes.when(
    "the logits of one image, or their mean, serve all images of the batch: each has its own, "
    "which follow from its own levels."
)
def _logits_of_one_image(model, levels, known, rng=None):
    def choose(logits, rng):
        return _right(logits[:1].expand_as(logits), rng)

    return _completed(model, levels.clone(), known, rng, choose)


@mistakes.when(
    "the levels that are drawn for one image are put into all: each image has draws of its own, "
    "from its own probabilities."
)
def _one_draw_for_all(model, levels, known, rng=None):
    return _completed(
        model, levels.clone(), known, rng, lambda logits, rng: _right(logits[:1], rng)
    )


@mistakes.when("the model stays in training mode: call model.eval() before it is asked.")
def _in_training_mode(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, modes=(None, None))


@mistakes.when(
    "the model is left in evaluation mode, whatever it came in: note model.training first, then "
    "model.train(was_training)."
)
def _mode_not_restored(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, modes=(False, False))


@mistakes.when(
    "the model is left in training mode, whatever it came in: note model.training first, then "
    "model.train(was_training)."
)
def _always_training_afterwards(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, modes=(False, True))


@mistakes.when(
    "the model is asked without torch.no_grad(), at least once: then it keeps all that a gradient "
    "would need."
)
def _with_graph(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng, graph=True)


@mistakes.when(
    "not all draws come from `rng`: hand it to each of them, as in torch.multinomial(…, "
    "generator=rng)."
)
def _rng_ignored(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, None)


@mistakes.when("the images are floats: levels are whole numbers, int64.")
def _floats(model, levels, known, rng=None):
    return _completed(model, levels.clone(), known, rng).float()


EXERCISE = Exercise(
    name="complete",
    title="Images, completed",
    points=2,
    reference=complete,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(sample, Cached),
    read="Half a glyph",
)
