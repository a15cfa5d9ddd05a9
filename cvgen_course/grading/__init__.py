"""For teachers: lectures are released to students here, and their submissions graded.

``release.release`` and ``cohort.grade`` are what the commands call. Nothing here names a chapter or
a model: exercises are met through the notebooks and through what their checks report.
"""
