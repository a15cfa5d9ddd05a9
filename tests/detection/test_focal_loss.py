import math

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

from cvgen_course.detection.focal_loss import focal_loss, focal_loss_per_item


def random_batch(seed=0, dtype=torch.float32, num_classes=4, shape=(3, 20)):
    rng = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(*shape, num_classes - 1, generator=rng, dtype=torch.float64)
    return logits.to(dtype), torch.randint(-1, num_classes, shape, generator=rng)


def naive_focal_loss(logits, labels, alpha, gamma):
    N, A, num_columns = logits.shape
    total, num_objects = 0.0, 0
    for n in range(N):
        for a in range(A):
            label = labels[n, a].item()
            if label == -1:
                continue
            num_objects += label > 0
            for c in range(1, num_columns + 1):
                p = 1 / (1 + math.exp(-logits[n, a, c - 1].item()))
                if c == label:
                    total -= alpha * (1 - p) ** gamma * math.log(p)
                else:
                    total -= (1 - alpha) * p**gamma * math.log(1 - p)
    return total / max(1, num_objects)


def test_focal_loss_per_item_equals_one_worked_out_by_hand():
    # A probability of 3/4: for a target of 1 right, for a target of 0 wrong.
    logits = torch.tensor([3.0, 3.0]).log()
    got = focal_loss_per_item(logits, torch.tensor([1.0, 0.0]))
    expected = torch.tensor(
        [0.25 * (1 / 4) ** 2 * math.log(4 / 3), 0.75 * (3 / 4) ** 2 * math.log(4)]
    )
    torch.testing.assert_close(got, expected)


def test_focal_loss_equals_one_worked_out_by_hand():
    # Two classes; an object of class 2, background, and an anchor that is left out.
    logits = torch.tensor([[[1.0, 3.0], [1 / 3, 1.0], [9.0, 9.0]]]).log()
    labels = torch.tensor([[2, 0, -1]])
    half, quarter = math.log(2), math.log(4 / 3)  # losses of p_t = 1/2 and p_t = 3/4
    at_object = 0.75 / 4 * half + 0.25 / 16 * quarter
    at_background = 0.75 / 16 * quarter + 0.75 / 4 * half
    got = focal_loss(logits, labels)
    assert got.item() == pytest.approx(at_object + at_background, rel=1e-5)
    two_objects = focal_loss(logits, torch.tensor([[2, 1, -1]]))
    at_second = 0.25 * (3 / 4) ** 2 * math.log(4) + 0.75 / 4 * half
    assert two_objects.item() == pytest.approx((at_object + at_second) / 2, rel=1e-5)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.3, 0.5), (0.9, 5.0)])
def test_focal_loss_equals_a_loop(alpha, gamma):
    logits, labels = random_batch(dtype=torch.float64)
    got = focal_loss(logits, labels, alpha, gamma)
    assert got.item() == pytest.approx(naive_focal_loss(logits, labels, alpha, gamma), rel=1e-10)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2.0), (0.7, 0.0), (0.5, 3.5)])
def test_focal_loss_per_item_equals_torchvisions(alpha, gamma):
    logits, _ = random_batch(dtype=torch.float64)
    targets = (torch.rand(logits.shape, generator=torch.Generator().manual_seed(1)) < 0.3).double()
    expected = sigmoid_focal_loss(logits, targets, alpha, gamma)
    torch.testing.assert_close(focal_loss_per_item(logits, targets, alpha, gamma), expected)


def test_focal_loss_equals_torchvisions_over_the_anchors_that_count():
    logits, labels = random_batch()
    one_hot = F.one_hot(labels.clamp(min=0), 4)[..., 1:].float()  # (N, A, C - 1)
    counted = labels >= 0
    expected = sigmoid_focal_loss(logits[counted], one_hot[counted], reduction="sum")
    torch.testing.assert_close(focal_loss(logits, labels), expected / (labels > 0).sum())


def test_focal_loss_per_item_without_focus_is_half_the_cross_entropy():
    logits, _ = random_batch()
    targets = (logits > 1).float()
    expected = F.binary_cross_entropy_with_logits(logits, targets, reduction="none") / 2
    torch.testing.assert_close(focal_loss_per_item(logits, targets, 0.5, 0.0), expected)


def test_focal_loss_per_item_turns_easy_items_down():
    # The paper, section 3.2: with p_t = 0.9 and γ = 2, a hundredth of the cross-entropy.
    logits = torch.tensor([9.0]).log()
    focal, plain = (focal_loss_per_item(logits, torch.ones(1), gamma=g) for g in (2.0, 0.0))
    assert (plain / focal).item() == pytest.approx(100, rel=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_per_item_survives_large_logits(gamma):
    logits = torch.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    targets = torch.tensor([1.0, 1.0, 0.0, 0.0])
    loss = focal_loss_per_item(logits, targets, 0.25, gamma)
    torch.testing.assert_close(loss.detach(), torch.tensor([0.0, 250.0, 750.0, 0.0]))
    loss.sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([0.0, -0.25, 0.75, 0.0]))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_has_the_right_gradient(gamma):
    logits, labels = random_batch(dtype=torch.float64, shape=(2, 4))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, labels, 0.3, gamma), logits)


