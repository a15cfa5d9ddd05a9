"""Generative models in computer vision: the reference library of the course.

Importing this package alone loads no torch; each chapter loads what it needs.
"""

import os

__version__ = "0.1.0"

# While one of torch's threads waits for the others it spins, a long time by default: alone that is
# the fastest, but beside another busy program the spinning takes the time that the work needs.
# OpenMP reads this when torch is loaded. Whoever has chosen something keeps it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
