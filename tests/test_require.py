import re

import pytest
import torch

from cvgen_course.require import require, require_images, require_range

IMAGES = torch.zeros(2, 3, 64, 32)


def message_of(**arguments) -> str:
    with pytest.raises((TypeError, ValueError)) as caught:
        require(**arguments)
    kind = "TypeError" if caught.type is TypeError else "ValueError"
    return f"{kind}: {caught.value}"


def test_require_takes_what_fits():
    boxes, scores = torch.zeros(5, 4), torch.zeros(5, dtype=torch.float16)
    groups, marks = torch.zeros(5, dtype=torch.int64), torch.zeros(5, dtype=torch.bool)
    require(images=(IMAGES, "N 3 H W"))
    require(boxes=(boxes, "N 4", "float"), scores=(scores, "N", "float"), N=5)
    require(groups=(groups, "N", "int64"), marks=(marks, "N", "bool"), bytes=(marks.byte(), "N"))
    require(scalar=(torch.tensor(1.0), "", "float"), nothing=(boxes[:0], "N 4"))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32, torch.int64])
def test_require_takes_integers_of_any_width(dtype):
    require(labels=(torch.zeros(2, dtype=dtype), "N", "int"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_require_takes_floats_of_any_width(dtype):
    require(logits=(torch.zeros(2, dtype=dtype), "N", "float"))


@pytest.mark.parametrize("bad", [None, [[1.0]], 2.0, IMAGES.numpy()])
def test_require_says_what_is_no_tensor(bad):
    expected = f"TypeError: x: expected a tensor of shape (N, C), got {type(bad).__name__}"
    assert message_of(x=(bad, "N C")) == expected


@pytest.mark.parametrize(
    ("kind", "dtype", "message"),
    [
        (
            "float",
            torch.int64,
            "a floating-point tensor of shape (N,), got torch.int64; use x.float()",
        ),
        ("int64", torch.int32, "an int64 tensor of shape (N,), got torch.int32; use x.long()"),
        ("bool", torch.uint8, "a bool tensor of shape (N,), got torch.uint8; use x.bool()"),
        ("uint8", torch.bool, "a uint8 tensor of shape (N,), got torch.bool"),
        ("int", torch.float32, "an integer tensor of shape (N,), got torch.float32"),
        ("int", torch.bool, "an integer tensor of shape (N,), got torch.bool"),
        ("int", torch.complex64, "an integer tensor of shape (N,), got torch.complex64"),
        ("float", torch.complex64, "a floating-point tensor of shape (N,), got torch.complex64"),
    ],
)
def test_require_says_which_type_was_wrong(kind, dtype, message):
    got = message_of(x=(torch.zeros(2, dtype=dtype), "N", kind))
    assert got.startswith(f"TypeError: x: expected {message}")


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("N 3 H W", (3, 64, 64)),  # a dimension too few
        ("N 3 H W", (1, 2, 3, 4, 5)),  # one too many
        ("N 3 H W", (2, 1, 64, 64)),  # a fixed size
        ("C C", (2, 3)),  # sizes that should be equal
        ("R M M", (2, 5, 4)),
        ("N 4", (4,)),
        ("N 4", (2, 0)),
    ],
)
def test_require_says_which_shape_was_wrong(layout, shape):
    expected = f"expected a tensor of shape ({', '.join(layout.split())}), got shape {shape}"
    assert message_of(x=(torch.zeros(shape), layout)) == f"ValueError: x: {expected}"


def test_require_says_which_argument_does_not_go_with_which():
    assert message_of(
        images=(IMAGES, "N C H W"), masks=(torch.zeros(2, 32, 32, dtype=torch.int64), "N H W")
    ) == (
        "ValueError: masks: expected a tensor of shape (N, H, W) = (2, 64, 32) to go with "
        "images (2, 3, 64, 32), got shape (2, 32, 32)"
    )
    assert message_of(
        boxes=(torch.zeros(5, 4), "N 4"),
        scores=(torch.zeros(5), "N"),
        pairs=(torch.zeros(2, 6), "K N", "float"),
    ) == (
        "ValueError: pairs: expected a floating-point tensor of shape (K, N) = (K, 5) to go with "
        "boxes (5, 4), got shape (2, 6)"
    )


