"""Turn what a student returned into plain data, or say why it isn't any.

Nothing of the student's runs here: types are compared by identity, methods are called unbound,
sizes are looked at before anything is copied.
"""

from __future__ import annotations

from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any

import numpy as np
import torch

from cvgen_course.checks.outcome import WrongAnswer
from cvgen_course.checks.words import shorten, size_in_words, type_name

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 12
MAX_ITEMS = 10_000
MAX_CHARACTERS = 100_000

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
DTYPES = (*FLOATS, *INTEGERS, torch.bool)

_NUMPY_NUMBERS = (
    *(np.bool_, np.uint8, np.int8, np.int16, np.int32, np.int64, np.longlong),
    *(np.float16, np.float32, np.float64),
)
_HELP = {
    GeneratorType: "a generator; use return, not yield",
    CoroutineType: "a coroutine; write def, not async def",
    AsyncGeneratorType: "a generator; write def and return, not async def and yield",
    np.ndarray: "a NumPy array; a torch.Tensor was expected (torch.from_numpy makes one)",
    range: "a range; write list(...) around it",
    set: "a set, which has no order; a tensor, list or tuple was expected",
    frozenset: "a set, which has no order; a tensor, list or tuple was expected",
    bytes: "bytes; a tensor was expected",
    complex: "a complex number; a real one was expected",
    type: "a class, not an object",
}


def to_plain(value: Any, where: str = "what came back") -> Any:
    """Return plain data with the same content: numbers, strings, None, tensors, containers.

    NumPy numbers, and NumPy arrays without dimensions, become 0-dimensional tensors of their dtype;
    subclasses of list, tuple and dict become those.

    Args:
        value: anything.
        where: what it is, in words, for the message.

    Returns:
        Plain data that shares no memory with ``value``; its tensors are contiguous and need no
        gradient.

    Raises:
        WrongAnswer: it isn't plain data, or is too large or too deep; the message says which part,
            and why.
    """
    return _Converter().convert(value, where, 0)


def as_tensor(value: Any, what: str = "the result", *, needs_grad: bool = False) -> torch.Tensor:
    """Return what an implementation returned as a tensor, before a probe computes with it.

    Args:
        value: anything.
        what: what it is, in words, e.g. ``"the loss"``.
        needs_grad: the probe will differentiate it, so autograd must know where it came from.

    Returns:
        The tensor itself, with its graph; a number becomes a 0-dimensional tensor.

    Raises:
        WrongAnswer: it is no usable tensor; the message says what to do.
    """
    if type(value) in (bool, int, float) or _is_numpy_number(value):
        value = torch.from_numpy(np.array(value))
    if _is_subtype(type(value), torch.Tensor):
        _check_tensor(value, what)
    else:
        raise WrongAnswer(f"{what} is {_what_it_is(value)}" + _expected_tensor(value))
    if needs_grad and not value.requires_grad:
        raise WrongAnswer(
            f"autograd sees no way from {what} back to the inputs, so there is no gradient; was "
            "there .item(), .detach(), .numpy(), torch.no_grad() or torch.tensor(...) on the way?"
        )
    return value


def copy_plain(plain: Any) -> Any:
    """Return a deep copy of plain data; tensors become contiguous, and need no gradient."""
    if isinstance(plain, torch.Tensor):
        return plain.detach().clone(memory_format=torch.contiguous_format)
    if isinstance(plain, dict):
        return {key: copy_plain(item) for key, item in plain.items()}
    if isinstance(plain, list | tuple):
        return type(plain)(copy_plain(item) for item in plain)
    return plain


