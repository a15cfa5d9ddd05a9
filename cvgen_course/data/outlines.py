"""Outlines of shapes as polygons, and how much of each pixel a polygon covers."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 4
"""A polygon is filled on a grid this much finer in each direction and then averaged."""


def regular_polygon(num_corners: int) -> np.ndarray:
    """Return corners on the unit circle, as (x, y), float64 (num_corners, 2)."""
    angles = 2 * math.pi * np.arange(num_corners) / num_corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def star(num_tips: int, inner: float) -> np.ndarray:
    """Return a star's corners, float64 (2 * num_tips, 2): tips at 1, notches at ``inner``."""
    corners = regular_polygon(2 * num_tips)
    corners[1::2] *= inner
    return corners


def blob(rng: np.random.Generator, num_corners: int = 40) -> np.ndarray:
    """Return an irregular smooth closed outline of mean radius 1, float64 (num_corners, 2).

    The radius is a random sum of the harmonics 2 to 5 of the angle, strong enough that no blob is
    a disc.
    """
    angles = 2 * math.pi * np.arange(num_corners) / num_corners
    radius = np.ones(num_corners)
    for harmonic, strength in zip((2, 3, 4, 5), (0.35, 0.3, 0.2, 0.12), strict=True):
        amplitude = strength * rng.uniform(0.5, 1.0)
        radius += amplitude * np.cos(harmonic * angles + rng.uniform(0, 2 * math.pi))
    radius = np.maximum(radius, 0.2)
    return radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def stroke(
    rng: np.random.Generator, length: float, width: float, num_points: int = 12
) -> np.ndarray:
    """Return a curved brush stroke's outline around the origin, float64 (2 * num_points, 2)."""
    steps = np.linspace(-0.5, 0.5, num_points)
    bend = rng.uniform(-2.0, 2.0)
    heading = bend * steps + rng.uniform(-0.6, 0.6) * np.cos(2 * math.pi * steps)
    x = np.cumsum(np.cos(heading)) * length / num_points
    y = np.cumsum(np.sin(heading)) * length / num_points
    x, y = x - x.mean(), y - y.mean()
    half = 0.5 * width * (1 - 0.5 * np.abs(2 * steps) ** 2)  # thinner towards the ends
    left = np.stack([x - half * np.sin(heading), y + half * np.cos(heading)], axis=1)
    right = np.stack([x + half * np.sin(heading), y - half * np.cos(heading)], axis=1)
    return np.concatenate([left, right[::-1]])


def polygon_area(corners: np.ndarray) -> float:
    """Return the area inside a simple polygon, float64 (K, 2) → float (the shoelace formula)."""
    x, y = corners[:, 0], corners[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


def place(
    corners: np.ndarray,
    centre: tuple[float, float],
    scale: float,
    angle: float = 0.0,
    aspect: float = 1.0,
) -> np.ndarray:
    """Stretch, scale, turn and move an outline.

    Args:
        corners: float64 (K, 2).
        centre: where the origin goes, (x, y) in pixels.
        scale: pixels per unit.
        angle: in radians, applied after the stretch.
        aspect: width over height of the stretch, which keeps the area.

    Returns:
        float64 (K, 2), in pixels; pixel (row, column) covers [column, column + 1) × [row, row + 1).
    """
    stretched = corners * (scale * math.sqrt(aspect), scale / math.sqrt(aspect))
    cos, sin = math.cos(angle), math.sin(angle)
    x = cos * stretched[:, 0] - sin * stretched[:, 1] + centre[0]
    y = sin * stretched[:, 0] + cos * stretched[:, 1] + centre[1]
    return np.stack([x, y], axis=1)


def coverage(corners: np.ndarray, size: int) -> np.ndarray:
    """Return how much of each pixel lies inside a polygon.

    Args:
        corners: float64 (K, 2), in pixels.
        size: height and width of the picture.

    Returns:
        float64 (size, size) in [0, 1], rounded to 1/255.
    """
    canvas = Image.new("L", (size * SUPERSAMPLING, size * SUPERSAMPLING))
    points = (corners * SUPERSAMPLING - 0.5).ravel().tolist()  # Pillow: whole numbers are centres
    ImageDraw.Draw(canvas).polygon(points, fill=255)
    return np.asarray(canvas.reduce(SUPERSAMPLING), dtype=np.float64) / 255
