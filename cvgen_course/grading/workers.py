"""How many submissions run at a time, and where."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from cvgen_course.grading.runner import InTurn, Runner


@dataclass(frozen=True)
class Workers:
    """How many submissions run at a time, and where.

    Attributes:
        most: how many workers there are at most; one means this process.
        scheduler: the address of a cluster's scheduler, whose workers are used instead.
    """

    most: int = 1
    scheduler: str | None = None

    def ready_for(self, count: int) -> AbstractContextManager[Runner]:
        """Return what runs so many submissions; a cluster starts with the ``with`` block."""
        workers = min(self.most, count)
        if count == 0 or (self.scheduler is None and workers == 1):
            return nullcontext(InTurn())
        from cvgen_course.grading.cluster import Cluster

        return Cluster(workers, self.scheduler)
