"""Which seed the cases come from: public in the notebook, another one while grading."""

from __future__ import annotations

import os

PUBLIC_SEED = "public"
"""The seed of the cases that students see in the notebook."""


def current_seed() -> str:
    """Return the grading seed that ``CVGEN_SEED`` names, else ``PUBLIC_SEED``.

    A kernel that grades gets only the seed derived for this student, never the teacher's secret.
    """
    return os.environ.get("CVGEN_SEED") or PUBLIC_SEED
