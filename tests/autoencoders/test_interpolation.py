import math

import pytest
import torch

from cvgen_course.autoencoders import slerp


def pair(*shape, dtype=torch.float64, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=rng, dtype=dtype) for _ in range(2))


def naive(start, end, t):
    """Return a point on the arc, in plain numbers."""
    a, b = start.tolist(), end.tolist()
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    angle = math.acos(dot / (math.hypot(*a) * math.hypot(*b)))
    weights = math.sin((1 - t) * angle), math.sin(t * angle)
    return [(weights[0] * x + weights[1] * y) / math.sin(angle) for x, y in zip(a, b, strict=True)]


def angle(a, b):
    return torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1).acos()


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_slerp_equals_the_formula(t):
    start, end = pair(6)
    assert slerp(start, end, t).tolist() == pytest.approx(naive(start, end, t), abs=1e-12)


def test_slerp_by_hand_on_a_quarter_of_a_circle():
    start, end = torch.tensor([2.0, 0]), torch.tensor([0.0, 2])
    third = slerp(start, end, 1 / 3)
    torch.testing.assert_close(third, torch.tensor([math.sqrt(3), 1]))


@pytest.mark.parametrize("shape", [(3,), (4, 8), (2, 3, 16)])
def test_slerp_begins_at_the_start_and_ends_at_the_end(shape):
    start, end = pair(*shape)
    torch.testing.assert_close(slerp(start, end, 0), start)
    torch.testing.assert_close(slerp(start, end, 1), end)
    torch.testing.assert_close(slerp(start, end, 0.3), slerp(end, start, 0.7))


def test_slerp_keeps_the_length_and_turns_evenly():
    start, end = (5 * each / each.norm() for each in pair(32))
    steps = slerp(start, end, torch.linspace(0, 1, 11, dtype=torch.float64)[:, None])  # (11, 32)
    torch.testing.assert_close(steps.norm(dim=1), torch.full((11,), 5.0, dtype=torch.float64))
    turns = angle(steps[:-1], steps[1:])
    torch.testing.assert_close(turns, (angle(start, end) / 10).expand(10), rtol=1e-6, atol=1e-6)
    assert ((start + end) / 2).norm() < 4.5  # which the straight line does not


def test_slerp_stays_in_the_shell_of_a_standard_normal():
    start, end = pair(100, 512)
    halfway = slerp(start, end, 0.5).norm(dim=1) / math.sqrt(512)
    assert halfway.sub(1).abs().max() < 0.15
    assert ((start + end) / 2).norm(dim=1).max() / math.sqrt(512) < 0.8


def test_slerp_takes_each_row_and_each_t_by_itself():
    start, end = pair(3, 5)
    t = torch.tensor([[0.1], [0.5], [0.8]], dtype=torch.float64)
    expected = torch.stack([slerp(a, b, s) for a, b, s in zip(start, end, t, strict=True)])
    torch.testing.assert_close(slerp(start, end, t), expected)
    torch.testing.assert_close(slerp(start[0], end, 0.4)[2], slerp(start[0], end[2], 0.4))


@pytest.mark.parametrize("factor", [1.0, 3.0, -1.0, -2.0, 0.0])
def test_slerp_is_a_straight_line_where_no_arc_is_given(factor):
    start, _ = pair(7, dtype=torch.float32)
    end = factor * start
    for a, b in ((start, end), (end, start)):
        torch.testing.assert_close(slerp(a, b, 0.25), 0.75 * a + 0.25 * b)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("J", [1, 2, 16, 512])
def test_slerp_between_opposite_vectors_never_leaves_the_line(dtype, J):
    start, _ = pair(200, J, dtype=dtype)
    torch.testing.assert_close(slerp(start, -2 * start, 0.25), 0.25 * start)
    torch.testing.assert_close(slerp(start, 3 * start, 0.25), 1.5 * start)


def test_slerp_between_nearly_equal_vectors_lies_between_them():
    start, other = pair(64, dtype=torch.float32)
    for size in (1e-2, 1e-3, 1e-4, 1e-6):
        end = start + size * other
        torch.testing.assert_close(slerp(start, end, 0.5), (start + end) / 2, rtol=0, atol=1e-4)


def test_slerp_of_zeros_and_of_tiny_and_huge_vectors_is_finite():
    assert slerp(torch.zeros(3), torch.zeros(3), 0.5).tolist() == [0, 0, 0]
    start, end = pair(8, dtype=torch.float32)
    for size in (1e-15, 1e-6, 1e6, 1e15):
        found = slerp(size * start, size * end, 0.3)
        torch.testing.assert_close(found / size, slerp(start, end, 0.3), rtol=1e-3, atol=1e-3)


def test_slerp_computes_in_float32_at_least():
    start, end = pair(8, dtype=torch.float32)
    found = slerp(start.half(), end.half(), 0.5)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, slerp(start, end, 0.5), rtol=1e-2, atol=1e-2)


def test_slerp_has_the_right_gradient():
    start, end = (each.requires_grad_() for each in pair(2, 4))
    assert torch.autograd.gradcheck(lambda a, b: slerp(a, b, 0.3), (start, end))


def test_slerp_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"end: expected .*\(\.\.\., 3\).* got shape \(4,\)"):
        slerp(torch.ones(3), torch.ones(4), 0.5)
    with pytest.raises(TypeError, match="start: expected a floating-point tensor"):
        slerp(torch.ones(3).long(), torch.ones(3), 0.5)
    with pytest.raises(TypeError, match=r"end: expected .* got list"):
        slerp(torch.ones(3), [1.0, 2.0, 3.0], 0.5)
