"""Zip files that are damaged in the ways that each raise something else."""

import struct

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"

DAMAGES = {
    "encrypted": lambda content: _patched(content, 6, 8, 1),  # RuntimeError
    "unknown method": lambda content: _patched(content, 8, 10, 77),  # NotImplementedError
    "wrong method": lambda content: _patched(content, 8, 10, 14),  # LZMAError
    "no deflate": lambda content: _patched(_garbled(content), 8, 10, 8),  # zlib.error
    "garbled": lambda content: _garbled(content),  # BadZipFile
    "truncated": lambda content: content[:-30],  # BadZipFile
    "shorter list": lambda content: _with_shorter_list(content),  # none: members are missing
    "empty": lambda content: b"",
}
"""Each returns a damaged copy of a zip file's content; the comment says what zipfile raises."""


def _patched(content, local, central, value):
    """Set a 16-bit field of all members' headers."""
    content = bytearray(content)
    for mark, at in ((LOCAL, local), (CENTRAL, central)):
        start = content.find(mark)
        while start >= 0:
            struct.pack_into("<H", content, start + at, value)
            start = content.find(mark, start + 4)
    return bytes(content)


def _garbled(content):
    """Overwrite a part of each member's data."""
    content = bytearray(content)
    start = content.find(LOCAL)
    while start >= 0:
        name, extra = struct.unpack_from("<HH", content, start + 26)
        data = start + 30 + name + extra
        content[data : data + 8] = b"\xff" * 8
        start = content.find(LOCAL, data)
    return bytes(content)


def _with_shorter_list(content):
    """Take the first member out of the list of members."""
    first = content.index(CENTRAL)
    second = content.index(CENTRAL, first + 4)
    end = bytearray(content[content.index(END) :])
    count, size, start = struct.unpack_from("<HLL", end, 10)
    struct.pack_into("<HHLL", end, 8, count - 1, count - 1, size - (second - first), start)
    return content[:first] + content[second : content.index(END)] + bytes(end)
