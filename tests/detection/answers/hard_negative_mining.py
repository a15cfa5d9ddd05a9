"""Answers to `hard_negative_mining` as students give them, written from the lecture's text alone."""

import math

import numpy as np
import torch
import torch.nn.functional as F


def sort_each_image(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negatives = (~positive[n]).nonzero()[:, 0]
        order = losses[n][negatives].detach().argsort(descending=True, stable=True)
        chosen[n, negatives[order[: ratio * int(positive[n].sum())]]] = True
    return chosen


def rank_vectorised(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -float("inf"))
    order = hard.argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1)
    number = ratio * positive.sum(dim=1, keepdim=True)
    return positive | (rank < number)


def python_sorted(losses, positive, ratio=3):
    rows = []
    for loss, pos in zip(losses.tolist(), positive.tolist()):
        row = list(pos)
        negatives = sorted((a for a in range(len(pos)) if not pos[a]), key=lambda a: (-loss[a], a))
        for a in negatives[: ratio * sum(pos)]:
            row[a] = True
        rows.append(row)
    return torch.tensor(rows, dtype=torch.bool).reshape(positive.shape)


def positives_take_places(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        order = losses[n].detach().argsort(descending=True, stable=True)
        chosen[n, order[: ratio * int(positive[n].sum())]] = True
    return chosen


def positives_take_places_vectorised(losses, positive, ratio=3):
    rank = losses.detach().argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True))


def over_the_whole_batch(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -1.0).flatten()
    order = hard.argsort(descending=True, stable=True)
    number = min(ratio * int(positive.sum()), int((~positive).sum()))
    chosen = positive.flatten().clone()
    chosen[order[:number]] = True
    return chosen.view_as(positive)


def number_from_whole_batch(losses, positive, ratio=3):
    chosen = positive.clone()
    number = ratio * int(positive.sum())
    for n in range(len(losses)):
        negatives = (~positive[n]).nonzero()[:, 0]
        order = losses[n][negatives].detach().argsort(descending=True, stable=True)
        chosen[n, negatives[order[:number]]] = True
    return chosen


def easiest_negatives(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negatives = (~positive[n]).nonzero()[:, 0]
        order = losses[n][negatives].detach().argsort(stable=True)
        chosen[n, negatives[order[: ratio * int(positive[n].sum())]]] = True
    return chosen


def easiest_negatives_rank(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, float("inf"))
    rank = hard.argsort(dim=1, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True))


def ties_higher_index_first(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negatives = (~positive[n]).nonzero()[:, 0]
        order = losses[n][negatives].detach().argsort(stable=True).flip(0)
        chosen[n, negatives[order[: ratio * int(positive[n].sum())]]] = True
    return chosen


def ties_all_chosen(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        negative = losses[n][~positive[n]].detach()
        k = min(ratio * int(positive[n].sum()), len(negative))
        if k > 0:
            limit = negative.sort(descending=True).values[k - 1]
            chosen[n] |= (losses[n].detach() >= limit) & ~positive[n]
    return chosen


def ties_all_chosen_topk(losses, positive, ratio=3):
    rows = []
    for loss, pos in zip(losses.detach(), positive):
        k = min(ratio * int(pos.sum()), int((~pos).sum()))
        hard = loss.masked_fill(pos, -1)
        rows.append(pos | ((hard >= hard.topk(k).values.min()) & ~pos) if k else pos)
    return torch.stack(rows)


def ratio_always_three(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -float("inf"))
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < 3 * positive.sum(dim=1, keepdim=True))


def at_least_one_negative(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -float("inf"))
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True).clamp(min=1))


def without_positives_all_negatives(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        k = ratio * int(positive[n].sum())
        if k == 0:
            chosen[n] = True
            continue
        negatives = (~positive[n]).nonzero()[:, 0]
        order = losses[n][negatives].detach().argsort(descending=True, stable=True)
        chosen[n, negatives[order[:k]]] = True
    return chosen


def positives_left_out(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -float("inf"))
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return (rank < ratio * positive.sum(dim=1, keepdim=True)) & ~positive


def one_argsort_too_few(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -float("inf"))
    order = hard.argsort(dim=1, descending=True, stable=True)
    return positive | (order < ratio * positive.sum(dim=1, keepdim=True))


def number_counts_positives(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, float("inf"))
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True))


