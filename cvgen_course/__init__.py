"""Generative models in computer vision: the reference library of the course.

Importing this package alone loads no torch; each chapter loads what it needs.
"""

__version__ = "0.1.0"
