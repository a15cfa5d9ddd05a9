"""How grading a class ends when its workers are killed all the time.

    python benchmarks/grade_with_killed_workers.py COURSE CHAPTER [SECONDS]

COURSE is a folder with ``submitted/``; every submission in it is graded anew.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager

from cvgen_course.grading.cluster import Cluster
from cvgen_course.grading.cohort import grade
from cvgen_course.grading.runner import Runner, Workers


class Killed(Workers):
    """Workers of which one is killed every few seconds, in turn."""

    def ready_for(self, count: int) -> AbstractContextManager[Runner]:
        """Return a cluster, and begin to kill."""
        cluster = Cluster(min(self.most, count))
        threading.Thread(target=kill, args=(cluster,), daemon=True).start()
        return cluster


def kill(cluster: Cluster) -> None:
    """Kill a worker every few seconds, for ever."""
    while True:
        time.sleep(PAUSE)
        for pid in cluster.processes[len(KILLED) % 2 :][:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                KILLED.append(pid)


PAUSE = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
KILLED: list[int] = []

if __name__ == "__main__":
    begin = time.monotonic()
    outcome = grade(sys.argv[1], sys.argv[2], force=True, workers=Killed(2))
    endings = Counter(result.status_word for result in outcome.results)
    totals = Counter(result.total for result in outcome.results)
    seconds = time.monotonic() - begin
    print(f"{seconds:.0f} s, {len(KILLED)} workers killed: {dict(endings)}, points {dict(totals)}")
