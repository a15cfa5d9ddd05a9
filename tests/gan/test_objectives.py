import pytest
import torch

from cvgen_course.gan import (
    HINGE,
    LEAST_SQUARES,
    NON_SATURATING,
    SATURATING,
    WASSERSTEIN,
    critic_generator_loss,
    discriminator_loss,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    non_saturating_loss,
    saturating_loss,
    wasserstein_critic_loss,
)

OBJECTIVES = (SATURATING, NON_SATURATING, LEAST_SQUARES, HINGE, WASSERSTEIN)
REAL = torch.tensor([2.0, 0.5, -1.0])
FAKE = torch.tensor([-3.0, 1.0])


def random_logits(num, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(num, generator=rng, dtype=torch.float64)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        # (1 + 1/4 + 4) / 3 / 2 + (9 + 1) / 2 / 2
        (least_squares_discriminator_loss(REAL, FAKE), 5.25 / 6 + 10 / 4),
        (least_squares_generator_loss(FAKE), 16 / 4),  # (16 + 0) / 2 / 2
        (hinge_discriminator_loss(REAL, FAKE), 2.5 / 3 + 2 / 2),  # (0 + .5 + 2) / 3 + (0 + 2) / 2
        (wasserstein_critic_loss(REAL, FAKE), -1 - 0.5),
        (critic_generator_loss(FAKE), 1.0),
    ],
)
def test_losses_equal_numbers_worked_out_by_hand(loss, expected):
    assert loss.item() == pytest.approx(expected)


@pytest.mark.parametrize(("N", "M"), [(1, 1), (5, 2), (3, 20)])
def test_losses_equal_loops(N, M):
    real, fake = random_logits(N), random_logits(M, seed=1)
    squares = sum((d - 1) ** 2 for d in real) / N + sum(d**2 for d in fake) / M
    torch.testing.assert_close(least_squares_discriminator_loss(real, fake), squares / 2)
    fooled = sum((d - 1) ** 2 for d in fake) / M / 2
    torch.testing.assert_close(least_squares_generator_loss(fake), fooled)
    margins = sum(max(0, 1 - d) for d in real) / N + sum(max(0, 1 + d) for d in fake) / M
    torch.testing.assert_close(hinge_discriminator_loss(real, fake), margins)
    torch.testing.assert_close(wasserstein_critic_loss(real, fake), sum(fake) / M - sum(real) / N)
    torch.testing.assert_close(critic_generator_loss(fake), -sum(fake) / M)


def test_hinge_discriminator_loss_teaches_only_inside_the_margin():
    real, fake = (logits.clone().requires_grad_() for logits in (REAL, FAKE))
    hinge_discriminator_loss(real, fake).backward()
    torch.testing.assert_close(real.grad, torch.tensor([0, -1 / 3, -1 / 3]))
    torch.testing.assert_close(fake.grad, torch.tensor([0, 1 / 2]))


def test_least_squares_loss_is_least_for_half_of_each_label():
    """Where half of all that comes is real, the best number is 1/2."""
    D = torch.linspace(-1, 2, 301, dtype=torch.float64)
    losses = torch.stack([least_squares_discriminator_loss(d, d) for d in D])
    assert D[losses.argmin()].item() == pytest.approx(0.5)


def test_wasserstein_critic_loss_sees_differences_only():
    real, fake = random_logits(4), random_logits(3, seed=1)
    torch.testing.assert_close(
        wasserstein_critic_loss(real + 7, fake + 7), wasserstein_critic_loss(real, fake)
    )
    torch.testing.assert_close(
        wasserstein_critic_loss(2 * real, 2 * fake), 2 * wasserstein_critic_loss(real, fake)
    )


def test_objectives_pair_the_losses_of_a_game():
    assert (discriminator_loss, saturating_loss) == SATURATING
    assert (discriminator_loss, non_saturating_loss) == NON_SATURATING
    assert (least_squares_discriminator_loss, least_squares_generator_loss) == LEAST_SQUARES
    assert (hinge_discriminator_loss, critic_generator_loss) == HINGE
    assert (wasserstein_critic_loss, critic_generator_loss) == WASSERSTEIN


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objective_sets_the_players_against_each_other(objective):
    """The discriminator pulls real logits up and fake ones down, the generator fake ones up."""
    real, fake = (torch.zeros(2, requires_grad=True) for _ in range(2))
    objective.discriminator(real, fake + 0.5).backward()
    assert real.grad.lt(0).all()
    assert fake.grad.gt(0).all()
    (slopes,) = torch.autograd.grad(objective.generator(fake), fake)
    assert slopes.lt(0).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_pass_gradcheck_and_gradgradcheck(objective):
    real, fake = random_logits(3).requires_grad_(), random_logits(2, seed=1).requires_grad_()
    for loss, arguments in (
        (objective.discriminator, (real, fake)),
        (objective.generator, (fake,)),
    ):
        assert torch.autograd.gradcheck(loss, arguments)
        assert torch.autograd.gradgradcheck(loss, arguments)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_objectives_compute_half_precision_in_float32(objective, dtype):
    logits = torch.full((3000,), -300.0, dtype=dtype)  # sums and squares overflow in float16
    for loss in (objective.discriminator(-logits, logits), objective.generator(logits)):
        assert loss.dtype == torch.float32
        assert loss.isfinite()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives_say_what_is_wrong(objective):
    logits = torch.zeros(3)
    with pytest.raises(ValueError, match="fake_logits: expected at least one logit, got shape"):
        objective.generator(logits[:0])
    with pytest.raises(ValueError, match="real_logits: expected at least one logit, got shape"):
        objective.discriminator(logits[:0], logits)
    with pytest.raises(TypeError, match="fake_logits: expected a floating-point tensor"):
        objective.discriminator(logits, logits.int())
