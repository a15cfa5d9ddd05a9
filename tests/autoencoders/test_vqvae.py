import pytest
import torch
import torch.nn.functional as F

from cvgen_course.autoencoders import VQVAE, VectorQuantizer, perplexity

DECAYS = pytest.mark.parametrize("decay", [None, 0.9])


def images(*shape, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(shape, generator=rng) - 1


def small(decay=0.9, num_codes=8, seed=0, **options):
    torch.manual_seed(seed)
    return VQVAE(num_codes, code_dim=4, width=4, decay=decay, **options)


@DECAYS
@pytest.mark.parametrize("shape", [(3, 1, 8, 8), (1, 1, 4, 4), (2, 1, 8, 20), (2, 3, 28, 12)])
def test_vqvae_shapes(shape, decay):
    N, C, H, W = shape
    x, model = images(*shape), small(decay, channels=C)
    x_hat, quantized = model(x)
    places = N * (H // 4) * (W // 4)
    assert x_hat.shape == shape
    assert quantized.maps.shape == (N, 4, H // 4, W // 4)
    assert quantized.z_e.shape == quantized.z_q.shape == (places, 4)
    assert model.encode(x).shape == quantized.indices.shape == (N, H // 4, W // 4)
    assert model.decode(quantized.indices).shape == shape


@pytest.mark.parametrize("num_blocks", [0, 1, 2])
def test_vqvae_has_the_parameters_counted_by_hand(num_blocks):
    def conv(k, before, after):
        return k * k * before * after + after

    block = conv(3, 8, 8) + conv(1, 8, 8)
    encoder = conv(4, 3, 4) + conv(4, 4, 8) + num_blocks * block + conv(1, 8, 5)
    decoder = conv(3, 5, 8) + num_blocks * block + conv(4, 8, 4) + conv(4, 4, 3)
    model = VQVAE(7, 5, channels=3, width=4, num_blocks=num_blocks)
    assert sum(p.numel() for p in model.parameters()) == encoder + decoder
    model = VQVAE(7, 5, channels=3, width=4, num_blocks=num_blocks, decay=None)
    assert sum(p.numel() for p in model.parameters()) == encoder + decoder + 7 * 5


def test_vqvae_loss_has_a_codebook_term_only_where_the_codebook_learns_by_gradients():
    x = images(2, 1, 8, 8)
    assert small(0.9).loss(x).keys() == {"reconstruction", "commitment"}
    assert small(None).loss(x).keys() == {"reconstruction", "codebook", "commitment"}


@DECAYS
def test_vqvae_loss_by_hand(decay):
    x, model = images(2, 1, 8, 8), small(decay, beta=0.5).eval()
    x_hat, quantized = model(x)
    distance = F.mse_loss(quantized.z_e, quantized.z_q)
    terms = model.loss(x)
    torch.testing.assert_close(terms["reconstruction"], F.mse_loss(x_hat, x))
    torch.testing.assert_close(terms["commitment"], 0.5 * distance)
    if decay is None:
        torch.testing.assert_close(terms["codebook"], distance)
    assert all(term.shape == () for term in terms.values())


def test_vqvae_terms_reach_whom_they_should():
    x, model = images(2, 1, 8, 8), small(None)
    reached = {
        "reconstruction": {"encoder", "decoder"},
        "codebook": {"quantizer"},
        "commitment": {"encoder"},
    }
    for name, term in model.loss(x).items():
        model.zero_grad()
        term.backward(retain_graph=True)
        parts = {key.partition(".")[0] for key, p in model.named_parameters() if p.grad is not None}
        assert parts == reached[name], name


@DECAYS
def test_vqvae_decodes_what_it_encodes(decay):
    model = small(decay).eval()
    for shape in ((3, 1, 8, 8), (1, 1, 4, 12)):
        x = images(*shape)
        x_hat, quantized = model(x)
        assert torch.equal(model.encode(x), quantized.indices)
        torch.testing.assert_close(model.decode(model.encode(x)), x_hat)


@DECAYS
def test_vqvae_encode_and_decode_change_nothing_in_training(decay):
    x, model = images(3, 1, 8, 8), small(decay)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    indices = model.encode(x)
    assert not model.decode(indices).requires_grad
    assert model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(model(x)[1].indices, indices)


def test_vqvae_codebook_follows_in_training_only():
    x, model = images(3, 1, 8, 8), small(0.9)
    before = model.quantizer.codebook.clone()
    model.eval().loss(x)
    assert torch.equal(model.quantizer.codebook, before)
    model.train().loss(x)
    assert not torch.equal(model.quantizer.codebook, before)


def test_vqvae_places_far_apart_do_not_see_one_another():
    model = small(num_blocks=0).eval()
    x, other = images(1, 1, 32, 32), images(1, 1, 32, 32)
    other[..., 16:] = images(1, 1, 32, 16, seed=1)
    a, b = model.encode(x), model.encode(other)
    assert torch.equal(a[..., :3], b[..., :3])


@DECAYS
@pytest.mark.parametrize("scale", [0.0, 1e3, -1e6])
def test_vqvae_stays_finite_for_images_of_any_size(scale, decay):
    model = small(decay)
    for _ in range(3):
        terms = model.loss(scale * images(4, 1, 8, 8))
        sum(terms.values()).backward()
    assert all(term.isfinite() for term in terms.values())
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert all(value.isfinite().all() for value in model.state_dict().values())


@DECAYS
def test_vqvae_learns_from_one_image_with_more_codes_than_places(decay):
    model, x = small(decay, num_codes=100), images(1, 1, 4, 8)
    for _ in range(5):
        terms = model.loss(x)
        sum(terms.values()).backward()
    assert all(term.isfinite() for term in terms.values())
    assert model.encode(x).shape == (1, 1, 2)


@DECAYS
def test_vqvae_overfits_a_batch(decay):
    x, model = images(2, 1, 8, 8), small(decay, num_codes=16, num_blocks=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(500):
        optimizer.zero_grad()
        sum(model.loss(x).values()).backward()
        optimizer.step()
    assert F.mse_loss(model.eval()(x)[0], x) < 0.1 * x.var()


def test_vqvae_can_be_saved_and_loaded_with_its_running_means(tmp_path):
    x, one, other = images(3, 1, 8, 8), small(0.9), small(0.9, seed=1)
    for _ in range(3):
        one.loss(x)
    torch.save(one.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    names = {f"quantizer.{name}" for name in ("codebook", "cluster_size", "code_sum")}
    assert names <= one.state_dict().keys()
    torch.manual_seed(2)  # dead codes restart at random
    terms = one.loss(x)
    torch.manual_seed(2)
    assert other.loss(x) == terms
    for name, value in one.state_dict().items():  # the next step is the same
        assert torch.equal(other.state_dict()[name], value), name


def test_vqvae_restarts_raise_the_use_of_the_codebook():
    rng = torch.Generator().manual_seed(0)
    centres = 5 + 3 * torch.randn(16, 4, generator=rng)

    def batch(size):
        whose = torch.randint(16, (size, 8, 8), generator=rng)
        return (centres[whose] + 0.1 * torch.randn(size, 8, 8, 4, generator=rng)).movedim(-1, 1)

    def use(restart_below):
        torch.manual_seed(0)
        quantizer = VectorQuantizer(16, 4, decay=0.9, restart_below=restart_below)
        for _ in range(60):
            quantizer(batch(4))
        quantizer.eval()
        return perplexity([quantizer(batch(4)).indices for _ in range(4)], 16)

    without, with_restarts = use(0.0), use(1.0)
    assert without < 6
    assert with_restarts > 12


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (torch.ones(2, 1, 8, 10), ValueError, r"x: expected H and W multiples of 4, got .*8, 10\)"),
        (torch.ones(2, 1, 6, 8), ValueError, r"x: expected H and W multiples of 4, got .*6, 8\)"),
        (torch.ones(2, 3, 8, 8), ValueError, r"x: .*\(N, 1, H, W\).* got shape \(2, 3, 8, 8\)"),
        (torch.ones(1, 8, 8), ValueError, r"x: .* got shape \(1, 8, 8\)"),
        (torch.ones(2, 1, 8, 8).byte(), TypeError, r"x: expected a floating-point .*uint8"),
        (None, TypeError, "x: .* got NoneType"),
    ],
)
def test_vqvae_says_what_is_wrong_with_images(x, error, message):
    model = small()
    for takes_images in (model, model.loss, model.encode):
        with pytest.raises(error, match=message):
            takes_images(x)


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        (torch.tensor([[[0, 8]]]), ValueError, r"indices: .*\[0, 8\).* 0 to 8.*another codebook"),
        (torch.tensor([[[-1, 7]]]), ValueError, r"indices: .* from -1 to 7"),
        (torch.ones(1, 2, 2), TypeError, r"indices: expected an int64 .*long\(\)"),
        (torch.ones(2, 2).long(), ValueError, r"indices: .*\(N, H, W\), got shape \(2, 2\)"),
    ],
)
def test_vqvae_says_what_is_wrong_with_indices(indices, error, message):
    with pytest.raises(error, match=message):
        small().decode(indices)


def test_vqvae_says_what_is_wrong_with_its_options():
    with pytest.raises(ValueError, match="num_codes, code_dim: expected at least 1, got 0 and 4"):
        VQVAE(num_codes=0, code_dim=4)
    with pytest.raises(ValueError, match="decay: expected None or a number"):
        VQVAE(decay=1.5)
