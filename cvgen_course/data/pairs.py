"""Unpaired animals: plain ones and striped ones, the horses and zebras of this little world.

Each animal is drawn twice, plain and striped, on the same ground; so the true translation of every
plain animal is known. A training must not look at it: the two domains show different animals. The
same animals in neither coat are drawn, too, for a judge who has to know what is wrong.
"""

from __future__ import annotations

import colorsys
import math

import numpy as np

from cvgen_course.data.outlines import blob, coverage, place, regular_polygon
from cvgen_course.data.textures import nearby_colour, paint, smooth_noise, texture
from cvgen_course.seeding import derive_seed

SIZE = 32
DOMAINS = ("plain", "striped")
NEITHER = "neither"
GROUND_COLOURS = (  # hue, saturation, value: sky, grass, sand, earth, water, snow, heather
    *((0.58, 0.35, 0.85), (0.3, 0.5, 0.55), (0.12, 0.45, 0.8), (0.08, 0.4, 0.5)),
    *((0.5, 0.4, 0.6), (0.0, 0.05, 0.9), (0.8, 0.25, 0.6)),
)
WHITE, BLACK = np.array([0.93, 0.92, 0.9]), np.array([0.1, 0.09, 0.1])
PERIOD = 0.8
"""From one stripe to the next; an animal's body is 2 long."""
ELLIPSE = regular_polygon(32)


def draw_split(split: str, size: int, seed: int) -> dict[str, np.ndarray]:
    """Draw the first ``size`` animals of each domain of a split.

    Args:
        split: ``"train"``, ``"val"`` or ``"test"``.
        size: how many of each.
        seed: of the world.

    Returns:
        ``a``, ``truths``: uint8 (size, 3, 32, 32), plain animals, and the same striped; ``b``:
        likewise, other animals, striped; ``neither``: likewise, others in neither coat;
        ``animals``: uint8 (size, 32, 32), how much of each pixel of ``a`` is animal, of 255.
    """
    first, second, third = (
        [
            draw_animal(np.random.default_rng(derive_seed(seed, "pairs", split, domain, i)))
            for i in range(size)
        ]
        for domain in (*DOMAINS, NEITHER)
    )
    return {
        "a": np.stack([drawn["plain"] for drawn in first]),
        "truths": np.stack([drawn["striped"] for drawn in first]),
        "b": np.stack([drawn["striped"] for drawn in second]),
        "neither": np.stack([drawn["neither"] for drawn in third]),
        "animals": np.stack([drawn["animal"] for drawn in first]),
    }


