"""What every worker imports; it is done once, in the process that workers are copies of."""

import os

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

os.environ.update(dict.fromkeys(THREADS, "1"))  # libraries look when they are imported

import cvgen_course.grading.cluster  # noqa: E402
import cvgen_course.grading.oracle  # noqa: E402, F401
