import numpy as np
import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.detection.claims import Pairs, claim_objects
from cvgen_course.detection.exercises.match_detections import EXERCISE


def loop_over_numbers(iou, scores, threshold):
    D, K = iou.shape
    iou, scores = iou.tolist(), scores.tolist()
    matches, taken = [-1] * D, set()
    for d in sorted(range(D), key=lambda d: scores[d], reverse=True):
        best = None
        for k in range(K):
            near_enough = k not in taken and iou[d][k] >= threshold
            if near_enough and (best is None or iou[d][k] > iou[d][best]):
                best = k
        if best is not None:
            matches[d] = best
            taken.add(best)
    return torch.tensor(matches, dtype=torch.long)


def columns_are_crossed_out(iou, scores, threshold):
    left = iou.clone()
    matches = torch.full((len(iou),), -1)
    for d in torch.argsort(scores, descending=True, stable=True):
        if left.shape[1] and left[d].max() >= threshold:
            matches[d] = left[d].argmax()
            left[:, matches[d]] = -1
    return matches


def sorted_and_put_back(iou, scores, threshold):
    order = scores.sort(descending=True, stable=True).indices
    free = torch.ones(iou.shape[1])
    found = []
    for row in iou[order]:
        best = int((row * free).argmax()) if len(row) else 0
        hit = len(row) > 0 and bool((row * free)[best] >= threshold)
        found.append(best if hit else -1)
        free[best : best + hit] = 0
    matches = torch.zeros(len(iou), dtype=torch.int64)
    matches[order] = torch.tensor(found, dtype=torch.int64)
    return matches


def numpys_in_float64(iou, scores, threshold):
    iou = np.where(iou.numpy() >= threshold, iou.double().numpy(), 0.0)
    matches = np.full(len(iou), -1)
    for d in np.argsort(-scores.numpy(), kind="stable"):
        if iou[d].any():
            matches[d] = iou[d].argmax()
            iou[:, matches[d]] = 0
    return torch.from_numpy(matches)


def all_pairs_in_one_row(iou, scores, threshold):
    """Sort the pairs, the better detection first, then the larger IoU; take what is left."""
    rank = {d: i for i, d in enumerate(scores.argsort(descending=True, stable=True).tolist())}
    pairs = (iou >= threshold).nonzero().tolist()
    matches, taken = {}, set()
    for d, k in sorted(pairs, key=lambda pair: (rank[pair[0]], -iou[pair[0], pair[1]].item())):
        if d not in matches and k not in taken:
            matches[d] = k
            taken.add(k)
    return torch.tensor([matches.get(d, -1) for d in range(len(scores))], dtype=torch.int64)


def best_of_those_who_have_not_chosen(iou, scores, threshold):
    matches, waiting = torch.full_like(scores, -1).long(), torch.ones_like(scores, dtype=torch.bool)
    free = torch.ones(iou.shape[1], dtype=torch.bool)
    while waiting.any():
        d = scores.where(waiting, -torch.inf).argmax()
        waiting[d] = False
        near = (iou[d] >= threshold) & free
        if near.any():
            matches[d] = iou[d].where(near, -1).argmax()
            free[matches[d]] = False
    return matches


def hits(iou, scores, threshold):
    return loop_over_numbers(iou, scores, threshold) >= 0


def in_int32(iou, scores, threshold):
    return loop_over_numbers(iou, scores, threshold).int()


def floats(iou, scores, threshold):
    return loop_over_numbers(iou, scores, threshold).float()


def nothing_is_float(iou, scores, threshold):
    return torch.tensor(loop_over_numbers(iou, scores, threshold).tolist())


def a_list(iou, scores, threshold):
    return loop_over_numbers(iou, scores, threshold).tolist()


def for_each_object_its_detection(iou, scores, threshold):
    found = torch.full((iou.shape[1],), -1)
    for d, k in enumerate(loop_over_numbers(iou, scores, threshold).tolist()):
        if k >= 0:
            found[k] = d
    return found


def numbers_from_one(iou, scores, threshold):
    matches = loop_over_numbers(iou, scores, threshold)
    return torch.where(matches >= 0, matches + 1, 0)


