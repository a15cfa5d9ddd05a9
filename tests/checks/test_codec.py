from __future__ import annotations

import contextlib
import json
import math
import struct

import pytest
import safetensors.torch
import torch

from cvgen_course.checks import Outcome
from cvgen_course.checks.codec import MAGIC, decode, encode
from cvgen_course.checks.compare import same
from cvgen_course.checks.plain import DTYPES
from cvgen_course.checks.sides import decode_outcomes, encode_outcomes

BASE = torch.arange(6.0)


def packed(tree, tensors=None):
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    blob = safetensors.torch.save(tensors or {})
    return MAGIC + struct.pack("<I", len(text)) + text + blob


@pytest.mark.parametrize(
    "plain",
    [
        None,
        True,
        0,
        -(2**63) + 1,
        0.1,
        1e-320,
        math.inf,
        "text ✓ \ud7ff \x00",
        [],
        (),
        {},
        [1, (2, [3.5, {"a": None}])],
        {"x": torch.arange(6).view(2, 3), "y": [torch.tensor(2.5), torch.zeros(0, 3)]},
        [BASE, BASE[1:], BASE.view(2, 3).T, BASE],
        {"tensor": "none", "": 1},
    ],
)
def test_decode_gives_back_what_encode_took(plain):
    back = decode(encode(plain))
    assert same(back, plain)
    assert repr(back) == repr(plain)


@pytest.mark.parametrize("dtype", DTYPES)
def test_decode_keeps_every_dtype(dtype):
    tensor = torch.tensor([[0, 1], [2, 3]]).to(dtype)
    back = decode(encode(tensor))
    assert back.dtype == dtype
    assert torch.equal(back, tensor)


def test_decode_keeps_nan_and_every_bit():
    tensor = torch.tensor([math.nan, -0.0, 1e-45, math.inf])
    assert torch.equal(decode(encode(tensor)).view(torch.int32), tensor.view(torch.int32))
    assert math.isnan(decode(encode(math.nan)))
    assert decode(encode(0.1)) == 0.1


@pytest.mark.parametrize("value", [{1: 2}, object(), 1j, {1, 2}, torch.ones(1).to(torch.complex64)])
def test_encode_refuses_what_is_not_plain(value):
    with pytest.raises(TypeError, match="expected plain data"):
        encode([value])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"CVG1",
        b"PNG1" + encode(1)[4:],
        "text",
        None,
        encode(1)[:-1],
        encode(1) + b"x",
        encode(torch.ones(3))[:-4],
        MAGIC + struct.pack("<I", 2**32 - 1) + b"[]",
        MAGIC + struct.pack("<I", 0),
        packed(b"not json"),
        packed(b"\xff\xfe"),
        packed(b"[" * 100_000 + b"]" * 100_000),
        packed(b'["int",' + b"9" * 5000 + b"]"),
        packed(b'["int",' + b"9" * 50 + b"]"),
        packed(b'["float",1.5]'),
        packed(b'["float",NaN]'),
        packed(["float", "0x1p" + "9" * 30]),
        packed(["float", "1" * 100]),
        packed(["int", "3"]),
        packed(["int", True]),
        packed(["bool", 1]),
        packed(["str", 1]),
        packed(["str", "x" * 200_000]),
        packed(["list", {}]),
        packed(["dict", [["a", ["int", 1]], ["a", ["int", 2]]]]),
        packed(["dict", {"a": 1}]),
        packed(["dict", [[1, ["int", 1]]]]),
        packed(["read", 1]),
        packed(["__class__", 1]),
        packed([["int"], 1]),
        packed({"tensor": "0"}),
        packed(["tensor", "0"]),
        packed(["tensor", 0], {"0": torch.ones(1)}),
        packed(["none", 0], {"0": torch.ones(1)}),
        packed(["list", [["tensor", "0"], ["tensor", "0"]]], {"0": torch.ones(1)}),
        packed(["tensor", "0"], {"0": torch.ones(1, dtype=torch.complex64)}),
        packed(["list", [["int", 1]] * 300_000]),
        packed(b'["int",1]')[:-2] + struct.pack("<Q", 2**40),
    ],
)
def test_decode_refuses_hostile_bytes(data):
    with pytest.raises(ValueError, match="data: expected"):
        decode(data)


def test_decode_refuses_deep_nesting():
    tree = ["int", 1]
    for _ in range(30):
        tree = ["list", [tree]]
    with pytest.raises(ValueError, match="too deep"):
        decode(packed(tree))


def test_decode_survives_random_damage():
    data = encode({"x": torch.arange(10.0), "y": [1, 2.5, "text"], "z": (None, True)})
    rng = torch.Generator().manual_seed(0)
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(3):
            place = int(torch.randint(len(data), (), generator=rng))
            damaged[place] = int(torch.randint(256, (), generator=rng))
        with contextlib.suppress(ValueError):
            decode(bytes(damaged))


def test_decode_outcomes_gives_back_what_encode_outcomes_took():
    outcomes = [
        Outcome("value", {"a": 1}, changed=("x",)),
        Outcome("raised", text="ValueError: no", exception="ValueError"),
    ]
    assert decode_outcomes(encode_outcomes(outcomes)) == outcomes


@pytest.mark.parametrize(
    "plain",
    [
        None,
        [1],
        [["value", 1, "", ""]],
        [["perfect", 1, "", "", []]],
        [["value", 1, 2, "", []]],
        [["value", 1, "", "", [1]]],
        [["value", 1, "", "", "x"]],
        [[torch.ones(2), 1, "", "", []]],
    ],
)
def test_decode_outcomes_refuses_anything_else(plain):
    with pytest.raises(ValueError, match="outcomes: expected"):
        decode_outcomes(encode(plain))
