import numpy as np
import pytest

from cvgen_course.data import outlines, scenes
from cvgen_course.data.scenes import draw_split

DRAWN = "cc5282ac8b15e240"


@pytest.fixture(scope="module")
def drawn():
    return [scenes.draw_scene(scenes.scene_seed(0, "train", i)) for i in range(60)]


def test_draw_scene_types_and_ranges(drawn):
    for scene in drawn:
        assert scene.image.shape == (3, 64, 64)
        assert scene.ids.shape == (64, 64)
        assert scene.image.dtype == scene.ids.dtype == scene.labels.dtype == np.uint8
        assert 3 <= len(scene.labels) <= 8
        assert set(scene.labels) <= {1, 2, 3, 4}


def test_draw_scene_shows_enough_of_every_object(drawn):
    for scene in drawn:
        pixels = np.bincount(scene.ids.ravel(), minlength=len(scene.labels) + 1)[1:]
        assert len(pixels) == len(scene.labels)
        assert (pixels >= scenes.MIN_PIXELS).all()


def test_draw_scene_follows_from_the_seed_alone(drawn):
    again = scenes.draw_scene(scenes.scene_seed(0, "train", 7))
    assert all((a == b).all() for a, b in zip(again, drawn[7], strict=True))
    other = scenes.draw_scene(scenes.scene_seed(0, "val", 7))
    assert (other.image != drawn[7].image).mean() > 0.9


def test_draw_scene_uses_every_class_and_count(drawn):
    assert set(np.concatenate([scene.labels for scene in drawn])) == {1, 2, 3, 4}
    assert {len(scene.labels) for scene in drawn} == set(range(3, 9))


def test_draw_scene_gives_every_class_the_same_area():
    rng = np.random.default_rng(1)
    for label in (1, 2, 3, 4):
        sides = []
        for _ in range(300):
            corners, area = scenes._random_object(rng, label, 1.0)
            assert outlines.polygon_area(corners) == pytest.approx(area)
            sides.append(area**0.5)
        assert np.mean(sides) == pytest.approx(np.mean(scenes.SIDE), abs=0.8)


@pytest.mark.parametrize(("label", "corners"), [(1, 48), (2, 4), (3, 3), (4, 10)])
def test_draw_scene_outlines_have_the_classes_corners_and_one_area(label, corners):
    assert scenes._OUTLINES[label].shape == (corners, 2)
    assert outlines.polygon_area(scenes._OUTLINES[label]) == pytest.approx(1)


def test_draw_split_is_bit_identical_within_the_pinned_set(fingerprint):
    assert fingerprint(draw_split("train", 24, seed=0)) == DRAWN
