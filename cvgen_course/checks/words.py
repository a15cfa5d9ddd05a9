"""Say in a few plain words what a value is; never run a student's code to do so."""

from __future__ import annotations

from typing import Any

import torch

MAX_TEXT = 400
_MAX_RANGE = 10_000_000


def shorten(text: str, limit: int = MAX_TEXT) -> str:
    """Return a clean, exact ``str`` of at most ``limit`` characters."""
    text = str.__getitem__(text, slice(0, limit + 1))
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def type_name(value: object) -> str:
    """Return the name of a value's real type, past any ``__class__`` that says otherwise."""
    return shorten(type.__dict__["__name__"].__get__(type(value)), 60)


def dtype_name(tensor: torch.Tensor) -> str:
    """Return ``"float32"`` for ``torch.float32``."""
    return str(tensor.dtype).removeprefix("torch.")


def number(value: float | int | bool) -> str:
    """Return a number with as many digits as a reader needs."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def size_in_words(num_bytes: int) -> str:
    """Return e.g. ``"40 GB"``."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.3g} {unit}"
    return f"{num_bytes} bytes"


def describe(value: Any, depth: int = 0) -> str:
    """Describe plain data: type, dtype, shape and range, or the value itself where it is small.

    Args:
        value: plain data.
        depth: how many containers this one is in.

    Returns:
        E.g. ``"a float32 tensor of shape (2, 3), values from 0 to 1"``.
    """
    if isinstance(value, torch.Tensor):
        return _describe_tensor(value)
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return f"the number {number(value)}"
    if isinstance(value, str):
        return f"the text {shorten(value, 80)!r}"
    if isinstance(value, dict):
        keys = ", ".join(repr(shorten(str(key), 30)) for key in list(value)[:6])
        return f"a dictionary with {_count(len(value), 'key')}" + (f": {keys}" if value else "")
    kind = "tuple" if isinstance(value, tuple) else "list"
    if not value:
        return f"an empty {kind}"
    text = f"a {kind} of {_count(len(value), 'item')}"
    if depth == 0 and len(value) <= 3:
        text += ": " + "; ".join(describe(item, depth + 1) for item in value)
    return text


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _describe_tensor(tensor: torch.Tensor) -> str:
    dtype, shape = dtype_name(tensor), tuple(tensor.shape)
    article = "an" if dtype.startswith("i") else "a"
    if tensor.ndim == 0:
        return f"the number {number(tensor.item())} ({dtype}, a 0-dimensional tensor)"
    text = f"{article} {dtype} tensor of shape {shape}"
    if tensor.numel() == 0:
        return text + ", empty"
    if tensor.numel() <= 9 and tensor.ndim <= 2:
        return f"{text}: {_nested(tensor.tolist())}"
    if tensor.dtype == torch.bool:
        return f"{text}, {int(tensor.sum())} of {tensor.numel()} True"
    if tensor.numel() > _MAX_RANGE:
        return text
    values = tensor.double()
    num_nan = int(values.isnan().sum())
    values = values[~values.isnan()]
    if values.numel() == 0:
        return f"{text}, all NaN"
    low, high = number(values.min().item()), number(values.max().item())
    text += f", all {low}" if low == high else f", values from {low} to {high}"
    return text + (f", {num_nan} of {tensor.numel()} NaN" if num_nan else "")


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_nested(value) for value in values) + "]"
    return f"{values:.4g}" if isinstance(values, float) else str(values)
