import numpy as np
import pytest
import torch

from cvgen_course.plotting import show_sheet, show_sheets


def pixels(axes):
    """Return the picture on the axes in [-1, 1], (H, W, 3)."""
    return 2 * axes.images[0].get_array() - 1


def flat(*values, size=(2, 3)):
    """Return one image of each value, (N, 1, H, W)."""
    return torch.tensor(values)[:, None, None, None].expand(-1, 1, *size)


def test_show_sheet_lays_tiles_row_by_row():
    axes = show_sheet(flat(-1.0, -0.5, 0.0, 0.5), columns=2)
    shown = pixels(axes)
    assert shown.shape == (4, 6, 3)
    np.testing.assert_allclose(shown[::2, ::3, 0], [[-1, -0.5], [0, 0.5]], atol=1e-6)
    np.testing.assert_array_equal(shown.reshape(2, 2, 2, 3, 3).std(axis=(1, 3)), 0)


def test_show_sheet_keeps_colours_and_rows_of_an_image():
    image = torch.rand(1, 3, 4, 5) * 2 - 1
    np.testing.assert_allclose(pixels(show_sheet(image, 1)), image[0].permute(1, 2, 0), atol=1e-6)


def test_show_sheet_leaves_the_rest_of_a_short_row_white():
    shown = pixels(show_sheet(flat(-1.0, -1.0, -1.0), columns=2))
    assert (shown[2:, 3:] == 1).all()
    assert (shown[:2] == -1).all()


def test_show_sheet_clips_and_takes_what_needs_grad():
    images = flat(7.0, -9.0).double().clone().requires_grad_()
    np.testing.assert_array_equal(pixels(show_sheet(images, 2))[0, ::3, 0], [1, -1])


def test_show_sheet_writes_the_name_beside_it_where_it_is_told():
    axes = show_sheet(flat(0.0), 1)
    again = show_sheet(flat(1.0), 1, "again", axes=axes)
    assert again is axes
    assert [text.get_text() for text in axes.texts] == ["", "again"]
    assert axes.texts[1].get_position()[0] < 0


@pytest.mark.parametrize("show", [show_sheet, lambda *given: show_sheets({"": given[0]}, given[1])])
@pytest.mark.parametrize(
    ("images", "columns", "text"),
    [
        (torch.zeros(0, 1, 2, 2), 3, "images: expected at least one"),
        (torch.zeros(1, 2, 2), 3, "images: expected"),
        (torch.zeros(1, 2, 2, 2), 3, "expected 1 or 3 channels"),
        (torch.zeros(1, 1, 2, 2), 0, "columns: expected at least 1, got 0"),
    ],
)
def test_sheets_reject_what_is_no_sheet(show, images, columns, text):
    with pytest.raises(ValueError, match=text):
        show(images, columns)


def test_show_sheets_gives_each_name_the_room_that_it_needs():
    one, two = show_sheets({"one": flat(0.0, 1.0), "two": flat(0.0, 0.0, 0.0, 1.0)}, 2, width=4)
    assert [axes.texts[0].get_text() for axes in (one, two)] == ["one", "two"]
    figure = one.figure
    figure.canvas.draw()
    assert figure.get_size_inches()[0] == 4
    heights = [axes.get_subplotspec().get_position(figure).height for axes in (one, two)]
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.1)


def test_show_sheets_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="named: expected at least one name"):
        show_sheets({}, 3)