def draw_animal(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw an animal on a ground, in both coats and in neither.

    Returns:
        ``plain``, ``striped``, ``neither``: uint8 (3, 32, 32); ``animal``: uint8 (32, 32), how much
        of each pixel it covers, of 255.
    """
    ground = _draw_ground(rng)
    scale, angle, facing = rng.uniform(6.5, 9.0), rng.uniform(-0.2, 0.2), rng.choice((-1, 1))
    centre = rng.uniform(12, 20), rng.uniform(13, 19)
    parts = [place(part * (facing, 1), centre, scale, angle) for part in _body(rng)]
    animal = np.max([coverage(part, SIZE) for part in parts], axis=0)
    forward, down = _own_axes(centre, scale, angle, facing)
    light = 1 - 0.25 * np.clip(down, -1, 1)  # from above
    coats = {
        "plain": _plain(rng),
        "striped": _stripes(forward),
        NEITHER: _neither(rng, forward, down),
    }
    noise = rng.uniform(0.005, 0.015) * rng.standard_normal(ground.shape)
    drawn = {
        name: _to_bytes(ground + animal * (coat * light - ground) + noise)
        for name, coat in coats.items()
    }
    return drawn | {"animal": np.rint(animal * 255).astype(np.uint8)}


def _body(rng: np.random.Generator) -> list[np.ndarray]:
    """Return the outlines of an animal that faces right: x forward, y down, its body 2 long."""
    height, leg = rng.uniform(0.42, 0.62), rng.uniform(0.6, 1.0)
    neck, lift = rng.uniform(0.45, 0.95), rng.uniform(0.5, 1.25)
    poll = np.array([0.75 + neck * math.cos(lift), -0.25 - neck * math.sin(lift)])
    nose = poll + rng.uniform(0.35, 0.5) * np.array([math.cos(0.5), math.sin(0.5)])
    thickness = rng.uniform(0.2, 0.28)
    parts = [
        ELLIPSE * (1, height),
        _limb((0.7, -0.1), poll, 0.62, 0.34),
        _limb(poll - (0.1, 0.05), nose, 0.36, 0.22),
    ]
    for x in (-0.72, -0.42, 0.42, 0.72):
        hoof = x + rng.uniform(-0.18, 0.18), 0.6 * height + leg
        parts.append(_limb((x, 0.2), hoof, 1.15 * thickness, 0.8 * thickness))
    tail = -0.95 - rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.6)
    return [*parts, _limb((-0.95, -0.2), tail, 0.12, 0.1)]


def _limb(
    start: tuple[float, float] | np.ndarray,
    end: tuple[float, float] | np.ndarray,
    width_at_start: float,
    width_at_end: float,
) -> np.ndarray:
    """Return four corners around a line, float64 (4, 2)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = end - start
    across = np.array([-along[1], along[0]]) / np.hypot(*along)
    at_start, at_end = across * width_at_start / 2, across * width_at_end / 2
    return np.stack([start + at_start, end + at_end, end - at_end, start - at_start])


def _own_axes(
    centre: tuple[float, float], scale: float, angle: float, facing: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each pixel lies forward and down, as the animal sees it, (32, 32) each."""
    x = np.arange(SIZE) + 0.5 - centre[0]
    y = np.arange(SIZE)[:, None] + 0.5 - centre[1]
    cos, sin = math.cos(angle), math.sin(angle)
    return (cos * x + sin * y) * facing / scale, (cos * y - sin * x) / scale


def _plain(rng: np.random.Generator) -> np.ndarray:
    """Return a brown, float64 (3, 1, 1)."""
    hue, saturation, value = (
        rng.uniform(0.03, 0.1),
        rng.uniform(0.45, 0.75),
        rng.uniform(0.35, 0.75),
    )
    return np.array(colorsys.hsv_to_rgb(hue, saturation, value))[:, None, None]


def _stripes(position: np.ndarray, period: float = PERIOD, phase: float = 0.0) -> np.ndarray:
    """Return black stripes on white, float64 (3, 32, 32); the animal's middle is black."""
    wave = np.cos(2 * math.pi * position / period + phase)
    return paint(np.clip(0.5 + 1.3 * wave, 0, 1), WHITE, BLACK)


def _neither(rng: np.random.Generator, forward: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return a coat that a bad translation may have, float64 (3, 32, 32) or (3, 1, 1)."""
    striped, plain = _stripes(forward), _plain(rng)
    phase = rng.uniform(0, 2 * math.pi)
    kind = rng.integers(8)
    if kind == 0:  # lengthwise
        return _stripes(down, rng.uniform(0.4, 0.8), phase)
    if kind == 1:  # far too wide
        return _stripes(forward, rng.uniform(1.8, 3.0), phase)
    if kind == 2:  # far too narrow
        return _stripes(forward, rng.uniform(0.3, 0.4), phase)
    if kind == 3:  # spotted
        return paint(smooth_noise(rng, SIZE, 10) > rng.uniform(0.4, 0.6), WHITE, BLACK)
    if kind == 4:  # white, grey or black
        return (BLACK + rng.uniform() * (WHITE - BLACK))[:, None, None]
    if kind == 5:  # striped in front, plain behind, or the other way round
        in_front = np.clip(0.5 + 4 * rng.choice((-1, 1)) * forward, 0, 1)
        return plain + in_front * (striped - plain)
    if kind == 6:  # pale: stripes half-way to plain
        return plain + rng.uniform(0.3, 0.6) * (striped - plain)
    inverted = 1 - (striped if rng.integers(2) else plain)
    return inverted * (1.0, 0.8, 0.6)[rng.integers(3)]


def _draw_ground(rng: np.random.Generator) -> np.ndarray:
    """Return a landscape: what is far, what is near, and a few stones; float64 (3, 32, 32)."""
    far, near = _ground_colour(rng), _ground_colour(rng)
    canvas = paint(smooth_noise(rng, SIZE, 4), far, nearby_colour(rng, far, 0.12))
    horizon, rise = rng.uniform(8, 20), 17 * rng.uniform(-0.15, 0.15)
    left, right, end = horizon - rise, horizon + rise, SIZE + 1
    below = coverage(np.array([[-1, left], [end, right], [end, end], [-1, end]]), SIZE)
    pattern = paint(texture(rng, SIZE), near, nearby_colour(rng, near, 0.15))
    canvas += below * (pattern - canvas)
    for _ in range(rng.integers(1, 4)):
        colour = nearby_colour(rng, _ground_colour(rng), 0.1)[:, None, None]
        middle = rng.uniform(0, SIZE), rng.uniform(0, SIZE)
        stone = coverage(place(blob(rng), middle, rng.uniform(1.5, 4)), SIZE)
        canvas += stone * rng.uniform(0.5, 0.9) * (colour - canvas)
    return canvas


def _ground_colour(rng: np.random.Generator) -> np.ndarray:
    """Return a colour near one of the ground's, float64 (3,)."""
    hue, saturation, value = GROUND_COLOURS[rng.integers(len(GROUND_COLOURS))]
    return np.array(
        colorsys.hsv_to_rgb(
            (hue + rng.uniform(-0.05, 0.05)) % 1,
            np.clip(saturation + rng.uniform(-0.15, 0.15), 0, 1),
            np.clip(value + rng.uniform(-0.15, 0.1), 0, 1),
        )
    )


def _to_bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
