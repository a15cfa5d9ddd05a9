"""A training on disk: written whole or not at all, and read without running what is in it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cvgen_course.errors import CourseError
from cvgen_course.files import replacing

NAME = "checkpoint.bin"
HEADER = b"cvgen checkpoint 1\n"
"""Begins the file; then come 32 bytes of SHA-256 and what they are the checksum of, as torch
writes it. Without a checksum torch reads a flipped bit of a weight without a word."""


def save(folder: Path, settings: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write a checkpoint; whoever kills the process meanwhile leaves the one before it.

    Args:
        folder: the run's folder; is made where it is missing.
        settings: what the run's result follows from: numbers and strings.
        state: tensors, numbers and strings, in lists and dictionaries.

    Raises:
        CourseError: the folder can't be written, or the disk is full.
    """
    content = io.BytesIO()
    torch.save({"settings": dict(settings), "state": dict(state)}, content)
    try:
        with replacing(folder / NAME) as file:
            file.write(HEADER)
            file.write(hashlib.sha256(content.getbuffer()).digest())
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave the new name without its content
    except OSError as error:
        raise CourseError(
            f"{str(folder / NAME)!r} can't be written ({error}). Make room, or name another "
            "folder with --out."
        ) from error


def load(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the checkpoint of a run, if there is one.

    Only tensors, numbers and strings are read (``weights_only``), never code.

    Args:
        folder: the run's folder.
        settings: what they must have been when the checkpoint was written.

    Returns:
        The state, on the CPU; None where there is no checkpoint.

    Raises:
        CourseError: the checkpoint is damaged, or belongs to other settings.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        content = torch.load(_checked(path), map_location="cpu", weights_only=True)
        then, state = content["settings"], content["state"]
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CourseError(
            f"{str(path)!r} is damaged, or no checkpoint ({why}). Start anew with --fresh."
        ) from error
    _require_same(path, then, settings)
    return dict(state)


def sweep(folder: Path, seconds: float = 600.0) -> None:
    """Delete what killed processes left half-written; what is younger may still be written to."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > seconds:
                part.unlink()


def _checked(path: Path) -> io.BytesIO:
    """Read a file's content, and raise ValueError unless its checksum is right."""
    content = path.read_bytes()
    start = len(HEADER) + hashlib.sha256().digest_size
    if not content.startswith(HEADER):
        raise ValueError(f"expected it to begin with {HEADER!r}, got {content[: len(HEADER)]!r}")
    if hashlib.sha256(memoryview(content)[start:]).digest() != content[len(HEADER) : start]:
        raise ValueError("its checksum is wrong")
    return io.BytesIO(memoryview(content)[start:])


def _require_same(path: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = [
        f"{name} {then.get(name)!r} (now {now.get(name)!r})"
        for name in {**then, **now}
        if then.get(name) != now.get(name)
    ]
    if changed:
        raise CourseError(
            f"{str(path)!r} belongs to other settings: {', '.join(changed)}. Go on with those, "
            "start anew with --fresh, or name another folder with --out."
        )
