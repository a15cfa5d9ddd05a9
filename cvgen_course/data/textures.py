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
    if kind == 0:
        return smooth_noise(rng, size, 3)
    if kind == 5:
        return np.clip(0.5 + 0.28 * rng.standard_normal((size, size)), 0, 1)
    across, along = frequency * math.cos(angle), frequency * math.sin(angle)
    if kind == 4:
        position = np.arange(size) + 0.5
        u = across * position + (along * position + phase[0])[:, None]
        return _soft_step(np.sin(u + 6 * smooth_noise(rng, size, 5)))
    first = _wave(across, along, phase[0], size)
    if kind == 1:
        return _soft_step(first)
    second = _wave(-along, across, phase[1], size)
    return _soft_step(2 * first * second if kind == 2 else first + second - 0.6)


def _wave(across: float, along: float, phase: float, size: int) -> np.ndarray:
    """Return sin(across · x + along · y + phase) at the pixels' middles, float64 (size, size).

    By the sine of a sum, from two rows and two columns: several times faster than pixel by pixel.
    """
    position = np.arange(size) + 0.5
    x, y = across * position + phase, (along * position)[:, None]
    return np.sin(x) * np.cos(y) + np.cos(x) * np.sin(y)


def _soft_step(field: np.ndarray) -> np.ndarray:
    """Squash a wave into [0, 1] with edges about a pixel wide, so that a pattern doesn't alias."""
    return np.clip(0.5 + 1.2 * field, 0, 1)


def paint(field: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Mix two colours by a pattern: (H, W) in [0, 1] and two (3,) → float64 (3, H, W)."""
    return low[:, None, None] + (high - low)[:, None, None] * field
