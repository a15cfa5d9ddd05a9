"""The class in the terminal: one line per student."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cvgen_course.grading.regrade import Changes
from cvgen_course.grading.remarks import printable
from cvgen_course.grading.results import (
    GRADED,
    NEEDS_A_HUMAN,
    PARTLY_GRADED,
    ClassResult,
    Result,
    number,
)

COLOURS = {GRADED: "green", PARTLY_GRADED: "yellow", NEEDS_A_HUMAN: "red"}


def _class_table(outcome: ClassResult, width: int) -> Table:
    """Return a class's points: a row per student, a column per exercise.

    Args:
        outcome: the class's results.
        width: characters in a line; where names don't fit, exercises are numbered.
    """
    titles = [column.title.replace("_", "\n") for column in outcome.columns]
    longest = [max(map(len, [*title.split("\n"), "0.00"])) for title in titles]
    numbered = sum(longest) + 2 * len(longest) + 36 > width
    if numbered:
        titles = [str(position) for position, _ in enumerate(titles, start=1)]
    digits = 1 if numbered else 2
    count = outcome.submissions
    title = f"{outcome.chapter}: {count} submission{'' if count == 1 else 's'}"
    table = Table(title=escape(title), box=box.SIMPLE_HEAD, padding=(0, int(not numbered), 0, 0))
    room = width - 4 * len(titles) - 19 if numbered else 20
    longest_name = max((len(printable(result.student)) for result in outcome.results), default=0)
    table.add_column("student", overflow="fold", min_width=max(8, min(room, longest_name)))
    for title, column in zip(titles, outcome.columns, strict=True):
        table.add_column(Text(f"{title}\n/{number(column.points)}"), justify="right")
    table.add_column(Text(f"total\n/{number(outcome.max_points)}"), justify="right", style="bold")
    table.add_column("status", min_width=9)
    for result in outcome.results:
        status = result.status_word
        if numbered:  # there is room for short words only
            status = status.replace(PARTLY_GRADED, "partly").replace(NEEDS_A_HUMAN, "a human")
            status = status.replace(": ", ":\n").replace(", ", ",\n")
        table.add_row(
            Text(printable(result.student)),
            *(Text(_points_of(result, column.grade_id, digits)) for column in outcome.columns),
            number(result.total, digits),
            Text(status, style=COLOURS.get(result.ending, "")),
        )
    if numbered:
        names = (f"{i} {column.title}" for i, column in enumerate(outcome.columns, start=1))
        table.caption = escape(", ".join(names))
        table.caption_justify = "left"
    return table


def _points_of(result: Result, grade_id: str, digits: int = 2) -> str:
    """Return one cell's points as the table shows them; ``?`` where a teacher has to look."""
    value = result.points.get(grade_id)
    if value is None and result.points:
        return "?"
    return number(value, digits)


def show(outcome: ClassResult, console: Console) -> None:
    """Print the table, a sentence on each problem, and where report and points lie."""
    console.print(_class_table(outcome, console.width))
    for result in outcome.results:
        for remark in result.sentences:
            console.print(Text(f"  {printable(result.student)}: {remark}"), soft_wrap=True)
    for note in outcome.notes:
        console.print(Text(f"  {note}"), soft_wrap=True)
    pending = sum(1 for result in outcome.results if result.pending)
    if pending:
        students = "student has" if pending == 1 else "students have"
        console.print(f"? {pending} {students} an answer that a teacher reads, in the Formgrader.")
    fresh = sum(result.fresh and result.handed_in for result in outcome.results)
    console.print(f"{fresh} graded now, {outcome.submissions - fresh} unchanged since.")
    console.print(Text(f"Report: {outcome.report}\nPoints: {outcome.table}"), soft_wrap=True)


def show_changes(changes: Changes, console: Console) -> None:
    """Print who would get other points, and what stays as it is."""
    if changes.rows:
        table = Table(title=escape(f"{changes.chapter}: points that change"), box=box.SIMPLE_HEAD)
        for name in ("student", "exercise"):
            table.add_column(name, overflow="fold")
        for name in ("before", "after", "change"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("", overflow="fold")
        for row in changes.rows:
            change = row.after - (row.before or 0)
            words = (printable(row.student), row.exercise, number(row.before), number(row.after))
            signed = f"{'+' if change > 0 else '−'}{number(abs(change))}"
            table.add_row(*map(Text, (*words, signed, row.remark)))
        console.print(table)
    else:
        console.print("Nobody's points change.")
    count = changes.unchanged
    console.print(f"{count} student{'' if count == 1 else 's'} with the same points as before.")
    if changes.reworded:
        console.print(f"{changes.reworded} of them with another table of the check's cases.")
    for note in changes.notes:
        console.print(Text(f"  {note}"), soft_wrap=True)
