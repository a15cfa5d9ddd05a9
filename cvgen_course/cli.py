"""The command `cvgen`."""

from __future__ import annotations

import typer

app = typer.Typer(help="Author, release, grade and publish the course.", no_args_is_help=True)


def main() -> None:
    """Run the command line."""
    app()
