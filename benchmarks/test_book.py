"""Every chapter executed from empty caches, and the book rendered from what they gave."""

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cvgen_course import profile as profiles
from cvgen_course.book import build
from cvgen_course.book.build import BUILD
from cvgen_course.chapters import READY

HERE = Path(__file__).parent
ROOT = HERE.parent
PAGES = [chapter.page for chapter in READY]
NO_RESULTS = {"machine": "", "date": "", "commit": "", "dirty": False, "profile": ""}
"""What the book's page of measurements is made from while they are being made."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0)]
executed: list[float] = []


def seconds_of_execution():
    """Count only the seconds in which notebooks run, not the start of the process around them."""
    return sum(executed)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course in which nothing has been executed or built; no real data."""
    root = tmp_path_factory.mktemp("course")
    unbuilt = shutil.ignore_patterns("_build", ".ipynb_checkpoints", "__pycache__")
    for folder in ("solutions", "lectures", "jupyter_book"):
        shutil.copytree(ROOT / folder, root / folder, ignore=unbuilt)
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "benchmarks").mkdir()
    (root / "benchmarks" / "results.json").write_text(json.dumps({**NO_RESULTS, "benchmarks": []}))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CVGEN_DATA", "CVGEN_EXECUTED"):
            patch.delenv(name, raising=False)
        yield root


@pytest.fixture(scope="module")
def chapter(course):
    """A function that executes a chapter once, its data drawn anew, on all cores."""

    @functools.cache
    def execute(page):
        environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
        environment["CVGEN_CACHE"] = str(course / "data" / page)
        result = course / "result.json"
        command = [HERE / "execute_chapter.py", course, page, profiles.current(), result]
        subprocess.run([sys.executable, *command], env=environment, check=True)
        return json.loads(result.read_text())

    return execute


@pytest.mark.benchmark(group="Chapters", timer=seconds_of_execution)
@pytest.mark.parametrize("page", PAGES)
def test_chapter(benchmark, chapter, capfd, page):
    """Execute all cells of a chapter, as a reader does for the first time."""

    def execute():
        measured = chapter(page)
        executed.append(measured["seconds"])
        benchmark.extra_info["peak_memory"] = measured["peak_memory"]

    benchmark.extra_info["what"] = page.partition("/")[0]
    with capfd.disabled():
        benchmark.pedantic(execute)


@pytest.mark.benchmark(group="The book")
def test_render(benchmark, course, chapter, capfd):
    """Render all pages from executed notebooks."""

    def unbuilt():
        for path in (course / BUILD).iterdir():
            if path.name != "executed":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    with capfd.disabled():
        for page in PAGES:
            chapter(page)
        html = benchmark.pedantic(build, (course,), setup=unbuilt, rounds=3)
    pages = len(list(html.rglob("*.html")))
    benchmark.extra_info["what"] = f"rendering {pages} pages"
    benchmark.extra_info["size"] = sum(f.stat().st_size for f in html.rglob("*") if f.is_file())


@pytest.mark.benchmark(group="The book")
def test_build_again(benchmark, course, capfd):
    """Find out that nothing has changed."""
    with capfd.disabled():
        build(course)
        benchmark.pedantic(build, (course,), {"quiet": True}, rounds=5)
    benchmark.extra_info["what"] = "nothing has changed"
