"""Answers to `precision_recall` as students give them, written from the lecture's text."""

import torch


def as_in_the_lecture(real, fake, k=3):
    def share_inside(centres, points):
        distances = torch.cdist(centres, centres)
        radii = distances.kthvalue(k + 1, dim=1).values
        inside = torch.cdist(points, centres) <= radii
        return inside.any(dim=1).double().mean()

    return share_inside(real, fake), share_inside(fake, real)


def without_itself(real, fake, k=3):
    def radii(x):
        d = torch.cdist(x, x)
        d.fill_diagonal_(float("inf"))
        return torch.topk(d, k, dim=1, largest=False)[0][:, -1]

    d = torch.cdist(real, fake)  # N, M
    precision = (d <= radii(real).unsqueeze(1)).any(0).float().mean()
    recall = (d <= radii(fake).unsqueeze(0)).any(1).float().mean()
    return precision, recall


def squared(real, fake, k=3):
    def dist2(a, b):
        return ((a.unsqueeze(1) - b.unsqueeze(0)) ** 2).sum(-1)

    r = dist2(real, real).sort(dim=1).values[:, k]
    f = dist2(fake, fake).sort(dim=1).values[:, k]
    d = dist2(real, fake)
    return (
        (d <= r[:, None]).any(dim=0).sum() / len(fake),
        (d <= f[None, :]).any(dim=1).sum() / len(real),
    )


def loops(real, fake, k=3):
    def covered(centres, points):
        count = 0
        for p in points:
            for i, c in enumerate(centres):
                others = torch.cat([centres[:i], centres[i + 1 :]])
                radius = (others - c).norm(dim=1).sort().values[k - 1]
                if (p - c).norm() <= radius:
                    count += 1
                    break
        return torch.tensor(count / len(points))

    return covered(real, fake), covered(fake, real)


def swapped(real, fake, k=3):
    precision, recall = as_in_the_lecture(real, fake, k)
    return recall, precision


def k_th_value(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k, dim=1).values
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def masked_and_k_plus_one(real, fake, k=3):
    def radii(x):
        d = torch.cdist(x, x)
        d[range(len(x)), range(len(x))] = torch.inf
        return d.kthvalue(k + 1, dim=1).values

    d = torch.cdist(real, fake)
    precision = (d <= radii(real)[:, None]).any(0).float().mean()
    return precision, (d <= radii(fake)[None]).any(1).float().mean()


def positive_distances(real, fake, k=3):
    def radii(x):
        d = torch.cdist(x, x)
        d = torch.where(d > 0, d, torch.inf)
        return d.sort(dim=1).values[:, k - 1]

    d = torch.cdist(real, fake)
    precision = (d <= radii(real)[:, None]).any(0).float().mean()
    return precision, (d <= radii(fake)[None]).any(1).float().mean()


def smaller(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    return (d < r[:, None]).any(0).float().mean(), (d < f[None]).any(1).float().mean()


def radii_of_the_points(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    return (d <= f[None]).any(0).float().mean(), (d <= r[:, None]).any(1).float().mean()


def four(real, fake, k=3):
    r = torch.cdist(real, real).topk(4, largest=False).values[:, 3]
    f = torch.cdist(fake, fake).topk(4, largest=False).values[:, 3]
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def nearest(real, fake, k=3):
    def radii(x):
        d = torch.cdist(x, x).fill_diagonal_(torch.inf)
        return d.min(dim=1).values

    d = torch.cdist(real, fake)
    precision = (d <= radii(real)[:, None]).any(0).float().mean()
    return precision, (d <= radii(fake)[None]).any(1).float().mean()


def mean_radius(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values.mean()
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values.mean()
    d = torch.cdist(real, fake)
    return (d <= r).any(0).float().mean(), (d <= f).any(1).float().mean()


def radii_squared(real, fake, k=3):
    def dist2(a, b):
        return ((a.unsqueeze(1) - b.unsqueeze(0)) ** 2).sum(-1)

    r = dist2(real, real).sort(dim=1).values[:, k]
    f = dist2(fake, fake).sort(dim=1).values[:, k]
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def distances_squared(real, fake, k=3):
    r = torch.cdist(real, real).sort(dim=1).values[:, k]
    f = torch.cdist(fake, fake).sort(dim=1).values[:, k]
    d = torch.cdist(real, fake) ** 2
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def across(real, fake, k=3):
    d = torch.cdist(real, fake)
    r = d.kthvalue(k, dim=1).values
    f = d.kthvalue(k, dim=0).values
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def density(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    precision = (d <= r[:, None]).sum() / (k * len(fake))
    return precision, (d <= f[None]).sum() / (k * len(real))


def coverage(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    inside = torch.cdist(real, fake) <= r[:, None]
    return inside.any(0).float().mean(), inside.any(1).float().mean()


def mean_of_all(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).float().mean(), (d <= f[None]).float().mean()


def any_of_the_other_dimension(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).any(1).float().mean(), (d <= f[None]).any(0).float().mean()


def manhattan(real, fake, k=3):
    def dist(a, b):
        return (a[:, None] - b[None]).abs().sum(-1)

    r = dist(real, real).sort(dim=1).values[:, k]
    f = dist(fake, fake).sort(dim=1).values[:, k]
    d = dist(real, fake)
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def gram_matrix(real, fake, k=3):
    def dist(a, b):
        return torch.sqrt((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T)

    r = dist(real, real).sort(dim=1).values[:, k]
    f = dist(fake, fake).sort(dim=1).values[:, k]
    d = dist(real, fake)
    return (d <= r[:, None]).any(0).float().mean(), (d <= f[None]).any(1).float().mean()


def all_balls(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    return (d <= r[:, None]).all(0).float().mean(), (d <= f[None]).all(1).float().mean()


def nearest_centre(real, fake, k=3):
    r = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
    f = torch.cdist(fake, fake).kthvalue(k + 1, dim=1).values
    d = torch.cdist(real, fake)
    precision = (d.min(0).values <= r[d.argmin(0)]).float().mean()
    return precision, (d.min(1).values <= f[d.argmin(1)]).float().mean()


def swapped_and_smaller(real, fake, k=3):
    precision, recall = smaller(real, fake, k)
    return recall, precision


def precision_only(real, fake, k=3):
    return as_in_the_lecture(real, fake, k)[0]


RIGHT = [as_in_the_lecture, without_itself, squared, loops]
WRONG = {
    swapped: "swapped",
    k_th_value: "itself_counted",
    masked_and_k_plus_one: "one_too_far",
    positive_distances: "copies_left_out",
    smaller: "edge_left_out",
    radii_of_the_points: "ball_of_the_point",
    four: "always_three",
    nearest: "always_nearest",
    mean_radius: "mean_radius",
    radii_squared: "squared_radius",
    distances_squared: "squared_distance",
    across: "neighbour_across",
    density: "density",
    coverage: "coverage",
    mean_of_all: "pairs",
    any_of_the_other_dimension: "balls_that_are_hit",
    manhattan: "sums_of_differences",
    gram_matrix: "root_of_less_than_zero",
    all_balls: "in_all",
    nearest_centre: "nearest_ball",
    swapped_and_smaller: "swapped edge_left_out",
    precision_only: "",
}
