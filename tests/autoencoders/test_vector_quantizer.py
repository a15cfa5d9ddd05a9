import io

import pytest
import torch

from cvgen_course.autoencoders import VectorQuantizer, ema_update, from_rows, to_rows, vq_losses

BUFFERS = ("codebook", "cluster_size", "code_sum")


def random_maps(shape=(2, 3, 4, 5), seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=rng, dtype=torch.float64).to(dtype)


def quantizer(num_codes=6, code_dim=3, seed=1, **options):
    """Return a layer with codes as far apart as the rows of random maps are."""
    layer = VectorQuantizer(num_codes, code_dim, **options)
    codes = random_maps((num_codes, code_dim), seed)
    with torch.no_grad():
        layer.codebook.copy_(codes)
        if layer.decay is not None:
            layer.code_sum.copy_(codes)
    return layer


def buffers_of(layer):
    return {name: getattr(layer, name).clone() for name in BUFFERS}


def test_vector_quantizer_puts_the_nearest_code_at_each_place():
    layer, maps = quantizer(), random_maps()
    codebook = layer.codebook.clone()
    quantized = layer(maps)
    assert quantized.maps.shape == (2, 3, 4, 5)
    assert quantized.indices.shape == (2, 4, 5)
    assert quantized.indices.dtype == torch.int64
    for n in range(2):
        for i in range(4):
            for j in range(5):
                squares = (codebook - maps[n, :, i, j]).square().sum(dim=1)
                index = squares.argmin().item()
                assert quantized.indices[n, i, j] == index
                assert torch.equal(quantized.maps[n, :, i, j], codebook[index])


def test_vector_quantizer_returns_rows_for_the_losses():
    layer, maps = quantizer(), random_maps()
    codebook = layer.codebook.clone()
    quantized = layer(maps)
    assert torch.equal(quantized.z_e, to_rows(maps))
    assert torch.equal(quantized.z_q, codebook[quantized.indices.flatten()])
    assert torch.equal(from_rows(quantized.z_q, 4, 5), quantized.maps)


@pytest.mark.parametrize("decay", [None, 0.99])
def test_vector_quantizer_one_place_changed_moves_one_code_only(decay):
    layer, maps = quantizer(decay=decay).eval(), random_maps()
    before = layer(maps)
    changed = maps.clone()
    other = (before.indices[1, 2, 3] + 1) % 6
    changed[1, :, 2, 3] = layer.codebook[other].detach()
    after = layer(changed)
    assert (before.indices != after.indices).nonzero().tolist() == [[1, 2, 3]]
    differs = (before.maps != after.maps).any(dim=1)
    assert differs.nonzero().tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("decay", [None, 0.99])
def test_vector_quantizer_gradient_goes_straight_through_to_the_maps(decay):
    layer, maps = quantizer(decay=decay), random_maps().requires_grad_()
    upstream = random_maps(seed=3)
    layer(maps).maps.backward(upstream)
    assert torch.equal(maps.grad, upstream)
    assert layer.codebook.grad is None


def test_vector_quantizer_codebook_learns_from_the_codebook_term_alone():
    layer, maps = quantizer(decay=None), random_maps().requires_grad_()
    images = torch.zeros(1, 1, 1, 1)
    quantized = layer(maps)
    reconstruction, codebook, commitment = vq_losses(
        images, quantized.maps.mean().view(1, 1, 1, 1), quantized.z_e, quantized.z_q
    )
    for term in (reconstruction, commitment):
        (gradient,) = torch.autograd.grad(
            term, layer.codebook, allow_unused=True, retain_graph=True
        )
        assert gradient is None
    codebook.backward()
    assert maps.grad is None
    expected = torch.zeros(6, 3)
    for index, row in zip(quantized.indices.flatten().tolist(), to_rows(maps), strict=True):
        expected[index] += 2 * (layer.codebook[index] - row).detach() / maps.numel()
    torch.testing.assert_close(layer.codebook.grad, expected)


def test_vector_quantizer_kinds_of_codebook():
    layer = VectorQuantizer(6, 3, decay=None)
    assert [name for name, _ in layer.named_parameters()] == ["codebook"]
    assert list(layer.buffers()) == []
    layer = VectorQuantizer(6, 3)
    assert list(layer.parameters()) == []
    assert {name for name, _ in layer.named_buffers()} == set(BUFFERS)
    assert not layer.codebook.requires_grad


