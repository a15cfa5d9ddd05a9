"""What grading found out about a submission, as plain data."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cvgen_course.files import write
from cvgen_course.grading.course import ChapterFiles
from cvgen_course.grading.execute import NOT_RUN
from cvgen_course.grading.gradebook import Column, Name
from cvgen_course.notebooks.cells import grade_id, is_check
from cvgen_course.reports import MIME, Report

FORMAT = 3
LONGEST = 400
HUNDREDTH = 0.01 + 1e-9
EXPLAINED = ("NotImplementedError", "KeyboardInterrupt")
NOT_GRADED = ("bad name", "not graded", "set aside")
GRADED, PARTLY_GRADED, NEEDS_A_HUMAN = "graded", "partly graded", "needs a human"
NOT_SUBMITTED = "not submitted"
ENDINGS = {NOT_SUBMITTED: NOT_SUBMITTED} | {
    **dict.fromkeys(("graded", "repaired", "output cut"), GRADED),
    **dict.fromkeys(("timeout", "kernel died"), PARTLY_GRADED),
}
"""How a submission ended, by its status; any other needs a human."""


@dataclass(frozen=True)
class Result:
    """One student's result in one chapter.

    Attributes:
        student: the name.
        status: one or two words that say why it ended as it did; ``"graded"`` where all went well.
        remarks: sentences that explain it.
        points: points by ``grade_id``; None where there are none (yet).
        pending: names of answers that a teacher still has to read.
        reports: what the checks reported, by ``grade_id``, from the student's process: to be
            escaped.
        seconds: how long it took.
        feedback: the feedback page, relative to the course; empty where there is none.
        fresh: whether it was graded now, not in an earlier run.
        auto: the automatic points that the last run gave, by ``grade_id``; None: not known.
        late: seconds after the deadline, or 0.
        penalty: points that are taken off for that.
        marks: sentences on what stands in the gradebook, such as marks changed from outside.
        answers: fingerprints of the answers, by exercise; see `alike`.
        flags: sentences on what a teacher should look at; nobody loses points for it.
    """

    student: str
    status: str
    remarks: tuple[str, ...] = ()
    points: dict[str, float | None] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    reports: dict[str, Report] = field(default_factory=dict)
    seconds: float = 0.0
    feedback: str = ""
    fresh: bool = True
    auto: dict[str, float | None] | None = None
    late: float = 0.0
    penalty: float = 0.0
    marks: tuple[str, ...] = ()
    answers: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def total(self) -> float | None:
        """Return the points so far, less the penalty; None where nothing was graded."""
        known = [value for value in self.points.values() if value is not None]
        return max(0.0, sum(known) - self.penalty) if known else None

    @property
    def handed_in(self) -> bool:
        """Return whether there is anything to grade."""
        return self.status != NOT_SUBMITTED

    @property
    def ending(self) -> str:
        """Return how it ended: graded, partly graded, needs a human; or not submitted."""
        return ENDINGS.get(self.status, NEEDS_A_HUMAN)

    @property
    def status_word(self) -> str:
        """Return how it ended as one reads it, with the reason, and what else is to be seen."""
        why = f": {self.status}" if self.status != self.ending else ""
        late, flagged = ", late" if self.late else "", ", flagged" if self.flags else ""
        return f"{self.ending}{why}{late}{flagged}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return all remarks: on the submission, its marks, and what is to be looked at."""
        return (*self.remarks, *self.marks, *self.flags)


@dataclass(frozen=True)
class ClassResult:
    """A class's results in one chapter.

    Attributes:
        chapter: its name.
        columns: the graded cells, in the notebook's order.
        results: one per student, sorted by name.
        notes: sentences on stray files.
        report: the class report.
        table: ``grades.csv``.
        names: students' names by id, where the gradebook knows them.
    """

    chapter: str
    columns: tuple[Column, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...]
    report: Path
    table: Path
    names: dict[str, Name] = field(default_factory=dict)

    @property
    def max_points(self) -> float:
        """Return the full points of the chapter."""
        return sum(column.points for column in self.columns)

    @property
    def submissions(self) -> int:
        """Return how many students handed something in."""
        return sum(result.handed_in for result in self.results)


