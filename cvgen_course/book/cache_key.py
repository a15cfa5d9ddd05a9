"""When an executed notebook may be used again: a cache per profile, package, data and lock."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NOT_IN_NOTEBOOKS = ("book", "demo", "doctor", "experiments", "grading", "cli.py", "machine.py")
"""Parts of the package that no notebook imports; a change there does not execute the book again."""


def cache_key(profile: str, root: Path, package: Path = PACKAGE) -> str:
    """Return the name of the cache folder for the things that change a notebook's outputs.

    The code of the notebook's own cells is jupyter-cache's part of the key.

    Args:
        profile: ``"smoke"``, ``"cpu"`` or ``"gpu"``.
        root: the course root; its ``requirements.lock`` counts where there is one.
        package: the folder of the library.

    Returns:
        ``"<profile>-<16 hexadecimal digits>"``.
    """
    digest = hashlib.sha256()
    lock = root / "requirements.lock"
    parts = [
        profile,
        f"{sys.version_info.major}.{sys.version_info.minor}",
        lock.read_text(encoding="utf-8") if lock.is_file() else "",
        _package_state(package),
        _data_state(os.environ.get("CVGEN_DATA")),
    ]
    for part in parts:
        digest.update(part.encode() + b"\x1f")
    return f"{profile}-{digest.hexdigest()[:16]}"


def _package_state(package: Path) -> str:
    """Return a hash of all source files of the library that a notebook may import."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        if relative.parts[0] in NOT_IN_NOTEBOOKS:
            continue
        digest.update(relative.as_posix().encode() + b"\x1f" + path.read_bytes() + b"\x1f")
    return digest.hexdigest()


def _data_state(folder: str | None) -> str:
    """Return names, sizes and times of the files in a folder of real data.

    The embedded sets are made by the package, so that its source already stands for them.
    """
    if not folder:
        return ""
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
    states = ((path, path.stat()) for path in files)
    return "\n".join(
        f"{path.relative_to(folder).as_posix()} {state.st_size} {state.st_mtime_ns}"
        for path, state in states
    )
