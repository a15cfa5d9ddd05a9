"""Submissions that cost the grader its own process: tried once more, last; then set aside."""

from __future__ import annotations

import json
from pathlib import Path

from cvgen_course.files import write
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.results import record_path

MOST = 2


def begin(chapter: ChapterFiles, student: str, fingerprint: str) -> None:
    """Note on disk that a submission is being graded; only a killed process leaves the note."""
    count = unfinished(chapter, student, fingerprint) + 1
    note = json.dumps({"fingerprint": fingerprint, "count": count})
    write(note_path(chapter, student), note)


def end(chapter: ChapterFiles, student: str) -> None:
    """Take the note back."""
    note_path(chapter, student).unlink(missing_ok=True)


def unfinished(chapter: ChapterFiles, student: str, fingerprint: str) -> int:
    """Return how often a grading of this very submission was killed, one time after the other."""
    try:
        note = json.loads(note_path(chapter, student).read_text(encoding="utf-8"))
        return int(note["count"]) if note["fingerprint"] == fingerprint else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def note_path(chapter: ChapterFiles, student: str) -> Path:
    """Return where such a note lies, beside the student's kept result."""
    return record_path(chapter, student).with_suffix(".begun")
