import math

import pytest
import torch
from support.small_pixelcnns import conditional, gated, labels_for, over_codes, random_levels
from torch import nn

from cvgen_course.pixelcnn import (
    GatedLayer,
    GatedPixelCNN,
    MaskedConv2d,
    Vertical,
    VerticalConv2d,
    gate,
    gated_block,
)


def random_maps(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def test_gate_equals_numbers_worked_out_by_hand():
    # tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 3/5; sigmoid(log 3) = 3/4
    maps = torch.tensor([math.log(2), 0.0, math.log(3), 5.0]).view(1, 4, 1, 1)
    assert gate(maps).flatten().tolist() == pytest.approx([0.45, 0.0])
    condition = torch.tensor([[0.0, math.log(2), -math.log(3), -5.0]])
    assert gate(maps, condition).flatten().tolist() == pytest.approx([0.3, 0.3])


def test_gate_equals_a_loop_and_the_condition_is_the_same_everywhere_in_an_image():
    maps, condition = random_maps(2, 6, 3, 4), random_maps(2, 6, seed=1)
    got = gate(maps, condition)
    for n in range(2):
        for p in range(3):
            for i in range(3):
                for j in range(4):
                    value = math.tanh(maps[n, p, i, j] + condition[n, p])
                    opening = 1 / (1 + math.exp(-maps[n, 3 + p, i, j] - condition[n, 3 + p]))
                    assert got[n, p, i, j].item() == pytest.approx(value * opening)


@pytest.mark.parametrize("size", [100.0, 1e6])
def test_gate_of_large_maps_is_open_or_shut(size):
    maps = torch.tensor([[size, size], [size, -size], [-size, size]])[:, :, None, None]
    maps.requires_grad_()
    assert gate(maps).flatten().tolist() == [1, 0, -1]
    gate(maps).sum().backward()
    assert maps.grad.eq(0).all()


def test_gate_passes_gradcheck():
    leaves = random_maps(2, 4, 2, 3).requires_grad_(), random_maps(2, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(gate, leaves)


def test_gate_refuses_what_does_not_belong_together():
    maps = torch.zeros(2, 4, 3, 3)
    with pytest.raises(ValueError, match=r"maps: expected two halves .* got shape \(2, 3, 3, 3\)"):
        gate(maps[:, :3])
    with pytest.raises(ValueError, match=r"maps: expected .*\(N, 2P, H, W\), got .*\(4, 3, 3\)"):
        gate(maps[0])
    with pytest.raises(ValueError, match=r"condition: .*\(2, 4\), got shape \(1, 4\)"):
        gate(maps, torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"condition: .*\(N, 4\).* got shape \(2, 2\)"):
        gate(maps, torch.zeros(2, 2))
    with pytest.raises(TypeError, match=r"maps: expected a floating-point .* got torch.int64"):
        gate(maps.long())


P, SIZE = 2, 3


def layers(seed=0):
    """Return the four layers of a block, in float64."""
    torch.manual_seed(seed)
    return {
        "vertical": VerticalConv2d(P, 2 * P, SIZE).double(),
        "link": nn.Conv2d(2 * P, 2 * P, 1).double(),
        "horizontal": MaskedConv2d("B", P, P, (1, SIZE), copies=2).double(),
        "output": nn.Conv2d(P, P, 1).double(),
    }


def naive_block(v, h, vertical, link, horizontal, output, condition):
    """Figure 2 of the paper, pixel by pixel, with vectors of features."""
    N, _, H, W = v.shape
    new_v, new_h = torch.zeros_like(v), torch.zeros_like(h)

    def at(maps, n, i, j):
        inside = 0 <= i < H and 0 <= j < W
        return maps[n, :, i, j] if inside else torch.zeros(P, dtype=maps.dtype)

    def vertical_at(n, i, j):
        if i < 0:
            return torch.zeros(2 * P, dtype=v.dtype)
        total = vertical.bias.clone()
        for a in range(SIZE // 2 + 1):
            for b in range(SIZE):
                weight = vertical.weight[:, :, a, b]
                total = total + weight @ at(v, n, i - SIZE // 2 + a, j - SIZE // 2 + b)
        return total

    def horizontal_at(n, i, j):
        total = horizontal.bias.clone()
        for b in range(SIZE // 2 + 1):  # left of the pixel, and the pixel
            total = total + horizontal.weight[:, :, 0, b] @ at(h, n, i, j - SIZE // 2 + b)
        return total

    def open_gate(features, n):
        features = features if condition is None else features + condition[n]
        return torch.tanh(features[:P]) * torch.sigmoid(features[P:])

    for n in range(N):
        for i in range(H):
            for j in range(W):
                new_v[n, :, i, j] = open_gate(vertical_at(n, i, j), n)
                told = link.weight[:, :, 0, 0] @ vertical_at(n, i - 1, j) + link.bias
                step = open_gate(horizontal_at(n, i, j) + told, n)
                step = output.weight[:, :, 0, 0] @ step + output.bias
                new_h[n, :, i, j] = h[n, :, i, j] + step
    return new_v, new_h


@pytest.mark.parametrize("with_condition", [False, True])
@pytest.mark.parametrize(("N", "H", "W"), [(2, 3, 4), (1, 1, 1), (1, 5, 2)])
def test_gated_block_equals_a_loop_over_pixels(N, H, W, with_condition):
    v, h = random_maps(N, P, H, W), random_maps(N, P, H, W, seed=1)
    condition = random_maps(N, 2 * P, seed=2) if with_condition else None
    got = gated_block(v, h, **layers(), condition=condition)
    expected = naive_block(v, h, **layers(), condition=condition)
    for mine, right in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, right)


def test_gated_block_vertical_stack_never_hears_of_the_horizontal_one():
    v, h = random_maps(1, P, 3, 3).requires_grad_(), random_maps(1, P, 3, 3).requires_grad_()
    new_v, new_h = gated_block(v, h, **layers())
    assert torch.autograd.grad(new_v.sum(), h, allow_unused=True, retain_graph=True) == (None,)
    (slopes,) = torch.autograd.grad(new_h[0, :, 1].sum(), v)
    assert slopes[:, :, 0].ne(0).any()  # the horizontal one is told of the row above,
    assert slopes[:, :, 1:].eq(0).all()  # and not of its own


def test_gated_block_takes_any_functions():
    """What it puts together, with layers that add: 2 v; then 2 v + 1, of h's two copies."""
    v, h = torch.full((1, 1, 1, 1), 0.5), torch.full((1, 1, 1, 1), 0.25)
    new_v, new_h = gated_block(
        v,
        h,
        vertical=lambda v: Vertical(torch.cat([2 * v, v], 1), torch.cat([3 * v, v], 1)),
        link=lambda above: above + 1,
        horizontal=lambda h: torch.cat([h, h], 1),
        output=lambda gated: 10 * gated,
    )
    sigmoid = 1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-1.75))
    assert new_v.item() == pytest.approx(math.tanh(1.0) * sigmoid[0])
    assert new_h.item() == pytest.approx(0.25 + 10 * math.tanh(2.75) * sigmoid[1])


def test_gated_block_passes_gradcheck():
    block = layers()
    leaves = random_maps(2, P, 2, 2), random_maps(2, P, 2, 2, seed=1), random_maps(2, 2 * P, seed=2)
    assert torch.autograd.gradcheck(
        lambda v, h, condition: gated_block(v, h, **block, condition=condition),
        [leaf.requires_grad_() for leaf in leaves],
    )


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_gated_layer_is_the_block_and_the_first_one_adds_nothing(first, num_classes):
    torch.manual_seed(0)
    layer = GatedLayer(P, P, SIZE, 1, num_classes, first).double()
    v, h = random_maps(2, P, 3, 4), random_maps(2, P, 3, 4, seed=1)
    labels = None if num_classes is None else torch.tensor([2, 0])
    condition = layer.condition(labels)
    parts = {name: getattr(layer, name) for name in ("vertical", "link", "horizontal", "output")}
    new_v, new_h = gated_block(v, h, **parts, condition=condition)
    got_v, told = layer.down(v, labels)
    torch.testing.assert_close(got_v, new_v)
    torch.testing.assert_close(layer.right(h, told, labels), new_h - h if first else new_h)
    assert layer.horizontal.kind == ("A" if first else "B")


def conv(weights, before, after):
    return weights * before * after + after


@pytest.mark.parametrize("N", [0, 1, 3])
@pytest.mark.parametrize(("K", "C", "H", "W"), [(2, 1, 28, 28), (3, 2, 1, 5), (256, 3, 4, 3)])
def test_gated_pixelcnn_shapes(N, K, C, H, W):
    levels = random_levels(N, C, H, W, num_levels=K)
    for num_classes in (None, 4):
        model = gated(num_levels=K, channels=C, num_classes=num_classes)
        labels = labels_for(model, N)
        assert model(levels, labels).shape == (N, K, C, H, W)
    assert model.loss(levels, labels).shape == ()


@pytest.mark.parametrize(
    ("K", "C", "width", "num_layers", "k", "first", "classes", "embed"),
    [(2, 1, 24, 6, 3, 7, None, None), (4, 3, 6, 2, 5, 3, 10, None), (64, 1, 4, 1, 3, 5, None, 7)],
)
def test_gated_pixelcnn_has_the_parameters_counted_by_hand(
    K, C, width, num_layers, k, first, classes, embed
):
    expected = 0
    for layer in range(num_layers):
        size, before = (k, width) if layer else (first, embed or C)
        expected += conv((size // 2 + 1) * size, before, 2 * width)  # vertical
        expected += conv(1, 2 * width, 2 * width)  # link
        expected += conv(size, before, 2 * width)  # horizontal
        expected += conv(1, width, width)  # output
        expected += (classes or 0) * 2 * width
    expected += conv(1, width, width) + conv(1, width, C * K) + K * (embed or 0)
    model = GatedPixelCNN(K, C, width, num_layers, k, first, classes, embed)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_gated_pixelcnn_is_its_blocks_in_a_row():
    model, levels = conditional(num_layers=3), random_levels(2, 1, 4, 5)
    labels, x = torch.tensor([1, 0]), levels - 1.0  # three levels: -1, 0, 1
    v = h = x
    for number, layer in enumerate(model.layers):
        parts = (layer.vertical, layer.link, layer.horizontal, layer.output)
        v, new_h = gated_block(v, h, *parts, condition=layer.condition(labels))
        h = new_h if number else new_h - x
    expected = model.head(h).view(2, 1, 3, 4, 5).transpose(1, 2)
    torch.testing.assert_close(model(levels, labels), expected)


@pytest.mark.parametrize("make", [gated, conditional])
def test_gated_pixelcnn_logits_stay_where_later_pixels_change(make):
    model, levels = make(channels=2), random_levels(4, 2, 3, 4)
    labels = labels_for(model, 4)
    logits = model(levels, labels)
    for i in range(3):
        for j in range(4):
            for c in range(2):
                later = levels.clone()
                later[:, :, i + 1 :] = 2
                later[:, :, i, j + 1 :] = 2
                later[:, c:, i, j] = 2
                at = (..., c, i, j)
                torch.testing.assert_close(model(later, labels)[at], logits[at])


def test_gated_pixelcnn_listens_to_the_class_of_each_image_alone():
    model, levels = conditional(num_layers=1), random_levels(1, 1, 3, 3).repeat(3, 1, 1, 1)
    logits = model(levels, torch.tensor([0, 1, 0]))
    torch.testing.assert_close(logits[0], logits[2])
    assert (logits[0] - logits[1]).abs().amax(dim=(0, 1)).gt(1e-3).all()  # at every pixel


def test_gated_pixelcnn_tells_both_stacks_of_the_class():
    model, levels = conditional(num_layers=2), random_levels(2, 1, 3, 3)
    x = model.inputs(levels)
    zero, one = torch.zeros(2).long(), torch.ones(2).long()
    told = [model.above(x, labels) for labels in (zero, one)]
    assert torch.equal(told[0][0], told[1][0])  # before the first gate nobody knows it
    assert not torch.equal(told[0][1], told[1][1])
    assert not torch.equal(model.along(x, told[0], zero), model.along(x, told[0], one))


def test_gated_pixelcnn_can_do_without_listening():
    model, levels = conditional(), random_levels(2, 1, 3, 3)
    deaf = gated()
    deaf.load_state_dict(model.state_dict(), strict=False)
    for layer in model.layers:
        nn.init.zeros_(layer.condition.table.weight)
    torch.testing.assert_close(model(levels, torch.tensor([0, 1])), deaf(levels))


def test_gated_pixelcnn_takes_codes_as_names():
    """Give two codes each other's names, and the logits are those of the images renamed."""
    model, levels = over_codes(), random_levels(2, 1, 4, 4)
    logits = model(levels)
    renamed = torch.tensor([2, 1, 0])
    with torch.no_grad():
        model.inputs.table.weight.copy_(model.inputs.table.weight[renamed])
    torch.testing.assert_close(model(renamed[levels]), logits)


def test_gated_pixelcnn_loss_is_in_nats_per_image():
    model, levels, labels = conditional(), random_levels(4, 1, 3, 5), torch.tensor([0, 1, 1, 0])
    log_probs = model(levels, labels).log_softmax(dim=1).gather(1, levels[:, None])
    torch.testing.assert_close(model.loss(levels, labels), -log_probs.sum() / 4)


@pytest.mark.parametrize("make", [conditional, over_codes])
def test_gated_pixelcnn_learns_with_all_its_weights_but_those_masked(make):
    model, levels = make(width=8), random_levels(64, 1, 6, 6)
    model.loss(levels, labels_for(model, 64)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.ne(0).any(), name
    for layer in model.modules():
        if isinstance(layer, MaskedConv2d):
            assert layer.weight.grad[layer.mask == 0].eq(0).all()


@pytest.mark.parametrize("options", [{}, {"channels": 3}, {"num_classes": 2}, {"embed_dim": 4}])
def test_gated_pixelcnn_overfits_a_batch(options):
    torch.manual_seed(0)
    model = GatedPixelCNN(3, width=12, num_layers=3, first_kernel_size=5, **options)
    levels = random_levels(2, options.get("channels", 1), 3, 3)
    labels = labels_for(model, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    before = model.loss(levels, labels).item()
    for _ in range(100):
        optimizer.zero_grad()
        loss = model.loss(levels, labels)
        loss.backward()
        optimizer.step()
    # Where nobody tells which of the two it is, the first level that differs costs log 2 each.
    assert loss.item() < 0.05 * before + (0.7 if labels is None else 0.0)


def test_gated_pixelcnn_can_be_saved_and_loaded(tmp_path):
    one, other, levels = conditional(), conditional(seed=1), random_levels(2, 1, 4, 4)
    labels = torch.tensor([0, 1])
    assert not torch.equal(one(levels, labels), other(levels, labels))
    torch.save(one.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    assert torch.equal(one(levels, labels), other(levels, labels))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 4, "channels": 3}, "width: expected a multiple of 3, got 4"),
        ({"width": 0}, "width: expected a multiple of 1, got 0"),
        ({"num_layers": 0}, "num_layers: expected at least 1, got 0"),
        ({"kernel_size": 4}, "kernel_size: expected an odd number, got 4"),
        ({"first_kernel_size": 2}, "kernel_size: expected an odd number, got 2"),
        ({"num_levels": 1}, "num_levels: expected at least 2, got 1"),
        ({"channels": 0}, "channels, embed_dim: expected one channel at least, .* got 0"),
        ({"channels": 2, "embed_dim": 4}, "channels, embed_dim: .* got 2 and 4"),
    ],
)
def test_gated_pixelcnn_says_what_is_wrong_with_its_options(options, message):
    with pytest.raises(ValueError, match=message):
        GatedPixelCNN(**options)


def test_gated_pixelcnn_says_what_is_wrong_with_images_and_labels():
    model, levels = conditional(), random_levels(2, 1, 3, 3)
    for asked in (model, model.loss):
        with pytest.raises(
            TypeError, match=r"levels: .*float32; .*to_levels\(images, num_levels\)"
        ):
            asked(levels.float(), torch.tensor([0, 1]))
        with pytest.raises(ValueError, match=r"levels: expected values in \[0, 3\), got .* to 5"):
            asked(levels + 3, torch.tensor([0, 1]))
        with pytest.raises(TypeError, match=r"labels: expected one for each image, .* got None"):
            asked(levels)
        with pytest.raises(ValueError, match=r"labels: .*\[0, 2\), got values from 0 to 2"):
            asked(levels, torch.tensor([0, 2]))
        with pytest.raises(ValueError, match=r"labels: expected .*\(2,\), got shape \(1,\)"):
            asked(levels, torch.tensor([0]))
    with pytest.raises(ValueError, match=r"labels: expected None, .* without classes"):
        gated()(levels, torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"levels: expected values in \[0, 3\), got .* 3 to 3"):
        over_codes()(torch.full((1, 1, 2, 2), 3))
