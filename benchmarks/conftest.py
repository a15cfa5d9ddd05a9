"""What every benchmark needs: one thread, a fair comparison, one small JSON and one table.

A complete run (``make bench``) replaces ``benchmarks/results.json``, from which the book's page of
measurements is made. A part of the benchmarks, or an interrupted run, goes to the terminal only.
"""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported

import pytest
import torch
from pytest_benchmark.stats import Stats
from rich import box
from rich.console import Console
from rich.table import Table

from cvgen_course import machine, profile
from cvgen_course.book.measurements import Measurement, rows

torch.set_num_threads(1)

HERE = Path(__file__).parent
UNFINISHED = ".part"
"""How the name ends to which a run writes; it is renamed once the run was complete."""

BUDGET = 3.0
"""Seconds for each comparison of two functions."""

document_key = pytest.StashKey[dict]()
deselected_key = pytest.StashKey[bool]()
outcome_key = pytest.StashKey[str]()


@pytest.fixture
def side_by_side(benchmark) -> Callable[..., None]:
    """Time a function of ours and another library's in turn, once their results are equal.

    In turn, because a machine's speed drifts: both then have the same good and bad moments. A
    round's ratio is ours divided by theirs; the ratio that counts is the rounds' median.
    """

    def measure(what: str, ours: Callable, library: str, theirs: Callable) -> None:
        benchmark.extra_info["what"] = what
        torch.testing.assert_close(ours(), theirs(), rtol=1e-4, atol=1e-5, check_dtype=False)
        rounds = max(20, min(1000, int(BUDGET / (_seconds(ours) + _seconds(theirs)))))
        other = Stats()
        benchmark.pedantic(ours, setup=lambda: other.update(_seconds(theirs)), rounds=rounds)
        if benchmark.enabled:
            pairs = zip(benchmark.stats.stats.data, other.data, strict=True)
            ratio = median(mine / its for mine, its in pairs)
            benchmark.extra_info["other"] = {"library": library, **_summary(other)}
            benchmark.extra_info["ratio"] = ratio

    return measure


def _seconds(function: Callable) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start


def _summary(stats: Stats) -> dict[str, float]:
    values = {field: _rounded(getattr(stats, field)) for field in ("min", "median", "iqr")}
    return {**values, "rounds": stats.rounds}


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def pytest_deselected(items):
    """Remember that the run is a part only (``-k``, ``-m``, ``--lf``, …)."""
    for item in items:
        item.config.stash[deselected_key] = True


def pytest_benchmark_generate_machine_info(config):
    """Name the machine without its host and its user."""
    return {"description": machine.describe()}


def pytest_benchmark_generate_json(config, benchmarks, machine_info, commit_info):
    """Return the statistics of a run and where they come from; no single timing, no path."""
    config.stash[document_key] = {
        "machine": machine_info["description"],
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit_info["id"],
        "dirty": commit_info["dirty"],
        "profile": profile.current(),
        "benchmarks": [_entry(bench) for bench in benchmarks if bench and not bench.has_error],
    }
    return config.stash[document_key]


def _entry(bench) -> dict:
    extra = {
        name: _rounded(value) if isinstance(value, float) else value
        for name, value in bench.extra_info.items()
    }
    what = extra.pop("what", bench.name)
    return {"group": bench.group, "what": what, "seconds": _summary(bench.stats), **extra}


def pytest_sessionfinish(session, exitstatus):
    """Put a complete run's JSON in its place, and throw a part away."""
    written = session.config.getoption("benchmark_json")
    if written is None or written.suffix != UNFINISHED or not written.is_file():
        return
    final = written.with_suffix("")
    if exitstatus == pytest.ExitCode.OK and _is_whole(session):
        os.replace(written, final)
        session.config.stash[outcome_key] = f"written: {final}"
    else:
        written.unlink()
        session.config.stash[outcome_key] = f"not a complete run: {final} stays as it is"


def _is_whole(session) -> bool:
    """Return whether no benchmark was left out."""
    of_one_test = any("::" in argument for argument in session.config.args)
    files = {item.path for item in session.items}
    left_out = session.config.stash.get(deselected_key, of_one_test)
    return not left_out and files == set(HERE.glob("test_*.py"))


def pytest_terminal_summary(terminalreporter, config):
    """Show the one table."""
    document = config.stash.get(document_key, None)
    if document is None or not document["benchmarks"]:
        return
    out = io.StringIO()
    color = terminalreporter.hasmarkup
    console = Console(file=out, force_terminal=color, no_color=not color, highlight=False)
    console.print(_table(rows(document)))
    terminalreporter.ensure_newline()
    terminalreporter.write(out.getvalue())
    terminalreporter.write_line(config.stash.get(outcome_key, ""))


def _table(measured: list[Measurement]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("what", no_wrap=True)
    for heading in ("time", "other library", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("besides", justify="right")
    group = None
    for row in measured:
        if row.group != group:
            table.add_section()
            table.add_row(f"[bold]{row.group.partition(':')[0]}[/]")
            group = row.group
        besides = f"{row.measure} {row.besides}".strip()
        table.add_row(row.what, row.time, row.other, row.ratio, besides)
    return table
