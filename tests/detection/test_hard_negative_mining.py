import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.detection.ssd import SSD

from cvgen_course.detection.hard_negative_mining import hard_negative_mining


def random_batch(seed=0, shape=(4, 50), share=0.1, levels=None):
    """Return losses, with many ties where they are rounded to levels, and positives."""
    rng = torch.Generator().manual_seed(seed)
    losses = torch.rand(shape, generator=rng)
    if levels is not None:
        losses = (levels * losses).floor()
    return losses, torch.rand(shape, generator=rng) < share


def naive_hard_negative_mining(losses, positive, ratio):
    chosen = positive.clone()
    for n in range(losses.shape[0]):
        negatives = [a for a in range(losses.shape[1]) if not positive[n, a]]
        negatives.sort(key=lambda a: (-losses[n, a].item(), a))
        for a in negatives[: ratio * int(positive[n].sum())]:
            chosen[n, a] = True
    return chosen


def test_hard_negative_mining_equals_one_worked_out_by_hand():
    losses = torch.tensor([[0.1, 0.9, 0.5, 0.7, 0.2, 0.8], [0.1, 0.9, 0.5, 0.7, 0.2, 0.8]])
    positive = torch.zeros(2, 6, dtype=torch.bool)
    positive[0, 5] = True  # the second image has no object
    got = hard_negative_mining(losses, positive, ratio=2)
    assert got.tolist() == [[False, True, False, True, False, True], [False] * 6]


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize(("ratio", "share"), [(3, 0.1), (1, 0.3), (3, 0.5), (0, 0.2), (2, 0.0)])
def test_hard_negative_mining_equals_a_loop(ratio, share, levels):
    losses, positive = random_batch(share=share, levels=levels)
    got = hard_negative_mining(losses, positive, ratio)
    assert torch.equal(got, naive_hard_negative_mining(losses, positive, ratio))


def test_hard_negative_mining_leads_to_torchvisions_loss():
    rng = torch.Generator().manual_seed(0)
    N, A, C = 3, 40, 5
    logits = torch.randn(N, A, C, generator=rng)
    labels = torch.randint(1, C, (N, A), generator=rng)
    labels *= torch.rand(N, A, generator=rng) < 0.15
    losses = F.cross_entropy(logits.movedim(-1, 1), labels, reduction="none")  # (N, A)
    chosen = hard_negative_mining(losses, labels > 0)

    class Coder:
        def encode_single(self, boxes, anchors):
            return boxes

    ssd = SSD.__new__(SSD)  # its backbone plays no part in its loss
    nn.Module.__init__(ssd)
    ssd.box_coder, ssd.neg_to_pos_ratio = Coder(), 3
    boxes = torch.zeros(A, 4)
    targets = [{"boxes": boxes, "labels": each} for each in labels]
    outputs = {"bbox_regression": torch.zeros(N, A, 4), "cls_logits": logits}
    matched = [torch.arange(A).where(each > 0, -1) for each in labels]
    expected = ssd.compute_loss(targets, outputs, [boxes] * N, matched)["classification"]
    torch.testing.assert_close(losses[chosen].sum() / (labels > 0).sum(), expected)


def test_hard_negative_mining_looks_at_each_image_alone():
    losses, positive = random_batch()
    losses[1] += 100  # the hardest of all, but in one image
    together = hard_negative_mining(losses, positive)
    for n in range(len(losses)):
        alone = hard_negative_mining(losses[n : n + 1], positive[n : n + 1])
        assert torch.equal(together[n : n + 1], alone)


def test_hard_negative_mining_does_not_look_at_positives_losses():
    losses, positive = random_batch()
    expected = hard_negative_mining(losses, positive)
    for value in (-math.inf, 0.0, math.inf):
        changed = losses.masked_fill(positive, value)
        assert torch.equal(hard_negative_mining(changed, positive), expected)


@pytest.mark.parametrize("value", [0.0, math.inf, -math.inf])
def test_hard_negative_mining_of_equal_losses_takes_the_first(value):
    positive = torch.tensor([[False, False, True, False, False, False]])
    got = hard_negative_mining(torch.full((1, 6), value), positive)
    assert got.tolist() == [[True, True, True, True, False, False]]


@pytest.mark.parametrize("shape", [(0, 5), (2, 0)])
def test_hard_negative_mining_of_nothing(shape):
    losses, positive = random_batch(shape=shape)
    assert hard_negative_mining(losses, positive).shape == shape


def test_hard_negative_mining_of_only_positives():
    losses, _ = random_batch()
    assert hard_negative_mining(losses, torch.ones_like(losses, dtype=torch.bool)).all()


def test_hard_negative_mining_needs_no_gradient_and_keeps_its_inputs():
    losses, positive = random_batch()
    before = losses.clone(), positive.clone()
    got = hard_negative_mining(losses.requires_grad_(), positive)
    assert got.dtype == torch.bool
    assert not got.requires_grad
    assert torch.equal(losses, before[0])
    assert torch.equal(positive, before[1])


def test_hard_negative_mining_says_what_is_wrong_with_its_arguments():
    losses, positive = random_batch()
    with pytest.raises(TypeError, match=r"losses: expected .* tensor of .* got list"):
        hard_negative_mining([1.0], positive)
    with pytest.raises(TypeError, match=r"losses: expected a floating-point .* got torch\.int64"):
        hard_negative_mining(losses.long(), positive)
    with pytest.raises(TypeError, match=r"positive: expected a bool .* got torch\.int64"):
        hard_negative_mining(losses, positive.long())
    with pytest.raises(ValueError, match=r"losses: expected .* shape \(N, A\), got shape \(50,\)"):
        hard_negative_mining(losses[0], positive[0])
    with pytest.raises(ValueError, match=r"positive: expected .* \(4, 50\), got shape \(50, 4\)"):
        hard_negative_mining(losses, positive.T)
    with pytest.raises(ValueError, match=r"ratio: expected a number of at least 0, got -1"):
        hard_negative_mining(losses, positive, -1)


def test_hard_negative_mining_hides_no_loss_that_has_diverged():
    losses, positive = random_batch()
    for negative in (~positive[1]).nonzero()[:, 0].tolist()[:3]:
        losses[1, negative] = math.nan
        assert positive[1].any()
        assert hard_negative_mining(losses, positive)[1, negative]
