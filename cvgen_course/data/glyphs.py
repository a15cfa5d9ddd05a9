"""``glyphs``: digits drawn from the fonts that matplotlib ships, warped; a drop-in for MNIST.

The outlines come from the font files as curves, without hinting, and become polygons; each is
stretched, sheared, turned and bent at random, filled on a finer grid and averaged to 28×28 pixels.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from cvgen_course.seeding import derive_seed

CLASSES = tuple("0123456789")
SIZE = 28
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
    *("cmr10", "cmss10", "cmtt10", "cmb10"),
)
_FINER = 4


class Glyph(NamedTuple):
    """One drawn digit, and what the generator knows about it.

    Attributes:
        image: uint8 (28, 28), white on black as in MNIST.
        digit: 0 to 9.
        slant: how far upright strokes lean to the right, in degrees; the font's own lean and that
            of the warp together.
        thickness: of the strokes on average, in pixels.
    """

    image: np.ndarray
    digit: int
    slant: float
    thickness: float


def draw_glyph(seed: int) -> Glyph:
    """Draw one digit; everything follows from the seed."""
    rng = np.random.default_rng(seed)
    digit = int(rng.integers(10))
    font = FONTS[rng.integers(len(FONTS))]
    contours = outline(font, digit)
    matrix = _random_matrix(rng)
    bend = rng.uniform(-0.045, 0.045, (2, 2, 2)), rng.uniform(0, 2 * math.pi, (2, 2, 2))
    shift = rng.uniform(-1.5, 1.5, 2) + SIZE / 2
    warped = [_bend(contour @ matrix.T, *bend) * SIZE + shift for contour in contours]
    ink = _fill(warped)
    image = np.rint(ink * rng.uniform(0.8, 1.0)).astype(np.uint8)
    return Glyph(image, digit, _slant(font, matrix), _thickness(warped))


@functools.cache
def _font_file(font: str) -> str:
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf")


@functools.cache
def lean(font: str) -> float:
    """Return how far the upright strokes of a font lean to the right, in degrees: 0 if not italic.

    Args:
        font: one of ``FONTS``.
    """
    from matplotlib.ft2font import FT2Font

    table = FT2Font(_font_file(font)).get_sfnt_table("post")
    if table is None:
        return 0.0
    whole, part = table["italicAngle"]
    return -(whole + part / 2**16)  # the file counts counter-clockwise


@functools.cache
def outline(font: str, digit: int) -> tuple[np.ndarray, ...]:
    """Return a digit's closed outlines, the largest first, centred, of height 0.7, y downwards.

    Args:
        font: one of ``FONTS``.
        digit: 0 to 9.

    Returns:
        float64 (K, 2) each. Holes turn the other way round than the outer outline.
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    properties = FontProperties(fname=_font_file(font))
    path = TextPath((0, 0), str(digit), size=100, prop=properties)
    contours = [np.asarray(polygon)[:-1] for polygon in path.to_polygons(closed_only=True)]
    points = np.concatenate(contours)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 0.7 / (high[1] - low[1])
    centred = [(contour - (low + high) / 2) * (scale, -scale) for contour in contours]
    dense = [_subdivide(contour, 0.02) for contour in centred]
    return tuple(sorted(dense, key=lambda contour: -abs(_signed_area(contour))))


def _subdivide(corners: np.ndarray, step: float) -> np.ndarray:
    """Put points on a polygon's edges, at most ``step`` apart, so that straight lines can bend."""
    pieces = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        count = max(1, math.ceil(math.dist(start, end) / step))
        pieces.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return np.concatenate(pieces)


def _random_matrix(rng: np.random.Generator) -> np.ndarray:
    """Return a random stretch, shear and turn, float64 (2, 2)."""
    angle, shear = rng.uniform(-0.22, 0.22), rng.uniform(-0.25, 0.25)
    width, height = rng.uniform(0.85, 1.3), rng.uniform(0.85, 1.1)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn @ np.array([[width, shear], [0.0, height]])


def _slant(font: str, matrix: np.ndarray) -> float:
    """Return where an upright stroke points to, in degrees to the right; y is downwards."""
    across, down = matrix @ (math.tan(math.radians(lean(font))), -1.0)
    return math.degrees(math.atan2(across, -down))


def _thickness(contours: list[np.ndarray]) -> float:
    """Return twice the area over the length of all outlines: the width of a long stroke."""
    area = abs(sum(map(_signed_area, contours)))
    length = sum(np.linalg.norm(c - np.roll(c, 1, axis=0), axis=1).sum() for c in contours)
    return 2 * area / float(length)


def _bend(points: np.ndarray, strength: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Move points by smooth waves: a sum over two frequencies and two directions.

    Args:
        points: float64 (K, 2), about within [-0.5, 0.5].
        strength: float64 (2, 2, 2), by frequency, direction of the wave, direction of the move.
        phase: of the same shape, in radians.
    """
    moved = points.copy()
    for frequency in (0, 1):
        for along in (0, 1):
            wave = 2 * math.pi * (0.8 + 0.6 * frequency) * points[:, along, None]
            moved += strength[frequency, along] * np.sin(wave + phase[frequency, along])
    return moved


def _signed_area(corners: np.ndarray) -> float:
    x, y = corners[:, 0], corners[:, 1]
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def _fill(contours: list[np.ndarray]) -> np.ndarray:
    """Fill outlines, the largest first, holes black: float64 (28, 28) in [0, 255]."""
    canvas = Image.new("L", (SIZE * _FINER, SIZE * _FINER))
    draw = ImageDraw.Draw(canvas)
    outer = _signed_area(contours[0]) > 0
    for contour in contours:
        points = (contour * _FINER - 0.5).ravel().tolist()
        draw.polygon(points, fill=255 if (_signed_area(contour) > 0) == outer else 0)
    return np.asarray(canvas.reduce(_FINER), dtype=np.float64)


def draw_split(split: str, size: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the first ``size`` glyphs of a split.

    Images uint8 (size, 1, 28, 28), labels uint8 (size,), slants and thicknesses float32 (size,).
    """
    drawn = [draw_glyph(derive_seed(seed, "glyphs", split, i)) for i in range(size)]
    return {
        "images": np.stack([glyph.image for glyph in drawn])[:, None],
        "labels": np.array([glyph.digit for glyph in drawn], np.uint8),
        "slants": np.array([glyph.slant for glyph in drawn], np.float32),
        "thicknesses": np.array([glyph.thickness for glyph in drawn], np.float32),
    }
