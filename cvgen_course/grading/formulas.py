"""TeX as MathML, which browsers show without a script and without a network."""

from __future__ import annotations

import html
import re

from math_core import LatexError, LatexToMathML

MOST_PARTS = 400
"""Backslashes and braces of a formula. Thousands, each in the other, would end this process."""


def to_mathml(tex: str, *, display: bool = False) -> str:
    """Return a formula as MathML; where it is none, its TeX as code.

    Args:
        tex: what stands between dollar signs, or an environment.
        display: whether it stands on a line of its own.
    """
    if len(re.findall(r"[\\{]", tex)) <= MOST_PARTS:
        converter = LatexToMathML(ignore_unknown_commands=True, fancy_error=False)
        try:
            return converter.convert_with_local_state(tex, displaystyle=display)
        except LatexError:
            pass
    return f"<code>{html.escape(tex)}</code>"
