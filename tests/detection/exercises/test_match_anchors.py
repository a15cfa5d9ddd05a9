import numpy as np
import pytest
import torch
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torchvision.models.detection._utils import Matcher

from cvgen_course.detection.exercises.match_anchors import EXERCISE


def loops(iou, low, high):
    A, K = iou.shape
    matches = []
    for a in range(A):
        match, largest = -1, 0.0
        for k in range(K):
            if iou[a, k] > largest:
                match, largest = k, iou[a, k]
        best = any(iou[a, k] > 0 and iou[a, k] == iou[:, k].max() for k in range(K))
        if not best and largest < high:
            match = -2 if largest >= low else -1
        matches.append(match)
    return torch.tensor(matches)


def step_by_step(iou, low, high):
    A, K = iou.shape
    matches = torch.full((A,), -1, dtype=torch.int64)
    if K == 0:
        return matches
    largest, own = iou.max(dim=1)
    matches[largest >= low] = -2
    matches[largest >= high] = own[largest >= high]
    best_iou = iou.max(dim=0).values
    for k in range(K):
        if best_iou[k] > 0:
            best = iou[:, k] == best_iou[k]
            matches[best] = own[best]
    return matches


def nonzero(iou, low, high):
    if iou.numel() == 0:
        return torch.full((iou.size(0),), -1)
    values, own = torch.max(iou, dim=1)
    codes = torch.where(values < low, -1, torch.where(values < high, -2, own))
    anchors, objects = torch.nonzero(iou == iou.amax(0, keepdim=True), as_tuple=True)
    anchors = anchors[iou[anchors, objects] > 0]
    codes[anchors] = own[anchors]
    return codes


def numpy(iou, low, high):
    iou = np.pad(iou.numpy(), ((0, 0), (0, 1)))  # an object that nobody touches
    largest, own = iou.max(1), iou.argmax(1)
    best = ((iou == iou.max(0)) & (iou > 0)).any(1)
    codes = np.select([best | (largest >= high), largest >= low], [own, -2], -1)
    return torch.from_numpy(codes.astype(np.int64))


def ranks(iou, low, high):
    """An anchor is best where no other has more."""
    beaten = (iou[:, None] < iou[None]).any(dim=1)  # (A, K)
    best = (~beaten & (iou > 0)).sum(dim=1) > 0
    padded = torch.cat([iou, iou.new_zeros(len(iou), 1)], dim=1).double()
    own = (padded == padded.amax(1, keepdim=True)).int().argmax(dim=1)
    largest = padded.gather(1, own[:, None])[:, 0]
    keep = best | (largest >= high)
    return own * keep + (-1 - ((largest >= low) & ~keep).long()) * ~keep


def changes_its_argument(iou, low, high):
    matches = loops(iou, low, high)
    iou[iou < low] = 0
    return matches


def low_is_negative(iou, low, high):
    matches = loops(iou, low, high)
    if iou.shape[1]:
        matches[(matches == -2) & (iou.amax(1) == low)] = -1
    return matches


def last_of_equal_objects(iou, low, high):
    K = iou.shape[1]
    matches = loops(iou.flip(1), low, high)
    return torch.where(matches >= 0, K - 1 - matches, matches)


def only_one_anchor_an_object(iou, low, high):
    matches = loops(iou, low, high)
    for k in range(iou.shape[1]):
        others = torch.arange(len(iou)) != iou[:, k].argmax()
        matches[others & (matches == k)] = -1
    return matches


def best_only_between_the_thresholds(iou, low, high):
    matches = loops(iou, low, high)
    if iou.shape[1]:
        matches[iou.amax(1) < low] = -1
    return matches


def objects_from_one(iou, low, high):
    matches = loops(iou, low, high)
    return torch.where(matches >= 0, matches + 1, matches)


def background_is_zero(iou, low, high):
    matches = loops(iou, low, high)
    return torch.where(matches == -2, -1, matches + 1)


def for_objects(iou, low, high):
    return loops(iou.T, low, high)


def int32(iou, low, high):
    return loops(iou, low, high).int()


def float32(iou, low, high):
    return loops(iou, low, high).float()


def a_list(iou, low, high):
    return loops(iou, low, high).tolist()


def thresholds_of_faster_rcnn(iou, low, high):
    return loops(iou, 0.3, 0.7)


def all_ignored_without_objects(iou, low, high):
    return loops(iou, low, high) if iou.shape[1] else torch.full((len(iou),), -2)


def fails_without_objects(iou, low, high):
    iou.max(dim=1)
    return loops(iou, low, high)


def largest_of_all(iou, low, high):
    """Takes the largest IoU of all for each object's."""
    matches = loops(iou, low, high)
    if iou.shape[1]:
        largest, own = iou.max(1)
        matches = torch.where(largest >= high, own, torch.where(largest < low, -1, -2))
        matches[largest == iou.max()] = own[largest == iou.max()]
    return matches


def small_best_are_ignored(iou, low, high):
    matches = loops(iou, low, high)
    if iou.shape[1]:
        matches[(matches >= 0) & (iou.amax(1) < high)] = -2
    return matches


RIGHT = [loops, step_by_step, nonzero, numpy, ranks]
WRONG = [
    *(changes_its_argument, low_is_negative, last_of_equal_objects, only_one_anchor_an_object),
    *(best_only_between_the_thresholds, objects_from_one),
    *(background_is_zero, for_objects, int32, float32, a_list, thresholds_of_faster_rcnn),
    *(all_ignored_without_objects, fails_without_objects, largest_of_all, small_best_are_ignored),
]
_DIMENSIONS = "an image's IoUs have two dimensions"
EQUIVALENT = {
    "match_anchors: -1 -> +1": _DIMENSIONS,
    "match_anchors: iou.amax(dim=-2, keepdim=True) -> iou.amax(dim=-2)": _DIMENSIONS,
    "match_anchors: True -> False": _DIMENSIONS + ": keepdim is of no use",
    "match_anchors: torch.full(iou.shape[:-1], NEGATIVE, dtype=torch.int64, device=iou.device) -> "
    "torch.full(iou.shape[:-1], NEGATIVE, device=iou.device)": "an integer makes int64",
    "match_anchors: torch.full(iou.shape[:-1], NEGATIVE, dtype=torch.int64, device=iou.device) -> "
    "torch.full(iou.shape[:-1], NEGATIVE, dtype=torch.int64)": "checks run on the CPU",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_match_anchors_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG)
def test_match_anchors_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_match_anchors_must_not_come_from_torchvision():
    def answer(iou, low, high):
        return Matcher(high, low, allow_low_quality_matches=True)(iou.T)

    assert graded(EXERCISE, answer).points == 0.0


def test_match_anchors_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
