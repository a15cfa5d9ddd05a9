"""What a sandbox's processes may not ask the system for: doors that namespaces leave open.

Some calls reach what belongs to the whole machine (keyrings, the clock, sockets to the host of a
virtual machine). Some hold memory that no look at processes finds. The rest is what sandboxes were
broken with. No lecture needs any of them.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct

DENIED = {
    # name: number on x86_64, on aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
NEW_NAMESPACES = 0x7E020080
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the numbers above, and what the system calls the architecture."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = 0x7FFF0000
_SET_FILTER, _FILTER = 22, 2


def program() -> bytes:
    """Return the filter, as the system takes it; all is allowed where numbers aren't known."""
    if platform.machine() not in ARCHITECTURES:
        return _step(_RETURN, _ALLOW)
    column, architecture = ARCHITECTURES[platform.machine()]
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, skip=1),
        _refuse(errno.ENOSYS),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, 0x40000000, skip_else=1),
        _refuse(errno.ENOSYS),  # the same calls by other numbers
    ]
    for numbers in DENIED.values():
        steps += [_step(_EQUAL, numbers[column], skip_else=1), _refuse(errno.EPERM)]
    steps += [
        _step(_EQUAL, CLONE3[column], skip_else=1),
        _refuse(errno.ENOSYS),  # its flags can't be looked at; libraries use clone then
        _step(_EQUAL, CLONE[column], skip_else=4),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, NEW_NAMESPACES, skip_else=1),
        _refuse(errno.EPERM),
        _step(_RETURN, _ALLOW),
        _step(_EQUAL, SOCKET[column], skip_else=2 + len(FAMILIES)),
        _step(_LOAD, _FIRST_ARGUMENT),
        *(_step(_EQUAL, f, skip=len(FAMILIES) - i) for i, f in enumerate(FAMILIES)),
        _refuse(errno.EAFNOSUPPORT),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def install(libc: ctypes.CDLL) -> None:
    """Let the filter hold for this process and all that it starts, for good.

    Args:
        libc: gets the call; the process must have given up new privileges before.

    Raises:
        OSError: the system takes no filter.
    """
    content = program()
    steps = ctypes.create_string_buffer(content, len(content))
    pointer = struct.pack("HxxxxxxQ", len(content) // 8, ctypes.addressof(steps))
    if libc.prctl(_SET_FILTER, _FILTER, ctypes.c_char_p(pointer), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter for system calls")


def _step(code: int, value: int, skip: int = 0, skip_else: int = 0) -> bytes:
    """Return one instruction: how many to skip where it holds, and where it doesn't."""
    return struct.pack("HBBI", code, skip, skip_else, value)


def _refuse(error: int) -> bytes:
    return _step(_RETURN, 0x00050000 | error)
