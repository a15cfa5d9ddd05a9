import math

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.gan import discriminator_loss, game_value, non_saturating_loss, saturating_loss
from cvgen_course.gan.losses import require_logits

LOG_3 = math.log(3.0)  # the logit of D = 3/4
REAL = torch.tensor([LOG_3, 0.0])
FAKE = torch.tensor([-LOG_3, 0.0, LOG_3, 0.0])


def random_logits(*shape, seed=0, scale=3.0):
    rng = torch.Generator().manual_seed(seed)
    return scale * torch.randn(shape, generator=rng, dtype=torch.float64)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def test_game_value_equals_a_number_worked_out_by_hand():
    # D is 3/4 and 1/2 for real images; 1/4, 1/2, 3/4 and 1/2 for fakes
    real = (math.log(3 / 4) + math.log(1 / 2)) / 2
    fake = (math.log(3 / 4) + 2 * math.log(1 / 2) + math.log(1 / 4)) / 4
    assert game_value(REAL, FAKE).item() == pytest.approx(real + fake)
    assert discriminator_loss(REAL, FAKE).item() == pytest.approx(-real - fake)


def test_generator_losses_equal_numbers_worked_out_by_hand():
    fake = (math.log(3 / 4) + 2 * math.log(1 / 2) + math.log(1 / 4)) / 4
    assert saturating_loss(FAKE).item() == pytest.approx(fake)
    assert non_saturating_loss(FAKE).item() == pytest.approx(-fake)  # these logits are symmetric
    assert saturating_loss(FAKE[:1]).item() == pytest.approx(math.log(3 / 4))
    assert non_saturating_loss(FAKE[:1]).item() == pytest.approx(-math.log(1 / 4))


@pytest.mark.parametrize(("N", "M"), [(1, 1), (7, 3), (2, 50)])
def test_losses_equal_a_loop(N, M):
    real, fake = random_logits(N), random_logits(M, seed=1)
    log_real = sum(math.log(sigmoid(each)) for each in real.tolist()) / N
    log_not_fake = sum(math.log(1 - sigmoid(each)) for each in fake.tolist()) / M
    log_fake = sum(math.log(sigmoid(each)) for each in fake.tolist()) / M
    assert game_value(real, fake).item() == pytest.approx(log_real + log_not_fake)
    assert discriminator_loss(real, fake).item() == pytest.approx(-log_real - log_not_fake)
    assert saturating_loss(fake).item() == pytest.approx(log_not_fake)
    assert non_saturating_loss(fake).item() == pytest.approx(-log_fake)


def test_losses_equal_binary_cross_entropies():
    real, fake = random_logits(5), random_logits(8, seed=1)
    right = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    caught = F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    fooled = F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), right + caught)
    torch.testing.assert_close(saturating_loss(fake), -caught)
    torch.testing.assert_close(non_saturating_loss(fake), fooled)


def test_game_value_of_coin_tosses_is_minus_log_4():
    value = game_value(torch.zeros(3), torch.zeros(5))
    assert value.item() == pytest.approx(-math.log(4))


def test_losses_do_not_depend_on_shapes_and_repetition():
    real, fake = random_logits(6), random_logits(4, seed=1)
    expected = discriminator_loss(real, fake)
    torch.testing.assert_close(discriminator_loss(real.view(2, 3, 1), fake.view(2, 2)), expected)
    torch.testing.assert_close(discriminator_loss(real.repeat(5), fake), expected)
    torch.testing.assert_close(saturating_loss(fake.repeat(3, 1)), saturating_loss(fake))
    assert discriminator_loss(real[0], fake).shape == non_saturating_loss(fake[0]).shape == ()


@pytest.mark.parametrize("logit", [-1000.0, 1000.0])
def test_losses_of_huge_logits_are_finite_and_right(logit):
    wrong, right = max(logit, 0.0), max(-logit, 0.0)
    logits = torch.tensor([logit])
    assert discriminator_loss(logits, torch.tensor([-1000.0])).item() == right
    assert discriminator_loss(torch.tensor([1000.0]), logits).item() == wrong
    assert saturating_loss(logits).item() == -wrong
    assert non_saturating_loss(logits).item() == right


@pytest.mark.parametrize("logit", [-1000.0, -20.0, 0.0, 20.0, 1000.0])
def test_generator_losses_have_the_gradients_that_their_docstrings_say(logit):
    """A fake that is seen through teaches nothing in the minimax game, and all in practice."""
    D = torch.tensor([logit, 0.5], dtype=torch.float64).sigmoid()
    for loss, expected in ((saturating_loss, -D / 2), (non_saturating_loss, (D - 1) / 2)):
        fake = torch.tensor([logit, 0.5], dtype=torch.float64, requires_grad=True)
        loss(fake).backward()
        torch.testing.assert_close(fake.grad, expected)


def test_discriminator_loss_has_the_gradient_of_a_classifier():
    real, fake = random_logits(3).requires_grad_(), random_logits(2, seed=1).requires_grad_()
    discriminator_loss(real, fake).backward()
    torch.testing.assert_close(real.grad, (real.detach().sigmoid() - 1) / 3)
    torch.testing.assert_close(fake.grad, fake.detach().sigmoid() / 2)


def test_losses_pass_gradcheck_and_gradgradcheck():
    real, fake = random_logits(3).requires_grad_(), random_logits(2, seed=1).requires_grad_()
    for loss, arguments in (
        (discriminator_loss, (real, fake)),
        (game_value, (real, fake)),
        (saturating_loss, (fake,)),
        (non_saturating_loss, (fake,)),
    ):
        assert torch.autograd.gradcheck(loss, arguments)
        assert torch.autograd.gradgradcheck(loss, arguments)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_losses_are_in_float32_at_least(dtype):
    logits = torch.full((3000,), 40.0, dtype=dtype)  # whose sum overflows in float16
    expected = torch.float64 if dtype == torch.float64 else torch.float32
    for loss in (
        discriminator_loss(logits, logits),
        -game_value(logits, logits),
        -saturating_loss(logits),
        non_saturating_loss(-logits),
    ):
        assert loss.dtype == expected
        assert loss.item() == pytest.approx(40.0)


def test_losses_say_what_is_wrong():
    logits = torch.zeros(3)
    with pytest.raises(ValueError, match=r"real_logits: expected at least one .* got shape \(0,\)"):
        discriminator_loss(logits[:0], logits)
    with pytest.raises(ValueError, match=r"fake_logits: expected at least one .* shape \(0, 2\)"):
        game_value(logits, torch.zeros(0, 2))
    with pytest.raises(TypeError, match=r"fake_logits: .*floating-point.* got torch.int64; use"):
        saturating_loss(logits.long())
    with pytest.raises(TypeError, match=r"fake_logits: .* got float"):
        non_saturating_loss(1.0)


def test_require_logits_returns_all_in_order():
    first, second = torch.ones(2, dtype=torch.float16), torch.zeros(3, dtype=torch.float64)
    one, other = require_logits(first=first, second=second)
    assert one.dtype == torch.float32
    assert torch.equal(one, torch.ones(2))
    assert other is second
