"""Where data sets are kept, and which real ones are there."""

from __future__ import annotations

import os
from pathlib import Path

from cvgen_course.doctor.child import ask
from cvgen_course.doctor.commands import assign, unset
from cvgen_course.doctor.finding import Finding

CACHE = """
import json
from cvgen_course.data.folders import cache_folder
from cvgen_course.files import replacing

folder, problem = cache_folder(), ""
try:
    with replacing(folder / "doctor"):
        pass
    (folder / "doctor").unlink()
except OSError as error:
    problem = str(error)
print(json.dumps([str(folder), problem]))
"""
REAL_SETS = """
import json, os
from cvgen_course import data
from cvgen_course.errors import DataError

holds = {}
for name in data.NAMES:
    if name not in ("scenes", "glyphs", "pairs"):
        try:
            holds[name] = len(data.load(name, "test", os.environ["CVGEN_DATA"])) > 0
        except DataError:
            holds[name] = False
print(json.dumps(holds))
"""


def check_data() -> list[Finding]:
    """Look whether drawn data can be kept, and which real data sets ``CVGEN_DATA`` holds."""
    answer = ask(CACHE)
    if answer.error:
        return [Finding("optional", f"data sets: not looked at, since {answer.error}")]
    folder, problem = answer.value
    if problem:
        what = f"{folder} can't be written ({problem}): data sets are drawn anew each time"
        cache = Finding("optional", what, assign("CVGEN_CACHE", Path.home() / "cvgen_cache"))
    else:
        cache = Finding("ok", f"data sets are kept in {folder}")
    return [cache, real_sets(os.environ.get("CVGEN_DATA"))]


def real_sets(named: str | None) -> Finding:
    """Look which real data sets a folder holds.

    Args:
        named: the folder; None or an empty text where there is none, which is fine.
    """
    if not named:
        return Finding("ok", "CVGEN_DATA is not set: only drawn data sets, which suffice")
    if not Path(named).expanduser().is_dir():
        what = f"CVGEN_DATA: expected a folder of data sets, got {named!r}, which is none"
        return Finding("wrong", what, unset("CVGEN_DATA"))
    answer = ask(REAL_SETS)
    if answer.error:
        return Finding("wrong", f"CVGEN_DATA {named}: its sets can't be read: {answer.error}")
    there = [name for name, holds in answer.value.items() if holds]
    absent = [name for name, holds in answer.value.items() if not holds]
    if not there:
        what = f"CVGEN_DATA: expected data sets ({', '.join(absent)}) in {named}, found none"
        return Finding("wrong", what, unset("CVGEN_DATA"))
    rest = f"; not {', '.join(absent)}" if absent else ""
    return Finding("ok", f"CVGEN_DATA holds {', '.join(there)}{rest}")
