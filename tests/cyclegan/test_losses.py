import pytest
import torch
from torch import nn

from cvgen_course.cyclegan import cycle_loss, identity_loss

LOSSES = (cycle_loss, identity_loss)


def batches(N=2, M=3, shape=(2, 3, 4), dtype=torch.float64, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return [torch.rand(n, *shape, generator=rng, dtype=dtype) * 2 - 1 for n in (N, M)]


def brighter(x):
    return 0.5 * x + 0.25


def darker(x):
    return x * x - 0.5


def mean_distance(found, images):
    """Return the mean of |found − images|, number by number."""
    pairs = list(zip(found.flatten().tolist(), images.flatten().tolist(), strict=True))
    return sum(abs(one - other) for one, other in pairs) / len(pairs)


def test_cycle_loss_by_hand():
    a, b = torch.full((1, 1, 1, 2), 0.5), torch.full((2, 1, 1, 2), -1.0)
    # a: 0.5 → 0.5 · 0.5 + 0.25 = 0.5 → 0.25 − 0.5; b: −1 → 0.5 → 0.5
    torch.testing.assert_close(cycle_loss(brighter, darker, a, b), torch.tensor(0.75 + 1.5))


def test_identity_loss_by_hand():
    a, b = torch.full((1, 1, 1, 2), 0.5), torch.full((2, 1, 1, 2), -1.0)
    # b: −1 → −0.25; a: 0.5 → −0.25
    torch.testing.assert_close(identity_loss(brighter, darker, a, b), torch.tensor(0.75 + 0.75))


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (5, 1)])
def test_losses_equal_naive_loops(sizes):
    a, b = batches(*sizes)
    expected = mean_distance(darker(brighter(a)), a) + mean_distance(brighter(darker(b)), b)
    assert cycle_loss(brighter, darker, a, b).item() == pytest.approx(expected)
    expected = mean_distance(brighter(b), b) + mean_distance(darker(a), a)
    assert identity_loss(brighter, darker, a, b).item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_each_domain_counts_fully_however_many_images_it_has(loss):
    a, b = batches()
    torch.testing.assert_close(
        loss(brighter, darker, a, b), loss(brighter, darker, torch.cat([a, a, a]), b)
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_turned_round_are_the_same(loss):
    a, b = batches()
    torch.testing.assert_close(loss(brighter, darker, a, b), loss(darker, brighter, b, a))


def test_losses_of_a_perfect_way_back_are_0():
    a, b = batches()
    assert cycle_loss(lambda x: 2 * x, lambda x: x / 2, a, b) == 0
    assert identity_loss(lambda x: 2 * x, lambda x: x / 2, a, b) > 0
    assert identity_loss(lambda x: x, lambda x: x, a, b) == 0


def test_losses_the_generators_are_shown_whole_batches():
    shown = {"ab": [], "ba": []}

    def translation(way, translate):
        return lambda x: shown[way].append(x) or translate(x)

    a, b = batches()
    generators = translation("ab", brighter), translation("ba", darker)
    cycle_loss(*generators, a, b)
    assert len(shown["ab"]) == len(shown["ba"]) == 2
    assert any(x is a for x in shown["ab"])
    assert any(x is b for x in shown["ba"])
    shown["ab"].clear()
    shown["ba"].clear()
    identity_loss(*generators, a, b)
    assert [x is b for x in shown["ab"]] == [x is a for x in shown["ba"]] == [True]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_teach_both_generators(loss):
    torch.manual_seed(0)
    first, second = (nn.Conv2d(2, 2, 1).double() for _ in range(2))
    value = loss(first, second, *batches())
    assert value.shape == ()
    value.backward()
    for generator in (first, second):
        assert all(p.grad.abs().max() > 0 for p in generator.parameters())


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_gradcheck(loss):
    a, b = (x.requires_grad_() for x in batches(1, 2, (1, 2, 2)))
    weight = torch.tensor([0.7, -0.4], dtype=torch.float64, requires_grad=True)

    def value(a, b, weight):
        return loss(lambda x: weight[0] * x, lambda x: weight[1] * x, a, b)

    assert torch.autograd.gradcheck(value, (a, b, weight))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_losses_are_float32_at_least(loss, dtype):
    a, b = batches(dtype=torch.float64)
    found = loss(lambda x: x / 2, lambda x: x / 4, a.to(dtype), b.to(dtype))
    assert found.dtype == (dtype if dtype == torch.float64 else torch.float32)
    expected = loss(lambda x: x / 2, lambda x: x / 4, a.to(dtype).double(), b.to(dtype).double())
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"a": torch.zeros(2, 3, 4)}, ValueError, r"^a: expected .*\(N, C, H, W\), got shape"),
        ({"a": torch.zeros(2, 3, 4, 4).int()}, TypeError, r"^a: expected a floating-point"),
        ({"b": torch.zeros(2, 3, 4, 4).byte()}, TypeError, r"^b: expected a floating-point"),
        ({"b": torch.zeros(2, 1, 4, 4)}, ValueError, r"^b: .*to go with a \(2, 3, 4, 4\), got"),
        ({"b": torch.zeros(2, 3, 8, 8)}, ValueError, r"^b: .*to go with a \(2, 3, 4, 4\), got"),
        ({"a": torch.zeros(0, 3, 4, 4)}, ValueError, r"^a: expected at least one image, got \(0,"),
        ({"b": torch.zeros(0, 3, 4, 4)}, ValueError, r"^b: expected at least one image, got \(0,"),
    ],
)
def test_losses_say_what_does_not_fit(loss, wrong, error, message):
    given = {"a": torch.zeros(2, 3, 4, 4), "b": torch.zeros(1, 3, 4, 4)} | wrong
    with pytest.raises(error, match=message):
        loss(lambda x: x, lambda x: x, **given)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_a_generator_of_another_size_is_named(loss):
    a, b = torch.zeros(2, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    with pytest.raises(ValueError, match=r"original: expected .* to go with translated \("):
        loss(lambda x: x[..., 1:], lambda x: x, a, b)
