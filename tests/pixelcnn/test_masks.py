import pytest
import torch

from cvgen_course.pixelcnn import causal_mask

KERNELS = [(1, 1), (3, 3), (5, 5), (7, 7), (1, 5), (5, 1), (3, 7), (9, 3)]


def naive_mask(kind, kernel_size, in_channels, out_channels, num_groups):
    """Ask for each weight whether its pixel, or at the middle its group, comes before."""
    height, width = kernel_size
    mask = torch.zeros(out_channels, in_channels, height, width)
    for o in range(out_channels):
        for i in range(in_channels):
            # Which group a feature belongs to: how many whole groups lie before it.
            target, source = o // (out_channels // num_groups), i // (in_channels // num_groups)
            for a in range(height):
                for b in range(width):
                    offset = a - height // 2, b - width // 2
                    if offset < (0, 0):
                        mask[o, i, a, b] = 1
                    elif offset == (0, 0):
                        mask[o, i, a, b] = source < target or (kind == "B" and source == target)
    return mask


def test_causal_mask_a_is_the_slides():
    assert causal_mask("A", (5, 5), 1, 1)[0, 0].tolist() == [
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_causal_mask_b_sees_the_middle_besides():
    difference = causal_mask("B", (5, 5), 2, 3) - causal_mask("A", (5, 5), 2, 3)
    assert difference[:, :, 2, 2].eq(1).all()
    assert difference.sum() == 2 * 3


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("kernel_size", KERNELS)
@pytest.mark.parametrize(
    ("in_channels", "out_channels", "num_groups"),
    [(1, 1, 1), (2, 3, 1), (3, 6, 3), (6, 3, 3), (4, 2, 2), (12, 8, 4)],
)
def test_causal_mask_equals_a_loop(kind, kernel_size, in_channels, out_channels, num_groups):
    arguments = kind, kernel_size, in_channels, out_channels, num_groups
    mask = causal_mask(*arguments)
    assert mask.dtype == torch.float32
    assert torch.equal(mask, naive_mask(*arguments))


def test_causal_mask_has_nine_blocks_at_the_middle_for_red_green_and_blue():
    """From 3 colours of 1 feature to 3 of 2: rows are what is predicted, columns what is seen."""
    middle = {kind: causal_mask(kind, (3, 3), 3, 6, 3)[:, :, 1, 1].tolist() for kind in "AB"}
    red, green, blue = [0, 0, 0], [1, 0, 0], [1, 1, 0]
    assert middle["A"] == [red, red, green, green, blue, blue]
    red, green, blue = [1, 0, 0], [1, 1, 0], [1, 1, 1]
    assert middle["B"] == [red, red, green, green, blue, blue]


def test_causal_mask_groups_stay_together():
    """Of 6 features in 3 groups, 0 and 1 are the first group, not 0 and 3."""
    middle = causal_mask("B", (1, 1), 6, 6, 3)[:, :, 0, 0]
    assert middle[0].tolist() == middle[1].tolist() == [1, 1, 0, 0, 0, 0]
    assert middle[3].tolist() == [1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("kind", ["A", "B"])
def test_causal_mask_away_from_the_middle_is_the_same_for_all_channels(kind):
    mask = causal_mask(kind, (5, 3), 6, 9, 3)
    mask[:, :, 2, 1] = 0
    assert torch.equal(mask, mask[:1, :1].expand_as(mask))


def test_causal_mask_b_after_b_shows_no_more_groups_than_b():
    """Groups can't be outwitted by depth: two layers of B let through what one does."""
    middle = causal_mask("B", (1, 1), 6, 6, 3)[:, :, 0, 0]
    assert torch.equal((middle @ middle).sign(), middle)
    first = causal_mask("A", (1, 1), 6, 6, 3)[:, :, 0, 0]
    assert torch.equal((middle @ first).sign(), first)


@pytest.mark.parametrize("kind", ["a", "C", "", None])
def test_causal_mask_refuses_another_kind(kind):
    with pytest.raises(ValueError, match=f'kind: expected "A" or "B", got {kind!r}'):
        causal_mask(kind, (3, 3), 1, 1)


@pytest.mark.parametrize("kernel_size", [(2, 3), (3, 4), (0, 3), (3, -1)])
def test_causal_mask_refuses_a_kernel_without_a_middle(kernel_size):
    with pytest.raises(ValueError, match=r"kernel_size: expected two odd numbers, got \(.*\)"):
        causal_mask("A", kernel_size, 1, 1)


def test_causal_mask_refuses_channels_that_are_no_groups():
    with pytest.raises(ValueError, match="in_channels: expected a multiple of 3 groups, got 4"):
        causal_mask("A", (3, 3), 4, 6, 3)
    with pytest.raises(ValueError, match="out_channels: expected a multiple of 3 groups, got 5"):
        causal_mask("A", (3, 3), 3, 5, 3)
    with pytest.raises(ValueError, match="out_channels: expected a multiple of 1 groups, got 0"):
        causal_mask("A", (3, 3), 3, 0)
    with pytest.raises(ValueError, match="num_groups: expected at least 1, got 0"):
        causal_mask("A", (3, 3), 3, 3, 0)
