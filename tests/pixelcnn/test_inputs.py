import pytest
import torch

from cvgen_course.pixelcnn import from_levels
from cvgen_course.pixelcnn.inputs import LabelInput, LevelInput, as_logits, require_labels


def test_level_input_shows_shades_of_grey_as_images():
    levels = torch.tensor([[[[0, 1], [2, 3]], [[3, 3], [0, 0]]]])
    inputs = LevelInput(4, 2, None)
    assert inputs.num_features == 2
    assert torch.equal(inputs(levels), from_levels(levels, 4))
    assert list(inputs.parameters()) == []


def test_level_input_shows_codes_as_rows_of_a_table():
    inputs = LevelInput(4, 1, embed_dim=3)
    assert inputs.num_features == 3
    levels = torch.tensor([[[[0, 3], [1, 0]]], [[[2, 2], [2, 2]]]])
    maps = inputs(levels)
    assert maps.shape == (2, 3, 2, 2)
    for n in range(2):
        for i in range(2):
            for j in range(2):
                assert torch.equal(maps[n, :, i, j], inputs.table.weight[levels[n, 0, i, j]])


@pytest.mark.parametrize(("channels", "embed_dim"), [(0, None), (-1, None), (3, 4), (1, 0)])
def test_level_input_refuses_codes_in_colour_and_nothing_at_all(channels, embed_dim):
    with pytest.raises(
        ValueError, match=rf"channels, embed_dim: .* got {channels} and {embed_dim}"
    ):
        LevelInput(4, channels, embed_dim)


def test_level_input_refuses_a_single_level():
    with pytest.raises(ValueError, match="num_levels: expected at least 2, got 1"):
        LevelInput(1, 1, None)


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (torch.zeros(1, 3, 2, 2), TypeError, r"levels: .* got torch.float32; .*to_levels\(images"),
        (torch.zeros(1, 3, 2, 2).half(), TypeError, r"levels: .* got torch.float16; .*to_levels"),
        (torch.zeros(1, 3, 2, 2).byte(), TypeError, r"levels: .* got torch.uint8; .*long\(\)"),
        (torch.zeros(1, 1, 2, 2).long(), ValueError, r"levels: .*\(N, 3, H, W\), .*\(1, 1, 2, 2"),
        (torch.zeros(3, 2, 2).long(), ValueError, r"levels: .*\(N, 3, H, W\), .*\(3, 2, 2\)"),
        (torch.full((1, 3, 2, 2), 4), ValueError, r"levels: .* in \[0, 4\), got .* 4 to 4"),
        (torch.full((1, 3, 2, 2), -1), ValueError, r"levels: .* in \[0, 4\), got .* -1 to -1"),
        (None, TypeError, "levels: .* got NoneType"),
    ],
)
def test_level_input_says_what_is_wrong_with_levels(levels, error, message):
    with pytest.raises(error, match=message):
        LevelInput(4, 3, None).require(levels)


def test_label_input_looks_labels_up_and_has_nothing_to_say_without_classes():
    told = LabelInput(3, 5)
    labels = torch.tensor([2, 0, 2])
    assert torch.equal(told(labels), told.table.weight[labels])
    assert LabelInput(None, 5)(None) is None


def test_label_input_begins_with_classes_that_differ_a_little():
    torch.manual_seed(0)
    assert LabelInput(100, 100).table.weight.std().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (None, TypeError, r"labels: expected one for each image, in \[0, 3\), got None"),
        (torch.zeros(3).long(), ValueError, r"labels: expected .*\(2,\), got shape \(3,\)"),
        (torch.zeros(2, 1).long(), ValueError, r"labels: expected .*\(N,\).*, got shape \(2, 1\)"),
        (torch.zeros(2), TypeError, r"labels: expected an int64 .* got torch.float32"),
        (torch.tensor([0, 3]), ValueError, r"labels: .*\[0, 3\), got values from 0 to 3"),
        (torch.tensor([-1, 0]), ValueError, r"labels: .*\[0, 3\), got values from -1 to 0"),
    ],
)
def test_require_labels_says_what_is_wrong(labels, error, message):
    with pytest.raises(error, match=message):
        require_labels(labels, 3, 2)


def test_require_labels_wants_none_where_a_network_knows_no_classes():
    require_labels(None, None, 2)
    require_labels(torch.tensor([0, 2]), 3, 2)
    with pytest.raises(ValueError, match=r"labels: expected None, .* without classes"):
        require_labels(torch.tensor([0, 0]), None, 2)


def test_as_logits_takes_all_levels_of_a_channel_from_its_own_group():
    """Of 2 channels with 3 levels: maps 0, 1, 2 are the first channel's."""
    maps = torch.arange(6.0).view(1, 6, 1, 1).expand(2, 6, 4, 5)
    logits = as_logits(maps, 2)
    assert logits.shape == (2, 3, 2, 4, 5)
    assert logits[1, :, :, 3, 4].tolist() == [[0, 3], [1, 4], [2, 5]]
