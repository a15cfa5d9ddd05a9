"""Files that go to a kernel and come back: written and read past anything that lies in wait."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

LARGEST = 64 * 2**20


class Mailbox:
    """A folder that a student's code can change at any time.

    It is held by a descriptor, and no name in it is followed: a link there leads nowhere.

    Args:
        folder: it need not be safe to reach later, only now.
    """

    def __init__(self, folder: Path):
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._folder)

    def put(self, name: str, content: bytes) -> None:
        """Write a new file, in the place of all that is there.

        Raises:
            OSError: it can't be written.
        """
        self.clear()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(name, flags, 0o644, dir_fd=self._folder), "wb") as file:
            file.write(content)

    def clear(self) -> None:
        """Remove all that is there, as far as it can be: other files take the room of a new one."""
        with suppress(OSError):
            os.fchmod(self._folder, 0o700)  # whoever owns it can take the right to write in it
        for name in os.listdir(self._folder):
            with suppress(OSError):
                try:
                    os.unlink(name, dir_fd=self._folder)
                except IsADirectoryError:
                    shutil.rmtree(name, ignore_errors=True, dir_fd=self._folder)

    def take(self, name: str) -> bytes | None:
        """Return a file's content; None where there is no plain file of a sensible size."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            descriptor = os.open(name, flags, dir_fd=self._folder)
        except OSError:
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LARGEST + 1)
        return content if len(content) <= LARGEST else None
