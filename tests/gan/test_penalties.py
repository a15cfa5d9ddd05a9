import pytest
import torch
from torch import nn

from cvgen_course.gan import gradient_penalty, r1_penalty

SHAPE = (5, 2, 3, 4)


def images(seed=0, shape=SHAPE, dtype=torch.float64):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64).to(dtype)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def line(slopes):
    """Return a critic with the same slopes everywhere."""
    return lambda x: (slopes * x).flatten(1).sum(dim=1)


def parabola(x):
    """Return ‖x‖² / 2, whose gradient is x itself."""
    return x.square().flatten(1).sum(dim=1) / 2


def smooth_critic():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(24, 6), nn.Tanh(), nn.Linear(6, 1)).double()


@pytest.mark.parametrize("length", [0.0, 0.5, 1.0, 3.0])
def test_penalties_of_a_line_are_known(length):
    slopes = torch.zeros(SHAPE[1:], dtype=torch.float64)
    slopes[0, 1, 2], slopes[1, 2, 3] = 0.6 * length, -0.8 * length
    penalty = gradient_penalty(line(slopes), images(), images(1))
    assert penalty.item() == pytest.approx((length - 1) ** 2)
    assert r1_penalty(line(slopes), images()).item() == pytest.approx(length**2)
    assert penalty.shape == ()


def test_penalties_are_means_over_images_of_what_one_image_gives():
    """Each image has its own slope here: lengths of 1, 2 and 4."""
    factors = torch.tensor([1.0, 2.0, 4.0])

    def critic(x):
        return factors * x[:, 0]

    x = torch.zeros(3, 1)
    assert gradient_penalty(critic, x, x).item() == pytest.approx((0 + 1 + 9) / 3)
    assert r1_penalty(critic, x).item() == pytest.approx((1 + 4 + 16) / 3)


def test_penalties_of_a_parabola_are_lengths_of_the_points():
    x = torch.tensor([[3.0, 4.0], [0.0, 2.0]])  # ‖x‖ is 5 and 2
    assert gradient_penalty(parabola, x, x).item() == pytest.approx((16 + 1) / 2)
    assert r1_penalty(parabola, x).item() == pytest.approx((25 + 4) / 2)


def test_penalties_equal_loops_over_images():
    critic, real, fake = smooth_critic(), images(), images(1)
    alpha = torch.rand(5, 1, 1, 1, generator=seeded(3))
    penalty, regularisation = 0.0, 0.0
    for a, x, other in zip(alpha, real, fake, strict=True):
        jacobian = torch.func.jacrev(lambda point: critic(point[None])[0, 0])
        penalty += (jacobian(a * x + (1 - a) * other).square().sum().sqrt() - 1) ** 2 / 5
        regularisation += jacobian(x).square().sum() / 5
    torch.testing.assert_close(gradient_penalty(critic, real, fake, seeded(3)), penalty)
    torch.testing.assert_close(r1_penalty(critic, real), regularisation)


def test_gradient_penalty_looks_at_one_point_of_each_segment():
    asked = []

    def critic(x):
        asked.append(x.detach())
        return parabola(x)

    real, fake = images(0, (4000, 3)), images(1, (4000, 3))
    gradient_penalty(critic, real, fake, seeded())
    (points,) = asked
    alpha = ((points - fake) / (real - fake)).median(dim=1).values
    torch.testing.assert_close(points, fake + alpha[:, None] * (real - fake))
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    spread = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    assert (alpha.sort().values - spread).abs().max() < 0.04  # Kolmogorov and Smirnov's distance


