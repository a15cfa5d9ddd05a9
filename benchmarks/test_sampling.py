"""Sampling from PixelCNNs: with a cache, and with a forward pass for each pixel.

The naive way computes the features of all pixels H · W times, so its time grows with the square of
the number of pixels, and the cache's with the number itself. Both grow with the depth.
"""

from time import perf_counter

import pytest
import torch

from cvgen_course.pixelcnn import Cached, GatedPixelCNN, PixelCNN, sample
from cvgen_course.seeding import generator

BATCH = 16
NETWORKS = {"PixelCNN": PixelCNN, "gated": GatedPixelCNN}
CASES = [  # layers, side
    (10, 7),
    *(pytest.param(10, side, marks=pytest.mark.slow) for side in (14, 28)),
    *(pytest.param(layers, 14, marks=pytest.mark.slow) for layers in (5, 20)),
]


@pytest.mark.timeout(0)
@pytest.mark.benchmark(
    group="Sampling: 16 images, black and white, with a cache; naive: a forward pass for each pixel"
)
@pytest.mark.parametrize(("num_layers", "side"), CASES)
@pytest.mark.parametrize("name", NETWORKS)
def test_sampling(benchmark, name, num_layers, side):
    """The same images from the same draws; a single round of what takes so long."""
    torch.manual_seed(0)
    model = NETWORKS[name](num_layers=num_layers)
    shape = (BATCH, 1, side, side)

    def draw(logits_at=None):
        return sample(model, shape, rng=generator("benchmarks", "sampling"), logits_at=logits_at)

    def cached():
        return draw(Cached(model, shape))

    cached()
    start = perf_counter()
    expected = draw()
    naive = perf_counter() - start
    drawn = benchmark.pedantic(cached, rounds=3)
    assert torch.equal(drawn, expected)
    benchmark.extra_info["what"] = f"{name}, {num_layers} layers, {side} × {side}"
    if benchmark.enabled:
        benchmark.extra_info["other"] = {"library": "naive", "median": naive}
        benchmark.extra_info["ratio"] = benchmark.stats.stats.median / naive
