import pytest
import torch
from torch import nn

from cvgen_course.segmentation import UNet, predict


def test_predict_gives_the_class_of_the_largest_logit():
    model = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.dirac_(model.weight)
    images = torch.randn(5, 3, 4, 6)
    masks = predict(model, images)
    assert masks.dtype == torch.int64
    assert torch.equal(masks, images.argmax(dim=1))


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_predict_does_not_depend_on_the_batch_size(batch_size):
    torch.manual_seed(0)
    model, images = UNet(3, width=2, depth=1), torch.randn(5, 3, 8, 8)
    assert torch.equal(predict(model, images, batch_size), predict(model, images))


def test_predict_needs_no_gradient_and_keeps_the_mode():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Dropout(0.5), nn.Conv2d(8, 3, 1)).train()
    images = torch.randn(20, 3, 8, 8)
    masks = predict(model, images)
    assert model.training
    assert not masks.requires_grad
    assert torch.equal(predict(model.eval(), images), masks)
    assert not model.training


def test_predict_says_what_is_wrong_with_its_arguments():
    model = nn.Conv2d(3, 3, 1)
    with pytest.raises(ValueError, match=r"images: expected .* tensor .* got shape \(3, 8, 8\)"):
        predict(model, torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match="images: expected at least one image, got none"):
        predict(model, torch.zeros(0, 3, 8, 8))
    with pytest.raises(ValueError, match="batch_size: expected more than 0, got 0"):
        predict(model, torch.zeros(1, 3, 8, 8), batch_size=0)
