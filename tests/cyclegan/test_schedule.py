import pytest

from cvgen_course.cyclegan import linear_decay


@pytest.mark.parametrize(
    ("steps", "constant", "expected"),
    [
        (8, 0.5, [1, 1, 1, 1, 4 / 5, 3 / 5, 2 / 5, 1 / 5]),
        (4, 0.0, [4 / 5, 3 / 5, 2 / 5, 1 / 5]),
        (3, 1.0, [1, 1, 1]),
        (5, 0.5, [1, 1, 1, 2 / 3.5, 1 / 3.5]),
        (1, 0.5, [1]),
        (1, 0.0, [1 / 2]),
    ],
)
def test_linear_decay_by_hand(steps, constant, expected):
    assert [linear_decay(step, steps, constant) for step in range(steps)] == pytest.approx(expected)


def test_linear_decay_is_that_of_the_paper():
    """200 epochs: 100 at the full rate; then a line that would be at 0 in epoch 201."""
    shares = [linear_decay(epoch, 200) for epoch in range(200)]
    assert shares[:100] == [1] * 100
    assert shares[100:] == pytest.approx([1 - (i + 1) / 101 for i in range(100)])


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("constant", [0, 0.1, 0.5, 0.9, 1])
def test_linear_decay_never_rises_and_never_is_0(steps, constant):
    shares = [linear_decay(step, steps, constant) for step in range(steps)]
    assert 0 < min(shares) <= max(shares) <= 1
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 10), r"step: expected a number in \[0, 10\), got -1"),
        ((10, 10), r"step: expected a number in \[0, 10\), got 10"),
        ((0, 0), r"step: expected a number in \[0, 0\), got 0"),
        ((0, 10, 1.1), r"constant: expected a share in \[0, 1\], got 1.1"),
        ((0, 10, -0.1), r"constant: expected a share in \[0, 1\], got -0.1"),
    ],
)
def test_linear_decay_says_what_is_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        linear_decay(*arguments)
