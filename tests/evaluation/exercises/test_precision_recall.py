import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course import evaluation as ref
from cvgen_course.evaluation.exercises import EXERCISES

EXERCISE = EXERCISES["precision_recall"]


def by_cdist(mode):
    return lambda x, y: torch.cdist(x, y, compute_mode=f"{mode}_for_euclid_dist")


def differences(x, y):
    return (x[:, None] - y[None]).norm(dim=2)


def squares_multiplied_out(x, y):
    sizes = x.square().sum(dim=1)[:, None] + y.square().sum(dim=1)
    return sizes - 2 * x @ y.T


def kth_smallest(distances, k):
    return distances.kthvalue(k + 1, dim=1).values


def kth_sorted(distances, k):
    return distances.sort(dim=1).values[:, k]


def last_of_topk(distances, k):
    return distances.topk(k + 1, dim=1, largest=False).values[:, -1]


def itself_masked(distances, k):
    return distances.clone().fill_diagonal_(torch.inf).sort(dim=1).values[:, k - 1]


def itself_taken_out(distances, k):
    N = len(distances)
    others = distances[~torch.eye(N, dtype=torch.bool)].reshape(N, N - 1)
    return others.kthvalue(k).values


def any_ball(distances, radii):
    return (distances <= radii).any(dim=1).double().mean()


def varied(distances=torch.cdist, radii=kth_smallest, share=any_ball):
    """Return a right answer but for what is given."""

    def answer(real, fake, k=3):
        def of(centres, points):
            return share(distances(points, centres), radii(distances(centres, centres), k))

        return of(real, fake), of(fake, real)

    return answer


def point_by_point(real, fake, k=3):
    real, fake = real.tolist(), fake.tolist()

    def share(centres, points):
        hits = 0
        radii = [
            sorted(math.dist(x, y) for j, y in enumerate(centres) if j != i)[k - 1]
            for i, x in enumerate(centres)
        ]
        for point in points:
            if any(math.dist(point, x) <= r for x, r in zip(centres, radii, strict=True)):
                hits += 1
        return hits / len(points)

    return share(real, fake), share(fake, real)


def by_scikit_learn(real, fake, k=3):
    def share(centres, points):
        tree = NearestNeighbors(n_neighbors=k).fit(centres.numpy())
        radii = torch.from_numpy(tree.kneighbors()[0])[:, -1]
        return any_ball(torch.cdist(points.double(), centres.double()), radii)

    return share(real, fake), share(fake, real)


def by_numpy(real, fake, k=3):
    def distances(x, y):
        return np.linalg.norm(x[:, None] - y[None], axis=-1)

    def share(centres, points):
        radii = np.partition(distances(centres, centres), k, axis=1)[:, k]
        return (distances(points, centres) - radii <= 0).any(axis=1).mean()

    real, fake = real.numpy(), fake.numpy()
    return [share(real, fake), share(fake, real)]


def early_return(real, fake, k=3):
    precision, recall = varied()(real, fake, k)
    return (0, 0) if precision == recall == 0 else (precision.item(), recall.item())


def neighbours_in_both(real, fake, k=3):
    both = torch.cat([real, fake])
    radii = kth_smallest(torch.cdist(both, both), k)
    return (
        any_ball(torch.cdist(fake, real), radii[: len(real)]),
        any_ball(torch.cdist(real, fake), radii[len(real) :]),
    )


def balls_that_meet(real, fake, k=3):
    radii = [kth_smallest(torch.cdist(x, x), k) for x in (real, fake)]
    meet = torch.cdist(real, fake) <= radii[0][:, None] + radii[1]
    return meet.any(dim=0).double().mean(), meet.any(dim=1).double().mean()


def precision_alone(real, fake, k=3):
    return varied()(real, fake, k)[0]


def stacked_twice(real, fake, k=3):
    precision, recall = varied()(real, fake, k)
    return precision, recall, 2 * precision * recall / (precision + recall)


def percent(real, fake, k=3):
    return [100 * x for x in varied()(real, fake, k)]


def counts(real, fake, k=3):
    precision, recall = varied()(real, fake, k)
    return precision * len(fake), recall * len(real)


def complement(real, fake, k=3):
    return [1 - x for x in varied()(real, fake, k)]


def default_is_five(real, fake, k=5):
    return varied()(real, fake, k)


def one_number_too_many(real, fake, k=3):
    return [x[None] for x in varied()(real, fake, k)]


def each_recall_by_all_fakes(real, fake, k=3):
    precision, recall = varied()(real, fake, k)
    return precision, recall * len(real) / len(fake)


def copies_taken_out(real, fake, k=3):
    return varied()(real.unique(dim=0), fake.unique(dim=0), min(k, 2))


def centred(real, fake, k=3):
    return varied()(real - real.mean(dim=0), fake - fake.mean(dim=0), k)


def same_length(real, fake, k=3):
    return varied()(*(x / x.norm(dim=1, keepdim=True) for x in (real, fake)), k)


