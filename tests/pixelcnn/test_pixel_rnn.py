import math
from itertools import product

import pytest
import torch
from torch import nn

from cvgen_course.pixelcnn import (
    DiagonalBiLSTM,
    PixelRNN,
    RowLSTM,
    complete,
    every_image,
    log_prob_per_item,
    sample,
)

RECURRENCES = pytest.mark.parametrize("recurrence", [RowLSTM, DiagonalBiLSTM])
OPTIMIZERS = {
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "decay": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


def images(*shape, num_levels=2, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(num_levels, shape, generator=rng)


def small(recurrence=RowLSTM, num_levels=2, channels=1, num_layers=1, seed=0):
    """Return a network with larger weights than a new one, which says more than "all alike"."""
    torch.manual_seed(seed)
    model = PixelRNN(num_levels, channels, 4 * channels, num_layers, recurrence, 3)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


def seen(model, levels, c, i, j):
    """Say which inputs the logits of a level follow from, bool (C, H, W).

    A ReLU that happens to be shut would hide what there is to see.
    """
    open_layers = (nn.Softplus() if isinstance(m, nn.ReLU) else m for m in model.double().layers)
    x, K = model.inputs(levels).double().requires_grad_(), model.inputs.num_levels
    logits = nn.Sequential(*open_layers)(x)[0, c * K : (c + 1) * K, i, j]
    found = torch.zeros(x.shape[1:], dtype=torch.bool)
    for logit in logits:
        (grad,) = torch.autograd.grad(logit, x, retain_graph=True)
        found |= grad[0] != 0
    return found


def numbers(C, H, W):
    """Return whose turn is when, int64 (C, H, W)."""
    return torch.arange(H * W * C).view(H, W, C).permute(2, 0, 1)


@RECURRENCES
@pytest.mark.parametrize("shape", [(3, 1, 4, 6), (1, 1, 1, 5), (2, 1, 5, 1), (2, 3, 3, 2)])
def test_pixel_rnn_shapes(shape, recurrence):
    N, C, H, W = shape
    model, levels = small(recurrence, 4, C, 2), images(*shape, num_levels=4)
    logits = model(levels)
    assert logits.shape == (N, 4, C, H, W)
    torch.testing.assert_close(torch.cat([model(image[None]) for image in levels]), logits)
    assert model(levels[:0]).shape == (0, 4, C, H, W)


@RECURRENCES
@pytest.mark.parametrize("num_layers", [1, 3])
def test_pixel_rnn_has_the_parameters_counted_by_hand(recurrence, num_layers):
    def conv(k, before, after):
        return k * before * after + after

    C, K, h = 3, 5, 6
    lstm = {
        RowLSTM: conv(3, 2 * h, 4 * h) + 3 * h * 4 * h,
        DiagonalBiLSTM: 2 * (conv(1, 2 * h, 4 * h) + 2 * h * 4 * h),
    }[recurrence]
    layers = num_layers * (lstm + conv(1, h, 2 * h))
    head = conv(1, 2 * h, 2 * h) + conv(1, 2 * h, C * K)
    model = PixelRNN(K, C, 2 * h, num_layers, recurrence, first_kernel_size=5)
    assert sum(p.numel() for p in model.parameters()) == conv(25, C, 2 * h) + layers + head


@RECURRENCES
def test_pixel_rnn_by_hand_where_the_layers_add_nothing(recurrence):
    model, levels = small(recurrence, 3, num_layers=2), images(2, 1, 3, 4, num_levels=3)
    first, *blocks = model.layers
    with torch.no_grad():
        for block in blocks[:2]:
            block.output.weight.zero_()
            block.output.bias.zero_()
    x = first(levels.float() - 1)  # levels 0, 1, 2 are shades -1, 0, 1
    for layer in (model.layers[4], model.layers[6]):
        x = layer(x.clamp(min=0))
    torch.testing.assert_close(model(levels), x[:, :, None])


@RECURRENCES
def test_pixel_rnn_loss_is_the_mean_negative_log_probability(recurrence):
    model, levels = small(recurrence, 3), images(4, 1, 3, 3, num_levels=3)
    expected = 0.0
    for n, i, j in product(range(4), range(3), range(3)):
        probs = model(levels)[n, :, 0, i, j].softmax(dim=0)
        expected -= probs[levels[n, 0, i, j]].log() / 4
    torch.testing.assert_close(model.loss(levels), expected)


@RECURRENCES
@pytest.mark.parametrize("num_layers", [1, 2])
def test_pixel_rnn_probabilities_of_all_images_sum_to_1(recurrence, num_layers):
    levels = every_image(3, 1, 2, 3)
    with torch.no_grad():
        log_prob = log_prob_per_item(small(recurrence, 3, 1, num_layers)(levels), levels)
    assert log_prob.exp().double().sum().item() == pytest.approx(1, abs=1e-5)
    assert log_prob.max() - log_prob.min() > 1  # it is not the same for all


@RECURRENCES
def test_pixel_rnn_probabilities_of_all_colour_images_sum_to_1(recurrence):
    model, total = small(recurrence, 3, channels=2), 0.0
    with torch.no_grad():
        for levels in every_image(3, 2, 2, 3).split(5000):
            total += log_prob_per_item(model(levels), levels).exp().double().sum().item()
    assert total == pytest.approx(1, abs=1e-5)


@RECURRENCES
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("channels", [1, 2])
def test_pixel_rnn_after_training_steps_sees_nothing_that_comes_later(
    recurrence, optimizer, channels
):
    model, levels = small(recurrence, 3, channels, 2), images(2, channels, 3, 4, num_levels=3)
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    for _ in range(2):  # the second time there is momentum
        optimizer.zero_grad()
        model.loss(levels).backward()
        optimizer.step()
    number = numbers(channels, 3, 4)
    for c, i, j in product(range(channels), range(3), range(4)):
        assert not seen(model, levels[:1], c, i, j)[number >= number[c, i, j]].any()


@pytest.mark.parametrize("channels", [1, 2])
def test_pixel_rnn_of_diagonals_sees_all_that_comes_before_but_one(channels):
    model, levels = small(DiagonalBiLSTM, 3, channels, 2), images(1, channels, 4, 5, num_levels=3)
    number = numbers(channels, 4, 5)
    for c, i, j in product(range(channels), range(4), range(5)):
        expected = number < number[c, i, j]
        if i and j < 3:  # too far for the first convolution to see the end of the row above
            expected[-1, i - 1, 4] = False
        assert torch.equal(seen(model, levels, c, i, j), expected)


def test_pixel_rnn_of_rows_sees_what_its_layers_see_together():
    H, W = 4, 9

    def first(i, j):
        return {(i, j - 1), *((i - 1, j + side) for side in (-1, 0, 1))}

    def row(i, j):
        triangle = {(i - up, j + side) for up in range(H) for side in range(-up - 1, up + 1)}
        return triangle & set(product(range(H), range(W)))

    model, levels = small(RowLSTM, 3, num_layers=2), images(1, 1, H, W, num_levels=3)
    for i, j in ((3, 4), (3, 8), (2, 0), (1, 7)):
        places = {place for middle in row(i, j) for place in row(*middle)}
        places = {place for middle in places for place in first(*middle)}
        got = seen(model, levels, 0, i, j)[0]
        assert {tuple(place) for place in got.nonzero().tolist()} == {
            place for place in places if min(place) >= 0 and place[1] < W
        }


@RECURRENCES
def test_pixel_rnn_overfits_a_batch(recurrence):
    torch.manual_seed(0)
    levels = images(3, 1, 4, 5, num_levels=3)
    levels[:, 0, 0] = torch.arange(3)[:, None]  # which tells them apart
    model = PixelRNN(3, width=16, num_layers=1, recurrence=recurrence, first_kernel_size=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    before = model.loss(levels)
    for _ in range(100):
        optimizer.zero_grad()
        loss = model.loss(levels)
        loss.backward()
        optimizer.step()
    # Nobody does better than log 3: the three images are equally likely.
    assert before > 15
    assert math.log(3) - 1e-4 < loss < math.log(3) + 0.5


@RECURRENCES
def test_pixel_rnn_can_be_saved_and_loaded(recurrence, tmp_path):
    one, other = small(recurrence, channels=3), small(recurrence, channels=3, seed=1)
    levels = images(2, 3, 3, 4)
    assert not torch.equal(other(levels), one(levels))
    torch.save(one.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    assert torch.equal(other(levels), one(levels))


@RECURRENCES
def test_pixel_rnn_samples_are_as_frequent_as_they_are_likely(recurrence):
    model, levels, count = small(recurrence), every_image(2, 1, 2, 2), 4000
    drawn = sample(model, (count, 1, 2, 2), rng=torch.Generator().manual_seed(0))
    places = torch.tensor([8, 4, 2, 1])
    frequency = (drawn.flatten(1) @ places).bincount(minlength=16) / count
    expected = log_prob_per_item(model(levels), levels).exp().detach()
    # five standard deviations, and a little for the rarest
    assert ((frequency - expected).abs() < 5 * (expected / count).sqrt() + 1e-3).all()


@RECURRENCES
def test_pixel_rnn_completes_colour_images(recurrence):
    model, levels = small(recurrence, 3, channels=2), images(3, 2, 4, 3, num_levels=3)
    known = torch.zeros(4, 3, dtype=torch.bool)
    known[:2] = True
    done = complete(model, levels, known, temperature=0)
    assert torch.equal(done[:, :, :2], levels[:, :, :2])
    assert torch.equal(done[:, :, 2:], model(done).argmax(dim=1)[:, :, 2:])


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (torch.ones(1, 1, 4, 4), TypeError, r"levels: expected whole numbers.*float32.*to_levels"),
        (torch.ones(1, 2, 4, 4).long(), ValueError, r"levels: expected .*\(N, 1, H, W\), got"),
        (torch.ones(4, 4).long(), ValueError, r"levels: .* got shape \(4, 4\)"),
        (torch.full((1, 1, 4, 4), 2), ValueError, r"levels: .*\[0, 2\), got values from 2 to 2"),
        (None, TypeError, r"levels: .* got NoneType"),
    ],
)
def test_pixel_rnn_says_what_is_wrong_with_levels(levels, error, message):
    model = small()
    for takes_levels in (model, model.loss):
        with pytest.raises(error, match=message):
            takes_levels(levels)


def test_pixel_rnn_knows_no_classes():
    model, levels = small(), images(2, 1, 3, 3)
    assert model.num_classes is None
    for takes_labels in (model, model.loss):
        with pytest.raises(ValueError, match="labels: expected None"):
            takes_labels(levels, torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_levels": 1}, ValueError, "num_levels: expected at least 2, got 1"),
        ({"channels": 0}, ValueError, "channels.*: expected one channel at least.*got 0 and None"),
        ({"width": 31}, ValueError, "width: expected a multiple of 2, got 31"),
        ({"width": 0}, ValueError, "width: expected a multiple of 2, got 0"),
        ({"width": 32, "channels": 3}, ValueError, "width: expected a multiple of 6, got 32"),
        ({"num_layers": 0}, ValueError, "num_layers: expected at least 1, got 0"),
        ({"first_kernel_size": 4}, ValueError, "kernel_size: expected two odd numbers"),
        ({"recurrence": "row"}, TypeError, "recurrence: expected RowLSTM or .*, got 'row'"),
    ],
)
def test_pixel_rnn_says_what_is_wrong_with_its_options(options, error, message):
    with pytest.raises(error, match=message):
        PixelRNN(**options)
