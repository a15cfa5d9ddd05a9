"""The command `cvgen`: for authors and teachers, for experiments, for a look at the course."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cvgen_course.chapters import CHAPTERS, READY, fill, numbers, table
from cvgen_course.errors import CourseError
from cvgen_course.files import write
from cvgen_course.machine import cpus

if TYPE_CHECKING:
    from cvgen_course.grading.workers import Workers

app = typer.Typer(
    help="Author, release, grade and publish the course.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
HERE = Path(".")
NAMES = ", ".join(chapter.name for chapter in READY)
EXTRA = {
    "release": "grading",
    "grade": "grading",
    "regrade": "grading",
    "feedback": "grading",
    "roster": "grading",
    "demo": "grading,book",
    "book": "book",
    "train": "train",
    "evaluate": "train",
}


class _Isolation(StrEnum):
    """What submissions run in."""

    bubblewrap = "bubblewrap"
    none = "none"


_Sandbox = Annotated[
    _Isolation, typer.Option("--sandbox", help="none: run submissions with your own rights")
]
_Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="submissions at a time; one per CPU if not given"),
]
_Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="a running Dask cluster to use, e.g. tcp://name:8786"),
]


@app.command()
def release(
    chapters: Annotated[
        list[str] | None, typer.Argument(help=f"of {NAMES}; all where none is named")
    ] = None,
) -> None:
    """Make the lectures that students get from the authored solutions."""
    from cvgen_course.grading.release import release as make_lectures

    for made in make_lectures(HERE, [_folder(chapter) for chapter in chapters or ()] or None):
        changes = ", ".join(made.changed) or "up to date"
        typer.echo(f"{made.chapter}: {made.graded} graded cells, {made.points:g} points: {changes}")
        if made.remark:
            typer.echo(f"  {made.remark}")
    readme = HERE / "README.md"
    if readme.is_file():
        text = readme.read_text(encoding="utf-8")
        filled = fill(text, table("lectures/{page}.ipynb"))
        if write(readme, fill(filled, numbers("lectures/{page}.ipynb"), "numbers")):
            typer.echo("README.md: the tables of chapters follow cvgen_course/chapters.py")


@app.command()
def grade(
    chapter: Annotated[str, typer.Argument(help=f"one of {NAMES}")],
    students: Annotated[
        list[str] | None, typer.Option("--student", help="only this student; may be repeated")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="grade unchanged submissions again")
    ] = False,
    sandbox: _Sandbox = _Isolation.bubblewrap,
    workers: _Workers = None,
    scheduler: _Scheduler = None,
) -> None:
    """Grade the submissions in submitted/<student>/<chapter>/ and report on the class.

    Exit code 0: everyone who handed in has points. 3: somebody in the table could not be graded.
    1: nobody could, for the reason that is named. 130: stopped with Ctrl-C; call it again to go on.
    """
    from rich.console import Console

    ready = _workers(1 if len(students or ()) == 1 else workers, scheduler)
    from cvgen_course.grading.cohort import UNPROTECTED
    from cvgen_course.grading.cohort import grade as grade_class
    from cvgen_course.grading.progress import shown
    from cvgen_course.grading.results import NOT_GRADED
    from cvgen_course.grading.table import show

    console, chapter = Console(), _folder(chapter)
    if sandbox is _Isolation.none:
        console.print(UNPROTECTED, style="yellow")
    with shown(console, chapter) as progress:
        outcome = grade_class(
            HERE,
            chapter,
            students=students,
            force=force,
            isolated=sandbox is _Isolation.bubblewrap,
            workers=ready,
            progress=progress,
        )
    show(outcome, console)
    if any(result.status in NOT_GRADED for result in outcome.results):
        raise typer.Exit(3)


@app.command()
def regrade(
    chapter: Annotated[str, typer.Argument(help=f"one of {NAMES}")],
    exercises: Annotated[
        list[str], typer.Option("--exercise", help="an exercise that was mended; may be repeated")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="write without asking")] = False,
    sandbox: _Sandbox = _Isolation.bubblewrap,
    workers: _Workers = None,
    scheduler: _Scheduler = None,
) -> None:
    """After an exercise was mended: show whose points change and by how much, then write them.

    Points and tables of all other exercises stay, and so do marks given by hand. Exit code: as for
    cvgen grade; 0 as well where nothing was written.
    """
    from rich.console import Console

    ready = _workers(workers, scheduler)
    from cvgen_course.grading.cohort import UNPROTECTED
    from cvgen_course.grading.progress import shown
    from cvgen_course.grading.regrade import Changes
    from cvgen_course.grading.regrade import regrade as regrade_class
    from cvgen_course.grading.results import NOT_GRADED
    from cvgen_course.grading.table import show, show_changes

    console, chapter = Console(), _folder(chapter)
    if sandbox is _Isolation.none:
        console.print(UNPROTECTED, style="yellow")

    def agree(changes: Changes) -> bool:
        bar.close()
        show_changes(changes, console)
        if yes or not sys.stdin.isatty():
            return yes
        return typer.confirm("Write this?")

    with ExitStack() as bar:
        outcome = regrade_class(
            HERE,
            chapter,
            exercises,
            agree,
            isolated=sandbox is _Isolation.bubblewrap,
            workers=ready,
            progress=bar.enter_context(shown(console, chapter)),
        )
    if outcome is None:
        typer.echo("Nothing was written. To write it without being asked: --yes")
        return
    show(outcome, console)
    if any(result.status in NOT_GRADED for result in outcome.results):
        raise typer.Exit(3)


@app.command()
def feedback(
    chapter: Annotated[str, typer.Argument(help=f"one of {NAMES}")],
    send: Annotated[
        bool, typer.Option("--send", help="put the pages into the exchange, for students to fetch")
    ] = False,
) -> None:
    """Make all feedback pages anew, with the marks that you gave by hand."""
    from cvgen_course.grading.course import Course
    from cvgen_course.grading.exchange import give_back
    from cvgen_course.grading.lock import alone

    work = Course.find(HERE).chapter(_folder(chapter))
    with alone(work.course):
        done = give_back(work, send)
    typer.echo(f"Pages made in feedback/: {len(done.made)}")
    if send:
        typer.echo(f"Pages sent through the exchange: {len(done.sent)}")
    if done.by_hand:
        typer.echo(f"Did not hand in through the exchange, send by hand: {', '.join(done.by_hand)}")
    for sentence in done.failed:
        typer.echo(sentence)


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(help="a table with the column id, saved as CSV")],
) -> None:
    """Tell the gradebook who is in the class, from a spreadsheet's CSV."""
    from cvgen_course.grading.roster import import_roster

    typer.echo(f"Students read into the gradebook: {import_roster(HERE, file)}")


