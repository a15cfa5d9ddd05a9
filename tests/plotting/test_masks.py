import numpy as np
import pytest
import torch

from cvgen_course.data import CLASSES, IGNORE
from cvgen_course.plotting import class_colours, colour_mask, overlay_mask, show_mask, to_image

MASK = torch.tensor([[0, 1, 2], [4, 4, IGNORE]])


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_colour_mask_uses_the_class_colours():
    pixels = to_image(colour_mask(MASK))
    np.testing.assert_allclose(pixels[0], class_colours(3), atol=1e-6)
    np.testing.assert_allclose(pixels[1, 2], [1, 1, 1], atol=1e-6)


def test_colour_mask_without_background():
    pixels = to_image(colour_mask(MASK, background=False))
    np.testing.assert_allclose(pixels[0, 0], class_colours(1, background=False)[0], atol=1e-6)


@pytest.mark.parametrize("mask", [torch.tensor([[-1, 0]]), torch.tensor([[256]])])
def test_colour_mask_rejects_numbers_outside(mask):
    with pytest.raises(ValueError, match=r"mask: expected classes in \[0, 255\]"):
        colour_mask(mask)


def test_colour_mask_rejects_a_batch():
    with pytest.raises(ValueError, match=r"mask: expected a tensor of shape \(H, W\)"):
        colour_mask(MASK[None])


def test_show_mask_names_only_the_classes_that_occur():
    axes = show_mask(MASK, CLASSES, title="classes")
    assert legend(axes) == ["background", "disc", "square", "star", "ignored"]
    assert axes.get_title() == "classes"
    axes.figure.canvas.draw()


def test_show_mask_needs_no_names():
    assert show_mask(MASK).get_legend() is None
    assert show_mask(MASK, CLASSES, legend=False).get_legend() is None


def test_overlay_mask_leaves_background_and_ignored_clear():
    axes = overlay_mask(torch.zeros(3, 2, 3), MASK, CLASSES, opacity=0.5)
    alpha = axes.images[1].get_array()[:, :, 3]
    np.testing.assert_array_equal(alpha, [[0, 0.5, 0.5], [0.5, 0.5, 0]])


def test_overlay_mask_without_background_class_colours_class_zero():
    axes = overlay_mask(torch.zeros(3, 2, 3), MASK, ("sky", "road", "car", "tree", "sign"))
    assert axes.images[1].get_array()[0, 0, 3] > 0
    assert legend(axes)[0] == "sky"


def test_overlay_mask_rejects_another_size():
    with pytest.raises(ValueError, match=r"mask: expected the image's size \(4, 4\), got \(2, 3\)"):
        overlay_mask(torch.zeros(3, 4, 4), MASK)