def without_an_object_fails(iou, scores, threshold):
    matches, free = torch.full((len(iou),), -1), torch.ones(iou.shape[1], dtype=torch.bool)
    for d in scores.argsort(descending=True, stable=True):
        best, k = iou[d].where(free, -1).max(dim=0)
        if best >= threshold:
            matches[d], free[k] = k, False
    return matches


def last_of_equal_scores_first(iou, scores, threshold):
    order = scores.argsort(stable=True).flip(0)
    matches = torch.full((len(iou),), -1)
    matches[order] = loop_over_numbers(iou[order], -torch.arange(len(order)), threshold)
    return matches


def always_one_half(iou, scores, threshold):
    return loop_over_numbers(iou, scores, 0.5)


def any_overlap_will_do(iou, scores, threshold):
    return loop_over_numbers(iou, scores, 1e-9)


def takes_what_is_too_far(iou, scores, threshold):
    matches, free = torch.full((len(iou),), -1), torch.ones(iou.shape[1], dtype=torch.bool)
    for d in scores.argsort(descending=True, stable=True):
        if free.any():
            best, k = iou[d].where(free, -1).max(dim=0)
            matches[d], free[k] = (k if best >= threshold else -1), False
    return matches


def threshold_only_for_the_closest_of_all(iou, scores, threshold):
    matches, free = torch.full((len(iou),), -1), torch.ones(iou.shape[1], dtype=torch.bool)
    for d in scores.argsort(descending=True, stable=True):
        if free.any() and iou[d].max() >= threshold:
            matches[d] = iou[d].where(free, -1).argmax()
            free[matches[d]] = False
    return matches


def largest_iou_chooses_first(iou, scores, threshold):
    left = iou.clone()
    matches = torch.full((len(iou),), -1)
    while left.numel() and left.max() >= threshold:
        d, k = divmod(int(left.argmax()), left.shape[1])
        matches[d] = k
        left[d], left[:, k] = -1, -1
    return matches


def objects_in_turn_take_the_surest(iou, scores, threshold):
    matches = torch.full((len(iou),), -1)
    for k in range(iou.shape[1]):
        near = (iou[:, k] >= threshold) & (matches < 0)
        if near.any():
            matches[scores.where(near, -torch.inf).argmax()] = k
    return matches


def taken_all_the_same(iou, scores, threshold):
    if iou.numel() == 0:
        return torch.full((len(iou),), -1)
    best, matches = iou.max(dim=1)
    return torch.where(best >= threshold, matches, -1)


def only_positive_scores(iou, scores, threshold):
    return loop_over_numbers(iou, scores, threshold).where(scores > 0, -1)


def score_times_iou(iou, scores, threshold):
    return loop_over_numbers(iou, scores * iou.sum(dim=1), threshold)


def crossed_out_in_place(iou, scores, threshold):
    matches = torch.full((len(iou),), -1)
    for d in scores.argsort(descending=True, stable=True):
        if iou.shape[1] and iou[d].max() >= threshold:
            matches[d] = iou[d].argmax()
            iou[:, matches[d]] = 0
    return matches


def one_object_left_over(iou, scores, threshold):
    return loop_over_numbers(iou[:, :-1], scores, threshold)


def last_one_may_not_choose(iou, scores, threshold):
    matches = loop_over_numbers(iou, scores, threshold)
    if len(scores):
        matches[scores.argmin()] = -1
    return matches


