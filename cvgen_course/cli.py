"""The command `cvgen`: release, grade, renew, book, demo, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .errors import CourseError

app = typer.Typer(
    help="Author, release, grade and publish the course.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
HERE = Path(".")
EXTRA = {"release": "grading", "grade": "grading", "demo": "grading,book", "book": "book"}


@app.command()
def release(
    chapters: Annotated[
        list[str] | None, typer.Argument(help="e.g. 01_segmentation; all where none is named")
    ] = None,
) -> None:
    """Make the lectures that students get from the authored solutions."""
    from .grading.release import release as make_lectures

    for made in make_lectures(HERE, chapters or None):
        changes = ", ".join(made.changed) or "up to date"
        typer.echo(f"{made.chapter}: {made.graded} graded cells, {made.points:g} points: {changes}")
        if made.remark:
            typer.echo(f"  {made.remark}")


@app.command()
def grade(
    chapter: Annotated[str, typer.Argument(help="e.g. 01_segmentation")],
    students: Annotated[
        list[str] | None, typer.Option("--student", help="only this student; may be repeated")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="grade unchanged submissions again")
    ] = False,
) -> None:
    """Grade the submissions in submitted/<student>/<chapter>/ and report on the class."""
    from rich.console import Console

    from .grading.cohort import grade as grade_class
    from .grading.table import progress_bar, show

    console = Console()
    with progress_bar(console, chapter) as progress:
        outcome = grade_class(HERE, chapter, students=students, force=force, progress=progress)
    show(outcome, console)


@app.command()
def renew(
    mine: Annotated[Path, typer.Argument(help="your notebook or a copy of lectures/; it stays")],
    lecture: Annotated[Path, typer.Argument(help="a fresh lecture, or lectures/: written into")],
) -> None:
    """Write your answers into a fresh lecture: after an update, or when a notebook broke."""
    from .grading.renew import renew_files

    for path, remarks in renew_files(mine, lecture):
        typer.echo("\n  ".join([f"{path}:", *remarks]))


@app.command()
def book(
    serve: Annotated[
        bool, typer.Option("--serve", help="show it in the browser when it is built")
    ] = False,
) -> None:
    """Build the book, in the profile that CVGEN_PROFILE names."""
    from .book import build
    from .book import serve as serve_pages

    html = build(HERE)
    if serve:
        serve_pages(html)


@app.command()
def demo() -> None:
    """Make a class of eight submissions for chapter 01, grade it, and name the pages to look at."""
    from .demo.show import show_demo

    show_demo(HERE)


@app.command()
def doctor() -> None:
    """Say what is missing on this machine, and the command that mends it."""
    from .doctor import examine

    if not examine():
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; a user's error is one clear message and exit code 1."""
    try:
        app()
    except CourseError as error:
        typer.secho(str(error), fg="red", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        command = next((word for word in sys.argv[1:] if word in EXTRA), "")
        if (error.name or "").startswith("cvgen_course") or not command:
            raise
        typer.secho(
            f"cvgen {command} needs the package {error.name}; "
            f'install it with: pip install -c requirements.lock -e ".[{EXTRA[command]}]"',
            fg="red",
            err=True,
        )
        sys.exit(1)
