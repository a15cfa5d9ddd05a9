import pytest
import torch
from torch import nn

from cvgen_course.evaluation import extract_features, glyph_classifier, in_batches


def random_images(N=23, C=1, size=4, seed=0):
    return 2 * torch.rand(N, C, size, size, generator=torch.Generator().manual_seed(seed)) - 1


def mean_and_corner(images):
    return torch.stack([images.mean(dim=(1, 2, 3)), images[:, 0, 0, 0]], dim=1)


def test_extract_features_worked_out_by_hand():
    images = torch.tensor([[1.0, 0.0], [-1.0, 0.5]]).view(2, 1, 1, 2)
    features = extract_features(mean_and_corner, images)
    torch.testing.assert_close(features, torch.tensor([[0.5, 1.0], [-0.25, -1.0]]))


@pytest.mark.parametrize("batch_size", [1, 4, 22, 23, 24, 1000])
def test_extract_features_do_not_depend_on_the_batch_size(batch_size):
    images = random_images()
    features = extract_features(mean_and_corner, images, batch_size)
    assert torch.equal(features, mean_and_corner(images))


def test_extract_features_of_a_network_do_not_depend_on_the_batch_size():
    images = random_images(size=28)
    alone = extract_features(glyph_classifier().features, images, 1)
    together = extract_features(glyph_classifier().features, images)
    torch.testing.assert_close(alone, together)
    assert together.shape == (23, 64)


def test_extract_features_follow_the_order_of_the_images():
    images = random_images()
    order = torch.randperm(23, generator=torch.Generator().manual_seed(1))
    features = extract_features(mean_and_corner, images, 5)
    assert torch.equal(extract_features(mean_and_corner, images[order], 7), features[order])


def test_extract_features_of_no_image():
    assert extract_features(mean_and_corner, random_images(0)).shape == (0, 2)


def test_extract_features_leave_no_gradient_and_the_images_as_they_are():
    layer = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    images = random_images().requires_grad_()
    before = images.detach().clone()
    features = extract_features(layer, images)
    assert not features.requires_grad
    assert torch.equal(images, before)
    assert torch.is_grad_enabled()


def test_in_batches_leaves_gradients_on_for_whoever_goes_through_it():
    for _ in in_batches(mean_and_corner, random_images(), 5):
        assert torch.is_grad_enabled()


def test_in_batches_looks_at_a_batch_when_it_is_asked_for():
    seen = []

    def counted(images):
        seen.append(len(images))
        return mean_and_corner(images)

    sizes = []
    for features in in_batches(counted, random_images(), 10):
        sizes.append(len(features))
        assert seen == sizes
    assert sizes == [10, 10, 3]


def test_in_batches_takes_images_to_the_device():
    images = random_images().double()
    (features,) = in_batches(mean_and_corner, images, device=torch.device("cpu"))
    assert torch.equal(features, mean_and_corner(images))


def test_extract_features_say_what_is_wrong():
    with pytest.raises(ValueError, match="batch_size: expected 1 or more, got 0"):
        extract_features(mean_and_corner, random_images(), 0)
    with pytest.raises(ValueError, match=r"images: expected .*\(N, C, H, W\), got shape \(1, 4, 4"):
        extract_features(mean_and_corner, random_images()[0])
    with pytest.raises(TypeError, match=r"images: expected .* got torch.uint8"):
        extract_features(mean_and_corner, random_images().byte())