def whole_ball(real, fake, k=3):
    """Radii of one set in the order of the other's."""
    return varied(share=lambda d, radii: any_ball(d, radii.flip(0)))(real, fake, k)


RIGHT = {
    **{
        answer.__name__: answer
        for answer in (point_by_point, by_scikit_learn, by_numpy, early_return)
    },
    "distances by products": varied(by_cdist("use_mm")),
    "distances by differences": varied(by_cdist("donot_use_mm")),
    "norms": varied(differences),
    "squared distances": varied(lambda x, y: (x[:, None] - y[None]).square().sum(dim=2)),
    "squares multiplied out": varied(squares_multiplied_out),
    "roots of clamped squares": varied(lambda x, y: squares_multiplied_out(x, y).relu().sqrt()),
    "float64": varied(lambda x, y: torch.cdist(x.double(), y.double())),
    "sorted": varied(radii=kth_sorted),
    "topk": varied(radii=last_of_topk),
    "itself is infinitely far": varied(radii=itself_masked),
    "itself taken out": varied(by_cdist("use_mm"), itself_taken_out),
    "squares by cdist": varied(lambda x, y: torch.cdist(x, y).square()),
    "products in float64": varied(
        lambda x, y: squares_multiplied_out(x.double(), y.double()).clamp(min=0).sqrt()
    ),
    "the farthest edge": varied(
        share=lambda distances, radii: ((radii - distances).amax(dim=1) >= 0).float().mean()
    ),
}
WRONG = {
    "the sum of differences": varied(lambda x, y: torch.cdist(x, y, p=1)),
    "the largest difference": varied(lambda x, y: torch.cdist(x, y, p=torch.inf)),
    "squares multiplied out, not clamped": varied(
        lambda x, y: squares_multiplied_out(x, y).sqrt(), radii=kth_sorted
    ),
    "the first number alone": varied(lambda x, y: torch.cdist(x[:, :1], y[:, :1])),
    "cosines": varied(lambda x, y: 1 - torch.cosine_similarity(x[:, None], y[None], dim=2)),
    "the mean of k distances": varied(
        radii=lambda d, k: d.topk(k + 1, dim=1, largest=False).values[:, 1:].mean(dim=1)
    ),
    "the farthest neighbour": varied(radii=lambda d, k: d.amax(dim=1)),
    "k from the end": varied(radii=lambda d, k: d.topk(k, dim=1).values[:, -1]),
    "half the radius": varied(radii=lambda d, k: kth_smallest(d, k) / 2),
    "the largest radius": varied(radii=lambda d, k: kth_smallest(d, k).amax()),
    "the median radius": varied(radii=lambda d, k: kth_smallest(d, k).median()),
    "a little more": varied(share=lambda d, radii: any_ball(d, radii + 1)),
    "a little less": varied(share=lambda d, radii: any_ball(d, radii - 1e-3)),
    "a ball of radius 0 is none": varied(
        share=lambda d, radii: ((d <= radii) & (radii > 0)).any(dim=1).double().mean()
    ),
    "two balls at least": varied(
        share=lambda d, radii: ((d <= radii).sum(dim=1) > 1).double().mean()
    ),
    **{
        answer.__name__: answer
        for answer in (
            *(neighbours_in_both, balls_that_meet, precision_alone, stacked_twice),
            *(percent, counts, complement, default_is_five, one_number_too_many),
            *(each_recall_by_all_fakes, copies_taken_out, centred, same_length, whole_ball),
        )
    },
}
_NOT_ASKED = "it is for density or coverage alone"
_DEFAULT = "k is always given"
EQUIVALENT = {
    "manifold: 5 -> 6": _DEFAULT,
    "manifold: 5 -> 4": _DEFAULT,
    "manifold_per_item: 5 -> 6": _DEFAULT,
    "manifold_per_item: 5 -> 4": _DEFAULT,
    "manifold_per_item: covered[block] = in_real.any(dim=1).double() -> pass": _NOT_ASKED,
    "manifold_per_item: in_real.any(dim=1) -> in_real.any()": _NOT_ASKED,
    "manifold_per_item: in_real.any -> in_real.all": _NOT_ASKED,
    "manifold_per_item: Manifold((balls > 0).double(), recalled, balls / k, covered)"
    " -> Manifold((balls > 0).double(), recalled, covered, balls / k)": _NOT_ASKED,
    "manifold_per_item: balls / k -> balls * k": _NOT_ASKED,
    "manifold_per_item: balls / k -> k / balls": _NOT_ASKED,
}


@pytest.mark.parametrize("answer", RIGHT.values(), ids=RIGHT)
def test_precision_recall_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(6))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_precision_recall_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("measured", [ref.manifold, ref.manifold_per_item])
def test_precision_recall_must_not_come_from_the_librarys_manifold(measured):
    def answer(real, fake, k=3):
        return [share.mean() for share in measured(real, fake, k)[:2]]

    assert graded(EXERCISE, answer).points == 0.0


def test_precision_recall_mutants_lose_points():
    helpers = ("manifold", "manifold_per_item", "_squared_radii")
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers)