def negatives_with_loss_zero_left_out(losses, positive, ratio=3):
    hard = losses.detach() * ~positive
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | ((rank < ratio * positive.sum(dim=1, keepdim=True)) & (hard > 0))


def positives_as_zero_take_places(losses, positive, ratio=3):
    hard = losses.detach() * ~positive
    rank = hard.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True))


def losses_changed_in_place(losses, positive, ratio=3):
    losses = losses.detach()
    losses[positive] = -1
    rank = losses.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    return positive | (rank < ratio * positive.sum(dim=1, keepdim=True))


def topk_crash_and_positives_take_places(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        k = ratio * int(positive[n].sum())
        chosen[n, losses[n].topk(k).indices] = True
    return chosen


def topk_crash_and_whole_batch(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -1).flatten()
    chosen = positive.flatten().clone()
    chosen[hard.topk(ratio * int(positive.sum())).indices] = True
    return chosen.view(positive.shape)


def numpy_crash_with_gradient_and_ties_reversed(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        values = losses[n].numpy()
        negatives = np.flatnonzero(~positive[n].numpy())
        order = negatives[np.argsort(values[negatives], kind="stable")[::-1]]
        chosen[n, torch.from_numpy(order[: ratio * int(positive[n].sum())].copy())] = True
    return chosen


def easiest_and_positives_take_places(losses, positive, ratio=3):
    chosen = positive.clone()
    for n in range(len(losses)):
        order = losses[n].detach().argsort(stable=True)
        chosen[n, order[: ratio * int(positive[n].sum())]] = True
    return chosen


def ratio_three_and_whole_batch(losses, positive, ratio=3):
    hard = losses.detach().masked_fill(positive, -1.0).flatten()
    order = hard.argsort(descending=True, stable=True)
    number = min(3 * int(positive.sum()), int((~positive).sum()))
    chosen = positive.flatten().clone()
    chosen[order[:number]] = True
    return chosen.view_as(positive)


RIGHT = [sort_each_image, rank_vectorised, python_sorted]
WRONG = {
    positives_take_places: "positives_take_places",  # positives take places of the negatives
    positives_take_places_vectorised: "positives_take_places",  # positives take places of the negatives, vectorised
    over_the_whole_batch: "whole_batch",  # hardest of the whole batch
    easiest_negatives: "easiest",  # the easiest negatives
    easiest_negatives_rank: "easiest",  # the easiest negatives, vectorised
    ties_higher_index_first: "last_of_equals",  # ties: higher index first
    ties_all_chosen: "all_equals",  # ties at the limit all chosen
    ties_all_chosen_topk: "all_equals",  # ties at the limit all chosen, topk
    at_least_one_negative: "one_at_least",  # without positives, ratio negatives chosen
    positives_as_zero_take_places: "",  # positives set to 0 take places of negatives with loss 0
    topk_crash_and_positives_take_places: "positives_take_places",  # positives take places; topk crash for too few
    topk_crash_and_whole_batch: "whole_batch",  # whole batch; topk crash for too few
    easiest_and_positives_take_places: "easiest positives_take_places",  # the easiest, and positives take places
    ratio_three_and_whole_batch: "three_always whole_batch",  # ratio 3 hard-coded, hardest of the whole batch
    number_from_whole_batch: "positives_of_the_batch",  # number of positives of the whole batch
    ratio_always_three: "three_always",  # ratio 3 hard-coded
    without_positives_all_negatives: "all_without_positives",  # without positives, all chosen
    positives_left_out: "negatives_only",  # positives left out
    one_argsort_too_few: "places_for_boxes",  # order taken for the rank
    number_counts_positives: "ratio_of_all",  # positives rank first and take places
    negatives_with_loss_zero_left_out: "",  # negatives with loss 0 left out
    losses_changed_in_place: "",  # changes losses in place
    numpy_crash_with_gradient_and_ties_reversed: "last_of_equals",  # ties reversed; crash if losses need a gradient
}
