"""The teacher's secret, and the seeds that follow from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cvgen_course.errors import CourseError

BYTES = 32


def read_secret(folder: Path) -> bytes:
    """Return the secret of a course; make it at first use, readable by its owner only.

    Whoever knows it knows everyone's questions. It never enters a kernel's environment.

    Args:
        folder: where it lies, the course's ``.cvgen``.

    Raises:
        CourseError: the file holds something else.
    """
    path = folder / "secret"
    if not path.exists():
        _create_secret(path)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != BYTES:
        raise CourseError(
            f"{path}: expected {2 * BYTES} hexadecimal digits, got something else; put back the "
            "old file, or remove it for a new secret (submissions then get other questions)"
        )
    return secret


def _create_secret(path: Path) -> None:
    """Write a new secret, unless another process was first."""
    temporary = path.with_name(f".secret.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(BYTES) + "\n")
        try:
            os.link(temporary, path)  # fails where the file exists, so the first writer wins
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def grading_seed(secret: bytes, student: str, chapter: str) -> str:
    """Return the seed of one student's questions in one chapter, the same at every grading.

    The exercise's name joins it in the checks, so every exercise has questions of its own.

    Returns:
        32 hexadecimal digits, for ``CVGEN_SEED``.
    """
    message = f"{student}\x1f{chapter}".encode("utf-8", "surrogateescape")
    return hmac.new(secret, message, hashlib.sha256).hexdigest()[:32]
