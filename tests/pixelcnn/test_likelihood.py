import math

import pytest
import torch
from torch.distributions import Categorical, Independent

from cvgen_course.bits import bits_per_dim
from cvgen_course.pixelcnn import every_image, log_prob_per_item


def random_arguments(N=3, K=5, C=2, H=3, W=4, scale=3.0):
    rng = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(N, K, C, H, W, generator=rng, dtype=torch.float64)
    return logits, torch.randint(K, (N, C, H, W), generator=rng)


def test_log_prob_per_item_equals_one_worked_out_by_hand():
    # Logits of log 3 and 0 are probabilities of 3/4 and 1/4.
    logits = torch.tensor([math.log(3), 0.0]).view(1, 2, 1, 1, 1).expand(2, 2, 1, 1, 3)
    levels = torch.tensor([[[[0, 1, 0]]], [[[1, 1, 1]]]])
    expected = [2 * math.log(3 / 4) + math.log(1 / 4), 3 * math.log(1 / 4)]
    torch.testing.assert_close(log_prob_per_item(logits, levels), torch.tensor(expected))


@pytest.mark.parametrize("shape", [(3, 5, 2, 3, 4), (1, 2, 1, 1, 1), (2, 256, 3, 2, 2)])
def test_log_prob_per_item_equals_a_loop(shape):
    logits, levels = random_arguments(*shape)
    N, _, C, H, W = shape
    expected = []
    for n in range(N):
        total = 0.0
        for c in range(C):
            for i in range(H):
                for j in range(W):
                    own = logits[n, :, c, i, j].tolist()
                    total += own[levels[n, c, i, j]] - math.log(sum(math.exp(x) for x in own))
        expected.append(total)
    got = log_prob_per_item(logits, levels)
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64))


def test_log_prob_per_item_equals_torchs_categorical():
    logits, levels = random_arguments()
    expected = Independent(Categorical(logits=logits.movedim(1, -1)), 3).log_prob(levels)
    torch.testing.assert_close(log_prob_per_item(logits, levels), expected)


def test_log_probs_of_all_images_are_probabilities():
    """Where no pixel looks at another one; the networks' own sums are in test_exactness."""
    images = every_image(3, 2, 1, 2)
    logits, _ = random_arguments(1, 3, 2, 1, 2)
    log_probs = log_prob_per_item(logits.expand(len(images), -1, -1, -1, -1), images)
    assert log_probs.exp().sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize(("K", "bits"), [(2, 1), (4, 2), (256, 8), (512, 9)])
@pytest.mark.parametrize(("C", "H", "W"), [(1, 1, 1), (1, 28, 28), (3, 5, 7)])
def test_a_model_that_knows_nothing_needs_the_bits_of_all_its_levels(K, bits, C, H, W):
    logits, levels = random_arguments(2, K, C, H, W, scale=0.0)
    for constant in (0.0, -7.5):
        log_prob = log_prob_per_item(logits + constant, levels)
        exactly = torch.full((2,), float(bits), dtype=torch.float64)
        torch.testing.assert_close(bits_per_dim(log_prob, C * H * W), exactly, rtol=1e-12, atol=0)


def test_a_model_that_is_sure_and_right_needs_no_bits():
    logits, levels = random_arguments(scale=1.0)
    sure = logits.scatter(1, levels[:, None], 1e4)
    assert log_prob_per_item(sure, levels).tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [1e3, 1e6, 1e30])
def test_log_prob_per_item_of_sure_models_is_finite(size):
    logits = torch.tensor([size, 0.0]).view(1, 2, 1, 1, 1).repeat(2, 1, 1, 1, 1).requires_grad_()
    got = log_prob_per_item(logits, torch.tensor([0, 1]).view(2, 1, 1, 1))
    torch.testing.assert_close(got, torch.tensor([0.0, -size]))
    (slopes,) = torch.autograd.grad(got.sum(), logits)
    torch.testing.assert_close(slopes.flatten(1), torch.tensor([[0.0, 0.0], [-1.0, 1.0]]))


def test_log_prob_per_item_of_the_impossible_is_minus_infinity():
    logits = torch.tensor([0.0, -math.inf]).view(1, 2, 1, 1, 1)
    for level, expected in ((0, 0.0), (1, -math.inf)):
        assert log_prob_per_item(logits, torch.full((1, 1, 1, 1), level)).tolist() == [expected]


def test_log_prob_per_item_passes_gradcheck():
    logits, levels = random_arguments(2, 3, 2, 2, 2)
    assert torch.autograd.gradcheck(
        lambda logits: log_prob_per_item(logits, levels), logits.requires_grad_()
    )


def test_log_prob_per_item_follows_all_logits_of_its_own_image_and_no_others():
    logits, levels = random_arguments()
    logits.requires_grad_()
    (slopes,) = torch.autograd.grad(log_prob_per_item(logits, levels)[1], logits)
    assert slopes[1].ne(0).all()
    assert slopes[[0, 2]].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_log_prob_per_item_sums_half_precision_in_float32(dtype):
    logits = torch.zeros(1, 2, 3, 200, 200, dtype=dtype)
    logits[:, 1] = -8
    levels = torch.ones(1, 3, 200, 200, dtype=torch.int64)
    got = log_prob_per_item(logits, levels)  # more than float16 can hold
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(-120_000 * (8 + math.log1p(math.exp(-8))), rel=1e-5)


def test_log_prob_per_item_of_no_image_is_nothing():
    assert log_prob_per_item(torch.zeros(0, 2, 1, 3, 3), torch.zeros(0, 1, 3, 3).long()).shape == (
        0,
    )


def test_log_prob_per_item_refuses_what_does_not_belong_together():
    logits, levels = random_arguments()
    with pytest.raises(ValueError, match=r"levels: expected .*\(3, 2, 3, 4\).*got .*\(3, 1, 3, 4"):
        log_prob_per_item(logits, levels[:, :1])
    with pytest.raises(ValueError, match=r"logits: expected .*N, K, C, H, W.*got .*\(3, 2, 3, 4\)"):
        log_prob_per_item(logits[:, 0], levels)
    with pytest.raises(TypeError, match=r"levels: expected an int64 .* got torch.float32"):
        log_prob_per_item(logits, levels.float())
    with pytest.raises(TypeError, match=r"logits: expected a floating-point .* got torch.int64"):
        log_prob_per_item(logits.long(), levels)
    for wrong in (-1, 5):
        levels[0, 0, 0, 0] = wrong
        with pytest.raises(ValueError, match=r"levels: expected values in \[0, 5\), got values"):
            log_prob_per_item(logits, levels)
