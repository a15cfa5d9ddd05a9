"""The vector quantization layer beside another one, of the package vector-quantize-pytorch.

What that package does by default and the paper does not is switched off: the rotation trick in
place of the straight-through estimator. It begins neither with k-means nor restarts dead codes.
"""

import pytest
import torch
from vector_quantize_pytorch import VectorQuantize

from cvgen_course.autoencoders import (
    VectorQuantizer,
    ema_update,
    nearest_codes,
    quantize,
    to_rows,
    vq_losses,
)

K, D = 12, 4
SHAPE = (3, D, 5, 6)
IMAGE = torch.zeros(1, 1, 1, 1)
THEIR_NAMES = {"codebook": "embed", "cluster_size": "cluster_size", "code_sum": "embed_avg"}


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def codes(seed=9):
    """Return codes, one of which no row is near to."""
    found = random(K, D, seed=seed)
    found[5] = 100.0
    return found


def theirs(codebook, maps=True, **options):
    """Return the other layer, with this codebook."""
    layer = VectorQuantize(
        dim=D,
        codebook_size=len(codebook),
        accept_image_fmap=maps,
        kmeans_init=False,
        threshold_ema_dead_code=0,
        rotation_trick=False,
        **options,
    )
    state = layer.state_dict()
    state |= {f"_codebook.{name}": codebook[None].clone() for name in ("embed", "embed_avg")}
    layer.load_state_dict(state)
    return layer


def ours(codebook, **options):
    layer = VectorQuantizer(*codebook.shape, **options)
    with torch.no_grad():
        layer.codebook.copy_(codebook)
        if layer.decay is not None:
            layer.code_sum.copy_(codebook)
    return layer


@pytest.mark.parametrize("training", [True, False])
def test_codes_and_quantized_maps_agree_with_theirs(training):
    maps = random(*SHAPE)
    quantized = ours(codes()).train(training)(maps)
    their_maps, their_indices, _ = theirs(codes()).train(training)(maps)
    assert torch.equal(quantized.indices, their_indices)
    assert len(quantized.indices.unique()) > 6
    torch.testing.assert_close(quantized.maps, their_maps)


def test_quantize_agrees_with_theirs_in_value_and_gradient():
    found = []
    upstream = random(40, D, seed=3)
    layer = theirs(codes(), maps=False)
    for function in (layer, lambda rows: quantize(rows, codes())):
        rows = random(40, D, seed=2).requires_grad_()
        z_q, indices, *_ = function(rows)
        z_q.backward(upstream)
        found.append((z_q.detach(), indices, rows.grad))
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize("beta", [0.25, 1.0, 3.0])
def test_commitment_agrees_with_theirs_in_value_and_gradient(beta):
    maps = [random(*SHAPE).requires_grad_() for _ in range(2)]
    _, _, their_loss = theirs(codes(), commitment_weight=beta)(maps[0])
    quantized = ours(codes())(maps[1])
    _, _, commitment = vq_losses(IMAGE, IMAGE, quantized.z_e, quantized.z_q, beta)
    torch.testing.assert_close(commitment, their_loss.squeeze())
    their_loss.backward()
    commitment.backward()
    torch.testing.assert_close(maps[1].grad, maps[0].grad)


def test_codebook_and_commitment_terms_agree_with_theirs_where_the_codebook_learns_by_gradients():
    """There, nothing is detached: that is the sum of both terms where beta is 1."""
    maps = [random(*SHAPE).requires_grad_() for _ in range(2)]
    layer, other = (
        ours(codes(), decay=None),
        theirs(codes(), learnable_codebook=True, ema_update=False),
    )
    _, _, their_loss = other(maps[0])
    quantized = layer(maps[1])
    _, codebook, commitment = vq_losses(IMAGE, IMAGE, quantized.z_e, quantized.z_q, beta=1.0)
    torch.testing.assert_close(codebook, their_loss.squeeze())
    torch.testing.assert_close(commitment, their_loss.squeeze())
    their_loss.backward()
    (codebook + commitment).backward()
    torch.testing.assert_close(maps[1].grad, maps[0].grad)
    (their_codebook,) = other.parameters()
    torch.testing.assert_close(layer.codebook.grad, their_codebook.grad[0])


@pytest.mark.parametrize("decay", [0.5, 0.8, 0.99])
def test_running_means_agree_with_theirs_for_several_batches(decay):
    layer, other = ours(codes(), decay=decay), theirs(codes(), decay=decay)
    for seed in range(5):
        maps = random(*SHAPE, seed=seed)
        quantized = layer(maps)
        _, their_indices, _ = other(maps)
        assert torch.equal(quantized.indices, their_indices)
        state = other.state_dict()
        for name, their_name in THEIR_NAMES.items():
            their_buffer = state[f"_codebook.{their_name}"][0]
            torch.testing.assert_close(getattr(layer, name), their_buffer)
    assert layer.cluster_size.argmin() == 5


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_ema_update_agrees_with_theirs_whatever_the_smoothing(eps):
    rows, codebook = to_rows(random(*SHAPE)), codes()
    indices = nearest_codes(rows, codebook)
    found = ema_update(torch.ones(K), codebook.clone(), rows, indices, decay=0.7, eps=eps)
    other = theirs(codebook, maps=False, decay=0.7, eps=eps)
    other(rows)
    torch.testing.assert_close(found.codebook, other.codebook)


def test_neither_codebook_moves_in_evaluation():
    for layer in (ours(codes()).eval(), theirs(codes()).eval()):
        layer(random(*SHAPE))
        assert torch.equal(layer.codebook, codes())
