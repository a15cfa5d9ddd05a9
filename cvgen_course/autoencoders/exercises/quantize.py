"""Exercise: nearest codes, and a gradient that passes straight through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cvgen_course.autoencoders import nearest_codes, quantize, straight_through
from cvgen_course.checks import (
    Case,
    Exercise,
    Mistakes,
    TensorMemory,
    WrongAnswer,
    as_tensor,
)
from cvgen_course.checks.probes import gradients, require_unchanged

mistakes = Mistakes()


def cases(rng: torch.Generator) -> list[Case]:
    """Return the questions: rows with one nearest code, equally near codes, sizes, gradients."""

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    def whole(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high + 1, shape, generator=rng).float()

    def near(codebook: Tensor, num_rows: int) -> dict[str, Any]:
        """Return a codebook, and rows that have one nearest code, clearly for any formula."""
        rows: list[Tensor] = []
        while len(rows) < num_rows:
            row = normal(codebook.shape[1]).to(codebook.dtype)
            squares = (codebook.double() - row.double()).square().sum(dim=1).sort().values
            if len(codebook) == 1 or squares[1] - squares[0] > 0.02:
                rows.append(row)
        return {"rows": torch.stack(rows), "codebook": codebook}

    def ask(title: str, hint: str, weight: float, inputs: dict[str, Any], **asked: bool) -> Case:
        upstream = normal(*inputs["rows"].shape).to(inputs["rows"].dtype)
        options = {"gradient": False, "many": False, **asked}
        return Case(title, {**inputs, "upstream": upstream, **options}, weight, hint)

    lengths = torch.tensor([0.2, 3.0, 0.5, 4.0, 1.0])[:, None]
    return [
        ask(
            "six rows, four codes",
            "The nearest code has the smallest ‖e - z‖², over the codes, for each row.",
            2,
            near(normal(4, 3).float(), 6),
        ),
        ask(
            "more codes than rows",
            "There is one index for each row, whatever the number of codes.",
            2,
            near(normal(17, 3).float(), 4),
        ),
        ask(
            "short codes and long ones",
            "‖e - z‖² = ‖e‖² - 2 e·z + ‖z‖²: only ‖z‖² is the same for all codes.",
            3,
            near((lengths * F.normalize(normal(5, 4))).float(), 9),
        ),
        ask(
            "float64",
            "New here: float64; z_q is as precise as the rows and the codes.",
            2,
            near(normal(6, 3), 5),
        ),
        ask(
            "codes of a single number",
            "D may be 1: no squeeze, name the dimension of the sum.",
            1,
            near(normal(5, 1).float(), 6),
        ),
        ask(
            "rows halfway between two codes",
            "Where two codes are equally near, the lower index is returned: argmin does that.",
            5,
            _halfway(whole, rng),
        ),
        ask(
            "each code stands twice in the codebook: z_q and gradient",
            "Of two equal codes, the one with the lower index is returned.",
            4,
            _twice(whole, rng),
            gradient=True,
        ),
        ask(
            "the gradient",
            "What comes to z_q goes to rows as it is, and none of it to codebook: equation (3.11).",
            5,
            near(normal(5, 4), 7),
            gradient=True,
        ),
        ask(
            "a single row: z_q and gradient",
            "M may be 1: z_q has the shape (1, D), and indices has the shape (1,).",
            1,
            near(normal(5, 3).float(), 1),
            gradient=True,
        ),
        ask(
            "a single code: z_q and gradient",
            "K may be 1: then all rows have the code 0.",
            1,
            near(normal(1, 3).float(), 4),
            gradient=True,
        ),
        ask(
            "many rows and codes, no M × K × D numbers: z_q and gradient",
            "No differences of all rows and all codes: one matrix product, rows @ codebook.T, has "
            "M × K numbers.",
            9,
            near(normal(32, 16).float(), 48),
            gradient=True,
            many=True,
        ),
    ]


def probe(implementation: Callable[..., Any], inputs: dict[str, Any]) -> dict[str, Tensor]:
    """Return z_q, indices and, where a case asks for them, the gradients of rows and codebook."""
    leaves = {name: inputs[name].requires_grad_() for name in ("rows", "codebook")}
    handed = {name: leaf.clone() for name, leaf in leaves.items()}  # as an encoder's outputs
    (M, D), K = leaves["rows"].shape, len(leaves["codebook"])
    with TensorMemory() as made:
        pair = implementation(handed["rows"], handed["codebook"])
    if inputs["many"] and made.largest >= M * K * D:
        raise WrongAnswer(
            f"your function makes a tensor of M × K × D = {M} · {K} · {D} numbers or more; "
            "a matrix product does with M × K"
        )
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise WrongAnswer("your function should return two tensors: return z_q, indices")
    require_unchanged(leaves, handed)
    z_q, indices = as_tensor(pair[0], "z_q"), as_tensor(pair[1], "indices")
    answer = {"z_q": z_q.detach(), "indices": indices.detach()}
    if inputs["gradient"]:
        answer |= gradients("z_q", z_q, inputs["upstream"], **leaves)
    return answer


def _halfway(whole: Callable[..., Tensor], rng: torch.Generator) -> dict[str, Any]:
    """Return pairs of codes far from one another, and the points in the middle of each pair.

    All are whole numbers: in float32, too, each formula has the very same distance to both.
    """
    middles = 40 * torch.arange(4)[:, None] + whole(-3, 3, 4, 3)
    aside = whole(1, 4, 4, 3) * (2 * whole(0, 1, 4, 3) - 1)
    codes = torch.cat([middles + aside, middles - aside])
    return {"rows": middles, "codebook": codes[torch.randperm(8, generator=rng)]}


def _twice(whole: Callable[..., Tensor], rng: torch.Generator) -> dict[str, Any]:
    """Return codes of whole numbers, each of them twice, and rows not far from them."""
    codes = whole(-6, 6, 4, 3)
    rows = codes[[0, 1, 2, 3, 1, 0]] + whole(-3, 3, 6, 3) / 4
    return {"rows": rows, "codebook": codes.repeat(2, 1)[torch.randperm(8, generator=rng)]}


def _squares(rows: Tensor, codebook: Tensor) -> Tensor:
    """Return ‖e - z‖² - ‖z‖², of shape (M, K)."""
    return codebook.square().sum(dim=1) - 2 * rows @ codebook.T


def _straight(rows: Tensor, codebook: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    return rows + (codebook[indices] - rows).detach(), indices


@mistakes.when(
    "the straight-through estimator is missing, or its `.detach()` is: the gradient goes to the "
    "codebook, and none comes to the rows, so the encoder learns nothing."
)
def _not_straight_through(rows, codebook):
    indices = _squares(rows, codebook).argmin(dim=1)
    return codebook[indices], indices


@mistakes.when(
    "the two are exchanged in z_q + (rows - z_q).detach(): its value is that of the rows, and its "
    "gradient goes to the codebook."
)
def _value_of_rows(rows, codebook):
    indices = _squares(rows, codebook).argmin(dim=1)
    z_q = codebook[indices]
    return z_q + (rows - z_q).detach(), indices


@mistakes.when(
    "only the rows are detached, as in rows + z_q - rows.detach(): the gradient goes to the "
    "codebook, too."
)
def _codebook_too(rows, codebook):
    indices = _squares(rows, codebook).argmin(dim=1)
    return rows + codebook[indices] - rows.detach(), indices


@mistakes.when("z_q is cut off from both the rows and the codebook: nothing is learned through it.")
def _cut_off(rows, codebook):
    indices = _squares(rows, codebook).argmin(dim=1)
    return codebook[indices].detach(), indices


@mistakes.when("the rows stand twice in the sum: their gradient is doubled.")
def _doubled(rows, codebook):
    indices = _squares(rows, codebook).argmin(dim=1)
    return 2 * rows + (codebook[indices] - 2 * rows).detach(), indices


@mistakes.when("argmax takes the code that is farthest away: the nearest has the least distance.")
def _farthest(rows, codebook):
    return _straight(rows, codebook, _squares(rows, codebook).argmax(dim=1))


@mistakes.when(
    "the code with the largest dot product is taken: ‖e‖² belongs to the distance, or else long "
    "codes win."
)
def _dot_product(rows, codebook):
    return _straight(rows, codebook, (rows @ codebook.T).argmax(dim=1))


@mistakes.when("the 2 is forgotten: ‖e - z‖² = ‖e‖² - 2 e·z + ‖z‖².")
def _two_forgotten(rows, codebook):
    squares = codebook.square().sum(dim=1) - rows @ codebook.T
    return _straight(rows, codebook, squares.argmin(dim=1))


@mistakes.when("2 e·z is added: in ‖e - z‖² it is subtracted.")
def _product_added(rows, codebook):
    squares = codebook.square().sum(dim=1) + 2 * rows @ codebook.T
    return _straight(rows, codebook, squares.argmin(dim=1))


@mistakes.when("the cosine is compared: the length of a code counts for its distance, too.")
def _cosine(rows, codebook):
    cosines = F.normalize(rows) @ F.normalize(codebook).T
    return _straight(rows, codebook, cosines.argmax(dim=1))


@mistakes.when(
    "the differences' absolute values are summed: the distance is Euclidean, a sum of squares."
)
def _absolute_differences(rows, codebook):
    return _straight(rows, codebook, torch.cdist(rows, codebook, p=1).argmin(dim=1))


@mistakes.when("the squares are summed over the codes: for each code, they are summed over the D.")
def _summed_over_codes(rows, codebook):
    squares = (rows[:, None] - codebook).square().sum(dim=1)  # (M, D)
    return _straight(rows, codebook, squares.argmin(dim=1))


@mistakes.when(
    "argmin runs over the rows, so that each code finds its row: each row looks for its code."
)
def _argmin_over_rows(rows, codebook):
    return _straight(rows, codebook, torch.cdist(rows, codebook).argmin(dim=0))


@mistakes.when("of equally near codes the one with the highest index is taken: it is the lowest.")
def _last_of_equals(rows, codebook):
    indices = _squares(rows, codebook).flip(1).argmin(dim=1)
    return _straight(rows, codebook, len(codebook) - 1 - indices)


@mistakes.when(
    "one code is looked for that suits all rows: each row has a nearest code of its own."
)
def _one_code_for_all(rows, codebook):
    index = _squares(rows, codebook).sum(dim=0).argmin()
    return _straight(rows, codebook, index.expand(len(rows)))


@mistakes.when("the indices are floats: whole numbers that count are int64.")
def _float_indices(rows, codebook):
    z_q, indices = _straight(rows, codebook, _squares(rows, codebook).argmin(dim=1))
    return z_q, indices.to(rows.dtype)


@mistakes.when("the indices are int32: they should be int64, as argmin returns them.")
def _int32_indices(rows, codebook):
    z_q, indices = _straight(rows, codebook, _squares(rows, codebook).argmin(dim=1))
    return z_q, indices.int()


@mistakes.when("the indices come as one-hot vectors: what is asked for is their numbers.")
def _one_hot(rows, codebook):
    z_q, indices = _straight(rows, codebook, _squares(rows, codebook).argmin(dim=1))
    return z_q, F.one_hot(indices, len(codebook))


@mistakes.when("the two results are exchanged: return z_q, indices.")
def _exchanged(rows, codebook):
    return _straight(rows, codebook, _squares(rows, codebook).argmin(dim=1))[::-1]


@mistakes.when(
    "all differences of rows and codes are made at once, M × K × D numbers: for real images that "
    "is gigabytes, and ‖e‖² - 2 e·z does with M × K."
)
def _all_differences(rows, codebook):
    squares = (rows[:, None] - codebook).square().sum(dim=2)
    return _straight(rows, codebook, squares.argmin(dim=1))


EXERCISE = Exercise(
    name="quantize",
    title="Nearest codes, and straight through",
    points=3,
    reference=quantize,
    cases=cases,
    probe=probe,
    mistakes=tuple(mistakes),
    forbidden=(nearest_codes, straight_through),
    read="The nearest code",
)
