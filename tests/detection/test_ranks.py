import torch

from cvgen_course.detection.ranks import rank_in_group


def test_rank_in_group_counts_from_zero_in_each_group():
    groups = torch.tensor([5, 5, 5, 2, 7, 7])
    assert rank_in_group(groups).tolist() == [0, 1, 2, 0, 0, 1]


def test_rank_in_group_equals_a_loop():
    sizes = torch.randint(1, 6, (20,), generator=torch.Generator().manual_seed(0))
    groups = torch.arange(20).repeat_interleave(sizes)
    expected = [rank for size in sizes.tolist() for rank in range(size)]
    assert rank_in_group(groups).tolist() == expected


def test_rank_in_group_of_nobody_is_empty():
    ranks = rank_in_group(torch.zeros(0, dtype=torch.int64))
    assert ranks.shape == (0,)
    assert ranks.dtype == torch.int64
