"""What every network of the chapter must do, whatever is inside it."""

import copy

import pytest
import torch

from cvgen_course.segmentation import FCN, DeconvNet, UNet, cross_entropy_dice_loss

MODELS = {
    "FCN-32s": lambda: FCN(4, stride=32, width=4),
    "FCN-16s": lambda: FCN(4, stride=16, width=4),
    "FCN-8s": lambda: FCN(4, stride=8, width=4),
    "DeconvNet": lambda: DeconvNet(4, width=4, depth=3),
    "U-Net": lambda: UNet(4, width=4, depth=3),
    "DeconvNet at half resolution": lambda: DeconvNet(4, width=4, depth=2, stem_stride=2),
    "U-Net at half resolution": lambda: UNet(4, width=4, depth=2, stem_stride=2),
}
every_model = pytest.mark.parametrize("name", MODELS)


def make(name):
    torch.manual_seed(0)
    return MODELS[name]()


def quadrants(size=32):
    """Return two images in which the colour of a quadrant says its class."""
    target = torch.zeros(2, size, size, dtype=torch.int64)
    half = size // 2
    target[:, :half, half:] = 1
    target[:, half:, :half] = 2
    target[:, half:, half:] = 3
    target[1] = target[1].flip(0)
    colours = torch.tensor([[-1.0, -1, -1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return colours[target].movedim(-1, 1), target


@every_model
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 40), (39, 32)])
def test_forward_gives_logits_of_the_images_size(name, size):
    logits = make(name).eval()(torch.rand(1, 3, *size))
    assert logits.shape == (1, 4, *size)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@every_model
def test_forward_labels_each_image_by_itself(name):
    model = make(name).eval()
    images = torch.randn(3, 3, 32, 40)
    with torch.no_grad():
        together, alone = model(images), model(images[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)


@every_model
def test_forward_leaves_the_image_as_it_is(name):
    images = torch.randn(1, 3, 32, 32)
    before = images.clone()
    make(name)(images)
    assert torch.equal(images, before)


@every_model
def test_every_parameter_gets_a_gradient(name):
    model = make(name)
    images, target = quadrants(64)
    cross_entropy_dice_loss(model(images), target).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@every_model
def test_a_model_overfits_one_batch(name):
    model = make(name)
    images, target = quadrants(64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    for _ in range(60):
        optimizer.zero_grad()
        cross_entropy_dice_loss(model(images), target).backward()
        optimizer.step()
    accuracy = (model(images).argmax(dim=1) == target).float().mean().item()
    assert accuracy > (0.9 if name.startswith("FCN") else 0.98)


@every_model
def test_a_state_can_be_saved_and_loaded(name, tmp_path):
    model, other = make(name), MODELS[name]()
    model(torch.randn(2, 3, 32, 32))  # moves the statistics of the batch norms
    torch.save(model.state_dict(), tmp_path / "model.pt")
    other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
    images = torch.randn(1, 3, 40, 32)
    with torch.no_grad():
        assert torch.equal(model.eval()(images), other.eval()(images))


@every_model
def test_a_model_can_be_copied(name):
    model = make(name).eval()
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(copy.deepcopy(model)(images), model(images))


@every_model
def test_channels_last_changes_nothing(name):
    model = make(name).eval()
    images = torch.randn(2, 3, 32, 40)
    with torch.no_grad():
        expected = model(images)
        model.to(memory_format=torch.channels_last)
        got = model(images.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@every_model
def test_forward_says_what_is_wrong_with_the_image(name):
    model = make(name)
    with pytest.raises(ValueError, match=r"image: expected .* tensor .* got shape \(3, 32, 32\)"):
        model(torch.zeros(3, 32, 32))
    with pytest.raises(TypeError, match=r"image: expected .* tensor .* got ndarray"):
        model(torch.zeros(1, 3, 32, 32).numpy())
    with pytest.raises(ValueError, match=r"image: expected H and W of at least .* 4, 32\)"):
        model(torch.zeros(1, 3, 4, 32))
    with pytest.raises(
        ValueError, match=r"image: expected .* \(N, 3, H, W\), got shape \(1, 1, 32,"
    ):
        model(torch.zeros(1, 1, 32, 32))


@every_model
def test_the_smallest_image_alone_is_labelled_but_not_learned_from(name):
    model = make(name)
    size = 32 if name.startswith("FCN") else 8
    images = torch.zeros(2, 3, size, size)
    assert model(images).shape == (2, 4, size, size)
    assert model.eval()(images[:1]).shape == (1, 4, size, size)
    if not name.startswith("FCN"):  # normalises no map of stride 32
        with pytest.raises(ValueError, match="image: expected two images or more in training, or"):
            model.train()(images[:1])


@every_model
@pytest.mark.parametrize("mixed", [True, False])
def test_half_precision_gives_a_loss_in_float32(name, mixed):
    model = make(name)
    images, target = quadrants(64)
    if not mixed:
        model, images = model.to(torch.bfloat16), images.to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        loss = cross_entropy_dice_loss(model(images), target)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("network", [FCN, DeconvNet, UNet])
def test_a_network_says_what_is_wrong_with_its_numbers(network):
    with pytest.raises(ValueError, match="num_classes: expected at least 1, got 0"):
        network(0)
    with pytest.raises(ValueError, match="width: expected at least 1, got 0"):
        network(3, width=0)
