import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchvision.models import inception_v3

from cvgen_course.data.pictures import to_float
from cvgen_course.errors import CourseError
from cvgen_course.evaluation import Inception, load_inception, resize
from cvgen_course.evaluation.inception import PUBLISHED, SIZE, SOURCE, weights_digest


def pixels(N=2, size=SIZE, seed=0):
    """Return smooth pictures, uint8 (N, 3, size, size)."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(N, 3, 12, 12, generator=rng) * 255
    return F.interpolate(coarse, (size, size), mode="bilinear").round().byte()


@pytest.fixture(scope="module")
def network():
    """Return a network with drawn weights, and activations about as large as trained ones have."""
    torch.manual_seed(0)
    made = Inception()
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = None  # one batch, and the running statistics are the batch's
            nn.init.uniform_(layer.bias, -0.5, 0.5)
    with torch.no_grad():
        made(to_float(pixels(3, 200, seed=1)))
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "drawn.pth"
    torch.save(network.state_dict(), path)
    return path


def same(first, second):
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_inception_has_the_published_names_and_sizes(network, weights):
    """torch-fidelity's network loads the published file strictly; here it loads ours."""
    other = FeatureExtractorInceptionV3("", ["2048"], feature_extractor_weights_path=str(weights))
    ours, theirs = network.state_dict(), other.state_dict()
    assert {n: x.shape for n, x in ours.items()} == {n: x.shape for n, x in theirs.items()}


def test_inception_is_as_large_as_torchvision_s_without_help_and_with_eight_classes_more(network):
    auxiliary = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 769 * 1000
    expected = 27_161_264 - auxiliary + 8 * 2049
    assert sum(x.numel() for x in network.parameters()) == expected


def test_inception_equals_torch_fidelity_s(weights):
    """In float64, so that nothing but what both compute can differ."""
    names = ["2048", "logits_unbiased"]
    other = FeatureExtractorInceptionV3("", names, feature_extractor_weights_path=str(weights))
    other.double().feature_extractor_internal_dtype = torch.float64
    images = pixels(1)
    features, logits = (x.double() for x in other(images))  # which it has rounded to float32
    network = load_inception(weights).double()
    found = network.features(images.double() / 127.5 - 1)
    assert found.shape == (1, 2048)
    assert found.std() > 0.1
    torch.testing.assert_close(found, features, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(network.classify(found), logits, rtol=1e-5, atol=1e-6)


def test_inception_resizes_with_antialiasing(network):
    images = to_float(pixels(1, 400))
    expected = network.features(resize(images, SIZE, SIZE))
    torch.testing.assert_close(network.features(images), expected)
    picked = F.interpolate(images, (SIZE, SIZE), mode="nearest")
    assert (network.features(picked) - expected).abs().max() > 1e-3


def test_classify_and_features_are_what_forward_is_made_of(network):
    images = to_float(pixels(1))
    logits = network.classify(network.features(images))
    assert torch.equal(network(images), logits)
    assert torch.equal(logits, network.features(images) @ network.fc.weight.T)


def test_inception_refuses_grey_images(network):
    with pytest.raises(ValueError, match=r"images: expected .* \(N, 3, H, W\), got shape \(2, 1,"):
        network.features(torch.zeros(2, 1, 299, 299))


def test_load_inception_reads_both_kinds_of_files(network, weights, tmp_path):
    path = tmp_path / "drawn.safetensors"
    save_file(network.state_dict(), path)
    for file in (weights, str(path)):
        found = load_inception(file)
        assert same(found, network)
        assert not found.training
        assert not any(x.requires_grad for x in found.parameters())


def test_load_inception_takes_weights_without_counts_of_batches(network, tmp_path):
    state = {n: x for n, x in network.state_dict().items() if not n.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "old.pth")
    found = load_inception(tmp_path / "old.pth").state_dict()
    assert all(torch.equal(found[name], x) for name, x in state.items())


class Harmful:
    """What a pickle may hold: it would write a file where it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("save", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_load_inception_runs_no_code_of_the_file(save, tmp_path):
    trace = tmp_path / "trace"
    save({"fc.weight": Harmful(trace)}, tmp_path / "evil.pth")
    with pytest.raises(CourseError, match=r"weights: expected .* with tensors only, got .*evil"):
        load_inception(tmp_path / "evil.pth")
    assert not trace.exists()


def test_load_inception_refuses_torchvision_s_network(tmp_path):
    other = inception_v3(weights=None, init_weights=False)
    torch.save(other.state_dict(), tmp_path / "vision.pth")
    with pytest.raises(CourseError, match=r"1008 classes.*torchvision's inception_v3 is another"):
        load_inception(tmp_path / "vision.pth")


def test_load_inception_says_where_missing_weights_come_from(tmp_path):
    with pytest.raises(CourseError, match=r"weights: expected a file, got .*none\.pth") as error:
        load_inception(tmp_path / "none.pth")
    assert SOURCE in str(error.value)


@pytest.mark.parametrize("name", ["text.pth", "text.safetensors"])
def test_load_inception_refuses_what_is_no_file_of_weights(name, tmp_path):
    (tmp_path / name).write_text("no weights")
    with pytest.raises(CourseError, match=f"weights: expected .* got .*{name}"):
        load_inception(tmp_path / name)


@pytest.mark.parametrize("content", [3, [torch.zeros(2)], {"fc.weight": torch.zeros(2)}])
def test_load_inception_refuses_other_content(content, tmp_path):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CourseError, match="weights: expected those of the FID network"):
        load_inception(tmp_path / "other.pth")


def test_weights_digest_is_the_file_s_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert weights_digest(tmp_path / "abc")[:8] == "ba7816bf"  # of FIPS 180-2, appendix B.1
    assert weights_digest(tmp_path / "abc") == hashlib.sha256(b"abc").hexdigest()


def test_published_weights_are_named_by_their_digest():
    assert SOURCE.endswith(f"-{PUBLISHED}.pth")
