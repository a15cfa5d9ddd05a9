import math

import numpy as np
import pytest

from cvgen_course.data import outlines


def test_polygon_area_by_hand():
    assert outlines.polygon_area(np.array([[0.0, 0], [4, 0], [4, 3]])) == pytest.approx(6)
    assert outlines.polygon_area(outlines.regular_polygon(4)) == pytest.approx(2)


def test_place_keeps_area_but_for_scale():
    corners = outlines.star(5, 0.45)
    placed = outlines.place(corners, (10.0, 20.0), scale=3.0, angle=0.7, aspect=1.5)
    assert outlines.polygon_area(placed) == pytest.approx(9 * outlines.polygon_area(corners))
    assert placed.mean(axis=0) == pytest.approx([10, 20])


def test_place_turns_by_the_angle():
    placed = outlines.place(np.array([[1.0, 0.0]]), (0.0, 0.0), 2.0, angle=math.pi / 2)
    assert placed == pytest.approx(np.array([[0.0, 2.0]]))


def test_coverage_of_whole_pixels_is_exact():
    corners = np.array([[2.0, 1.0], [5.0, 1.0], [5.0, 4.0], [2.0, 4.0]])
    expected = np.zeros((8, 8))
    expected[1:4, 2:5] = 1
    covered = outlines.coverage(corners, 8)
    assert (covered[1:4, 2:5] > 0.99).all()
    # Pillow also fills the pixels that an edge runs through: an eighth of a pixel at most.
    assert np.abs(covered - expected).max() <= 0.26


@pytest.mark.parametrize("corners", [3, 4, 48])
def test_coverage_sums_to_the_area(corners):
    polygon = outlines.place(outlines.regular_polygon(corners), (16.3, 15.6), 10.0, 0.3)
    covered = outlines.coverage(polygon, 32)
    assert covered.sum() == pytest.approx(outlines.polygon_area(polygon), rel=0.06)


def test_blob_is_no_disc(rng):
    for _ in range(20):
        radius = np.linalg.norm(outlines.blob(rng), axis=1)
        assert radius.max() / radius.min() > 1.5
