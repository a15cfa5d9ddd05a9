"""Hashes of what a result follows from: while they stay, nothing is graded again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode

from cvgen_course.grading.companions import regular_files
from cvgen_course.grading.execute import Limits
from cvgen_course.notebooks.pairing import to_json


def hash_of_course(
    code: str, released: NotebookNode, limits: Limits, beside: Mapping[str, bytes]
) -> str:
    """Return a hash of what all results of a chapter follow from.

    Args:
        code: a hash of the code that points follow from.
        released: the lecture.
        limits: what a submission may use.
        beside: what lies beside the lecture, by relative path.
    """
    digest = hashlib.sha256(code.encode())
    digest.update(to_json(released).encode())
    digest.update(repr(limits).encode())
    for name, content in sorted(beside.items()):
        _add(digest, name, hashlib.sha256(content).digest())
    return digest.hexdigest()


def hash_of_work(folder: Path, seed: str) -> str:
    """Return a hash of what was handed in, and of the questions that it is asked.

    Args:
        folder: the submission; it may be missing.
        seed: the student's.
    """
    digest = hashlib.sha256(seed.encode())
    if folder.is_dir() and not folder.is_symlink():
        for path in regular_files(folder):
            try:
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
            except OSError:
                content = b"unreadable"
            _add(digest, str(path.relative_to(folder)), content)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    """Add a file to a hash."""
    encoded = name.encode("utf-8", "surrogateescape")
    digest.update(len(encoded).to_bytes(8, "big") + encoded + content)