def read_reports(path: Path) -> dict[str, Report]:
    """Return what the checks in an autograded notebook reported, by ``grade_id``."""
    notebook = nbformat.read(path, as_version=4)
    reports = {grade_id(cell): report_of(cell) for cell in filter(is_check, notebook.cells)}
    return {name: report for name, report in reports.items() if report is not None}


def report_of(check: NotebookNode) -> Report | None:
    """Return what a check reported among its outputs, or None where that is no one report."""
    found = [o["data"][MIME] for o in check.outputs if MIME in o.get("data", {})]
    if len(found) == 1:
        with contextlib.suppress(ValueError):
            return Report.from_json(found[0])
    return None


def agrees(report: Report, points: float) -> bool:
    """Return whether a check's points are those that its own table shows.

    Both come from the student's process, which may have sent anything. A check counts hundredths.
    """
    total = math.fsum(row.weight for row in report.rows)
    passed = math.fsum(row.weight for row in report.rows if row.passed)
    share = report.max_points * passed / total if total else 0.0
    return math.isclose(report.points, points, abs_tol=1e-9) and abs(share - points) <= HUNDREDTH


def first_error(notebook: NotebookNode) -> list[str]:
    """Return a sentence on the first cell that failed for another reason than a missing answer.

    A failed import, say, explains all that comes after it. Cells that may raise are left out, and
    so is all that comes after a cell that was not run: what fails there may fail for that.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for position, cell in enumerate(code, start=1):
        if any(output.get("ename") == NOT_RUN for output in cell.get("outputs", [])):
            return []
        if is_check(cell) or "raises-exception" in cell.metadata.get("tags", []):
            continue
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.get("ename") not in EXPLAINED:
                what = _short_text(f"{output.get('ename')}: {output.get('evalue')}")
                return [f"Code cell {position} failed, perhaps others because of it: {what}"]
    return []


def _short_text(value: Any) -> str:
    """Return a text of bounded length; empty for anything else."""
    return " ".join(value[:LONGEST].split()) if isinstance(value, str) else ""


def record_path(chapter: ChapterFiles, student: str) -> Path:
    """Return where a result is kept between runs."""
    name = hashlib.sha256(student.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return chapter.course.private / "graded" / chapter.name / f"{name}.json"


def save_result(chapter: ChapterFiles, result: Result, fingerprint: str) -> None:
    """Keep a result, with the fingerprint of everything that it follows from."""
    content = {"format": FORMAT, "fingerprint": fingerprint, "result": dataclasses.asdict(result)}
    write(record_path(chapter, result.student), json.dumps(content, indent=1))


def load_result(chapter: ChapterFiles, student: str, fingerprint: str | None) -> Result | None:
    """Return a submission's kept result, or None where it changed or was never graded.

    Args:
        chapter: the chapter.
        student: the student's name.
        fingerprint: what it must follow from; None for whatever was kept last.
    """
    try:
        content = json.loads(record_path(chapter, student).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or fingerprint not in (None, content["fingerprint"]):
            return None
        kept = content["result"]
        reports = {name: Report.from_json(r) for name, r in kept.pop("reports").items()}
        kept |= {
            "remarks": tuple(kept["remarks"]),
            "pending": tuple(kept["pending"]),
            "marks": tuple(kept["marks"]),
            "flags": tuple(kept["flags"]),
            "fresh": False,
        }
        return Result(reports=reports, **kept)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept_fingerprint(chapter: ChapterFiles, student: str) -> str:
    """Return the fingerprint that a result was kept with; empty where none was."""
    try:
        content = json.loads(record_path(chapter, student).read_text(encoding="utf-8"))
        return str(content["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def number(value: float | None, digits: int = 2) -> str:
    """Return points as one writes them: ``2``, ``1.5``, ``0.67``; ``–`` where there are none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
