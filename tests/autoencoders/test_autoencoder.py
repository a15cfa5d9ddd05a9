import pytest
import torch
import torch.nn.functional as F

from cvgen_course.autoencoders import Autoencoder


def images(num_images=4, channels=1, size=8, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(num_images, channels, size, size, generator=rng) - 1


@pytest.mark.parametrize("N", [1, 3])
@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 8)])
def test_autoencoder_shapes(N, channels, size):
    model = Autoencoder(5, channels, size, width=4)
    x = images(N, channels, size)
    assert model.encode(x).shape == (N, 5)
    assert model(x).shape == x.shape


def test_autoencoder_is_its_encoder_and_decoder():
    model, x = Autoencoder(3, size=8, width=4), images()
    assert torch.equal(model.encode(x), model.encoder(x))
    assert torch.equal(model.decode(model.encode(x)), model(x))
    parts = [sum(p.numel() for p in half.parameters()) for half in (model.encoder, model.decoder)]
    assert sum(p.numel() for p in model.parameters()) == sum(parts)


def test_autoencoder_overfits_a_batch():
    torch.manual_seed(0)
    model, x = Autoencoder(8, size=8, width=8), images()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(400):
        loss = F.mse_loss(model(x), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert F.mse_loss(model(x), x) < 0.02 * x.var()


def test_autoencoder_can_be_saved_and_loaded(tmp_path):
    one, other, x = Autoencoder(3, size=8, width=4), Autoencoder(3, size=8, width=4), images()
    torch.save(one.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt"))
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("code_size", [0, -1])
def test_autoencoder_needs_a_code(code_size):
    with pytest.raises(ValueError, match=f"code_size: expected at least 1, got {code_size}"):
        Autoencoder(code_size)


def test_autoencoder_says_what_is_wrong():
    model = Autoencoder(3, size=8, width=4)
    with pytest.raises(ValueError, match=r"x: expected .*\(N, 1, 8, 8\), got shape \(2, 1, 4, 4\)"):
        model(torch.zeros(2, 1, 4, 4))
    with pytest.raises(ValueError, match=r"z: expected .*\(N, 3\), got shape \(2, 4\)"):
        model.decode(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="size: expected a multiple of 4, got 10"):
        Autoencoder(3, size=10)
