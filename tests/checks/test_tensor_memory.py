import torch

from cvgen_course.checks import TensorMemory


def test_largest_is_of_all_that_an_operation_makes():
    x = torch.arange(12.0).view(3, 4)
    with TensorMemory() as made:
        x.max(dim=1)
        assert made.largest == 3
        torch.linalg.svd(x, full_matrices=True)
    assert made.largest == 16  # the last of the three factors


def test_largest_counts_numbers_whatever_their_type():
    for dtype in (torch.bool, torch.float16, torch.float64):
        with TensorMemory() as made:
            torch.ones(6, dtype=dtype)
        assert made.largest == 6


def test_a_view_has_the_numbers_of_what_it_views():
    with TensorMemory() as made:
        x = torch.ones(3)
        x.expand(1000, 3).T.view(3, 10, 100)
        assert made.largest == 3
        x[:1]
    assert made.largest == 3


def test_a_sparse_tensor_is_let_through():
    with TensorMemory() as made:
        product = torch.eye(4).to_sparse() @ torch.ones(4, 2)
    assert torch.equal(product, torch.ones(4, 2))
    assert made.largest == 16


def test_num_bytes_are_those_of_what_is_alive():
    with TensorMemory() as made:
        kept = torch.ones(5)
        views = kept[1:], kept.view(5, 1)
        assert made.num_bytes() == 20
        del kept
        assert made.num_bytes() == 20
        del views
        assert made.num_bytes() == 0
        for _ in range(100):
            torch.ones(1000)
        assert made.num_bytes() == 0
