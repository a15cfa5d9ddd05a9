"""Downloads: to a temporary name, resumed where a checksum can tell, checked, then put in place."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from cvgen_course.errors import DataError
from cvgen_course.files import replacing

TIMEOUT = 30
"""Seconds without an answer after which a server counts as out of reach."""


def fetch(url: str, path: Path, md5: str | None = None) -> Path:
    """Download a file, unless it is there already.

    With a checksum, an interrupted download stays as ``<name>.part`` and is resumed the next time;
    without one nobody could tell whether the parts fit, so it starts anew. ``path`` only ever holds
    a whole file.

    Args:
        url: where from.
        path: where to; its folder is made.
        md5: the publisher's checksum, hexadecimal; None where the publisher gives none.

    Returns:
        ``path``.

    Raises:
        DataError: offline, refused, interrupted, disk full, or another checksum than expected.
    """
    if path.exists():
        return path
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if md5 is None:
            with replacing(path) as file:
                _receive(url, file)
            return path
        with open(part, "ab") as file:
            _receive(url, file)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        raise DataError(
            f"{url} could not be downloaded ({error}). Check the connection and call again; or get "
            f"the file elsewhere and put it at {str(path)!r}; or use data that needs no download: "
            "'scenes', 'glyphs' or 'pairs'."
        ) from error
    except OSError as error:
        raise DataError(
            f"{str(path)!r} could not be written ({error}). Make room there."
        ) from error
    got = _checksum(part)
    if got != md5:
        part.unlink()
        raise DataError(
            f"{url}: expected MD5 {md5}, got {got}. The damaged download was deleted: call again; "
            "if it happens twice, the server's file is not the published one."
        )
    os.replace(part, path)
    return path


def _checksum(path: Path) -> str:
    """Return a file's MD5 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _receive(url: str, file: BinaryIO) -> None:
    """Append what a URL serves to a file, from the file's present end on.

    Raises:
        urllib.error.URLError: out of reach, refused, or the connection ended too early.
    """
    from tqdm import tqdm

    start = file.seek(0, os.SEEK_END)
    request = urllib.request.Request(url, headers={"User-Agent": "cvgen-course"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if not (start and error.code == 416):  # 416: there is nothing after the part that we have
            raise
        error.close()
        return
    with answer:
        if start and answer.status != 206:  # the server doesn't resume: begin again
            file.truncate(0)
            start = 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        title = url.rsplit("/", 1)[-1]
        with tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=title) as bar:
            while block := answer.read(1 << 18):
                file.write(block)
                bar.update(len(block))
        if total is not None and file.tell() < total:
            raise urllib.error.URLError(f"the connection ended at {file.tell()} of {total} bytes")


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ``.zip`` or ``.tar`` archive file, each top folder whole or not at all.

    Where the folder exists, what is in the archive replaces what is there of the same name.

    Raises:
        DataError: the archive is damaged or the disk is full; the archive is deleted if damaged.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as file:
                file.extractall(temporary)
        else:
            with tarfile.open(archive) as file:
                file.extractall(temporary, filter="data")
        folder.mkdir(exist_ok=True)
        for item in temporary.iterdir():
            _put(item, folder / item.name)
    except Exception as error:
        # A decoder raises OSError, too, but without the system's number.
        if isinstance(error, shutil.Error) or getattr(error, "errno", None) is not None:
            raise DataError(
                f"{str(folder)!r} could not be written ({error}). Make room there."
            ) from error
        # What zipfile, tarfile and their decoders raise has no common ancestor.
        with contextlib.suppress(OSError):
            archive.unlink()
        raise DataError(
            f"{str(archive)!r} is damaged ({error}) and was deleted: load it again."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put(item: Path, target: Path) -> None:
    """Put a folder or file in its place, as a whole; a link to another disk is followed."""
    target = target.resolve()
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        shutil.move(item, beside)  # copies what lies on another disk
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(beside, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        beside.unlink(missing_ok=True)
