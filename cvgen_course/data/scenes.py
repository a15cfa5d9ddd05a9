"""``scenes``: drawn pictures in which every pixel, object and box is known.

A scene is 64×64 pixels: a textured background with clutter (patches, irregular blobs, brush
strokes, rings and bars, all of them background) and three to eight textured objects, which cover
one another. Nothing but its outline tells an object's class: colours, patterns, areas, shading
and positions come from the same distributions for every class, and clutter has the same colours
and patterns too, so that a classifier that looks at single pixels or small patches fails.

What counts as visible: objects are laid down one by one, the later above the earlier. An object
is laid down only where it, and each object under it, still shows at least ``MIN_VISIBLE`` of its
whole area (parts beyond the picture's edge count as hidden) and at least ``MIN_PIXELS`` pixels.
So there are no stray fragments, and no label is ignored.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cvgen_course.data import outlines, textures
from cvgen_course.seeding import derive_seed

CLASSES = ("background", "disc", "square", "triangle", "star")
SIZE = 64
NUM_OBJECTS = (3, 8)
SIDE = (12.0, 26.0)
"""The square root of an object's whole area, in pixels, whatever its class; smaller where room is
short, but never below ``MIN_SIDE``."""

MIN_SIDE = 8.5
MIN_VISIBLE = 0.6
MIN_PIXELS = 30


def _unit_area(corners: np.ndarray) -> np.ndarray:
    return corners / math.sqrt(outlines.polygon_area(corners))


_DISC = _unit_area(outlines.regular_polygon(48))
_SQUARE = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
_TRIANGLE = _unit_area(outlines.regular_polygon(3))
_STAR = _unit_area(outlines.star(5, inner=0.45))
_OUTLINES = {1: _DISC, 2: _SQUARE, 3: _TRIANGLE, 4: _STAR}  # by class


class Scene(NamedTuple):
    """One drawn scene, as small integers.

    Attributes:
        image: uint8 (3, 64, 64).
        ids: uint8 (64, 64), 0 is background, k + 1 is the k-th object, where it is visible.
        labels: uint8 (K,), each object's class, from 1.
    """

    image: np.ndarray
    ids: np.ndarray
    labels: np.ndarray


def draw_scene(seed: int) -> Scene:
    """Draw a scene; everything in it follows from the seed."""
    rng = np.random.default_rng(seed)
    canvas = _background(rng)
    light = rng.uniform(0, 2 * math.pi)  # where the light comes from
    ids = np.zeros((SIZE, SIZE), np.uint8)
    labels: list[int] = []
    areas: list[float] = []
    wanted = rng.integers(NUM_OBJECTS[0], NUM_OBJECTS[1] + 1)
    tries = 0
    while len(labels) < wanted and (tries < 60 or len(labels) < NUM_OBJECTS[0]):
        tries += 1
        label = int(rng.integers(1, len(CLASSES)))
        corners, area = _random_object(rng, label, shrink=0.97**tries)
        alpha = outlines.coverage(corners, SIZE)
        covered = np.where(alpha >= 0.5, np.uint8(len(labels) + 1), ids)
        if not _all_visible(covered, [*areas, area]):
            continue
        ids = covered
        labels.append(label)
        areas.append(area)
        _paint_object(rng, canvas, corners, alpha, light)
    return Scene(_photograph(rng, canvas), ids, np.array(labels, np.uint8))


def scene_seed(seed: int, split: str, index: int) -> int:
    """Return the seed of one scene of a split.

    The first n scenes are the same whatever the split's size.
    """
    return derive_seed(seed, "scenes", split, index)


def draw_split(split: str, size: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the first ``size`` scenes of a split; see ``scene_set.Scenes`` for the arrays."""
    drawn = [draw_scene(scene_seed(seed, split, i)) for i in range(size)]
    labels = np.zeros((size, NUM_OBJECTS[1]), np.uint8)
    for row, scene in zip(labels, drawn, strict=True):
        row[: len(scene.labels)] = scene.labels
    return {
        "images": np.stack([scene.image for scene in drawn]),
        "ids": np.stack([scene.ids for scene in drawn]),
        "labels": labels,
    }


def _background(rng: np.random.Generator) -> np.ndarray:
    """Return a textured ground with clutter on it, float64 (3, 64, 64) in [0, 1]."""
    base = textures.random_colour(rng)
    canvas = _random_paint(rng, base, contrast=rng.uniform(0.03, 0.14))
    for _ in range(rng.integers(1, 3)):  # large patches, as walls, fields and shadows make them
        corners = _somewhere(rng, outlines.blob(rng), rng.uniform(14, 30))
        patch = textures.nearby_colour(rng, base, rng.uniform(0.1, 0.3))
        paint = _random_paint(rng, patch, rng.uniform(0.03, 0.14))
        _lay(canvas, outlines.coverage(corners, SIZE), paint)
    for _ in range(rng.integers(2, 5)):
        alpha = rng.uniform(0.4, 0.75) * _clutter(rng)
        _lay(canvas, alpha, _random_paint(rng, None, rng.uniform(0.03, 0.2)))
    return canvas


