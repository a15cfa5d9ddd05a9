import colorsys
import math

import numpy as np
import pytest

from cvgen_course.data import pairs

DRAWN = "847477a5f8a9f624"
MANY = 60


@pytest.fixture(scope="module")
def drawn():
    return pairs.draw_split("val", MANY, seed=0)


def placed(monkeypatch, seed):
    """Draw an animal, and tell where it stands: its centre, scale, angle and facing."""
    told = []
    own_axes = pairs._own_axes
    monkeypatch.setattr(pairs, "_own_axes", lambda *where: told.append(where) or own_axes(*where))
    animal = pairs.draw_animal(np.random.default_rng(seed))
    (where,) = told
    return animal, where


def seen_by(where):
    """Return how far the middle of each pixel lies forward and down, (32, 32) each, by turning."""
    (x, y), scale, angle, facing = where
    forward, down = np.zeros((2, 32, 32))
    for row in range(32):
        for column in range(32):
            arrow = complex(column + 0.5 - x, row + 0.5 - y) * np.exp(-1j * angle) / scale
            forward[row, column], down[row, column] = arrow.real * facing, arrow.imag
    return forward, down


def test_draw_split_is_bit_identical_within_the_pinned_set(fingerprint):
    assert fingerprint(pairs.draw_split("train", 50, seed=0)) == DRAWN


def test_draw_split_has_the_documented_arrays(drawn):
    shapes = {name: (array.dtype, array.shape) for name, array in drawn.items()}
    picture = np.uint8, (MANY, 3, 32, 32)
    assert shapes == {
        **dict.fromkeys(("a", "b", "truths", "neither"), picture),
        "animals": (np.uint8, (MANY, 32, 32)),
    }


def test_draw_split_truths_differ_from_a_only_where_the_animal_is(drawn):
    differs = (drawn["truths"] != drawn["a"]).any(axis=1)
    assert not differs[drawn["animals"] == 0].any()
    assert differs[drawn["animals"] == 255].mean() > 0.98
    far = np.abs(drawn["truths"].astype(int) - drawn["a"]).mean(axis=1)
    assert far[drawn["animals"] == 255].mean() > 50


def test_draw_split_differs_in_proportion_to_how_much_is_animal(drawn):
    """A pixel of which a third is animal changes by a third of what it would otherwise."""
    difference = np.abs(drawn["truths"].astype(int) - drawn["a"]).max(axis=1)  # (N, 32, 32)
    assert (difference <= drawn["animals"] + 1.0).all()  # a byte's rounding at each end


def test_draw_split_shows_different_animals_in_both_domains(drawn):
    assert not (drawn["b"] == drawn["truths"]).all(axis=(1, 2, 3)).any()
    kinds = [drawn[name] for name in ("truths", "b", "neither")]
    grounds = np.concatenate([each[:, :, [0, -1]] for each in kinds])  # what no animal covers
    assert len(np.unique(grounds.reshape(len(grounds), -1), axis=0)) == 3 * MANY


def test_draw_split_has_other_animals_in_each_split(drawn):
    splits = {split: pairs.draw_split(split, 20, seed=0) for split in ("train", "test")}
    splits |= {"val": drawn, "another seed": pairs.draw_split("val", 20, seed=1)}
    pictures = np.concatenate([each[name] for each in splits.values() for name in ("a", "b")])
    assert len(np.unique(pictures.reshape(len(pictures), -1), axis=0)) == len(pictures)


def test_draw_split_of_few_is_the_beginning_of_many(drawn):
    for name, array in pairs.draw_split("val", 3, seed=0).items():
        assert np.array_equal(array, drawn[name][:3])


def test_draw_animal_plain_ones_are_brown(drawn):
    """Between red and yellow, and neither grey nor white: the mean colour of each animal."""
    for image, animal in zip(drawn["a"], drawn["animals"], strict=True):
        red, green, blue = image[:, animal == 255].mean(axis=1) / 255
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        assert 0.02 < hue < 0.11
        assert 0.4 < saturation < 0.8
        assert 0.25 < value < 0.8


def test_draw_animal_striped_ones_are_black_and_white(drawn):
    for image, animal in zip(drawn["truths"], drawn["animals"], strict=True):
        pixels = image[:, animal == 255].astype(float) / 255
        assert np.ptp(pixels, axis=0).mean() < 0.08  # grey, all of them
        assert pixels.mean(axis=0).min() < 0.2
        assert pixels.mean(axis=0).max() > 0.65


@pytest.mark.parametrize("seed", range(12))
def test_draw_animal_stripes_follow_its_own_axis(monkeypatch, seed):
    """Black where it stands, and every 0.8 forward and back, whichever way it is turned."""
    animal, where = placed(monkeypatch, seed)
    forward, down = seen_by(where)
    inside = animal["animal"] == 255
    wave = np.cos(2 * math.pi * forward / 0.8)[inside]
    brightness = animal["striped"].mean(axis=0)[inside] / (1 - 0.25 * np.clip(down[inside], -1, 1))
    assert np.corrcoef(wave, brightness)[0, 1] < -0.9
    assert brightness[wave > 0.7].max() < 0.3 * 255
    assert brightness[wave < -0.7].min() > 0.7 * 255


def test_draw_animal_turns_and_faces_both_ways(monkeypatch):
    where = []
    own_axes = pairs._own_axes
    monkeypatch.setattr(pairs, "_own_axes", lambda *told: where.append(told) or own_axes(*told))
    pairs.draw_split("val", 30, seed=0)
    assert {facing for *_, facing in where} == {-1, 1}
    angles = [angle for *_, angle, _ in where]
    assert min(angles) < -0.15 < 0.15 < max(angles)


def test_draw_animal_body_is_covered_around_its_centre(monkeypatch):
    for seed in range(30):
        animal, where = placed(monkeypatch, seed)
        monkeypatch.undo()
        forward, down = seen_by(where)
        inside = (forward / 0.8) ** 2 + (down / 0.25) ** 2 < 1  # the slimmest is 0.42, less a pixel
        assert (animal["animal"][inside] == 255).all()
        assert 0.1 < animal["animal"].mean() / 255 < 0.6


def test_draw_animal_neither_differs_from_both_coats_on_the_animal_alone():
    """Eight kinds of wrong coats; each is far from both right ones, on the animal."""
    for seed in range(80):
        drawn = pairs.draw_animal(np.random.default_rng(seed))
        inside = drawn["animal"] == 255
        for coat in ("plain", "striped"):
            differs = np.abs(drawn["neither"].astype(float) - drawn[coat]).mean(axis=0)
            assert differs[inside].mean() > 12, (seed, coat)
            assert not differs[drawn["animal"] == 0].any()
