"""`cvgen doctor`: what this machine lacks for the course, and the command that mends it.

It is called when something is missing, so it needs nothing but Python and, to compare versions,
``packaging``. What may crash (PyTorch) or be absent (Jupyter, data) is asked in another process.
"""

from cvgen_course.doctor.finding import Finding
from cvgen_course.doctor.report import examine

__all__ = ["Finding", "examine"]
