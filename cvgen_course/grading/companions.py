"""What lies beside a submitted notebook: it comes along, unless it could do harm there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from importlib.machinery import all_suffixes
from importlib.util import find_spec
from pathlib import Path
from sys import builtin_module_names, stdlib_module_names

from nbgrader.utils import parse_utc

from cvgen_course.grading.remarks import listed, printable

LARGEST_FILE, LARGEST_FOLDER = 20_000_000, 100_000_000
IGNORED = {"__MACOSX", "__pycache__"}
INSTALLED = {"node_modules", "site-packages", "dist-packages"}
ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
"""What lies in the folder of every virtual environment of Python, of every one of conda."""
ALWAYS = {*stdlib_module_names, *builtin_module_names, "sitecustomize", "usercustomize"}
BY_LENGTH = sorted(all_suffixes(), key=len, reverse=True)


def regular_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a submission, sorted.

    Links, devices, hidden files and installed software are left out.
    """
    yield from _walk(folder)[0]


def _walk(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return a submission's regular files, and its folders of installed software; both sorted."""
    files, installed = [], []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        if here != folder and (here.name in INSTALLED or ENVIRONMENT & {*folders, *names}):
            installed.append(here)
            folders.clear()
            continue
        folders[:] = [f for f in folders if not f.startswith(".") and f not in IGNORED]
        seen = (here / name for name in names if not name.startswith(".") and name not in IGNORED)
        files += [path for path in seen if stat.S_ISREG(path.lstat().st_mode)]
    return sorted(files), sorted(installed)


def companions(folder: Path, notebook: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return what lies beside a submitted notebook and comes along.

    Links, devices, large files and installed software stay behind, and so does what would be
    imported instead of an installed package.

    Args:
        folder: the submission.
        notebook: its notebook, which is not among them.

    Returns:
        Their contents by relative path, and remarks on what was left out, one for each reason.
    """
    files, installed = _walk(folder)
    names = {path: path.relative_to(folder) for path in files}
    shadowing = {name.parts[0] for name in names.values() if shadows_a_package(name)}
    left = {f"{path.relative_to(folder)}/": "is installed software" for path in installed}
    found: dict[str, bytes] = {}
    total = 0
    for path, name in names.items():
        if path == notebook or any(part.lower().endswith(".ipynb") for part in name.parts):
            continue
        if name.as_posix() == "timestamp.txt" and not _is_timestamp(path):
            left["timestamp.txt"] = "holds no time"
        elif name.parts[0] in shadowing:
            left[name.parts[0] + "/" * (len(name.parts) > 1)] = "would replace a package"
        elif (size := path.stat().st_size) > LARGEST_FILE or total + size > LARGEST_FOLDER:
            left[str(name)] = "is too large"
        else:
            try:
                found[name.as_posix()] = path.read_bytes()
                total += size
            except OSError:
                left[str(name)] = "can't be copied"
    return found, [_remark(reason, left) for reason in dict.fromkeys(left.values())]


def _remark(reason: str, left: dict[str, str]) -> str:
    """Return one sentence on all that was left out for a reason."""
    names = [printable(name) for name, why in left.items() if why == reason]
    if len(names) == 1:
        return f"{names[0]} {reason}; it was left out."
    return f"{listed(names)} {reason.replace('is ', 'are ')}; they were left out."


def _is_timestamp(path: Path) -> bool:
    """Return whether nbgrader can read a timestamp file (it stops at one that it can't)."""
    try:
        text = path.read_text(encoding="utf-8").strip()
        return not text or parse_utc(text) is not None
    except (ValueError, OverflowError, OSError):
        return False


def shadows_a_package(name: Path) -> bool:
    """Return whether a file beside a notebook would be imported instead of an installed module.

    A folder is imported only where it has an ``__init__``: without one, Python takes any other
    module of that name, wherever it lies.

    Args:
        name: the file's path, relative to the notebook's folder.
    """
    suffix = next((s for s in BY_LENGTH if name.name.endswith(s)), None)
    if suffix is None:
        return False
    parts = [*name.parts[:-1], name.name.removesuffix(suffix)]
    if parts[-1] == "__init__" and len(parts) > 1:
        del parts[-1]
    if not all(part.isidentifier() for part in parts):
        return False
    if len(parts) == 1 and parts[0] in ALWAYS:
        return True
    try:
        # Only an installed folder without __init__ leaves its name to others; what is in it counts.
        parents = (find_spec(".".join(parts[:n])) for n in range(1, len(parts)))
        if any(parent is None or parent.origin is not None for parent in parents):
            return False
        found = find_spec(".".join(parts))
    except (ImportError, ValueError, AttributeError):
        return len(parts) == 1
    return found is not None and found.origin is not None
