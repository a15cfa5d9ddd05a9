"""Metrics of generated images against SciPy's, torchmetrics', NumPy's and prdc's.

Called as a script, with the name of a metric and whose it is, it prints how many seconds that
takes, how many bytes it needs at most, and the numbers that it finds. Each runs once: some take a
minute.
"""

import contextlib
import functools
import io
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import joblib
import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy import linalg
from torchmetrics.image.fid import _compute_fid

from cvgen_course.evaluation import (
    feature_statistics,
    frechet_distance,
    manifold,
    streaming_statistics,
)
from cvgen_course.seeding import generator

N, D = 10_000, 2048  # as FID is computed
SMALL = 300, 16  # for a test of these benchmarks
K = 5
seconds: list[float] = []


def features(num, dimension, whose):
    """Draw features that go together and are not below 0, as those of a network."""
    rng = generator("benchmarks", "evaluation", whose)
    common = torch.randn(128, dimension, generator=generator("benchmarks", "evaluation"))
    drawn = torch.randn(num, 128, generator=rng) @ common / 128**0.5
    drawn += 0.3 * torch.randn(num, dimension, generator=rng)
    return (drawn + 0.1 * (whose == "fake")).relu()


def statistics(*size):
    """Return mean and covariance of real features and of fake ones."""
    return [feature_statistics(features(*size, whose)) for whose in ("real", "fake")]


def both_sets(*size):
    """Return real features and fake ones."""
    return [features(*size, whose) for whose in ("real", "fake")]


def one_set(*size):
    """Return real features alone."""
    return [features(*size, "real")]


def scipys_distance(real, fake):
    """Return the Fréchet distance by the root of a matrix."""
    (mean_1, cov_1), (mean_2, cov_2) = ([x.numpy() for x in each] for each in (real, fake))
    root = linalg.sqrtm(cov_1 @ cov_2)
    return [((mean_1 - mean_2) ** 2).sum() + np.trace(cov_1 + cov_2 - 2 * root).real]


def summary(mean, covariance):
    """Return few numbers that tell whether statistics are the same."""
    return [mean.sum(), covariance.trace(), covariance.square().sum()]


def numpys_statistics(rows):
    """Return statistics of all features at once."""
    mean, covariance = rows.numpy().mean(axis=0, dtype=np.float64), np.cov(rows, rowvar=False)
    return summary(torch.from_numpy(mean), torch.from_numpy(covariance))


def prdcs_numbers(real, fake):
    """Return what prdc finds, on one thread, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()), joblib.parallel_config("sequential"):
        return list(compute_prdc(real.numpy(), fake.numpy(), K).values())


METRICS = {
    "Fréchet distance, from statistics": (
        statistics,
        {
            "ours": lambda *both: [frechet_distance(*both)],
            "scipy.linalg.sqrtm": scipys_distance,
            "torchmetrics": lambda real, fake: [_compute_fid(*real, *fake)],
        },
    ),
    "mean and covariance, from batches of 250": (
        one_set,
        {
            "ours": lambda rows: summary(*streaming_statistics(rows.split(250))),
            "numpy.cov, all at once": numpys_statistics,
        },
    ),
    "precision, recall, density, coverage": (
        both_sets,
        {"ours": lambda *both: list(manifold(*both, K)), "prdc": prdcs_numbers},
    ),
}
COMPARISONS = [(what, who) for what, (_, all_of) in METRICS.items() for who in list(all_of)[1:]]


def memory(which):
    """Return the memory that this program holds (VmRSS), or the most that it has held (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{which}:")[2].split()[0])


def measure(what, whose, *size):
    """Return the seconds that a metric takes, the bytes that it needs, and the numbers it finds."""
    prepare, all_of = METRICS[what]
    all_of[whose](*prepare(*SMALL))  # what a first call needs for good
    inputs = prepare(*size)
    Path("/proc/self/clear_refs").write_text("5")  # the most held so far is forgotten
    before = memory("VmRSS")
    start = perf_counter()
    numbers = all_of[whose](*inputs)
    return {
        "seconds": perf_counter() - start,
        "bytes": memory("VmHWM") - before,
        "numbers": [float(x) for x in numbers],
    }


@functools.cache
def measured_apart(what, whose):
    """Return the same for the size that counts, from a process of its own, which runs once."""
    command = [sys.executable, __file__, what, whose]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.timeout(0)
@pytest.mark.skipif(sys.platform != "linux", reason="the most memory held is in Linux's /proc")
@pytest.mark.benchmark(
    group=f"Metrics of samples: {N:,} features of {D} numbers, one run each",
    timer=lambda: sum(seconds),
)
@pytest.mark.parametrize(("what", "library"), COMPARISONS)
def test_metric(benchmark, what, library):
    """The same features or statistics, the same numbers."""
    ours, theirs = (
        measured_apart(what, whose) if benchmark.enabled else measure(what, whose, *SMALL)
        for whose in ("ours", library)
    )
    assert ours["numbers"] == pytest.approx(theirs["numbers"], rel=1e-4)
    benchmark.pedantic(lambda: seconds.append(ours["seconds"]), rounds=1)
    benchmark.extra_info["what"] = what
    benchmark.extra_info["peak_memory"] = ours["bytes"]
    benchmark.extra_info["other"] = {
        "library": library,
        "median": theirs["seconds"],
        "peak_memory": theirs["bytes"],
    }
    benchmark.extra_info["ratio"] = ours["seconds"] / theirs["seconds"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(measure(*sys.argv[1:], N, D)))
