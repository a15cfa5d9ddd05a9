"""Exercise: decode the output of YOLO's grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import Case, Exercise, Mistakes, WrongAnswer, as_tensor
from cvgen_course.checks.probes import gradients, require_unchanged
from cvgen_course.detection.decode_yolo import decode_yolo

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: grids and images, square and not, one box in a cell and several."""

    def ask(
        num_images: int,
        num_boxes: int,
        num_classes: int,
        grid: tuple[int, int],
        image_size: tuple[int, int],
        scale: float = 1.5,
        dtype: torch.dtype = torch.float32,
        gradient: bool = False,
    ) -> dict[str, Any]:
        shape = (num_images, 5 * num_boxes + num_classes, *grid)
        raw = (scale * torch.randn(shape, generator=rng, dtype=torch.float64)).to(dtype)
        inputs = {"raw": raw, "num_boxes": num_boxes, "image_size": image_size}
        if gradient:
            num_all = num_boxes * grid[0] * grid[1]
            inputs["upstream"] = [
                torch.randn(num_images, num_all, size, generator=rng, dtype=torch.float64)
                for size in (4, num_classes)
            ]
        return inputs

    return [
        Case(
            "a single cell, one box, three classes",
            ask(1, 1, 3, (1, 1), (64, 64)),
            weight=2,
            hint="Centre and size first, then the corners: x1 = x - width / 2, x2 = x + width / 2; "
            "scores are confidence × softmax.",
        ),
        Case(
            "a grid of 3 × 3, one box in a cell",
            ask(1, 1, 4, (3, 3), (96, 96)),
            weight=2,
            hint="Add the cell's column to σ(tx), its row to σ(ty), and multiply by a cell's size.",
        ),
        Case(
            "the gradients of both results",
            ask(1, 1, 3, (2, 2), (40, 40), dtype=torch.float64, gradient=True),
            weight=3,
            hint="Networks learn through both results: no detach, no item, no torch.no_grad.",
        ),
        Case(
            "a grid that is not square: results and gradients",
            ask(1, 1, 2, (2, 5), (40, 100), gradient=True),
            weight=2,
            hint="raw is (N, channels, rows, columns): x goes with columns, y with rows. Boxes are "
            "ordered by rows.",
        ),
        Case(
            "an image that is not square: results and gradients",
            ask(1, 1, 2, (3, 3), (48, 120), gradient=True),
            weight=2,
            hint="image_size is (height, width): x and width go with W, y and height with H.",
        ),
        Case(
            "two boxes in a cell: results and gradients",
            ask(1, 2, 3, (2, 2), (64, 64), gradient=True),
            weight=2,
            hint="Box b has channels 5b … 5b + 4; behind all boxes come the classes. A cell's "
            "boxes follow each other.",
        ),
        Case(
            "three boxes in a cell, two images, nothing is square",
            ask(2, 3, 4, (2, 3), (60, 160), gradient=True),
            weight=3,
            hint="Order: rows, then columns, then the cell's boxes; each image has its own.",
        ),
        Case(
            "a single class",
            ask(2, 2, 1, (2, 1), (32, 48)),
            weight=1,
            hint="The softmax of a single logit is 1: no squeeze, the scores keep their last "
            "dimension.",
        ),
        Case(
            "large numbers: results and gradients",
            ask(1, 2, 3, (2, 3), (50, 70), scale=400.0, gradient=True),
            weight=2,
            hint="exp(400) overflows: torch.sigmoid and torch.softmax are safe, and so are their "
            "gradients; your own are not.",
        ),
        Case(
            "float64",
            ask(1, 2, 2, (3, 2), (90, 70), dtype=torch.float64),
            weight=1,
            hint="The results are as precise as raw.",
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return boxes and scores and, where a case brings upstream gradients, those of raw."""
    raw = inputs["raw"].requires_grad_("upstream" in inputs)
    handed = raw.clone()
    pair = implementation(handed, inputs["num_boxes"], tuple(inputs["image_size"]))
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return boxes, scores")
    outputs = {"the boxes": as_tensor(pair[0], "boxes"), "the scores": as_tensor(pair[1], "scores")}
    require_unchanged({"raw": raw}, {"raw": handed})
    answer = {name: output.detach() for name, output in outputs.items()}
    for (name, output), upstream in zip(outputs.items(), inputs.get("upstream", ()), strict=False):
        (answer[f"the gradient of raw through {name}"],) = gradients(
            name, output, upstream, raw=raw
        ).values()
    return answer


def _parts(raw: Tensor, num_boxes: int) -> tuple[Tensor, Tensor]:
    """Return the sigmoids of the boxes' numbers, (N, S_h, S_w, B, 5), and the class logits."""
    t, classes = _split(raw.movedim(1, -1), num_boxes)
    return t.sigmoid(), classes


def _split(cells: Tensor, num_boxes: int) -> tuple[Tensor, Tensor]:
    return cells[..., : 5 * num_boxes].unflatten(-1, (-1, 5)), cells[..., 5 * num_boxes :]


def _corners(s: Tensor, image_size: tuple[int, int], size: Tensor | None = None) -> Tensor:
    H, W = image_size
    size = s[..., 2:4] ** 2 if size is None else size  # relative to the image
    return _around(_centres(s, image_size), size * torch.tensor([W, H]))


def _centres(s: Tensor, image_size: tuple[int, int], order: tuple[int, int] = (0, 1)) -> Tensor:
    (H, W), (S_h, S_w) = image_size, s.shape[1:3]
    places = torch.arange(S_w)[:, None], torch.arange(S_h)[:, None, None]  # column and row
    x, y = (places[i] + s[..., k] for k, i in enumerate(order))
    return torch.stack([x * W / S_w, y * H / S_h], -1)


def _around(centres: Tensor, sizes: Tensor) -> Tensor:
    return torch.cat([centres - sizes / 2, centres + sizes / 2], -1)


def _scores(s: Tensor, class_logits: Tensor) -> Tensor:
    return s[..., 4:] * class_logits.softmax(-1)[..., None, :]


def _flat(boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    return boxes.flatten(1, 3), scores.flatten(1, 3)


@mistakes.when("x is counted by rows and y by columns: raw is (N, channels, rows, columns).")
def _rows_for_columns(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    sizes = s[..., 2:4] ** 2 * torch.tensor(image_size[::-1])
    boxes = _around(_centres(s, image_size, order=(1, 0)), sizes)
    return _flat(boxes, _scores(s, classes))


@mistakes.when("image_size is read as (W, H): it is (H, W).")
def _width_first(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(_corners(s, (image_size[1], image_size[0])), _scores(s, classes))


@mistakes.when("the size is W σ(tw): the network gives its square root, so it is W σ(tw)².")
def _not_squared(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(_corners(s, image_size, s[..., 2:4]), _scores(s, classes))


@mistakes.when("the size is taken relative to the cell: it is relative to the whole image.")
def _size_of_cell(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    of_cell = s[..., 2:4] ** 2 / torch.tensor([s.shape[2], s.shape[1]])
    return _flat(_corners(s, image_size, of_cell), _scores(s, classes))


@mistakes.when("the centre is taken for the upper left corner: x1 is x - width / 2.")
def _centre_as_corner(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    centres, sizes = _centres(s, image_size), s[..., 2:4] ** 2 * torch.tensor(image_size[::-1])
    return _flat(torch.cat([centres, centres + sizes], -1), _scores(s, classes))


@mistakes.when(
    "the scores are the class probabilities: they are multiplied by the confidence σ(to)."
)
def _without_confidence(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(
        _corners(s, image_size), classes.softmax(-1)[..., None, :].expand(*s.shape[:4], -1)
    )


@mistakes.when("the class logits go through a sigmoid: here they share one softmax.")
def _sigmoid_of_classes(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(_corners(s, image_size), s[..., 4:] * classes.sigmoid()[..., None, :])


@mistakes.when("first come the first boxes of all cells: the boxes of one cell follow each other.")
def _boxes_before_cells(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    boxes, scores = _corners(s, image_size), _scores(s, classes)
    return _flat(boxes.movedim(3, 1), scores.movedim(3, 1))


@mistakes.when("the boxes are returned as centre and size: they are x1, y1, x2, y2.")
def _centre_and_size(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    centres, sizes = _centres(s, image_size), s[..., 2:4] ** 2 * torch.tensor(image_size[::-1])
    return _flat(torch.cat([centres, sizes], -1), _scores(s, classes))


@mistakes.when("the whole size lies on each side of the centre: x1 is x - width / 2.")
def _whole_size_on_each_side(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(_corners(s, image_size, 2 * s[..., 2:4] ** 2), _scores(s, classes))


@mistakes.when("the size is W exp(tw), as with anchors: here it is W σ(tw)².")
def _exponential(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    t, _ = _split(raw.movedim(1, -1), num_boxes)
    return _flat(_corners(s, image_size, t[..., 2:4].exp()), _scores(s, classes))


@mistakes.when("tx and ty are added to column and row as they are: σ(tx) and σ(ty) are.")
def _offset_without_sigmoid(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    t, _ = _split(raw.movedim(1, -1), num_boxes)
    boxes = _corners(torch.cat([t[..., :2], s[..., 2:]], -1), image_size)
    return _flat(boxes, _scores(s, classes))


@mistakes.when("boxes are clipped at the image's border: they may reach over it.")
def _clipped(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    H, W = image_size
    x1, y1, x2, y2 = _corners(s, image_size).unbind(-1)
    boxes = torch.stack([x1.clamp(0, W), y1.clamp(0, H), x2.clamp(0, W), y2.clamp(0, H)], -1)
    return _flat(boxes, _scores(s, classes))


@mistakes.when("columns come before rows: cells are ordered by rows, then by columns.")
def _columns_first(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    boxes, scores = _corners(s, image_size), _scores(s, classes)
    return _flat(boxes.transpose(1, 2), scores.transpose(1, 2))


@mistakes.when("the softmax runs over the images: it runs over a cell's class logits.")
def _softmax_over_images(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    return _flat(_corners(s, image_size), s[..., 4:] * classes.softmax(0)[..., None, :])


@mistakes.when("channels are read as tx of all boxes, ty of all boxes, …: box b has 5b … 5b + 4.")
def _interleaved(raw, num_boxes, image_size):
    classes = _parts(raw, num_boxes)[1]
    s = raw.movedim(1, -1)[..., : 5 * num_boxes].unflatten(-1, (5, -1)).transpose(-1, -2).sigmoid()
    return _flat(_corners(s, image_size), _scores(s, classes))


@mistakes.when("all boxes of a cell have the first one's channels: box b has 5b … 5b + 4.")
def _first_box_only(raw, num_boxes, image_size):
    s, classes = _parts(raw, num_boxes)
    s = s[..., :1, :].expand_as(s)
    return _flat(_corners(s, image_size), _scores(s, classes))


@mistakes.when(
    "raw is reshaped with its channels first: .permute(0, 2, 3, 1) puts them last before that."
)
def _without_permute(raw, num_boxes, image_size):
    N, channels, S_h, S_w = raw.shape
    t, classes = _split(raw.reshape(N, S_h, S_w, channels), num_boxes)
    s = t.sigmoid()
    return _flat(_corners(s, image_size), _scores(s, classes))


EXERCISE = Exercise(
    name="decode_yolo",
    title="Decode YOLO's grid",
    points=2,
    reference=decode_yolo,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    read="YOLO: one cell, one object",
)