def test_gradient_penalty_draws_from_the_given_generator_alone():
    critic, real, fake = smooth_critic(), images(), images(1)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = gradient_penalty(critic, real, fake, seeded(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(gradient_penalty(critic, real, fake, seeded(2)), first)
    assert not torch.equal(gradient_penalty(critic, real, fake, seeded(3)), first)
    torch.manual_seed(2)  # the same seed of torch's own generator
    assert torch.equal(gradient_penalty(critic, real, fake), first)


def test_penalties_teach_the_critic_and_nobody_else():
    critic = smooth_critic()
    real, fake = images().requires_grad_(), images(1).requires_grad_()
    (gradient_penalty(critic, real, fake) + r1_penalty(critic, real)).backward()
    assert real.grad is None
    assert fake.grad is None
    assert real.requires_grad
    for name, parameter in critic.named_parameters():
        if name != "3.bias":  # a constant has no slope
            assert parameter.grad.abs().max() > 0, name


def test_penalties_leave_images_as_they_are():
    real, fake = images(), images(1)
    gradient_penalty(parabola, real, fake)
    r1_penalty(parabola, real)
    assert torch.equal(real, images())
    assert torch.equal(fake, images(1))
    assert not real.requires_grad
    assert not fake.requires_grad


def test_penalties_have_the_gradients_worked_out_by_hand():
    """Of a line with slope w: d (|w| - 1)² / dw = 2 (|w| - 1), and d w² / dw = 2 w."""
    w = torch.tensor(-3.0, requires_grad=True)
    x = torch.ones(4, 1)
    (slope,) = torch.autograd.grad(gradient_penalty(line(w), x, x), w)
    assert slope.item() == pytest.approx(-4.0)
    (slope,) = torch.autograd.grad(r1_penalty(line(w), x), w)
    assert slope.item() == pytest.approx(-6.0)


def test_penalties_pass_gradcheck_and_gradgradcheck():
    real, fake = images(0, (3, 2)), images(1, (3, 2))
    weight = images(2, (2, 4)).requires_grad_()

    def penalty(weight):
        return gradient_penalty(lambda x: (x @ weight).tanh().sum(1), real, fake, seeded())

    def regularisation(weight):
        return r1_penalty(lambda x: (x @ weight).tanh().sum(1), real)

    for function in (penalty, regularisation):
        assert torch.autograd.gradcheck(function, weight)
        assert torch.autograd.gradgradcheck(function, weight)


def test_penalties_of_a_flat_critic_have_finite_gradients():
    critic = smooth_critic()
    nn.init.zeros_(critic[3].weight)
    penalty = gradient_penalty(critic, images(), images(1))
    assert penalty.item() == 1
    penalty.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


@pytest.mark.parametrize("shape", [(3, 1), (2, 3, 8, 8), (1, 5)])
def test_penalties_take_critics_with_a_column_of_numbers(shape):
    real, fake = images(0, shape), images(1, shape)

    def column(x):
        return parabola(x)[:, None]

    expected = gradient_penalty(parabola, real, fake, seeded())
    torch.testing.assert_close(gradient_penalty(column, real, fake, seeded()), expected)
    torch.testing.assert_close(r1_penalty(column, real), r1_penalty(parabola, real))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_penalties_are_in_float32_at_least(dtype):
    x = torch.full((2, 4), 256.0, dtype=dtype)  # whose square overflows in float16
    expected = torch.float64 if dtype == torch.float64 else torch.float32
    slopes = torch.full((4,), 256.0, dtype=dtype)
    penalty, regularisation = gradient_penalty(line(slopes), x, x), r1_penalty(line(slopes), x)
    assert penalty.dtype == regularisation.dtype == expected
    assert penalty.item() == pytest.approx(511.0**2)
    assert regularisation.item() == pytest.approx(512.0**2)


def test_penalties_say_what_is_wrong():
    real = images()
    with pytest.raises(ValueError, match=r"fake: expected .* to go with real .* got shape \(3, 2"):
        gradient_penalty(parabola, real, real[:3])
    with pytest.raises(ValueError, match=r"real: expected one image or more, got shape \(0, 3\)"):
        gradient_penalty(parabola, torch.zeros(0, 3), torch.zeros(0, 3))
    with pytest.raises(ValueError, match=r"real: expected one image or more, got shape \(3,\)"):
        r1_penalty(parabola, torch.zeros(3))
    with pytest.raises(TypeError, match=r"real: .*floating-point.* got torch.uint8"):
        r1_penalty(parabola, real.byte())
    with pytest.raises(TypeError, match=r"fake: .*floating-point.* got torch.int64"):
        gradient_penalty(parabola, real, real.long())
