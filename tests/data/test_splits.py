import itertools

import pytest

from cvgen_course.data.splits import require_split, shuffled_parts


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_shuffled_parts_are_a_partition(count):
    parts = shuffled_parts("a set", count, 0.7, 0.15, 0.15)
    assert sorted(itertools.chain(*parts)) == list(range(count))
    assert all(part == sorted(part) for part in parts)


def test_shuffled_parts_have_the_asked_sizes():
    assert [len(part) for part in shuffled_parts("a set", 1000, 0.7, 0.15, 0.15)] == [700, 150, 150]


def test_shuffled_parts_follow_from_the_name():
    assert shuffled_parts("a", 50, 0.5, 0.5) == shuffled_parts("a", 50, 0.5, 0.5)
    assert shuffled_parts("a", 50, 0.5, 0.5) != shuffled_parts("b", 50, 0.5, 0.5)


def test_require_split_names_the_splits():
    with pytest.raises(ValueError, match="split: expected one of train, val, test, got 'trian'"):
        require_split("trian")
