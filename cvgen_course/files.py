"""Files on disk, written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

LEFT_BY_SYSTEMS = {"__macosx", "thumbs.db", "desktop.ini"}
"""Names, in lower case, that macOS and Windows leave beside what people put there."""


def is_content(path: PurePath) -> bool:
    """Return whether a path within a folder or archive is one that people put there.

    Hidden files are not: macOS leaves ``.DS_Store`` everywhere, and beside each file on a foreign
    disk one like ``._0.png``, which is no picture. Nor is what else systems leave.

    Args:
        path: relative to the folder or archive.
    """
    return not any(p.startswith(".") or p.lower() in LEFT_BY_SYSTEMS for p in path.parts)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes ``path``'s place when the block ends well.

    It is written under a temporary name in the same folder: whoever looks at ``path`` sees the
    old content or the new, never a part. When the block raises, nothing is left behind. The file
    has a ``name``, for what writes to paths only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, content: str | bytes) -> bool:
    """Write a file, as a whole or not at all; leave it alone where nothing changes.

    Returns:
        Whether the file changed.
    """
    content = content.encode("utf-8") if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == content:
        return False
    with replacing(path) as file:
        file.write(content)
    return True
