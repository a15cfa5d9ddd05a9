import numpy as np
import pytest

from cvgen_course.plotting.palette import class_colours

# Brettel, Viénot and Mollon's projections, in their common linear approximation (Viénot 1999).
SIGHTS = {
    "usual": np.eye(3),
    "protan": np.array([[0.11, 0.89, 0], [0.11, 0.89, 0], [0.004, -0.004, 1]]),
    "deutan": np.array([[0.29, 0.71, 0], [0.29, 0.71, 0], [-0.02, 0.02, 1]]),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_class_colours_of_scenes_can_be_told_apart(sight):
    seen = class_colours(5) ** 2.2 @ SIGHTS[sight].T
    seen = np.clip(seen, 0, 1) ** (1 / 2.2)
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=2) + np.eye(5)
    assert distances.min() > 0.2


def test_class_colours_repeat_no_colour_for_voc():
    colours = class_colours(21)
    assert colours.shape == (21, 3)
    assert len({tuple(colour) for colour in colours.round(3).tolist()}) == 21
    assert (colours >= 0).all()
    assert (colours <= 1).all()


def test_class_colours_without_background_begin_with_the_first_class():
    np.testing.assert_array_equal(class_colours(11, background=False), class_colours(12)[1:])


@pytest.mark.parametrize("count", [0, 1, 256])
def test_class_colours_any_number(count):
    assert class_colours(count).reshape(-1, 3).shape == (count, 3)
