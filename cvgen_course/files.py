"""Files on disk, written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
