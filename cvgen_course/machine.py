"""Which machine a number was measured on: no measured number without it."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version


def describe() -> str:
    """Return this machine in one line: processor, cores, memory, system, Python and PyTorch.

    It names hardware and versions, never a host, a user or a folder, so that it may be published.
    Needs packages that the extras ``book`` and ``train`` bring.
    """
    import cpuinfo
    import psutil

    brand = cpuinfo.get_cpu_info().get("brand_raw") or platform.machine() or "unknown processor"
    brand = re.sub(r"\((R|TM)\)|\s+(CPU|Processor)\b", "", brand).strip()
    cores = cpus()
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"{brand}, {cores} core{'' if cores == 1 else 's'}, {memory} GiB; {platform.system()}, "
        f"Python {platform.python_version()}, PyTorch {version('torch').partition('+')[0]}"
    )


def cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
