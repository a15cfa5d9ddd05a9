import numpy as np
import pytest
import torch

from cvgen_course.plotting import show_image, show_images, to_image


def test_to_image_maps_the_range_and_the_axes():
    image = torch.zeros(3, 2, 4)
    image[0], image[1] = -1, 1
    pixels = to_image(image)
    assert pixels.shape == (2, 4, 3)
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[1, 3], [0, 1, 0.5])


def test_to_image_clips_and_takes_tensors_that_need_grad():
    image = torch.full((1, 2, 3), 7.0, dtype=torch.float64, requires_grad=True)
    assert to_image(image).shape == (2, 3)
    assert to_image(image).max() == 1


@pytest.mark.parametrize("shape", [(3, 4), (4, 4, 3), (1, 3, 4, 4)])
def test_to_image_rejects_another_layout(shape):
    with pytest.raises(ValueError, match="image: expected"):
        to_image(torch.zeros(shape))


def test_show_images_has_a_place_and_a_title_for_each():
    figure = show_images(torch.zeros(5, 3, 4, 4), ["a", "b"], columns=3, title="five")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 5
    assert [axes.get_title() for axes in shown[:3]] == ["a", "b", ""]
    assert figure.get_suptitle() == "five"
    assert not any(axes.axison for axes in figure.axes)
    figure.canvas.draw()


def test_show_images_takes_sizes_that_differ():
    figure = show_images([torch.zeros(3, 4, 4), torch.zeros(1, 9, 5)])
    assert [axes.images[0].get_array().shape[:2] for axes in figure.axes] == [(4, 4), (9, 5)]


def test_show_images_of_none_is_an_error():
    with pytest.raises(ValueError, match="images: expected at least one"):
        show_images([])


def test_show_image_draws_where_it_is_told():
    axes = show_image(torch.zeros(1, 2, 2))
    assert show_image(torch.zeros(1, 2, 2), "again", axes=axes) is axes
    assert axes.get_title() == "again"
