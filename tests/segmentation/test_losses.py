import math

import pytest
import torch
import torch.nn.functional as F

from cvgen_course.segmentation import cross_entropy_dice_loss, dice_loss, pixel_cross_entropy

LOSSES = [pixel_cross_entropy, dice_loss, cross_entropy_dice_loss]
# Two pixels, two classes; probabilities of class 1 are 1/4 and 1/2, the labels 0 and 1.
LOGITS = torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log().reshape(1, 2, 1, 2)
TARGET = torch.tensor([[[0, 1]]])


def random_batch(seed=0, ignored=0.0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, 5, 7, generator=rng, dtype=torch.float64).to(dtype)
    target = torch.randint(4, (3, 5, 7), generator=rng)
    target[torch.rand(target.shape, generator=rng) < ignored] = 255
    return logits, target


def naive_dice_loss(logits, target, ignore_index, smooth):
    probs = logits.softmax(dim=1)
    N, C, H, W = logits.shape
    coefficients = []
    for c in range(C):
        overlap = total = 0.0
        for n in range(N):
            for i in range(H):
                for j in range(W):
                    if target[n, i, j] == ignore_index:
                        continue
                    p, t = probs[n, c, i, j].item(), float(target[n, i, j] == c)
                    overlap += p * t
                    total += p + t
        coefficients.append((2 * overlap + smooth) / (total + smooth))
    return 1 - sum(coefficients) / C


def test_pixel_cross_entropy_equals_one_worked_out_by_hand():
    expected = -(math.log(3 / 4) + math.log(1 / 2)) / 2
    assert pixel_cross_entropy(LOGITS, TARGET).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_pixel_cross_entropy_equals_torchs(ignored):
    logits, target = random_batch(ignored=ignored)
    expected = F.cross_entropy(logits, target, ignore_index=255)
    torch.testing.assert_close(pixel_cross_entropy(logits, target, ignore_index=255), expected)


def test_pixel_cross_entropy_survives_large_logits():
    logits = torch.tensor([1000.0, -1000.0]).reshape(1, 2, 1, 1)
    assert pixel_cross_entropy(logits, torch.zeros(1, 1, 1, dtype=torch.int64)).item() == 0
    assert pixel_cross_entropy(logits, torch.ones(1, 1, 1, dtype=torch.int64)).item() == 2000


def test_dice_loss_equals_one_worked_out_by_hand():
    # Class 0: p = 3/4, 1/2; t = 1, 0.  Class 1: p = 1/4, 1/2; t = 0, 1.  smooth = 1.
    class0 = (2 * 3 / 4 + 1) / (5 / 4 + 1 + 1)
    class1 = (2 * 1 / 2 + 1) / (3 / 4 + 1 + 1)
    expected = 1 - (class0 + class1) / 2
    assert dice_loss(LOGITS, TARGET).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("smooth", [1.0, 0.1])
@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_dice_loss_equals_a_loop(ignored, smooth):
    logits, target = random_batch(ignored=ignored, dtype=torch.float64)
    got = dice_loss(logits, target, ignore_index=255, smooth=smooth)
    assert got.item() == pytest.approx(naive_dice_loss(logits, target, 255, smooth), rel=1e-9)


def test_dice_loss_is_zero_for_a_certain_and_right_prediction():
    _, target = random_batch()
    logits = 1000.0 * F.one_hot(target, 4).movedim(-1, 1)
    assert dice_loss(logits, target).item() == pytest.approx(0, abs=1e-6)


def test_dice_loss_of_a_class_that_does_not_occur_is_not_nan():
    logits = torch.full((1, 3, 2, 2), -1000.0)
    logits[:, 0] = 1000.0
    target = torch.zeros(1, 2, 2, dtype=torch.int64)
    assert dice_loss(logits, target).item() == pytest.approx(0, abs=1e-6)


def test_dice_loss_sums_over_the_whole_batch():
    logits, target = random_batch()
    together = dice_loss(logits, target)
    one_by_one = torch.stack([dice_loss(logits[n : n + 1], target[n : n + 1]) for n in range(3)])
    assert not torch.isclose(together, one_by_one.mean(), rtol=1e-4)
    as_one_image = dice_loss(torch.cat([*logits], dim=1)[None], torch.cat([*target])[None])
    torch.testing.assert_close(together, as_one_image)


def test_cross_entropy_dice_loss_is_the_sum():
    logits, target = random_batch(ignored=0.2)
    expected = pixel_cross_entropy(logits, target, 255) + dice_loss(logits, target, 255)
    torch.testing.assert_close(cross_entropy_dice_loss(logits, target, 255), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_have_the_right_gradient(loss):
    logits, target = random_batch(ignored=0.2, dtype=torch.float64)
    logits = logits[:1, :, :2, :3].requires_grad_()
    target = target[:1, :2, :3]
    assert torch.autograd.gradcheck(lambda x: loss(x, target, 255), logits)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_do_not_see_ignored_pixels(loss):
    logits, target = random_batch(ignored=0.3)
    changed = logits.clone()
    ignored = (target == 255)[:, None].expand_as(logits)
    changed[ignored] += 5 * torch.randn_like(changed[ignored])
    torch.testing.assert_close(loss(changed, target, 255), loss(logits, target, 255))
    changed.requires_grad_()
    loss(changed, target, 255).backward()
    assert changed.grad[ignored].abs().max().item() == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_finite_where_every_pixel_is_ignored(loss):
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    target = torch.full((2, 4, 4), 255)
    value = loss(logits, target, ignore_index=255)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert logits.grad.abs().max().item() == 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_keep_the_dtype_and_the_inputs(loss, dtype):
    logits, target = random_batch(dtype=dtype)
    before = logits.clone(), target.clone()
    value = loss(logits, target)
    assert value.dtype == dtype
    assert value.shape == ()
    assert torch.equal(logits, before[0])
    assert torch.equal(target, before[1])


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_accept_a_negative_ignore_index(loss):
    logits, target = random_batch(ignored=0.3)
    negative = target.where(target != 255, -1)
    torch.testing.assert_close(loss(logits, negative, -1), loss(logits, target, 255))


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_say_what_is_wrong_with_their_arguments(loss):
    logits, target = random_batch()
    with pytest.raises(TypeError, match=r"logits: expected .* tensor .* got NoneType"):
        loss(None, target)
    with pytest.raises(TypeError, match=r"logits: expected a floating-point .* got torch\.int64"):
        loss(logits.long(), target)
    with pytest.raises(TypeError, match=r"target: expected an int64 .* got torch\.float32"):
        loss(logits, target.float())
    with pytest.raises(ValueError, match=r"target: expected .* tensor of shape \(N, H, W\)"):
        loss(logits, target[:, None])
    with pytest.raises(
        ValueError, match=r"target: .* = \(3, 5, 7\) to go .* got shape \(3, 7, 5\)"
    ):
        loss(logits, target.transpose(1, 2))
    with pytest.raises(ValueError, match=r"target: expected values in \[0, 4\), got .* to 255; "):
        loss(logits, target.where(target != 0, 255))
    with pytest.raises(ValueError, match=r"target: expected values in \[0, 4\), .* from -1"):
        loss(logits, target - 1)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_looks_at_no_values_where_that_would_make_a_gpu_wait(loss):
    logits, target = (each.to("meta") for each in random_batch())  # the device without values
    assert loss(logits, target).shape == ()
