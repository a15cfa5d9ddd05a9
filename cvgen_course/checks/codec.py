"""Plain data as bytes and back: safetensors for tensors, JSON for the rest.

Nothing in them is ever executed. Layout: ``b"CVG1"``, the length of the JSON part (4 bytes, little
endian), the JSON part, the safetensors part. JSON holds the structure, a list ``[tag, content]``
for each item; floating point numbers are hexadecimal, so that they come back exactly, infinities
and NaN too.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from cvgen_course.checks.plain import DTYPES, MAX_CHARACTERS, MAX_DEPTH

MAGIC = b"CVG1"
MAX_BYTES = 256 * 2**20
MAX_JSON = 8 * 2**20
MAX_ITEMS = 200_000
_EXTRA_DEPTH = 6  # a list of outcomes, each of which holds plain data


def encode(plain: Any) -> bytes:
    """Return plain data as bytes; tensors may share memory and need not be contiguous.

    Raises:
        TypeError: it isn't plain data.
    """
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(_tree(plain, tensors), separators=(",", ":"), allow_nan=False).encode()
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, safetensors.torch.save(tensors)))


def decode(data: bytes) -> Any:
    """Return the plain data that ``encode`` wrote; refuse anything else, at little cost.

    Raises:
        ValueError: these are no such bytes, or they are too many; the message says what is wrong.
    """
    if not isinstance(data, bytes) or not 8 <= len(data) <= MAX_BYTES or data[:4] != MAGIC:
        raise ValueError("data: expected bytes that encode() wrote, got something else")
    (length,) = struct.unpack("<I", data[4:8])
    if not 0 < length <= min(MAX_JSON, len(data) - 8):
        raise ValueError(f"data: expected a JSON part of at most {MAX_JSON} bytes, got {length}")
    try:
        tree = json.loads(
            data[8 : 8 + length].decode(), parse_constant=_no_constant, parse_float=_no_constant
        )
        tensors = safetensors.torch.load(data[8 + length :])
        reader = _Reader(tensors)
        plain = reader.read(tree, 0)
    except (
        ValueError,
        TypeError,
        KeyError,
        RecursionError,
        OverflowError,
        SafetensorError,
    ) as error:
        raise ValueError(
            f"data: expected bytes that encode() wrote, got bytes with an error: {error}"
        ) from None
    if reader.used != tensors.keys():
        raise ValueError("data: expected every tensor to be used, got one that isn't")
    return plain


def _tree(plain: Any, tensors: dict[str, torch.Tensor]) -> list[Any]:
    kind = type(plain)
    if plain is None:
        return ["none", 0]
    if kind is bool or kind is int or kind is str:
        return [kind.__name__, plain]
    if kind is float:
        return ["float", plain.hex()]
    if kind is list or kind is tuple:
        return [kind.__name__, [_tree(item, tensors) for item in plain]]
    if kind is dict and all(type(key) is str for key in plain):
        return ["dict", [[key, _tree(item, tensors)] for key, item in plain.items()]]
    if kind is torch.Tensor and plain.dtype in DTYPES:
        name = str(len(tensors))
        tensors[name] = plain.detach().clone(memory_format=torch.contiguous_format)
        return ["tensor", name]
    raise TypeError(f"plain: expected plain data, got {kind.__name__}")


class _Reader:
    """Reads a tree, with a budget of items and depth, and notes which tensors it used."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.tensors = tensors
        self.used: set[str] = set()
        self.num_items = 0

    def read(self, node: Any, depth: int) -> Any:
        self.num_items += 1
        if self.num_items > MAX_ITEMS or depth > MAX_DEPTH + _EXTRA_DEPTH:
            raise ValueError("too many items, or too deep")
        if type(node) is not list or len(node) != 2 or type(node[0]) is not str:
            raise ValueError("a node is no pair of tag and content")
        tag, content = node
        reader = getattr(self, f"_{tag}", None) if tag in _TAGS else None
        if reader is None:
            raise ValueError("unknown tag")
        return reader(content, depth + 1)

    def _none(self, content: Any, depth: int) -> None:
        _require(content, int)

    def _bool(self, content: Any, depth: int) -> bool:
        return _require(content, bool)

    def _int(self, content: Any, depth: int) -> int:
        if _require(content, int).bit_length() > 63:
            raise ValueError("an integer has more than 63 bits")
        return content

    def _float(self, content: Any, depth: int) -> float:
        if len(_require(content, str)) > 40:
            raise ValueError("a number is too long")
        return float.fromhex(content)

    def _str(self, content: Any, depth: int) -> str:
        if len(_require(content, str)) > MAX_CHARACTERS:
            raise ValueError("a text is too long")
        return content.encode("utf-8", "replace").decode()

    def _list(self, content: Any, depth: int) -> list[Any]:
        return [self.read(node, depth) for node in _require(content, list)]

    def _tuple(self, content: Any, depth: int) -> tuple[Any, ...]:
        return tuple(self._list(content, depth))

    def _dict(self, content: Any, depth: int) -> dict[str, Any]:
        plain = {}
        for pair in _require(content, list):
            if type(pair) is not list or len(pair) != 2 or self._str(pair[0], depth) in plain:
                raise ValueError("a dictionary's entry is no pair, or comes twice")
            plain[self._str(pair[0], depth)] = self.read(pair[1], depth)
        return plain

    def _tensor(self, content: Any, depth: int) -> torch.Tensor:
        name = _require(content, str)
        if name in self.used or name not in self.tensors:
            raise ValueError("a tensor is missing, or comes twice")
        tensor = self.tensors[name]
        if tensor.dtype not in DTYPES:
            raise ValueError(f"a tensor has the dtype {tensor.dtype}")
        self.used.add(name)
        return tensor


_TAGS = ("none", "bool", "int", "float", "str", "list", "tuple", "dict", "tensor")


def _require(content: Any, kind: type) -> Any:
    if type(content) is not kind:
        raise ValueError(f"expected {kind.__name__}, got {type(content).__name__}")
    return content


def _no_constant(text: str) -> None:
    raise ValueError("a bare floating point number")