@app.command()
def renew(
    mine: Annotated[Path, typer.Argument(help="your notebook or a copy of lectures/; it stays")],
    lecture: Annotated[Path, typer.Argument(help="a fresh lecture, or lectures/: written into")],
) -> None:
    """Write your answers into a fresh lecture: after an update, or when a notebook broke."""
    from cvgen_course.grading.renew import renew_files

    for path, remarks in renew_files(mine, lecture):
        typer.echo("\n  ".join([f"{path}:", *remarks]))


@app.command()
def book(
    serve: Annotated[
        bool, typer.Option("--serve", help="show it in the browser when it is built")
    ] = False,
) -> None:
    """Build the book, in the profile that CVGEN_PROFILE names."""
    from cvgen_course.book import build
    from cvgen_course.book import serve as serve_pages

    html = build(HERE)
    if serve:
        serve_pages(html)


@app.command()
def train(
    chapter: Annotated[str, typer.Argument(help=f"one of {NAMES}")],
    data: Annotated[str, typer.Option("--data", help="a data set, e.g. bccd")],
    model: Annotated[
        str | None, typer.Option("--model", help="a model; else the one for this data")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="number of batches")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="images in a batch, on all devices together")
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="the highest learning rate")] = None,
    devices: Annotated[
        int, typer.Option("--devices", help="GPUs; processes where there is no GPU")
    ] = 1,
    precision: Annotated[
        str, typer.Option("--precision", help="32-true, bf16-mixed or 16-mixed")
    ] = "32-true",
    out: Annotated[
        Path | None, typer.Option("--out", help="results; runs/<chapter>-<data> if not given")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="start anew where a run could go on")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="everything random follows from it")] = 0,
) -> None:
    """Train a chapter's full-size experiment; go on with it where it was stopped."""
    from cvgen_course.experiments.chapters import build_experiment
    from cvgen_course.experiments.core.run import run

    chosen = build_experiment(
        chapter, data, model, seed=seed, steps=steps, batch_size=batch_size, lr=lr
    )
    # Windows has no colons in names, and a comma is a shell's.
    folder = out or HERE / "runs" / re.sub(r"[^\w-]+", "-", f"{chosen.chapter}-{data}")
    if run(chosen, folder, devices=devices, precision=precision, fresh=fresh) is None:
        raise typer.Exit(130)  # as a shell calls what Ctrl-C has ended


@app.command()
def evaluate(
    real: Annotated[
        str, typer.Argument(help="a folder of images, an .npz file, or a data set, e.g. mnist:test")
    ],
    fake: Annotated[str, typer.Argument(help="the images to judge, likewise")],
    features: Annotated[
        str | None,
        typer.Option("--features", help="glyphs or inception; inception where there are weights"),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="a file with the Inception network's weights")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", help="a file to write the table to, as JSON")
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", help="images that a network looks at together")
    ] = 50,
    seed: Annotated[int, typer.Option("--seed", help="everything random follows from it")] = 0,
) -> None:
    """Say how far images are from real ones: Inception Score, FID, KID, precision, recall and more.

    What is computed of REAL is kept, and used again as long as the images are the same.
    """
    try:
        from cvgen_course.experiments.evaluation.command import evaluate as compare

        compare(
            real,
            fake,
            features=features,
            weights=weights,
            json=json,
            batch_size=batch_size,
            seed=seed,
        )
    except KeyboardInterrupt:
        typer.echo("Stopped: no result was written, and nothing but this run is lost.", err=True)
        raise typer.Exit(130) from None


@app.command()
def demo() -> None:
    """Make a class of eight submissions for chapter 01, grade it, and name the pages to look at."""
    from cvgen_course.demo.show import show_demo

    show_demo(HERE)


@app.command()
def doctor() -> None:
    """Say what is missing on this machine, and the command that mends it."""
    from cvgen_course.doctor import examine

    if not examine():
        raise typer.Exit(1)


def _workers(most: int | None, scheduler: str | None) -> Workers:
    """Return what runs submissions; processes of this machine begin to import at once."""
    from cvgen_course.grading import forkserver

    most = most or cpus()
    if most > 1 and scheduler is None:
        forkserver.start()  # it imports while this process does
    from cvgen_course.grading.workers import Workers

    return Workers(most, scheduler)


def _folder(chapter: str) -> str:
    """Return a chapter's folder where its name alone was given; anything else stays as it is."""
    return next((known.folder for known in CHAPTERS if known.name == chapter), chapter)


def main() -> None:
    """Run the command line; a user's error is one clear message and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that can't be shown must not stop anything
            stream.reconfigure(errors="backslashreplace")
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
