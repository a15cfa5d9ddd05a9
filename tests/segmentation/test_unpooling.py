import pytest
import torch
import torch.nn.functional as F

from cvgen_course.segmentation import max_unpool


def random_map(shape=(2, 3, 7, 6), dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def test_max_unpool_equals_one_written_by_hand():
    x = torch.tensor([[[[5.0, 7.0]]]])
    indices = torch.tensor([[[[1, 6]]]])  # row 0, column 1, and row 1, column 2 of 2 × 4
    expected = [[0, 5, 0, 0], [0, 0, 7, 0]]
    assert max_unpool(x, indices, (2, 4))[0, 0].tolist() == expected


@pytest.mark.parametrize("shape", [(2, 3, 6, 8), (2, 3, 7, 6), (1, 1, 2, 2), (1, 2, 5, 5)])
def test_max_unpool_equals_torchs(shape):
    x = random_map(shape)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    expected = F.max_unpool2d(pooled, indices, 2, output_size=shape[2:])
    assert torch.equal(max_unpool(pooled, indices, shape[2:]), expected)


def test_max_unpool_equals_a_loop():
    x = random_map()
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    expected = torch.zeros_like(x)
    for n in range(2):
        for c in range(3):
            for value, place in zip(
                pooled[n, c].flatten(), indices[n, c].flatten().tolist(), strict=True
            ):
                expected[n, c, place // 6, place % 6] = value
    assert torch.equal(max_unpool(pooled, indices, (7, 6)), expected)


def test_max_unpool_is_undone_by_pooling_positive_values():
    pooled, indices = F.max_pool2d(random_map().exp(), 2, return_indices=True)
    again, indices_again = F.max_pool2d(max_unpool(pooled, indices, (7, 6)), 2, return_indices=True)
    assert torch.equal(again, pooled)
    assert torch.equal(indices_again, indices)


def test_max_unpool_keeps_the_sum():
    pooled, indices = F.max_pool2d(random_map(), 2, return_indices=True)
    torch.testing.assert_close(max_unpool(pooled, indices, (7, 6)).sum(), pooled.sum())


def test_max_unpool_has_the_right_gradient():
    pooled, indices = F.max_pool2d(random_map((1, 2, 5, 4)), 2, return_indices=True)
    pooled.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: max_unpool(x, indices, (5, 4)), pooled)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_max_unpool_keeps_the_dtype_and_the_inputs(dtype):
    pooled, indices = F.max_pool2d(random_map(dtype=dtype), 2, return_indices=True)
    before = pooled.clone(), indices.clone()
    assert max_unpool(pooled, indices, (7, 6)).dtype == dtype
    assert torch.equal(pooled, before[0])
    assert torch.equal(indices, before[1])


def test_max_unpool_says_what_is_wrong_with_its_arguments():
    x, indices = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2, dtype=torch.int64)
    with pytest.raises(TypeError, match=r"x: expected a tensor .* got NoneType"):
        max_unpool(None, indices, (4, 4))
    with pytest.raises(ValueError, match=r"x: expected a tensor .* got shape \(2, 2\)"):
        max_unpool(x[0, 0], indices, (4, 4))
    with pytest.raises(TypeError, match=r"indices: expected an int64 .* got torch\.int32"):
        max_unpool(x, indices.int(), (4, 4))
    with pytest.raises(ValueError, match=r"indices: .* to go with x \(1, 1, 2, 2\), got"):
        max_unpool(x, indices[..., :1], (4, 4))
    with pytest.raises(
        ValueError, match=r"indices: expected values in \[0, 4\), .* before pooling"
    ):
        max_unpool(x, indices + 4, (2, 2))
    with pytest.raises(ValueError, match=r"indices: expected values in \[0, 16\)"):
        max_unpool(x, indices - 1, (4, 4))
