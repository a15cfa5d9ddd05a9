"""What every worker imports; it is done once, in the process that workers are copies of."""

import os

from cvgen_course.grading.one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import cvgen_course.grading.cluster
import cvgen_course.grading.oracle  # noqa: F401
