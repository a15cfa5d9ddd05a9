"""What a teacher should look at: copied answers, and code that could get around the checks.

Nobody loses points for it: two people may write alike, and a word may have its good reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json

import nbformat
from nbformat import NotebookNode

from cvgen_course.files import write
from cvgen_course.grading.alike import copied_remarks, equal_to_others, own_fingerprints
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.results import Result

Own = dict[str, set[str]]


def with_flags(results: list[Result], own: Own) -> list[Result]:
    """Return a class's results, with a sentence on each answer that is the course's or another's.

    Args:
        results: with the fingerprints of their answers.
        own: those of the course's own solutions, by exercise.
    """
    equal = equal_to_others({result.student: result.answers for result in results}, own)
    return [
        dataclasses.replace(
            result,
            flags=(
                *result.flags,
                *copied_remarks(result.answers, own),
                *equal.get(result.student, ()),
            ),
        )
        for result in results
    ]


def own_solutions(chapter: ChapterFiles, released: NotebookNode, code: str) -> Own:
    """Return the fingerprints of the course's own solutions, by exercise.

    They are kept until something changes: to make them, the chapter's library has to be imported.

    Args:
        chapter: the chapter.
        released: its lecture.
        code: a hash of the code of its exercises.
    """
    note = chapter.course.private / "own" / f"{chapter.name}.json"
    source = chapter.source.with_suffix(".ipynb")
    content = source.read_bytes() if source.is_file() else b""
    state = hashlib.sha256(code.encode() + content).hexdigest()
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        if kept["state"] == state:
            return {name: set(prints) for name, prints in kept["own"].items()}
    except (OSError, ValueError, KeyError, AttributeError):
        pass
    authored = nbformat.reads(content.decode(), as_version=4) if content else None
    own = own_fingerprints(released, authored)
    listed = {name: sorted(prints) for name, prints in own.items()}
    write(note, json.dumps({"state": state, "own": listed}))
    return own
