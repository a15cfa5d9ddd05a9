import math

import pytest
import torch
from torch import nn
from torchvision.models.detection.rpn import RegionProposalNetwork

from cvgen_course.detection.rpn_loss import rpn_loss


def random_batch(seed=0, dtype=torch.float32, shape=(3, 30)):
    rng = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape, generator=rng, dtype=torch.float64)
    deltas = torch.randn(*shape, 4, generator=rng, dtype=torch.float64)
    wanted = deltas + 0.2 * torch.randn(*shape, 4, generator=rng, dtype=torch.float64)
    labels = torch.randint(-1, 2, shape, generator=rng)
    return logits.to(dtype), deltas.to(dtype), labels, wanted.to(dtype)


def naive_rpn_loss(logits, deltas, labels, target_deltas, beta):
    objectness = regression = 0.0
    num_sampled = 0
    for n in range(logits.shape[0]):
        for a in range(logits.shape[1]):
            label = labels[n, a].item()
            if label == -1:
                continue
            num_sampled += 1
            p = 1 / (1 + math.exp(-logits[n, a].item()))
            objectness -= math.log(p if label == 1 else 1 - p)
            if label == 1:
                for k in range(4):
                    x = abs(deltas[n, a, k].item() - target_deltas[n, a, k].item())
                    regression += x * x / (2 * beta) if x < beta else x - beta / 2
    return objectness / num_sampled, regression / num_sampled


def test_rpn_loss_equals_one_worked_out_by_hand():
    # An object at 3/4, background at 1/2, and one that was not sampled.
    logits = torch.tensor([[3.0, 1.0, 1e9]]).log()
    deltas = torch.zeros(1, 3, 4)
    target_deltas = torch.tensor([[[1.0, -0.05, 0.0, 1 / 9], [5.0] * 4, [5.0] * 4]])
    labels = torch.tensor([[1, 0, -1]])
    objectness, regression = rpn_loss(logits, deltas, labels, target_deltas)
    assert objectness.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-6)
    by_hand = (1 - 1 / 18) + 9 / 2 * 0.05**2 + 0 + 1 / 18
    assert regression.item() == pytest.approx(by_hand / 2, rel=1e-6)


@pytest.mark.parametrize("beta", [1 / 9, 1.0, 0.01])
def test_rpn_loss_equals_a_loop(beta):
    batch = random_batch(dtype=torch.float64)
    expected = naive_rpn_loss(*batch, beta)
    got = rpn_loss(*batch, beta)
    assert [loss.item() for loss in got] == pytest.approx(expected, rel=1e-10)


def test_rpn_loss_equals_torchvisions():
    logits, deltas, labels, target_deltas = random_batch()
    rpn = RegionProposalNetwork.__new__(RegionProposalNetwork)  # only its loss is asked for
    nn.Module.__init__(rpn)
    rpn.fg_bg_sampler = lambda labels: (
        [(each == 1).int() for each in labels],
        [(each == 0).int() for each in labels],
    )
    expected = rpn.compute_loss(
        logits.reshape(-1, 1),
        deltas.reshape(-1, 4),
        [each.float() for each in labels],
        list(target_deltas),
    )
    got = rpn_loss(logits, deltas, labels, target_deltas)
    torch.testing.assert_close(got, expected)


def test_rpn_loss_survives_large_logits():
    logits = torch.tensor([[1000.0, -1000.0, 1000.0, -1000.0]], requires_grad=True)
    labels = torch.tensor([[1, 1, 0, 0]])
    objectness, _ = rpn_loss(logits, torch.zeros(1, 4, 4), labels, torch.zeros(1, 4, 4))
    objectness.backward()
    assert objectness.item() == 500
    torch.testing.assert_close(logits.grad, torch.tensor([[0.0, -0.25, 0.25, 0.0]]))


def test_rpn_loss_has_the_right_gradient():
    logits, deltas, labels, target_deltas = random_batch(dtype=torch.float64, shape=(2, 5))
    inputs = logits.requires_grad_(), deltas.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, d: rpn_loss(x, d, labels, target_deltas), inputs)