def test_focal_loss_does_not_see_what_is_left_out():
    logits, labels = random_batch()
    changed = logits.masked_fill((labels == -1)[..., None], 1000.0).requires_grad_()
    torch.testing.assert_close(focal_loss(changed, labels), focal_loss(logits, labels))
    focal_loss(changed, labels).backward()
    assert changed.grad[labels == -1].abs().max().item() == 0
    assert changed.grad[labels == 0].abs().min().item() > 0


@pytest.mark.parametrize("shape", [(2, 5), (2, 0), (0, 5)])
def test_focal_loss_of_nothing_is_zero_with_a_gradient(shape):
    logits = torch.randn(*shape, 3, requires_grad=True)
    loss = focal_loss(logits, torch.full(shape, -1))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros(*shape, 3))


def test_focal_loss_without_objects_is_not_divided():
    logits, labels = random_batch()
    labels = labels.clamp(max=0)
    expected = focal_loss_per_item(logits[labels == 0], torch.zeros_like(logits[labels == 0])).sum()
    torch.testing.assert_close(focal_loss(logits, labels), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_focal_loss_keeps_the_dtype_and_the_inputs(dtype):
    logits, labels = random_batch(dtype=dtype)
    before = logits.clone(), labels.clone()
    loss = focal_loss(logits, labels)
    assert loss.dtype == dtype
    assert loss.shape == ()
    assert torch.equal(logits, before[0])
    assert torch.equal(labels, before[1])


def test_focal_loss_says_what_is_wrong_with_its_arguments():
    logits, labels = random_batch()
    with pytest.raises(TypeError, match=r"logits: expected .* tensor .* got NoneType"):
        focal_loss(None, labels)
    with pytest.raises(TypeError, match=r"logits: expected a floating-point .* got torch\.int64"):
        focal_loss(logits.long(), labels)
    with pytest.raises(TypeError, match=r"labels: expected an int64 .* got torch\.float32"):
        focal_loss(logits, labels.float())
    with pytest.raises(ValueError, match=r"logits: expected .* \(N, A, C-1\), got shape \(3, 20\)"):
        focal_loss(logits[..., 0], labels)
    with pytest.raises(ValueError, match=r"labels: expected .* shape \(N, A\), got .*\(3, 20, 1\)"):
        focal_loss(logits, labels[..., None])
    with pytest.raises(ValueError, match=r"labels: .* = \(3, 20\) to go .* got shape \(20, 3\)"):
        focal_loss(logits, labels.T)
    with pytest.raises(ValueError, match=r"labels: .* \[-1, 4\), .* from -1 to 4; .*background"):
        focal_loss(logits, labels.where(labels != 3, 4))
    with pytest.raises(ValueError, match=r"labels: expected values in \[-1, 4\), .* from -2"):
        focal_loss(logits, labels - 1)
    with pytest.raises(ValueError, match=r"alpha: expected a number in \[0, 1\], got 2"):
        focal_loss(logits, labels, alpha=2.0)
    with pytest.raises(ValueError, match=r"gamma: expected a number of at least 0, got -1"):
        focal_loss(logits, labels, gamma=-1.0)


def test_focal_loss_per_item_says_what_is_wrong_with_its_arguments():
    logits, targets = torch.zeros(2, 3), torch.ones(2, 3)
    with pytest.raises(TypeError, match=r"logits: expected .* tensor .* got list"):
        focal_loss_per_item([0.0], targets)
    with pytest.raises(TypeError, match=r"targets: expected a floating-point .* got torch\.int64"):
        focal_loss_per_item(logits, targets.long())
    with pytest.raises(ValueError, match=r"targets: .* to go with logits \(2, 3\), got"):
        focal_loss_per_item(logits, targets[0])
    with pytest.raises(ValueError, match=r"targets: expected 0 or 1 everywhere"):
        focal_loss_per_item(logits, 0.5 * targets)
    with pytest.raises(ValueError, match=r"targets: expected 0 or 1 everywhere"):
        focal_loss_per_item(logits, targets * math.nan)
    with pytest.raises(ValueError, match=r"alpha: expected a number in \[0, 1\], got nan"):
        focal_loss_per_item(logits, targets, alpha=math.nan)
    with pytest.raises(ValueError, match=r"gamma: expected a number of at least 0"):
        focal_loss_per_item(logits, targets, gamma=-0.5)
