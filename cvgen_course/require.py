"""What a function asks of its tensors: their types, their shapes, and what these have in common."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

Argument = tuple[Any, str] | tuple[Any, str, str]

ADJECTIVES = {"": "a", "float": "a floating-point", "int": "an integer", "int64": "an int64"}
HINTS = {"float": "float()", "int": "argmax(dim=1)", "int64": "long()", "bool": "bool()"}


def require(**arguments: Argument | int) -> None:
    """Raise unless tensors have the types and the shapes that a function asks for.

    For example ``require(boxes=(boxes, "N 4", "float"), scores=(scores, "N"), N=10)``. A layout
    lists dimensions: a number is a fixed size, and equal names are equal sizes, in one tensor and
    across arguments. At the front, ``...`` stands for any number of dimensions, which broadcast
    with those of the other arguments, and ``*S`` for any number that are the same in all.

    Values are not looked at: that would make the program wait for a GPU.

    Args:
        **arguments: the tensor, its layout, and its type where it matters: ``"float"`` or ``"int"``
            of any width, or a name such as ``"int64"``. A whole number is no argument, but the size
            that a name in the layouts is known to have.

    Raises:
        TypeError: an argument is no tensor, or has another type.
        ValueError: an argument has another shape, or one that does not go with the others.
    """
    sizes: dict[str, Any] = {word: n for word, n in arguments.items() if isinstance(n, int)}
    for name, argument in arguments.items():
        if isinstance(argument, int):
            continue
        tensor, layout, kind = (*argument, "")[:3]
        if not isinstance(tensor, Tensor):
            got = type(tensor).__name__
            raise TypeError(f"{name}: expected {_described(layout, kind)}, got {got}")
        if kind and not _is_of_kind(tensor.dtype, kind):
            hint = f"; use {name}.{HINTS[kind]}" if kind in HINTS else ""
            raise TypeError(
                f"{name}: expected {_described(layout, kind)}, got {tensor.dtype}{hint}"
            )
        misfit = _misfit(layout.split(), tuple(tensor.shape), sizes)
        if misfit is not None:
            raise ValueError(
                f"{name}: expected {_described(layout, kind)}"
                f"{_known(name, layout, misfit, sizes, arguments)}, got shape {tuple(tensor.shape)}"
            )


def require_range(name: str, values: Tensor, low: int, high: int, hint: str = "") -> None:
    """Raise unless whole numbers, such as labels or indices, are in [low, high).

    Only on the CPU: this stands in losses, and a look at a GPU's values would make the program wait
    for it at every step. (What indexes with such numbers fails there by itself.)

    Args:
        name: the argument's name, for the message.
        values: any shape.
        low: the least that is allowed.
        high: the first that is too large.
        hint: what may be wrong, for the message.

    Raises:
        ValueError: a value is out of range.
    """
    if not values.is_cpu or not values.numel():
        return
    least, most = (int(value) for value in values.aminmax())
    if least < low or most >= high:
        got = f"got values from {least} to {most}"
        raise ValueError(
            f"{name}: expected values in [{low}, {high}), {got}{f'; {hint}' if hint else ''}"
        )


def require_images(name: str, images: Tensor, smallest: int, training: bool = False) -> None:
    """Raise unless a network can take images.

    Args:
        name: the argument's name, for the message.
        images: should be float (N, 3, H, W).
        smallest: what H and W have to be at least: the stride of the network's coarsest map.
        training: whether that map is normalised with the batch's own mean and variance. A single
            number has no variance, so one image alone must be larger then.

    Raises:
        TypeError: ``images`` is no floating-point tensor.
        ValueError: it does not have that shape.
    """
    require(**{name: (images, "N 3 H W", "float")})
    N, _, H, W = images.shape
    if min(H, W) < smallest:
        raise ValueError(
            f"{name}: expected H and W of at least {smallest}, got shape {tuple(images.shape)}"
        )
    if training and N == 1 and max(H, W) < 2 * smallest:
        raise ValueError(
            f"{name}: expected two images or more in training, or H or W of at least "
            f"{2 * smallest}, got shape {tuple(images.shape)}; model.eval() looks without training"
        )


def _is_of_kind(dtype: torch.dtype, kind: str) -> bool:
    if kind == "float":
        return dtype.is_floating_point
    if kind == "int":
        return not (dtype.is_floating_point or dtype.is_complex or dtype == torch.bool)
    return dtype == getattr(torch, kind)


def _misfit(words: list[str], shape: tuple[int, ...], sizes: dict[str, Any]) -> str | None:
    """Return None if a shape fits, else the first name that does not, or "" for their number.

    The sizes of names that had none before are noted.
    """
    lead = len(shape) - len(words) + 1
    parts: tuple[int | tuple[int, ...], ...] = shape
    if words and words[0].startswith(("*", "...")) and lead >= 0:
        parts = (shape[:lead], *shape[lead:])
    if len(parts) != len(words):
        return ""
    for word, size in zip(words, parts, strict=True):
        if word.isdigit():
            fits = size == int(word)
        elif word == "...":
            fits = _broadcast(size, sizes)
        else:
            fits = sizes.setdefault(word, size) == size
        if not fits:
            return word
    return None


def _broadcast(size: Any, sizes: dict[str, Any]) -> bool:
    """Say whether leading dimensions broadcast with those before; note what they become."""
    if sizes.setdefault("...", size) == size:
        return True
    try:
        sizes["..."] = torch.broadcast_shapes(sizes["..."], size)
    except RuntimeError:
        return False
    return True


def _described(layout: str, kind: str) -> str:
    return f"{ADJECTIVES.get(kind, f'a {kind}')} tensor of shape {_shape(layout.split())}"


def _known(
    name: str,
    layout: str,
    misfit: str,
    sizes: dict[str, Any],
    arguments: dict[str, Argument | int],
) -> str:
    """Say which sizes the arguments before have fixed, and which of them the misfit's."""
    fixed_by = {word: "" for word, n in arguments.items() if isinstance(n, int)}
    for other, argument in arguments.items():
        if other == name:
            break
        if not isinstance(argument, int):
            partner = f" to go with {other} {tuple(argument[0].shape)}"
            fixed_by = dict.fromkeys(argument[1].split(), partner) | fixed_by
    if misfit.isdigit() or misfit not in fixed_by:
        return ""
    known = {word: n for word, n in sizes.items() if word in fixed_by and word != "..."}
    words = layout.split()
    parts = [known.get(word, word) for word in words]
    flat = [str(n) for part in parts for n in (part if isinstance(part, tuple) else (part,))]
    return (f" = {_shape(flat)}" if parts != words else "") + fixed_by[misfit]


def _shape(parts: list[str]) -> str:
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
