"""A data set of a few scenes of rectangles, of several sizes, with masks."""

import torch

from cvgen_course.data.instances import scene_item


def scene(height=48, width=64, num=5, seed=0):
    """Return a scene of rectangles that may cover each other."""
    rng = torch.Generator().manual_seed(seed)
    ids = torch.zeros(height, width, dtype=torch.int64)
    for number in range(1, num + 1):
        top = int(torch.randint(height - 12, (), generator=rng))
        left = int(torch.randint(width - 16, (), generator=rng))
        ids[top : top + 12, left : left + 16] = number
    ids = ids.unique(return_inverse=True)[1].reshape(ids.shape)  # 0, 1, 2, … without a gap
    labels = torch.randint(1, 4, (int(ids.max()),), generator=rng)
    return scene_item(torch.rand(3, height, width, generator=rng) * 2 - 1, ids, labels)


class Street(list):
    """Some scenes as a data set."""

    classes = ("background", "a", "b", "c")

    def __init__(self, num=4, height=48, width=64):
        super().__init__(scene(height, width, seed=seed) for seed in range(num))
