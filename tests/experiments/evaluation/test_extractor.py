import hashlib

import pytest
import torch

from cvgen_course.data import load
from cvgen_course.errors import CourseError
from cvgen_course.evaluation import glyph_classifier, resize
from cvgen_course.evaluation.glyph_classifier import WEIGHTS
from cvgen_course.evaluation.inception import PUBLISHED, SOURCE
from cvgen_course.experiments.evaluation import extractor as extractor_module
from cvgen_course.experiments.evaluation.extractor import FeatureExtractor, choose_extractor

CPU = torch.device("cpu")


class Pixels:
    """A network whose features are its images."""

    def features(self, images):
        return images.flatten(1)

    def classify(self, features):
        return features[:, :2]


def pixels_of(images, channels, size=2):
    features, _ = FeatureExtractor("", Pixels(), CPU, channels, size, "", False).look(images)
    return features.view(-1, channels, size, size)


def random_images(*shapes):
    rng = torch.Generator().manual_seed(0)
    return [torch.rand(shape, generator=rng) * 2 - 1 for shape in shapes]


def test_look_turns_colours_grey_as_television_does():
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]])
    images = [colour.view(3, 1, 1).expand(3, 2, 2) for colour in colours]
    found = pixels_of(images, 1)[:, 0, 0, 0]
    torch.testing.assert_close((found + 1) / 2, torch.tensor([0.299, 0.587, 0.114, 1.0]))


def test_look_repeats_grey_in_three_channels():
    (image,) = random_images((1, 2, 2))
    assert torch.equal(pixels_of([image], 3)[0], image.expand(3, 2, 2))


@pytest.mark.parametrize("channels", [1, 3])
def test_look_at_images_of_several_sizes_is_that_at_each(channels):
    images = random_images((1, 2, 2), (3, 2, 2), (3, 5, 4), (3, 5, 4), (1, 2, 2))
    each = torch.cat([pixels_of([image], channels) for image in images])
    torch.testing.assert_close(pixels_of(images, channels), each)


def test_look_resizes_with_antialiasing():
    images = random_images((3, 9, 7))
    torch.testing.assert_close(pixels_of(images, 3, 4), resize(images[0][None], 4, 4))


def test_look_computes_as_precisely_on_a_gpu_as_on_a_cpu():
    class Network(Pixels):
        def features(self, images):
            seen.append((torch.backends.cudnn.enabled, torch.backends.cudnn.allow_tf32))
            return super().features(images)

    seen = []
    before = torch.backends.cudnn.allow_tf32
    FeatureExtractor("", Network(), CPU, 1, 2, "", False).look(random_images((1, 2, 2)))
    assert seen == [(True, False)]
    assert torch.backends.cudnn.allow_tf32 == before


def test_look_gives_probabilities():
    images = random_images((1, 2, 2), (1, 2, 2))
    extractor = FeatureExtractor("", Pixels(), CPU, 1, 2, "", False)
    features, probs = extractor.look(images)
    torch.testing.assert_close(probs, features[:, :2].softmax(dim=1))


def test_glyphs_is_the_embedded_classifier():
    extractor = choose_extractor(None, None, CPU)
    images = load("glyphs", "test", size=5).images
    features, probs = extractor.look([*images])
    model = glyph_classifier()
    torch.testing.assert_close(features, model.features(images))
    torch.testing.assert_close(probs, model(images).softmax(dim=1))
    assert (extractor.name, extractor.published) == ("glyphs", False)
    assert extractor.sha256 == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()


@pytest.mark.parametrize("named", [None, "inception"])
@pytest.mark.parametrize("published", [True, False])
def test_inception_is_taken_where_there_are_weights(tmp_path, monkeypatch, named, published):
    class Network(Pixels):
        def __init__(self, path):
            self.path = path

        def to(self, device):
            return self

    path = tmp_path / "weights.pth"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.setattr(extractor_module, "load_inception", Network)
    monkeypatch.setattr(extractor_module, "PUBLISHED", digest[:8] if published else PUBLISHED)
    extractor = choose_extractor(named, path, CPU)
    assert (extractor.name, extractor.channels, extractor.size) == ("inception", 3, 299)
    assert (extractor.sha256, extractor.published) == (digest, published)
    assert extractor.network.path == path


def test_inception_without_weights_says_where_they_come_from_and_what_to_type():
    with pytest.raises(CourseError, match=r"--weights: expected a file .*, got none") as error:
        choose_extractor("inception", None, CPU)
    for part in (SOURCE, "91 MiB", f"SHA-256 begins with {PUBLISHED}", "--weights pt_inception"):
        assert part in str(error.value)


def test_choose_extractor_refuses_others(tmp_path):
    with pytest.raises(CourseError, match="--features: expected one of glyphs, inception, got 'x'"):
        choose_extractor("x", None, CPU)
    with pytest.raises(CourseError, match="--weights: expected none with --features glyphs"):
        choose_extractor("glyphs", tmp_path / "weights.pth", CPU)
