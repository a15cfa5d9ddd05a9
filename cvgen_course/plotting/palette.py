"""Colours that readers with any kind of colour vision can tell apart."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "bluish green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "reddish purple": "#CC79A7",
}
"""The palette of Okabe and Ito (2008), "Color Universal Design"."""

BACKGROUND = "#2B2B2B"
"""Class 0 in masks: dark, so that every class stands out from it."""

IGNORED = "#FFFFFF"
"""Pixels that count nowhere (``IGNORE``)."""

LINES = tuple(OKABE_ITO[name] for name in ("blue", "vermillion", "bluish green", "reddish purple"))
"""Colours for curves and bars, in the order of use."""

_CLASSES = (
    *("orange", "sky blue", "bluish green", "reddish purple"),
    *("yellow", "vermillion", "blue"),
)


def class_colours(num_classes: int, background: bool = True) -> np.ndarray:
    """Return a colour for each class.

    The first seven are Okabe's and Ito's own; more classes repeat them paler, then darker, so that
    beyond eight classes a legend is needed.

    Args:
        num_classes: how many.
        background: whether class 0 is background, which is dark grey.

    Returns:
        float64 (num_classes, 3), RGB in [0, 1].
    """
    colours = [to_rgb(BACKGROUND)] if background else []
    for toward, amount in ((1.0, 0.0), (1.0, 0.65), (0.0, 0.55)):  # as it is, towards white, black
        for name in _CLASSES:
            colour = np.array(to_rgb(OKABE_ITO[name]))
            colours.append(tuple(colour + amount * (toward - colour)))
    repeats = -(-num_classes // len(colours))
    return np.array((colours * repeats)[:num_classes])
