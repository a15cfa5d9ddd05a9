import pytest
import torch

from cvgen_course.evaluation import pairs
from cvgen_course.evaluation.pairs import Pairs


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def whole_numbers(N, D, high, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(high, (N, D), generator=rng).float()


def two_clusters(N, D, apart):
    return torch.cat([normal(N, D), normal(N, D, seed=1) + apart])


SETS = {
    "normal": (normal(60, 20), normal(50, 20, seed=1)),
    "of one number": (normal(60, 1), normal(50, 1, seed=1)),
    "of many numbers": (normal(30, 3000), normal(20, 3000, seed=1)),
    "float64": (normal(60, 8).double() + 1e9, normal(50, 8, seed=1).double() + 1e9),
    "float16 and bfloat16": (normal(60, 8).half(), normal(50, 8, seed=1).bfloat16()),
    "float32 and float64": (normal(60, 8), normal(50, 8, seed=1).double()),
    "far from 0": (normal(60, 8) + 1e4, normal(50, 8, seed=1) + 1e4),
    "tiny": (normal(60, 8) * 1e-25, normal(50, 8, seed=1) * 1e-25),
    "huge": (normal(60, 8) * 1e25, normal(50, 8, seed=1) * 1e25),
    "with ties": (whole_numbers(60, 3, 3), whole_numbers(50, 3, 3, seed=1)),
    "with copies": (normal(6, 8).repeat(10, 1), normal(6, 8).repeat(9, 1)),
    "all the same": (torch.ones(20, 3), torch.ones(10, 3)),
    "all equally far": (torch.eye(40), torch.eye(40)),
    "in clusters far apart": (two_clusters(30, 8, 1e5), two_clusters(25, 8, 1e5)),
    "in clusters very far apart": (two_clusters(30, 8, 1e9), two_clusters(25, 8, 1e9)),
    "with one far out": (
        torch.cat([normal(60, 8) * 1e-5, torch.full((1, 8), 1e20)]),
        normal(50, 8, seed=1) * 1e-5,
    ),
    "nearly the same": (1 + normal(60, 8) * 1e-7, 1 + normal(50, 8, seed=1) * 1e-7),
}
every_set = pytest.mark.parametrize(("first", "second"), SETS.values(), ids=SETS)


def squared_distances(first, second):
    return (first.double()[:, None] - second.double()).square().sum(dim=2)


def all_kth_smallest(found, k):
    return torch.cat([found.kth_smallest(block, k) for block in found.blocks()])


@every_set
@pytest.mark.parametrize("k", [1, 4, 10])
def test_pairs_kth_smallest_is_exactly_that_of_all_distances(first, second, k):
    expected = squared_distances(first, second).kthvalue(k, dim=1).values
    assert torch.equal(all_kth_smallest(Pairs(first, second), k), expected)


@every_set
def test_pairs_kth_smallest_in_a_set_counts_the_item_itself(first, second):
    found = Pairs(first, first)
    assert torch.equal(all_kth_smallest(found, 1), torch.zeros(len(first), dtype=torch.float64))
    expected = squared_distances(first, first).kthvalue(3, dim=1).values
    assert torch.equal(all_kth_smallest(found, 3), expected)


@every_set
def test_pairs_at_most_counts_ties_and_no_other_distance_that_is_larger(first, second):
    """The limits are distances that occur, and the next smaller number, which none is within."""
    expected = squared_distances(first, second)
    of_rows, of_columns = expected.kthvalue(3, dim=1).values, expected.kthvalue(3, dim=0).values
    less = torch.nextafter(of_columns, torch.zeros_like(of_columns))
    found = Pairs(first, second)
    for block in found.blocks():
        limits = (of_rows[block, None], of_columns, less)
        for within, limit in zip(found.at_most(block, *limits), limits, strict=True):
            assert torch.equal(within, expected[block] <= limit)


@pytest.mark.parametrize("at_once", [1, 50, 130, 10_000])
def test_pairs_do_not_depend_on_how_many_are_held_at_once(at_once, monkeypatch):
    first, second = SETS["with ties"]
    monkeypatch.setattr(pairs, "AT_ONCE", at_once)
    monkeypatch.setattr(pairs, "FEW", at_once)
    found = Pairs(first, second)
    blocks = list(found.blocks())
    assert torch.equal(torch.cat([first[block] for block in blocks]), first)
    assert len(blocks) == {1: 60, 50: 60, 130: 30, 10_000: 1}[at_once]
    expected = squared_distances(first, second)
    assert torch.equal(all_kth_smallest(found, 2), expected.kthvalue(2, dim=1).values)
    limit = torch.tensor(2.0, dtype=torch.float64)
    (within,) = zip(*(found.at_most(block, limit) for block in blocks), strict=True)
    assert torch.equal(torch.cat(within), expected <= 2)


def test_pairs_bounds_hold_and_are_close():
    first, second = SETS["of many numbers"]
    found = Pairs(first, second)
    scaled = squared_distances(first, second) / found._scale**2
    for dtype, width in ((torch.float32, 2e-3), (torch.float64, 1e-11)):
        nearest, farthest = found._bounds(slice(0, 30), dtype)
        assert (nearest.double() <= scaled).all()
        assert (farthest.double() >= scaled).all()
        assert ((farthest - nearest).double() < width * scaled).all()


@pytest.mark.parametrize("name", ["normal", "with ties", "in clusters far apart"])
def test_pairs_bounds_leave_few_exact_distances(name, monkeypatch):
    """Copies and ties are always among them, but clusters, far apart or not, are not."""
    taken = []
    exact = Pairs._exact

    def counted(self, block, i, j):
        taken.append(len(i))
        return exact(self, block, i, j)

    monkeypatch.setattr(Pairs, "_exact", counted)
    first, _ = SETS[name]
    all_kth_smallest(Pairs(first, first), 4)
    ties = squared_distances(first, first)
    assert sum(taken) == int((ties <= ties.kthvalue(4, dim=1).values[:, None]).sum())


@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_pairs_are_exact_under_autocast_and_low_precision(precision):
    first, second = SETS["normal"]
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = all_kth_smallest(Pairs(first, second), 4)
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(found, squared_distances(first, second).kthvalue(4, dim=1).values)
