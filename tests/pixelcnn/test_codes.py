import pytest
import torch
from support.small_pixelcnns import conditional, gated, over_codes, random_levels

from cvgen_course.autoencoders import VQVAE
from cvgen_course.pixelcnn import sample, sample_by_codes

NUM_CODES = 6


def vqvae(channels=1, decay=0.99):
    torch.manual_seed(0)
    model = VQVAE(NUM_CODES, code_dim=4, channels=channels, width=4, decay=decay)
    codes = torch.randn(model.quantizer.codebook.shape)
    with torch.no_grad():
        model.quantizer.codebook.copy_(codes)
    return model


def prior(**options):
    return over_codes(num_levels=NUM_CODES, **options)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("decay", [0.99, None])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 1, 1), (2, 3, 1)])
def test_sample_by_codes_equals_the_same_by_hand(shape, channels, decay):
    autoencoder, model = vqvae(channels, decay), prior()
    N, H, W = shape
    codes = sample(model, (N, 1, H, W), rng=rng())
    maps = autoencoder.quantizer.codebook[codes[:, 0]].permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = autoencoder.decoder(maps)
    images = sample_by_codes(autoencoder, model, shape, rng=rng())
    assert images.shape == (N, channels, 4 * H, 4 * W)
    torch.testing.assert_close(images, expected)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_sample_by_codes_takes_labels_and_a_temperature(temperature):
    autoencoder, labels = vqvae(), torch.tensor([0, 1, 1])
    model = conditional(num_levels=NUM_CODES, embed_dim=3)
    codes = sample(model, (3, 1, 3, 2), labels, temperature, rng())
    images = sample_by_codes(autoencoder, model, (3, 3, 2), labels, temperature, rng())
    torch.testing.assert_close(images, autoencoder.decode(codes[:, 0]))


def test_sample_by_codes_takes_a_prior_that_sees_codes_as_shades():
    images = sample_by_codes(vqvae(), gated(num_levels=NUM_CODES), (2, 2, 2), rng=rng())
    assert images.shape == (2, 1, 8, 8)


def test_sample_by_codes_follows_its_generator():
    autoencoder, model = vqvae(), prior()
    first = sample_by_codes(autoencoder, model, (4, 2, 2), rng=rng(1))
    assert torch.equal(sample_by_codes(autoencoder, model, (4, 2, 2), rng=rng(1)), first)
    assert not torch.equal(sample_by_codes(autoencoder, model, (4, 2, 2), rng=rng(2)), first)


def test_sample_by_codes_leaves_both_networks_as_they_are():
    autoencoder, model = vqvae().train(), prior().train()
    states = [
        {key: value.clone() for key, value in network.state_dict().items()}
        for network in (autoencoder, model)
    ]
    images = sample_by_codes(autoencoder, model, (2, 2, 2), rng=rng())
    assert not images.requires_grad
    for network, state in zip((autoencoder, model), states, strict=True):
        assert network.training
        for key, value in network.state_dict().items():
            assert torch.equal(value, state[key]), key


def test_a_prior_that_knows_an_images_codes_by_heart_paints_that_image():
    autoencoder, model = vqvae(), prior(width=12)
    codes = torch.tensor([[[[0, 5, 3], [3, 1, 0]]]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        model.loss(codes).backward()
        optimizer.step()
    painted = sample_by_codes(autoencoder, model, (2, 2, 3), temperature=0.1, rng=rng())
    expected = autoencoder.decode(codes[:, 0]).expand_as(painted)
    torch.testing.assert_close(painted, expected)


def test_sample_by_codes_of_no_image_is_none():
    assert sample_by_codes(vqvae(), prior(), (0, 2, 2)).shape == (0, 1, 8, 8)


def test_sample_by_codes_says_what_does_not_belong_together():
    with pytest.raises(ValueError, match=r"prior: expected one of 6 levels, .* codes, got 3"):
        sample_by_codes(vqvae(), over_codes(), (1, 2, 2))
    with pytest.raises(ValueError, match=r"levels: .*\(N, 3, H, W\), got shape \(1, 1, 2, 2\)"):
        sample_by_codes(vqvae(), gated(num_levels=NUM_CODES, channels=3), (1, 2, 2))
    model = conditional(num_levels=NUM_CODES)
    with pytest.raises(TypeError, match=r"labels: expected one for each image, .* got None"):
        sample_by_codes(vqvae(), model, (2, 2, 2))
    with pytest.raises(ValueError, match=r"labels: .*\[0, 2\), got values from 0 to 2"):
        sample_by_codes(vqvae(), model, (2, 2, 2), torch.tensor([0, 2]))
    with pytest.raises(ValueError, match="labels: expected None"):
        sample_by_codes(vqvae(), prior(), (2, 2, 2), torch.tensor([0, 0]))
    with pytest.raises(ValueError, match="temperature: expected a finite number, 0 or more, got"):
        sample_by_codes(vqvae(), prior(), (2, 2, 2), temperature=-1.0)


def test_codes_out_of_range_are_refused():
    for wrong in (-1, NUM_CODES):
        codes = random_levels(1, 1, 2, 2)
        codes[0, 0, 1, 1] = wrong
        with pytest.raises(ValueError, match=r"levels: expected values in \[0, 6\), got values"):
            prior().loss(codes)
        with pytest.raises(ValueError, match=r"indices: expected values in \[0, 6\)"):
            vqvae().decode(codes[:, 0])