class _Converter:
    """One walk over one value; it keeps count of what was seen."""

    def __init__(self) -> None:
        self.num_items = 0
        self.num_bytes = 0

    def convert(self, value: Any, where: str, depth: int) -> Any:
        self.num_items += 1
        if self.num_items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WrongAnswer(
                "what came back has too many nested items (does a list contain itself?); "
                "a tensor is better"
            )
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            return self._integer(value, where)
        if kind is str:
            return self._text(value, where)
        if _is_numpy_number(value):
            return torch.from_numpy(np.array(value))
        if _is_subtype(kind, torch.Tensor):
            return self._tensor(value, where)
        if _is_subtype(kind, dict):
            return self._dictionary(value, where, depth)
        for base in (list, tuple):
            if _is_subtype(kind, base):
                self._room_for(base.__len__(value))
                items = enumerate(base.__iter__(value))
                return base(self.convert(v, f"item {i} of {where}", depth + 1) for i, v in items)
        raise WrongAnswer(f"{where} is {_what_it_is(value)}")

    def _room_for(self, num_items: int) -> None:
        if num_items > MAX_ITEMS:
            raise WrongAnswer(f"what came back has {num_items:,} items; a tensor was expected")

    def _integer(self, value: int, where: str) -> int:
        if value.bit_length() > 63:
            raise WrongAnswer(
                f"{where} is an integer of {value.bit_length():,} bits; at most 63 were expected"
            )
        return value

    def _text(self, value: str, where: str) -> str:
        if len(value) > MAX_CHARACTERS:
            raise WrongAnswer(f"{where} is a text of {len(value):,} characters, which is too long")
        return value.encode("utf-8", "replace").decode("utf-8")

    def _dictionary(self, value: dict[Any, Any], where: str, depth: int) -> dict[str, Any]:
        self._room_for(dict.__len__(value))
        plain = {}
        for key, item in dict.items(value):
            if type(key) is not str:
                raise WrongAnswer(
                    f"{where} is a dictionary with a key of type {type_name(key)}, not str"
                )
            plain[self._text(key, where)] = self.convert(
                item, f"{shorten(key, 60)!r} of {where}", depth + 1
            )
        return plain

    def _tensor(self, value: torch.Tensor, where: str) -> torch.Tensor:
        _check_tensor(value, where)
        if _attribute(value, "requires_grad"):
            raise WrongAnswer(
                f"{where} still needs a gradient (requires_grad=True), though none of the inputs "
                "does; call .detach(), or don't make parameters here"
            )
        self.num_bytes += torch.Tensor.numel(value) * torch.Tensor.element_size(value)
        if self.num_bytes > MAX_BYTES:
            raise WrongAnswer(_too_large(value, where, self.num_bytes))
        plain = torch.Tensor.detach(value).as_subclass(torch.Tensor)
        return plain.resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)


def _check_tensor(value: torch.Tensor, what: str) -> None:
    """Raise ``WrongAnswer`` unless a tensor is an ordinary one, dense and in main memory."""
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        raise WrongAnswer(
            f"{what} is a {type_name(value)}, a special kind of tensor; a plain torch.Tensor was "
            "expected"
        )
    tensor = torch.Tensor
    layout, device, dtype = (_attribute(value, name) for name in ("layout", "device", "dtype"))
    if layout is not torch.strided or _attribute(value, "is_nested"):
        raise WrongAnswer(
            f"{what} is a sparse or nested tensor; a dense one was expected (.to_dense())"
        )
    if device.type == "meta":
        raise WrongAnswer(f"{what} is on the device 'meta', so it has a shape but no values")
    if device.type != "cpu":
        raise WrongAnswer(
            f"{what} is on the device '{device}'; the inputs are on the CPU, and so must it be"
        )
    if dtype not in DTYPES:
        name = str(dtype).removeprefix("torch.")
        raise WrongAnswer(f"{what} has the dtype {name}, which is none of this course's")
    last = sum(
        (size - 1) * stride
        for size, stride in zip(tensor.size(value), tensor.stride(value), strict=True)
    )
    needed = (tensor.storage_offset(value) + last + 1) * tensor.element_size(value)
    if tensor.numel(value) and tensor.untyped_storage(value).nbytes() < needed:
        raise WrongAnswer(f"{what} is a tensor whose memory was taken away (resize_?)")


def _attribute(value: torch.Tensor, name: str) -> Any:
    """Return an attribute as ``torch.Tensor`` itself reads it, whatever a subclass says."""
    return getattr(torch.Tensor, name).__get__(value)


def _too_large(value: torch.Tensor, where: str, num_bytes: int) -> str:
    shape = tuple(torch.Tensor.size(value))
    return (
        f"{where} has the shape {shape}, which makes {size_in_words(num_bytes)}; "
        f"at most {size_in_words(MAX_BYTES)} were expected"
    )


def _is_numpy_number(value: Any) -> bool:
    """Return whether a value is a NumPy number, or an array without dimensions that holds one."""
    if type(value) is np.ndarray and value.ndim == 0:
        return value.dtype.type in _NUMPY_NUMBERS and value.dtype.isnative
    return type(value) in _NUMPY_NUMBERS


def _is_subtype(kind: type, base: type) -> bool:
    """Return whether ``base`` is among a type's bases, past any ``__subclasscheck__``."""
    return any(entry is base for entry in type.__dict__["__mro__"].__get__(kind))


def _what_it_is(value: Any) -> str:
    kind = type(value)
    if value is None:
        return "None; is there a return on every way through the function?"
    for base, words in _HELP.items():
        if _is_subtype(kind, base):
            return words
    if callable(value):
        return f"a {type_name(value)}, something that can be called; was a call's () forgotten?"
    for base in (bool, int, float, str):
        if kind is not base and _is_subtype(kind, base):
            return (
                f"a {type_name(value)}, a special kind of {base.__name__}; a plain one was expected"
            )
    return f"a {type_name(value)}"


def _expected_tensor(value: Any) -> str:
    return "" if value is None or type(value) is np.ndarray else "; a tensor was expected"
