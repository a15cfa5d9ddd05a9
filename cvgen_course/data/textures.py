"""Colours and textures of the drawn world. Nothing here knows the class of what it paints."""

from __future__ import annotations

import colorsys
import math

import numpy as np


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """Return a colour, float64 (3,) in [0, 1]: any hue, from dark to light, seldom grey."""
    hue, saturation, value = rng.uniform(), rng.uniform(0.2, 0.85), rng.uniform(0.2, 0.95)
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value))


def nearby_colour(rng: np.random.Generator, colour: np.ndarray, distance: float) -> np.ndarray:
    """Return a colour of about the same hue, float64 (3,) in [0, 1].

    Args:
        rng: where chance comes from.
        colour: the other colour, float64 (3,).
        distance: how much lighter (dark colours, mostly) or darker (light ones) it becomes.
    """
    lighter = colour.mean() < rng.uniform(0.25, 0.75)
    shift = (distance if lighter else -distance) + rng.uniform(-0.4, 0.4, 3) * distance
    return np.clip(colour + shift, 0.02, 0.98)


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Return random hills, float64 (size, size) in [0, 1].

    Args:
        rng: where chance comes from.
        size: height and width, in pixels.
        cells: the hills are random at the corners of ``cells`` × ``cells`` squares and
            follow half a cosine between.
    """
    grid = rng.uniform(size=(cells + 1, cells + 1))
    position = (np.arange(size) + 0.5) * cells / size
    index = position.astype(int)
    weight = 0.5 - 0.5 * np.cos(math.pi * (position - index))
    rows = grid[index] * (1 - weight)[:, None] + grid[index + 1] * weight[:, None]
    # rows: (size, cells + 1)
    return rows[:, index] * (1 - weight) + rows[:, index + 1] * weight


def texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return one of six patterns, float64 (size, size) in [0, 1].

    Plain, stripes, checks, dots, marble and speckle, each with its own scale, direction and phase.
    """
    kind = rng.integers(6)
    angle, phase = rng.uniform(0, math.pi), rng.uniform(0, 2 * math.pi, 2)
    frequency = 2 * math.pi / rng.uniform(3.5, 9.0)  # one period is 3.5 to 9 pixels long
    x, y = np.arange(size)[None, :] + 0.5, np.arange(size)[:, None] + 0.5
    u = frequency * (math.cos(angle) * x + math.sin(angle) * y) + phase[0]
    v = frequency * (math.cos(angle) * y - math.sin(angle) * x) + phase[1]
    if kind == 0:
        return smooth_noise(rng, size, 3)
    if kind == 1:
        return _soft_step(np.sin(u))
    if kind == 2:
        return _soft_step(2 * np.sin(u) * np.sin(v))
    if kind == 3:
        return _soft_step(np.sin(u) + np.sin(v) - 0.6)
    if kind == 4:
        return _soft_step(np.sin(u + 6 * smooth_noise(rng, size, 5)))
    return np.clip(0.5 + 0.28 * rng.standard_normal((size, size)), 0, 1)


def _soft_step(field: np.ndarray) -> np.ndarray:
    """Squash a wave into [0, 1] with edges about a pixel wide, so that a pattern doesn't alias."""
    return np.clip(0.5 + 1.2 * field, 0, 1)


def paint(field: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Mix two colours by a pattern: (H, W) in [0, 1] and two (3,) → float64 (3, H, W)."""
    return low[:, None, None] + (high - low)[:, None, None] * field
