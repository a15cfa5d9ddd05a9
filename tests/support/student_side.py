"""The student's process: executes a source, answers questions; bytes in, bytes out.

``python -m support.student_side module:EXERCISES`` reads frames from stdin (8 bytes of length, then
the bytes): first name and source, then the questions; it writes one frame, the answers, to what was
stdout when it began.
"""

from __future__ import annotations

import importlib
import os
import struct
import sys
from typing import BinaryIO

from cvgen_course.checks import answer_bytes, decode


def read_frame(stream: BinaryIO) -> bytes:
    """Return the next frame; empty at the end of the stream."""
    head = stream.read(8)
    return stream.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""


def write_frame(stream: BinaryIO, data: bytes) -> None:
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def namespace_of(source: str) -> dict:
    """Execute a student's source as a notebook does: what stood before an error stays."""
    namespace = {"__name__": "__main__"}
    try:
        exec(compile(source, "<student>", "exec"), namespace)
    except BaseException as error:
        print(f"the student's code raised {type(error).__name__}", file=sys.stderr)
    return namespace


def main(path: str) -> None:
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, _, attribute = path.partition(":")
    exercises = getattr(importlib.import_module(module), attribute)
    while request := read_frame(sys.stdin.buffer):
        request = decode(request)
        questions = read_frame(sys.stdin.buffer)
        namespace = namespace_of(request["source"])
        write_frame(replies, answer_bytes(exercises[request["name"]], namespace, questions))


if __name__ == "__main__":
    main(sys.argv[1])