def test_require_says_that_a_fixed_size_is_wrong_whatever_the_others_have():
    assert message_of(boxes=(torch.zeros(5, 4), "N 4"), more=(torch.zeros(5, 3), "N 4")) == (
        "ValueError: more: expected a tensor of shape (N, 4), got shape (5, 3)"
    )


def test_require_says_which_size_was_known():
    assert message_of(boxes=(torch.zeros(3, 7, 4), "N K 4"), N=2) == (
        "ValueError: boxes: expected a tensor of shape (N, K, 4) = (2, K, 4), got shape (3, 7, 4)"
    )


def test_require_takes_any_leading_dimensions_that_broadcast():
    for shape in [(4,), (0, 4), (2, 3, 4)]:
        require(boxes=(torch.zeros(shape), "... 4"))
    one, many = torch.zeros(7, 4), torch.zeros(2, 5, 4)
    require(boxes1=(one, "... N 4"), boxes2=(many, "... M 4"))
    require(boxes1=(many, "... N 4"), boxes2=(many[:1], "... M 4"), boxes3=(one, "... K 4"))


def test_require_says_which_leading_dimensions_do_not_broadcast():
    assert message_of(x=(torch.zeros(4), "... N 4")) == (
        "ValueError: x: expected a tensor of shape (..., N, 4), got shape (4,)"
    )
    assert message_of(x=(torch.tensor(1.0), "... 4")) == (
        "ValueError: x: expected a tensor of shape (..., 4), got shape ()"
    )
    assert message_of(x=(torch.zeros(2, 5, 4), "... N 4"), y=(torch.zeros(3, 5, 4), "... M 4")) == (
        "ValueError: y: expected a tensor of shape (..., M, 4) to go with x (2, 5, 4), "
        "got shape (3, 5, 4)"
    )


def test_require_takes_any_shape_that_is_the_same():
    for shape in [(), (3,), (2, 3, 4)]:
        require(pred=(torch.zeros(shape), "*S"), target=(torch.zeros(shape), "*S"))
    assert message_of(pred=(torch.zeros(2, 3), "*S"), target=(torch.zeros(3, 2), "*S")) == (
        "ValueError: target: expected a tensor of shape (*S,) = (2, 3) to go with pred (2, 3), "
        "got shape (3, 2)"
    )
    assert message_of(pred=(torch.zeros(1, 3), "*S"), target=(torch.zeros(3), "*S")).endswith(
        "to go with pred (1, 3), got shape (3,)"
    )


def test_require_looks_at_no_values():
    require(x=(torch.zeros(2, 4, device="meta"), "N 4", "float"))  # where there are none


def test_require_range_says_which_values_are_out_of_range():
    labels = torch.tensor([[0, 3], [2, 1]])
    require_range("labels", labels, 0, 4)
    require_range("labels", labels[:0], 0, 0)
    message = "labels: expected values in [0, 3), got values from 0 to 3; is num_classes right?"
    with pytest.raises(ValueError, match=re.escape(message)):
        require_range("labels", labels, 0, 3, "is num_classes right?")
    with pytest.raises(ValueError, match=re.escape("expected values in [1, 4), got values from 0")):
        require_range("labels", labels, 1, 4)


def test_require_range_does_not_make_a_gpu_wait():
    require_range("labels", torch.zeros(2, dtype=torch.int64, device="meta"), 5, 6)


def test_require_images_takes_what_a_network_can_take():
    require_images("image", torch.zeros(1, 3, 16, 17), 16)
    require_images("image", torch.zeros(1, 3, 16, 32), 16, training=True)
    require_images("image", torch.zeros(2, 3, 16, 16), 16, training=True)


def test_require_images_says_what_a_network_can_not_take():
    with pytest.raises(
        TypeError, match=r"images: expected a floating-point tensor .*; use images.f"
    ):
        require_images("images", torch.zeros(1, 3, 16, 16, dtype=torch.uint8), 16)
    with pytest.raises(
        ValueError, match=r"image: expected .* \(N, 3, H, W\), got shape \(3, 16, 16\)"
    ):
        require_images("image", torch.zeros(3, 16, 16), 16)
    with pytest.raises(
        ValueError, match=r"image: expected H and W of at least 16, got .* 16, 15\)"
    ):
        require_images("image", torch.zeros(1, 3, 16, 15), 16)
    with pytest.raises(
        ValueError, match=r"two images or more in training, or H or W of at least 32"
    ):
        require_images("image", torch.zeros(1, 3, 31, 16), 16, training=True)
