import pytest
import torch
from torchvision.models.detection._utils import Matcher

from cvgen_course.detection.boxes import box_iou
from cvgen_course.detection.matching import IGNORED, NEGATIVE, match_anchors


def random_iou(*shape, seed=0, decimals=None):
    """IoUs, most of them 0; with ``decimals`` there are ties."""
    rng = torch.Generator().manual_seed(seed)
    iou = torch.rand(shape, generator=rng)
    if decimals is not None:
        iou = iou.round(decimals=decimals)
    return iou * (torch.rand(shape, generator=rng) < 0.4)


def naive_match(iou, low, high, keep_best):
    iou = iou.tolist()
    A, K = len(iou), len(iou[0])
    matches = []
    for a in range(A):
        largest = max(iou[a])
        k = iou[a].index(largest)
        best_of_some = any(
            iou[a][j] > 0 and all(iou[a][j] >= iou[b][j] for b in range(A)) for j in range(K)
        )
        if largest >= high or (keep_best and best_of_some):
            matches.append(k)
        elif largest < low:
            matches.append(NEGATIVE)
        else:
            matches.append(IGNORED)
    return torch.tensor(matches)


def torchvisions(iou, low, high, keep_best):
    return Matcher(high, low, allow_low_quality_matches=keep_best)(iou.T)


def test_match_anchors_equals_one_worked_out_by_hand():
    iou = torch.tensor(
        [
            [0.8, 0.1],  # over high
            [0.2, 0.7],  # exactly high
            [0.5, 0.4],  # between
            [0.3, 0.0],  # exactly low
            [0.2, 0.1],  # under low
            [0.0, 0.0],
        ]
    )
    expected = [0, 1, IGNORED, IGNORED, NEGATIVE, NEGATIVE]
    assert match_anchors(iou, 0.3, 0.7).tolist() == expected
    assert match_anchors(iou, 0.3, 0.7, keep_best=False).tolist() == expected


def test_match_anchors_keeps_the_best_of_an_object_with_small_iou():
    iou = torch.tensor([[0.9, 0.0, 0.0], [0.1, 0.2, 0.0], [0.0, 0.2, 0.0], [0.4, 0.1, 0.0]])
    assert match_anchors(iou, 0.3, 0.7).tolist() == [0, 1, 1, IGNORED]  # ties: both are kept
    assert match_anchors(iou, 0.3, 0.7, keep_best=False).tolist() == [0, -1, -1, -2]


def test_match_anchors_a_kept_anchor_keeps_its_own_largest_object():
    iou = torch.tensor([[0.6, 0.5], [0.9, 0.1]])  # the best of object 1 overlaps object 0 more
    assert match_anchors(iou, 0.3, 0.7).tolist() == [0, 0]


def test_match_anchors_an_iou_of_zero_never_matches():
    iou = torch.tensor([[0.0, 0.8], [0.0, 0.1]])
    assert match_anchors(iou, 0.3, 0.7).tolist() == [1, NEGATIVE]
    assert torchvisions(iou, 0.3, 0.7, True).tolist() == [1, 1]  # there it does


def test_match_anchors_takes_the_first_of_equal_objects():
    assert match_anchors(torch.tensor([[0.1, 0.8, 0.8]]), 0.3, 0.7).tolist() == [1]


@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize(("low", "high"), [(0.3, 0.7), (0.5, 0.5), (0.0, 0.6)])
@pytest.mark.parametrize("decimals", [None, 1])
def test_match_anchors_equals_a_loop(decimals, low, high, keep_best):
    for seed in range(5):
        iou = random_iou(25, 4, seed=seed, decimals=decimals).mul(100).round().double() / 100
        expected = naive_match(iou, low, high, keep_best)
        assert torch.equal(match_anchors(iou, low, high, keep_best), expected)


@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize("decimals", [None, 1])
def test_match_anchors_equals_torchvisions(decimals, keep_best):
    for seed in range(20):
        iou = random_iou(60, 5, seed=seed, decimals=decimals)
        assert (iou.amax(dim=0) > 0).all()
        expected = torchvisions(iou, 0.3, 0.7, keep_best)
        assert torch.equal(match_anchors(iou, 0.3, 0.7, keep_best), expected)


def test_match_anchors_treats_images_one_by_one():
    iou = random_iou(2, 3, 30, 4, decimals=1)
    matches = match_anchors(iou, 0.3, 0.7)
    assert matches.shape == (2, 3, 30)
    assert matches.dtype == torch.int64
    one_by_one = [match_anchors(each, 0.3, 0.7) for each in iou.flatten(0, 1)]
    assert torch.equal(matches.flatten(0, 1), torch.stack(one_by_one))


@pytest.mark.parametrize("keep_best", [True, False])
def test_match_anchors_never_matches_padding(keep_best):
    iou = random_iou(2, 30, 4, decimals=1)
    padded = torch.cat([iou, torch.zeros(2, 30, 3)], dim=-1)
    expected = match_anchors(iou, 0.3, 0.7, keep_best)
    assert torch.equal(match_anchors(padded, 0.3, 0.7, keep_best), expected)


@pytest.mark.parametrize("shape", [(5, 0), (0, 3), (0, 0), (2, 5, 0), (2, 0, 3), (0, 5, 3)])
def test_match_anchors_without_anchors_or_objects(shape):
    matches = match_anchors(torch.zeros(shape), 0.3, 0.7)
    assert torch.equal(matches, torch.full(shape[:-1], NEGATIVE))


def test_match_anchors_finds_an_anchor_for_an_object_of_one_pixel():
    pixel = torch.tensor([[5.0, 5.0, 6.0, 6.0]])
    anchors = torch.tensor([[0.0, 0.0, 4.0, 4.0], [4.0, 4.0, 8.0, 8.0], [2.0, 2.0, 10.0, 10.0]])
    matches = match_anchors(box_iou(anchors, pixel), 0.3, 0.7)
    assert matches.tolist() == [NEGATIVE, 0, NEGATIVE]


def test_match_anchors_leaves_its_argument_alone():
    iou = random_iou(9, 3)
    before = iou.clone()
    match_anchors(iou, 0.3, 0.7)
    assert torch.equal(iou, before)


def test_match_anchors_says_what_is_wrong_with_its_arguments():
    iou = random_iou(4, 2)
    with pytest.raises(TypeError, match=r"iou: expected a floating-point tensor .* got list"):
        match_anchors([[0.5]], 0.3, 0.7)
    with pytest.raises(TypeError, match=r"iou: expected a floating-point .* got torch\.int64"):
        match_anchors(iou.long(), 0.3, 0.7)
    with pytest.raises(ValueError, match=r"iou: expected .* \(\.\.\., A, K\), got shape \(2,\)"):
        match_anchors(iou[0], 0.3, 0.7)
    with pytest.raises(ValueError, match=r"low, high: .* got 0\.7 and 0\.3"):
        match_anchors(iou, 0.7, 0.3)
    with pytest.raises(ValueError, match=r"low, high: .* got -0\.1 and 0\.3"):
        match_anchors(iou, -0.1, 0.3)
    with pytest.raises(ValueError, match=r"low, high: .* high over 0, got 0\.0 and 0\.0"):
        match_anchors(iou, 0.0, 0.0)
