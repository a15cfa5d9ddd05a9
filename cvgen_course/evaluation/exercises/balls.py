"""Which points lie in which balls of nearest neighbours: what is right, but for what is given."""

from __future__ import annotations

import torch


def radii(features, k, distances=torch.cdist):
    """Return how far the k-th neighbour of each feature is, (N,)."""
    return distances(features, features).kthvalue(k + 1, dim=1).values


def within(reach, distances=torch.cdist):
    """Return a function that says which point lies in which ball, (points, centres)."""

    def lies_inside(centres, points, k):
        return distances(points, centres) <= reach(centres, k)

    return lies_inside


def _measured_by(distances):
    """Return what says the same with other distances, (points, centres)."""
    return within(lambda centres, k: radii(centres, k, distances), distances)


inside = within(radii)
by_sums = _measured_by(lambda x, y: torch.cdist(x, y, p=1))
by_largest = _measured_by(lambda x, y: torch.cdist(x, y, p=torch.inf))


@_measured_by
def by_products(x, y):
    """Return roots of what rounding may leave below 0."""
    return (x.square().sum(dim=1)[:, None] + y.square().sum(dim=1) - 2 * x @ y.T).sqrt()


WRONG_DISTANCES = by_sums, by_largest, by_products


def in_the_nearest(centres, points, k):
    """Return which point lies in the ball of the centre that is nearest to it, (points, 1)."""
    distances, nearest = torch.cdist(points, centres).min(dim=1)
    return (distances <= radii(centres, k)[nearest])[:, None]


def share(found):
    """Return the share of points that lie in any ball."""
    return found.any(dim=1).double().mean()


def shares(real, fake, k, inside=inside, share=share):
    """Return what is right but for what is given."""
    return share(inside(real, fake, k)), share(inside(fake, real, k))
