"""Execute one chapter in a process of its own, and write its kernel's seconds and peak memory.

Usage: python execute_chapter.py COURSE PAGE PROFILE RESULT
"""

import json
import resource
import sys
from pathlib import Path

import jupytext

from cvgen_course.book.execute import execute, executed_folder
from cvgen_course.book.progress import Reporter


def execute_chapter(root: Path, page: str, profile: str) -> dict[str, float]:
    """Execute a page of the book's course into the book's cache.

    Returns:
        ``seconds`` of the execution; ``peak_memory`` in bytes, the most that the largest child of
        this process has held at a time: the kernel, since nothing else of that size runs here.
    """
    source = root / "solutions" / f"{page}.md"
    with Reporter() as reporter:
        progress = reporter.notebook(page)
        done = execute(jupytext.read(source), source, executed_folder(root), profile, progress)
        reporter.finished(page, done.seconds, done.cached)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    in_bytes = 1 if sys.platform == "darwin" else 1024
    return {"seconds": done.seconds, "peak_memory": peak * in_bytes}


if __name__ == "__main__":
    course, page, profile, result = sys.argv[1:]
    Path(result).write_text(json.dumps(execute_chapter(Path(course), page, profile)))
