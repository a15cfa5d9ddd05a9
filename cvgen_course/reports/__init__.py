"""What a check found: the data, and the two tables that show it.

``checks`` fills a report, a notebook shows it, ``grading`` reads it. Nothing here needs torch.
"""

from cvgen_course.reports.html_table import html_table
from cvgen_course.reports.report import MIME, Report, Row
from cvgen_course.reports.text_table import text_table

__all__ = ["MIME", "Report", "Row", "html_table", "text_table"]
