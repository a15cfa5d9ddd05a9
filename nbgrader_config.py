"""nbgrader's configuration. Every `nbgrader` command, the Formgrader and `cvgen` read it here."""

import os
import warnings

from cvgen_course.notebooks.regions import CODE_STUB, TEXT_STUB

c = get_config()  # noqa: F821

# One name, four trees: the authored chapters are nbgrader's source, the lectures its release.
c.CourseDirectory.course_id = "cvgen"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "lectures"

# Copied with a chapter are pictures and small data, never the authored text: it has the answers.
c.CourseDirectory.ignore = [
    ".*",
    "*.md",
    "*.pyc",
    "__pycache__",
    "feedback",
    "*_files",
]

# nbgrader 0.9 adds submissions in a way that SQLAlchemy 2.1 warns of; what it writes is right.
warnings.filterwarnings("ignore", message="Object of type <Submitted")

# A student's notebook is not kept in step with its text, as an author's is.
c.GenerateAssignment.preprocessors.append("cvgen_course.grading.unpair.Unpair")

# Where students and teacher meet (fetch, submit, collect), for those who use it.
if os.environ.get("CVGEN_EXCHANGE"):
    c.Exchange.root = os.environ["CVGEN_EXCHANGE"]

# nbgrader gives 0 points for any text on stderr, even a warning or a progress bar. Points come from
# the number that a check returns, so what stands on stderr does not matter.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = ".+"

# A grade cell that a student deleted comes back.
c.OverwriteCells.add_missing_cells = True

# A loop without end costs one cell, not the submission; a killed kernel is not waited for. A check
# stops an answer itself, after 12 to 26 seconds of work, which are up to 80 on a busy machine.
c.Execute.timeout = 90
c.Execute.interrupt_on_timeout = True
c.Execute.raise_on_iopub_timeout = False
c.Execute.shutdown_kernel = "immediate"

c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 50

# Validate, as the student sees it: one table per check, wide enough for its lines.
c.Validator.width = 100

# No script of a student's runs where others look at the work: not in the Formgrader, which has the
# rights of whoever opens it, nor on the feedback page.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "clean_html": "cvgen_course.grading.clean.clean_html",
    "markdown2html": "cvgen_course.grading.clean.markdown_to_html",
}
c.GenerateFeedback.preprocessors.append("cvgen_course.grading.feedback.NameAndUnread")

c.ClearSolutions.code_stub = {"python": CODE_STUB}
c.ClearSolutions.text_stub = TEXT_STUB
