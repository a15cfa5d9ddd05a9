import pytest
import torch
import torch.nn.functional as F

from cvgen_course.autoencoders import Encoder, EncoderClassifier


def encoder(seed=0):
    torch.manual_seed(seed)
    return Encoder(1, 8, num_outputs=5, width=4)


def batch(num_images=6, num_classes=3, seed=0):
    rng = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(num_images, 1, 8, 8, generator=rng) - 1
    return x, torch.arange(num_images) % num_classes


def train(model, x, labels, steps):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(x, labels).backward()
        optimizer.step()


@pytest.mark.parametrize("N", [1, 4])
def test_classifier_shapes_and_parameters(N):
    model = EncoderClassifier(encoder(), 7)
    assert model(batch(N)[0]).shape == (N, 7)
    convolutions = (16 * 4 + 4) + (16 * 4 * 8 + 8)
    features = 16 * 4
    hidden = (8 * 2 * 2 + 1) * features
    assert sum(p.numel() for p in model.parameters()) == convolutions + hidden + (features + 1) * 7


def test_classifier_begins_with_the_encoders_features():
    source, (x, _) = encoder(), batch()
    model = EncoderClassifier(source, 3)
    assert torch.equal(model.features(x), source.features(x))
    assert torch.equal(model(x), model.head(source.features(x)))


def test_classifier_loss_is_the_cross_entropy():
    model, (x, labels) = EncoderClassifier(encoder(), 3), batch()
    torch.testing.assert_close(model.loss(x, labels), F.cross_entropy(model(x), labels))
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
    torch.testing.assert_close(model.loss(x, labels), torch.tensor(3.0).log())


@pytest.mark.parametrize("frozen", [False, True])
def test_classifier_overfits_a_batch(frozen):
    source, (x, labels) = encoder(), batch()
    model = EncoderClassifier(source, 3, frozen)
    train(model, x, labels, 600 if frozen else 200)
    assert model(x).argmax(dim=1).equal(labels)
    assert model.loss(x, labels) < 0.3


@pytest.mark.parametrize("frozen", [False, True])
def test_classifier_leaves_the_encoder_as_it_is(frozen):
    source, (x, labels) = encoder(), batch()
    before = {name: value.clone() for name, value in source.state_dict().items()}
    train(EncoderClassifier(source, 3, frozen), x, labels, 3)
    assert all(torch.equal(value, before[name]) for name, value in source.state_dict().items())
    assert all(p.requires_grad for p in source.parameters())


def test_classifier_with_frozen_features_learns_only_its_head():
    model, (x, labels) = EncoderClassifier(encoder(), 3, frozen=True), batch()
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    assert learning == {"head.weight", "head.bias"}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, x, labels, 3)
    moved = {name for name, v in model.state_dict().items() if not torch.equal(v, before[name])}
    assert moved == learning


def test_classifier_fine_tunes_everything_else():
    model, (x, labels) = EncoderClassifier(encoder(), 3), batch()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, x, labels, 3)
    assert not any(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_classifier_of_a_frozen_encoder_can_still_be_fine_tuned():
    model = EncoderClassifier(encoder().requires_grad_(False), 3)
    assert all(p.requires_grad for p in model.parameters())


def test_classifier_can_be_saved_and_loaded():
    x, _ = batch()
    one, other = EncoderClassifier(encoder(), 3), EncoderClassifier(encoder(1), 3)
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("num_classes", [1, 0, -2])
def test_classifier_needs_two_classes(num_classes):
    with pytest.raises(ValueError, match=f"num_classes: expected at least 2, got {num_classes}"):
        EncoderClassifier(encoder(), num_classes)


@pytest.mark.parametrize(
    ("x", "labels", "error", "message"),
    [
        (torch.ones(1, 8, 8), torch.tensor([0]), ValueError, r"x: .* got shape \(1, 8, 8\)"),
        (torch.ones(2, 1, 8, 8).long(), torch.tensor([0, 1]), TypeError, "x: expected a floating"),
        (torch.ones(2, 1, 8, 8), torch.tensor([0]), ValueError, r"labels: .*\(2,\).*\(1,\)"),
        (torch.ones(2, 1, 8, 8), torch.ones(2), TypeError, r"labels: expected an int64"),
        (torch.ones(2, 1, 8, 8), torch.tensor([0, 3]), ValueError, r"labels: .*\[0, 3\).* 0 to 3"),
        (torch.ones(2, 1, 8, 8), torch.tensor([-1, 2]), ValueError, r"labels: .* from -1 to 2"),
        (torch.ones(2, 1, 8, 8), torch.ones(2, 3).long(), ValueError, r"labels: .* got shape"),
    ],
)
def test_classifier_says_what_is_wrong(x, labels, error, message):
    with pytest.raises(error, match=message):
        EncoderClassifier(encoder(), 3).loss(x, labels)
