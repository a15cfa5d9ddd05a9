import pytest
import torch
import torch.nn.functional as F
from support.small_pixelcnns import pixelcnn, random_levels
from torch import nn

from cvgen_course.bits import bits_per_dim
from cvgen_course.pixelcnn import MaskedConv2d, PixelCNN, log_prob_per_item


def conv(k, before, after):
    return k * k * before * after + after


@pytest.mark.parametrize("N", [0, 1, 3])
@pytest.mark.parametrize(("K", "C", "H", "W"), [(2, 1, 28, 28), (3, 2, 1, 5), (256, 3, 4, 3)])
def test_pixelcnn_shapes(N, K, C, H, W):
    model = pixelcnn(num_levels=K, channels=C, width=4 * C)
    levels = random_levels(N, C, H, W, num_levels=K)
    assert model(levels).shape == (N, K, C, H, W)
    assert model.loss(random_levels(2, C, H, W, num_levels=K)).shape == ()


@pytest.mark.parametrize(
    ("K", "C", "width", "num_layers", "kernel_size", "first"),
    [(2, 1, 32, 8, 3, 7), (4, 3, 12, 2, 5, 3), (3, 1, 4, 0, 3, 1)],
)
def test_pixelcnn_has_the_parameters_counted_by_hand(K, C, width, num_layers, kernel_size, first):
    half = width // 2
    block = conv(1, width, half) + conv(kernel_size, half, half) + conv(1, half, width)
    head = conv(1, width, width) + conv(1, width, C * K)
    model = PixelCNN(K, C, width, num_layers, kernel_size, first)
    expected = conv(first, C, width) + num_layers * block + head
    assert sum(p.numel() for p in model.parameters()) == expected


def test_pixelcnn_has_one_mask_of_kind_a_and_it_is_the_first():
    kinds = [layer.kind for layer in pixelcnn().modules() if isinstance(layer, MaskedConv2d)]
    assert kinds == ["A"] + 2 * ["B", "B", "B"] + ["B", "B"]


def test_pixelcnn_equals_the_papers_table_written_out():
    model, levels = pixelcnn(num_levels=4, width=8, num_layers=2), random_levels(3, 1, 5, 4)
    masked = [layer for layer in model.modules() if isinstance(layer, MaskedConv2d)]

    def apply(layer, x):
        return F.conv2d(x, layer.weight * layer.mask, layer.bias, padding="same")

    h = apply(masked[0], levels / 3 * 2 - 1)
    for first in (1, 4):
        inner = h
        for layer in masked[first : first + 3]:
            inner = apply(layer, inner.relu())
        h = h + inner
    for layer in masked[7:]:
        h = apply(layer, h.relu())
    torch.testing.assert_close(model(levels), h.view(3, 1, 4, 5, 4).transpose(1, 2))


def test_pixelcnn_logits_stay_where_later_pixels_change():
    """The same as by gradients, on levels: whole numbers have none."""
    model, levels = pixelcnn(channels=2), random_levels(4, 2, 3, 4)
    logits = model(levels)
    for i in range(3):
        for j in range(4):
            for c in range(2):
                later = levels.clone()
                later[:, :, i + 1 :] = 2
                later[:, :, i, j + 1 :] = 2
                later[:, c:, i, j] = 2
                at = (..., c, i, j)
                torch.testing.assert_close(model(later)[at], logits[at])


def test_pixelcnn_images_do_not_follow_one_another():
    model, levels = pixelcnn(), random_levels(3, 1, 4, 4)
    torch.testing.assert_close(model(levels)[1:2], model(levels[1:2]))


def test_pixelcnn_loss_is_in_nats_per_image():
    model, levels = pixelcnn(), random_levels(4, 1, 3, 5)
    log_probs = model(levels).log_softmax(dim=1).gather(1, levels[:, None])
    torch.testing.assert_close(model.loss(levels), -log_probs.sum() / 4)


def test_pixelcnn_that_has_learned_nothing_needs_8_bits_for_256_levels():
    model = pixelcnn(num_levels=256)
    nn.init.zeros_(model.layers[-1].weight)
    nn.init.zeros_(model.layers[-1].bias)
    levels = random_levels(2, 1, 5, 6, num_levels=256)
    bits = bits_per_dim(log_prob_per_item(model(levels), levels), 30)
    torch.testing.assert_close(bits, torch.tensor([8.0, 8.0]))


def test_pixelcnn_learns_with_every_weight_that_is_not_masked():
    model, levels = pixelcnn(width=16), random_levels(64, 1, 6, 6)
    model.loss(levels).backward()
    for layer in model.modules():
        if isinstance(layer, MaskedConv2d):
            assert layer.weight.grad[layer.mask == 0].eq(0).all()
            assert layer.weight.grad.flatten(1).ne(0).any(dim=1).any()
            assert layer.bias.grad.ne(0).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_pixelcnn_overfits_a_batch(channels):
    torch.manual_seed(0)
    model = PixelCNN(3, channels, width=12 * channels, num_layers=2, first_kernel_size=5)
    levels = random_levels(2, channels, 3, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    before = model.loss(levels).item()
    for _ in range(100):
        optimizer.zero_grad()
        loss = model.loss(levels)
        loss.backward()
        optimizer.step()
    # The very first level of two images differs, and nothing comes before it: that bit remains.
    assert loss.item() < 0.05 * before + 0.7


def test_pixelcnn_can_be_saved_and_loaded(tmp_path):
    one, other, levels = pixelcnn(), pixelcnn(seed=1), random_levels(2, 1, 4, 4)
    assert not torch.equal(one(levels), other(levels))
    torch.save(one.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    assert torch.equal(one(levels), other(levels))


def test_pixelcnn_works_under_autocast():
    model, levels = pixelcnn(), random_levels(2, 1, 4, 4)
    expected = model.loss(levels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.loss(levels)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=0.1, atol=0.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 6, "channels": 2}, "width: expected a multiple of 4, got 6"),
        ({"width": 3}, "width: expected a multiple of 2, got 3"),
        ({"width": 0}, "width: expected a multiple of 2, got 0"),
        ({"num_layers": -1}, "num_layers: expected at least 0, got -1"),
        ({"kernel_size": 4}, r"kernel_size: expected two odd numbers, got \(4, 4\)"),
        ({"first_kernel_size": 0}, r"kernel_size: expected two odd numbers, got \(0, 0\)"),
        ({"num_levels": 1}, "num_levels: expected at least 2, got 1"),
        ({"channels": 0}, "channels, embed_dim: expected one channel at least, .* got 0"),
    ],
)
def test_pixelcnn_says_what_is_wrong_with_its_options(options, message):
    with pytest.raises(ValueError, match=message):
        PixelCNN(**options)


def test_pixelcnn_says_what_is_wrong_with_images():
    model = pixelcnn()
    for asked in (model, model.loss):
        with pytest.raises(
            TypeError, match=r"levels: .*float32; .*to_levels\(images, num_levels\)"
        ):
            asked(torch.zeros(1, 1, 3, 3))
        with pytest.raises(ValueError, match=r"levels: expected values in \[0, 3\), got .* 3 to 3"):
            asked(torch.full((1, 1, 3, 3), 3))
        with pytest.raises(ValueError, match=r"levels: .*\(N, 1, H, W\), got shape \(1, 3, 3\)"):
            asked(torch.zeros(1, 3, 3).long())
        with pytest.raises(ValueError, match=r"labels: expected None, .* without classes"):
            asked(torch.zeros(1, 1, 3, 3).long(), torch.tensor([0]))