RIGHT = [
    *(loop_over_numbers, columns_are_crossed_out, sorted_and_put_back, numpys_in_float64),
    *(all_pairs_in_one_row, best_of_those_who_have_not_chosen),
]
WRONG = [
    *(hits, in_int32, floats, nothing_is_float, a_list, for_each_object_its_detection),
    *(numbers_from_one, without_an_object_fails, last_of_equal_scores_first, always_one_half),
    *(any_overlap_will_do, takes_what_is_too_far, threshold_only_for_the_closest_of_all),
    *(largest_iou_chooses_first, objects_in_turn_take_the_surest, taken_all_the_same),
    *(only_positive_scores, score_times_iou, crossed_out_in_place, one_object_left_over),
    last_one_may_not_choose,
]
A_NAME = "all detections are of one group, and any number will do as its name"
ONE_AT_A_TIME = "with one group, threshold and range of sizes, one detection chooses at a time"
ALL_COUNT = "there are no crowds, and no objects that do not count"
NOBODY = "what fills up a row has an IoU of 0, and is offered to nobody"
IGNORED = "ignored.new_zeros(1, A)"
APPEAL = "LAST_CHOICE * ignored[objects]"
EQUIVALENT = {
    "match_detections: 0 -> -1": "a row's only axis is its first and its last",
    "match_detections: torch.zeros(D, dtype=torch.int64) -> torch.zeros(D)": A_NAME,
    "match_detections: torch.zeros -> torch.ones": A_NAME,
    "match_detections: claimed.flatten().to(order.device) -> claimed.flatten().to()": (
        "the check runs on the CPU"
    ),
    "claim_objects: pairs = pairs.at(pairs.iou >= thresholds.min()) -> pass": (
        "below, each IoU is compared with its threshold once more"
    ),
    "claim_objects: thresholds.min -> thresholds.max": ONE_AT_A_TIME,
    "claim_objects: (ignored.shape[1], len(thresholds)) -> (len(thresholds), ignored.shape[1])": (
        ONE_AT_A_TIME
    ),
    "claim_objects: (A, T) -> (T, A)": ONE_AT_A_TIME,
    "claim_objects: taken[:, None].repeat(1, A * T) -> taken[:, None].repeat(A * T, 1)": (
        ONE_AT_A_TIME
    ),
    "claim_objects: (row, column) -> (column, row)": ONE_AT_A_TIME,
    "claim_objects: gets.flatten(1) -> gets.flatten()": ONE_AT_A_TIME,
    "claim_objects: gets.flatten(1) & ~unlimited[object_] -> "
    "gets.flatten(1) | ~unlimited[object_]": (
        "who gets nothing finds everything taken that is near enough"
    ),
    "claim_objects: 1 -> 0": ONE_AT_A_TIME,
    "claim_objects: 1 -> 2": ONE_AT_A_TIME,
    "claim_objects: taken[-1] = True -> pass": NOBODY,
    "claim_objects: True -> False": NOBODY,
    "claim_objects: unlimited = torch.cat([unlimited, unlimited.new_zeros(1)]) -> pass": ALL_COUNT,
    "claim_objects: [unlimited, unlimited.new_zeros(1)] -> [unlimited.new_zeros(1), unlimited]": (
        ALL_COUNT
    ),
    "claim_objects: unlimited.new_zeros -> unlimited.new_ones": ALL_COUNT,
    f"claim_objects: [ignored, {IGNORED}] -> [{IGNORED}, ignored]": ALL_COUNT,
    f"claim_objects: {IGNORED} -> ignored.new_zeros(A, 1)": ALL_COUNT,
    "claim_objects: ignored.new_zeros -> ignored.new_ones": ALL_COUNT,
    f"claim_objects: iou[:, :, None] + {APPEAL} -> iou[:, :, None] - {APPEAL}": ALL_COUNT,
    "_table: 1 -> 2": NOBODY,
    "_table: torch.zeros -> torch.ones": NOBODY,
    "_turns: rank.argsort(stable=True) -> rank.argsort()": ONE_AT_A_TIME,
    "_turns: True -> False": ONE_AT_A_TIME,
}


@pytest.mark.parametrize("answer", RIGHT)
def test_match_detections_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG)
def test_match_detections_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_match_detections_must_not_come_from_the_code_of_the_metrics():
    def answer(iou, scores, threshold):
        number, mark = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.bool)
        nothing = Pairs(number, number, torch.zeros(0))
        claim_objects(number, nothing, mark, mark[:, None], torch.tensor([threshold]))
        return loop_over_numbers(iou, scores, threshold)

    assert graded(EXERCISE, answer).points == 0.0


def test_match_detections_mutants_lose_points():
    # Without _best_first: some machines' sort is stable even where that was not asked for.
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, ("claim_objects", "_table", "_turns"))
