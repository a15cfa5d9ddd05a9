"""Vector quantization against vector-quantize-pytorch: forward, running means, backward.

Called as a script, with the name of a size and 0 for ours or 1 for theirs, it prints by how many
bytes a single step raises the most memory that its process has held.
"""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from vector_quantize_pytorch import VectorQuantize

from cvgen_course.autoencoders import VectorQuantizer
from cvgen_course.seeding import generator

DECAY, BETA = 0.99, 0.25
SIZES = {
    "32 maps 7 × 7, K = 64, D = 16": (32, 7, 7, 64, 16),
    "16 maps 32 × 32, K = 512, D = 64": (16, 32, 32, 512, 64),
}

LARGEST = list(SIZES)[-1]


def steps(N, H, W, K, D):
    """Return a training step of each library on the same maps, from the same codes.

    A step quantizes maps, lets the codebook follow, and sends a gradient back to the maps, of the
    codes and of the commitment term. It returns codes, indices, term, gradient and codebook.
    """
    rng = generator("benchmarks", "vector quantizer")
    codes = torch.randn(K, D, generator=rng)
    maps = torch.randn(N, D, H, W, generator=rng)
    upstream = torch.randn(N, D, H, W, generator=rng)
    mine = VectorQuantizer(K, D, DECAY)
    mine.codebook.copy_(codes)
    mine.code_sum.copy_(codes)
    theirs = VectorQuantize(
        D,
        K,
        decay=DECAY,
        commitment_weight=BETA,
        accept_image_fmap=True,
        rotation_trick=False,
    )
    theirs.codebook = codes
    theirs._codebook.embed_avg.copy_(codes[None])
    theirs._codebook.cluster_size.fill_(1.0)

    def backward(leaf, quantized, term):
        loss = (quantized * upstream).sum() + term
        return torch.autograd.grad(loss, leaf)[0]

    def ours():
        leaf = maps.clone().requires_grad_()
        found = mine(leaf)
        term = BETA * F.mse_loss(found.z_e, found.z_q.detach())
        return found.maps, found.indices, term, backward(leaf, found.maps, term), mine.codebook

    def others():
        leaf = maps.clone().requires_grad_()
        quantized, indices, term = theirs(leaf)
        return quantized, indices, term, backward(leaf, quantized, term), theirs.codebook

    return ours, others


def peak_memory(what, whose):
    """Return the bytes that a step needs, in a process of its own."""
    command = [sys.executable, __file__, what, str(whose)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.benchmark(group="Vector quantization: a training step of the layer")
@pytest.mark.parametrize("what", SIZES)
def test_vector_quantizer(side_by_side, benchmark, what):
    """The same codes, indices, commitment term and gradient, and the same codebook afterwards."""
    ours, theirs = steps(*SIZES[what])
    side_by_side(what, ours, "vector-quantize-pytorch", theirs)
    if benchmark.enabled and what == LARGEST:  # less than that drowns in what importing has held
        benchmark.extra_info["peak_memory"] = peak_memory(what, 0)
        benchmark.extra_info["other"]["peak_memory"] = peak_memory(what, 1)


def most_so_far():
    """Return the most memory that this program has held, in bytes (on Linux).

    Not getrusage's: that number outlives exec, so a large parent would hide what a child needs.
    """
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    for step in steps(1, 4, 4, 4, 4):  # what a first call needs for good
        step()
    step = steps(*SIZES[sys.argv[1]])[int(sys.argv[2])]
    before = most_so_far()
    step()
    print(most_so_far() - before)