def _clutter(rng: np.random.Generator) -> np.ndarray:
    """Return the coverage of a blob, a brush stroke, a ring or a bar, float64 (64, 64)."""
    kind = rng.integers(4)
    if kind == 0:
        return outlines.coverage(_somewhere(rng, outlines.blob(rng), rng.uniform(4, 9)), SIZE)
    if kind == 1:
        corners = outlines.stroke(rng, rng.uniform(18, 50), rng.uniform(1.5, 4.5))
        return outlines.coverage(_somewhere(rng, corners, 1.0), SIZE)
    if kind == 2:
        centre, side = tuple(rng.uniform(0, SIZE, 2)), rng.uniform(10, 21)
        outer = outlines.place(_DISC, centre, side)
        inner = outlines.place(_DISC, centre, side * rng.uniform(0.6, 0.8))
        return outlines.coverage(outer, SIZE) - outlines.coverage(inner, SIZE)
    bar = _somewhere(rng, _SQUARE, rng.uniform(10, 17), aspect=rng.uniform(4, 9))
    return outlines.coverage(bar, SIZE)


def _somewhere(
    rng: np.random.Generator, corners: np.ndarray, scale: float, aspect: float = 1.0
) -> np.ndarray:
    centre = tuple(rng.uniform(0, SIZE, 2))
    return outlines.place(corners, centre, scale, rng.uniform(0, 2 * math.pi), aspect)


def _random_object(rng: np.random.Generator, label: int, shrink: float) -> tuple[np.ndarray, float]:
    """Return an object's corners in pixels, float64 (K, 2), and its area, whatever its class.

    Args:
        rng: where chance comes from.
        label: the object's class.
        shrink: makes it smaller, down to half the usual side, where room is short.
    """
    side = max(rng.uniform(*SIDE) * max(shrink, 0.5), MIN_SIDE)
    centre = tuple(rng.uniform(3, SIZE - 3, 2))
    aspect = math.exp(rng.uniform(-0.25, 0.25))
    angle = rng.uniform(0, 2 * math.pi)
    return outlines.place(_OUTLINES[label], centre, side, angle, aspect), side**2


def _all_visible(ids: np.ndarray, areas: list[float]) -> bool:
    pixels = np.bincount(ids.ravel(), minlength=len(areas) + 1)[1:]
    return all(pixels >= [max(MIN_PIXELS, MIN_VISIBLE * area) for area in areas])


def _paint_object(
    rng: np.random.Generator,
    canvas: np.ndarray,
    corners: np.ndarray,
    alpha: np.ndarray,
    light: float,
) -> None:
    """Lay an object on the canvas: its shadow, then its texture, lit from one side."""
    toward = np.array([math.cos(light), math.sin(light)])
    shadow = outlines.coverage(corners - 1.6 * toward, SIZE)
    canvas *= 1 - rng.uniform(0.15, 0.45) * shadow
    below = (canvas * alpha).sum(axis=(1, 2)) / alpha.sum()
    colour = textures.random_colour(rng)
    for _ in range(20):
        if np.linalg.norm(colour - below) >= 0.4:  # legible: it stands out from what it covers
            break
        colour = textures.random_colour(rng)
    paint = _random_paint(rng, colour, rng.uniform(0.03, 0.17))
    middle = corners.mean(axis=0)
    reach = np.abs(corners - middle).max()
    x, y = np.arange(SIZE)[None, :] + 0.5 - middle[0], np.arange(SIZE)[:, None] + 0.5 - middle[1]
    paint *= 1 + rng.uniform(0.05, 0.3) * (toward[0] * x + toward[1] * y) / reach
    _lay(canvas, alpha, np.clip(paint, 0, 1))


def _random_paint(
    rng: np.random.Generator, colour: np.ndarray | None, contrast: float
) -> np.ndarray:
    """Return a texture in two colours that are close, float64 (3, 64, 64).

    Args:
        rng: where chance comes from.
        colour: one of the two, float64 (3,); a random one where it is None.
        contrast: how much lighter or darker the other is.
    """
    colour = textures.random_colour(rng) if colour is None else colour
    other = textures.nearby_colour(rng, colour, contrast)
    return textures.paint(textures.texture(rng, SIZE), colour, other)


def _lay(canvas: np.ndarray, alpha: np.ndarray, paint: np.ndarray) -> None:
    canvas += alpha * (paint - canvas)


def _photograph(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """Add uneven light and sensor noise, and round: float64 (3, 64, 64) → uint8 (3, 64, 64)."""
    canvas = canvas * (1 + rng.uniform(0.1, 0.35) * (textures.smooth_noise(rng, SIZE, 2) - 0.5))
    canvas = canvas + rng.uniform(0.01, 0.03) * rng.standard_normal(canvas.shape)
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)