@pytest.mark.parametrize("decay", [None, 0.9])
def test_vector_quantizer_codes_are_uniform_at_first(decay):
    codebook = VectorQuantizer(20, 500, decay=decay).codebook
    assert codebook.abs().max() <= 1 / 20
    assert codebook.std().item() == pytest.approx(1 / 20 / 3**0.5, rel=0.05)
    assert codebook.mean().abs() < 0.05 / 20


def test_vector_quantizer_running_means_begin_with_one_row_for_each_code():
    layer = VectorQuantizer(5, 2)
    assert torch.equal(layer.cluster_size, torch.ones(5))
    assert torch.equal(layer.code_sum, layer.codebook)
    assert layer.code_sum.data_ptr() != layer.codebook.data_ptr()


def test_vector_quantizer_in_training_follows_running_means_after_quantizing():
    layer, maps = quantizer(decay=0.8), random_maps()
    before = buffers_of(layer)
    quantized = layer(maps)
    assert torch.equal(quantized.z_q, before["codebook"][quantized.indices.flatten()])
    expected = ema_update(
        before["cluster_size"], before["code_sum"], to_rows(maps), quantized.indices.flatten(), 0.8
    )
    for name, wanted in expected._asdict().items():
        assert torch.equal(getattr(layer, name), wanted), name
        assert not torch.equal(getattr(layer, name), before[name]), name


def test_vector_quantizer_running_means_of_two_batches_worked_out_by_hand():
    layer = VectorQuantizer(2, 1, decay=0.5)
    layer.codebook.copy_(torch.tensor([[0.0], [10.0]]))
    layer.code_sum.copy_(layer.codebook)
    layer(torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3))  # all of them at code 0
    # N = (1 + 3) / 2 and (1 + 0) / 2; m = (0 + 6) / 2 and (10 + 0) / 2
    assert layer.cluster_size.tolist() == [2.0, 0.5]
    assert layer.code_sum.tolist() == [[3.0], [5.0]]
    torch.testing.assert_close(layer.codebook, torch.tensor([[1.5], [10.0]]), rtol=1e-4, atol=0)
    layer(torch.tensor([0.0, 12.0]).view(1, 1, 1, 2))  # one at each
    assert layer.cluster_size.tolist() == [1.5, 0.75]
    assert layer.code_sum.tolist() == [[1.5], [8.5]]
    torch.testing.assert_close(layer.codebook, torch.tensor([[1.0], [34 / 3]]), rtol=1e-4, atol=0)


def test_vector_quantizer_in_evaluation_stays_as_it_is():
    layer, maps = quantizer(restart_below=1.0).eval(), random_maps()
    before = buffers_of(layer)
    first, second = layer(maps), layer(maps)
    assert torch.equal(first.indices, second.indices)
    for name, buffer in before.items():
        assert torch.equal(getattr(layer, name), buffer)


def test_vector_quantizer_that_learns_by_gradients_stays_as_it_is_when_it_is_called():
    layer = quantizer(decay=None)
    before = layer.codebook.detach().clone()
    layer(random_maps())
    assert torch.equal(layer.codebook, before)


def test_vector_quantizer_keeps_no_graph_from_batch_to_batch():
    layer = quantizer()
    for seed in range(2):
        maps = random_maps(seed=seed).requires_grad_()
        quantized = layer(maps)
        (quantized.maps.sum() + quantized.z_e.sum()).backward()
    assert not any(getattr(layer, name).requires_grad for name in BUFFERS)


def test_vector_quantizer_terms_can_be_differentiated_after_the_running_means_moved():
    layer, maps = quantizer(), random_maps().requires_grad_()
    quantized = layer(maps)
    _, _, commitment = vq_losses(
        torch.zeros(1, 1, 1, 1), torch.zeros(1, 1, 1, 1), quantized.z_e, quantized.z_q
    )
    commitment.backward()
    difference = maps - from_rows(quantized.z_q, 4, 5)
    torch.testing.assert_close(maps.grad, 0.25 * 2 * difference.detach() / maps.numel())


def test_vector_quantizer_gives_dead_codes_a_new_start_at_rows_of_the_batch():
    layer = quantizer(restart_below=1.0)
    layer.codebook[4:] = 1000.0  # nothing is near to them
    layer.code_sum.copy_(layer.codebook)
    maps = random_maps((4, 3, 6, 6))
    layer(maps)
    rows = to_rows(maps)
    for code in layer.codebook[4:]:
        assert (rows == code).all(dim=1).any()
    assert layer.cluster_size[4:].tolist() == [1.0, 1.0]
    assert layer.codebook.abs().max() < 10