def test_rpn_loss_does_not_see_what_plays_no_part():
    logits, deltas, labels, target_deltas = random_batch()
    unsampled, negative = labels == -1, labels != 1
    changed = (
        logits.masked_fill(unsampled, 1000.0).requires_grad_(),
        deltas.masked_fill(negative[..., None], 1000.0).requires_grad_(),
        labels,
        target_deltas.masked_fill(negative[..., None], math.nan),
    )
    got = rpn_loss(*changed)
    torch.testing.assert_close(got, rpn_loss(logits, deltas, labels, target_deltas))
    sum(got).backward()
    assert changed[0].grad[unsampled].abs().max().item() == 0
    assert changed[1].grad[negative].abs().max().item() == 0
    assert changed[1].grad[labels == 1].abs().min().item() > 0


def test_rpn_loss_divides_boxes_by_all_sampled_anchors():
    logits, deltas, labels, target_deltas = random_batch()
    _, before = rpn_loss(logits, deltas, labels, target_deltas)
    _, after = rpn_loss(logits, deltas, labels.where(labels != 0, -1), target_deltas)
    ratio = (labels >= 0).sum() / (labels == 1).sum()
    torch.testing.assert_close(after, before * ratio)


@pytest.mark.parametrize("shape", [(2, 5), (2, 0), (0, 5)])
def test_rpn_loss_of_nothing_is_zero_with_a_gradient(shape):
    logits = torch.randn(shape, requires_grad=True)
    deltas = torch.randn(*shape, 4, requires_grad=True)
    objectness, regression = rpn_loss(logits, deltas, torch.full(shape, -1), torch.ones(*shape, 4))
    (objectness + regression).backward()
    assert objectness.item() == regression.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))
    assert torch.equal(deltas.grad, torch.zeros_like(deltas))


def test_rpn_loss_without_objects_teaches_only_background():
    logits, deltas, labels, target_deltas = random_batch()
    deltas.requires_grad_()
    objectness, regression = rpn_loss(logits, deltas, labels.clamp(max=0), target_deltas)
    regression.backward()
    assert objectness.item() > 0
    assert regression.item() == 0
    assert torch.equal(deltas.grad, torch.zeros_like(deltas))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rpn_loss_keeps_the_dtype_and_the_inputs(dtype):
    batch = random_batch(dtype=dtype)
    before = [tensor.clone() for tensor in batch]
    for loss in rpn_loss(*batch):
        assert loss.dtype == dtype
        assert loss.shape == ()
    assert all(map(torch.equal, batch, before))


def test_rpn_loss_says_what_is_wrong_with_its_arguments():
    logits, deltas, labels, wanted = random_batch()
    with pytest.raises(TypeError, match=r"logits: expected .* tensor .* got NoneType"):
        rpn_loss(None, deltas, labels, wanted)
    with pytest.raises(TypeError, match=r"logits: expected a floating-point .* got torch\.int64"):
        rpn_loss(logits.long(), deltas, labels, wanted)
    with pytest.raises(TypeError, match=r"target_deltas: expected a floating-point .* got"):
        rpn_loss(logits, deltas, labels, wanted.long())
    with pytest.raises(TypeError, match=r"labels: expected an int64 .* got torch\.float32"):
        rpn_loss(logits, deltas, labels.float(), wanted)
    with pytest.raises(ValueError, match=r"logits: expected .* \(N, A\), got shape \(3, 30, 1\)"):
        rpn_loss(logits[..., None], deltas, labels, wanted)
    with pytest.raises(ValueError, match=r"deltas: expected .* \(N, A, 4\), got shape \(3, 120\)"):
        rpn_loss(logits, deltas.flatten(1), labels, wanted)
    with pytest.raises(ValueError, match=r"^deltas: .* = \(3, 30, 4\) .* got shape \(3, 29, 4"):
        rpn_loss(logits, deltas[:, 1:], labels, wanted)
    with pytest.raises(ValueError, match=r"target_deltas: expected .* got shape \(3, 30, 3\)"):
        rpn_loss(logits, deltas, labels, wanted[..., 1:])
    with pytest.raises(ValueError, match=r"labels: .* to go with logits .* got shape \(3, 29\)"):
        rpn_loss(logits, deltas, labels[:, 1:], wanted)
    with pytest.raises(ValueError, match=r"labels: .* in \[-1, 2\), .* from 0 to 2; .* no classes"):
        rpn_loss(logits, deltas, labels + 1, wanted)
    with pytest.raises(ValueError, match=r"labels: .* in \[-1, 2\), got values from -2"):
        rpn_loss(logits, deltas, labels - 1, wanted)
    with pytest.raises(ValueError, match=r"beta: expected a number greater than 0, got 0"):
        rpn_loss(logits, deltas, labels, wanted, beta=0.0)
