import pytest
import torch
from torchvision.models.detection.rpn import concat_box_prediction_layers

from cvgen_course.detection.anchors import grid_anchors
from cvgen_course.detection.dense_head import per_anchor


def naive_per_anchor(x, num_anchors):
    N, channels, H, W = x.shape
    L = channels // num_anchors
    rows = [
        [
            x[n, a * L : (a + 1) * L, i, j]
            for i in range(H)
            for j in range(W)
            for a in range(num_anchors)
        ]
        for n in range(N)
    ]
    return torch.stack([torch.stack(row) for row in rows])


@pytest.mark.parametrize(("num_anchors", "numbers"), [(1, 1), (3, 1), (1, 5), (3, 4)])
def test_per_anchor_equals_a_loop(num_anchors, numbers):
    x = torch.randn(2, num_anchors * numbers, 3, 5)
    got = per_anchor(x, num_anchors)
    assert got.shape == (2, 3 * 5 * num_anchors, numbers)
    assert torch.equal(got, naive_per_anchor(x, num_anchors))


def test_per_anchor_equals_torchvisions():
    logits, deltas = torch.randn(2, 3, 4, 5), torch.randn(2, 12, 4, 5)
    expected_logits, expected_deltas = concat_box_prediction_layers([logits], [deltas])
    assert torch.equal(per_anchor(logits, 3).flatten(0, 1), expected_logits)
    assert torch.equal(per_anchor(deltas, 3).flatten(0, 1), expected_deltas)


def test_per_anchor_has_the_order_of_grid_anchors():
    H, W, stride = 3, 4, 8
    y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
    centres = torch.stack([x, y]).repeat(6, 1, 1)[None].float()  # x, y for each of six anchors
    sides = torch.tensor([10.0, 10.0, 10.0, 20.0, 20.0, 20.0]).repeat_interleave(2)
    said = torch.stack([centres, sides[None, :, None, None].expand_as(centres)], dim=2).flatten(
        1, 2
    )
    said = per_anchor(said, 6)[0]  # (A, 4): x, side, y, side
    anchors = grid_anchors(H, W, stride, (10, 20), (0.5, 1, 2))
    assert torch.allclose((said[:, 0] + 0.5) * stride, anchors[:, ::2].mean(dim=1), atol=1e-4)
    assert torch.allclose((said[:, 2] + 0.5) * stride, anchors[:, 1::2].mean(dim=1), atol=1e-4)
    size = (anchors[:, 2:] - anchors[:, :2]).prod(dim=1).sqrt()
    assert torch.allclose(said[:, 1], size, atol=1e-4)


def test_per_anchor_lets_gradients_through():
    x = torch.randn(1, 6, 2, 2, requires_grad=True)
    per_anchor(x, 3)[0, 4, 1].backward()  # place (0, 1), anchor 1, number 1
    assert x.grad.nonzero().tolist() == [[0, 3, 0, 1]]