def test_vector_quantizer_lets_dead_codes_lie_where_no_restart_was_asked_for():
    layer = quantizer()
    layer.codebook[4:] = 1000.0
    layer.code_sum.copy_(layer.codebook)
    layer(random_maps())
    assert layer.codebook[4:].min() > 999
    torch.testing.assert_close(layer.cluster_size[4:], torch.full((2,), 0.99))


def test_vector_quantizer_finds_the_means_of_well_separated_clusters():
    """Two codes, two clusters: it is k-means."""
    rng = torch.Generator().manual_seed(0)
    layer = VectorQuantizer(2, 2, decay=0.5)
    layer.codebook.copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
    layer.code_sum.copy_(layer.codebook)
    centres = torch.tensor([[-5.0, 3.0], [4.0, -2.0]])
    rows = centres.repeat(32, 1) + torch.randn(64, 2, generator=rng)
    for _ in range(40):
        layer(from_rows(rows, 8, 8))
    means = torch.stack([rows[0::2].mean(dim=0), rows[1::2].mean(dim=0)])
    torch.testing.assert_close(layer.codebook, means, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("decay", [None, 0.99])
def test_vector_quantizer_codebook_may_be_larger_than_the_batch_and_the_batch_a_single_place(decay):
    layer = quantizer(num_codes=50, decay=decay)
    quantized = layer(random_maps((1, 3, 1, 1)))
    assert quantized.maps.shape == (1, 3, 1, 1)
    assert quantized.indices.shape == (1, 1, 1)
    assert layer.codebook.isfinite().all()


def test_vector_quantizer_of_no_image_changes_nothing():
    layer = quantizer(restart_below=1.0)
    before = buffers_of(layer)
    quantized = layer(torch.zeros(0, 3, 4, 5))
    assert quantized.maps.shape == (0, 3, 4, 5)
    assert quantized.indices.shape == (0, 4, 5)
    for name, buffer in before.items():
        assert torch.equal(getattr(layer, name), buffer)


def test_vector_quantizer_computes_half_precision_in_float32():
    layer, maps = quantizer(), random_maps(dtype=torch.bfloat16).requires_grad_()
    codebook = layer.codebook.clone()
    quantized = layer(maps)
    assert quantized.maps.dtype == quantized.z_e.dtype == torch.float32
    assert torch.equal(quantized.z_q, codebook[quantized.indices.flatten()])
    quantized.maps.sum().backward()
    assert maps.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("decay", [None, 0.9])
def test_vector_quantizer_state_can_be_saved_and_loaded(decay):
    layer, maps = quantizer(decay=decay), random_maps()
    layer(maps)
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = VectorQuantizer(6, 3, decay=decay)
    other.load_state_dict(torch.load(file, weights_only=True))
    assert list(other.state_dict()) == list(layer.state_dict())
    for batch in (maps, random_maps(seed=7)):  # the running means go on alike, too
        assert torch.equal(layer(batch).maps, other(batch).maps)
    for name, value in layer.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_vector_quantizer_refuses_sizes_and_decays_that_make_no_sense():
    for sizes in ((0, 3), (4, 0)):
        with pytest.raises(ValueError, match=f"at least 1, got {sizes[0]} and {sizes[1]}"):
            VectorQuantizer(*sizes)
    for decay in (-0.1, 1.5):
        with pytest.raises(ValueError, match=rf"decay: expected None or .*\[0, 1\], got {decay}"):
            VectorQuantizer(4, 3, decay=decay)
    with pytest.raises(ValueError, match="restart_below: expected 0 where decay is None"):
        VectorQuantizer(4, 3, decay=None, restart_below=1.0)


def test_vector_quantizer_refuses_maps_that_are_none_or_have_other_channels():
    layer = quantizer()
    with pytest.raises(ValueError, match=r"maps: expected .*\(N, D, H, W\), got shape \(3, 4, 5\)"):
        layer(random_maps()[0])
    with pytest.raises(ValueError, match=r"codebook: expected .* to go with rows"):
        layer(random_maps((2, 4, 4, 5)))
    with pytest.raises(TypeError, match="rows: expected a floating-point tensor"):
        layer(random_maps().long())
