"""Many submissions at a time: a cluster of processes on this machine, or one that is there."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import math
import os
import platform
import signal
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future as Promise
from functools import partial
from importlib.metadata import version
from itertools import chain
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, Security, WorkerPlugin

from cvgen_course.errors import CourseError, SubmissionError
from cvgen_course.grading import forkserver
from cvgen_course.grading.forkserver import without_interrupt
from cvgen_course.grading.runner import Ran
from cvgen_course.grading.sandbox.bubblewrap import why_not
from cvgen_course.grading.sandbox.provisioner import warm_process
from cvgen_course.grading.task import Finished, Task, run

AHEAD = 1.5
"""How many submissions are in memory at a time, for each worker."""
MOST_DEATHS = 3
"""Workers that a submission may cost."""
CONNECT_SECONDS = 15
PATIENCE_SECONDS = 60
"""How long there may be no worker."""
QUICKLY = 0.3
HTTP = "127.0.0.1:0"
"""Dask starts a server for a dashboard in any case: empty, and for this machine alone."""
CONFIG = {
    "distributed.scheduler.allowed-failures": MOST_DEATHS - 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.worker.multiprocessing-method": forkserver.METHOD,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
}
COSTS_WORKERS = (
    f"{MOST_DEATHS} workers ended while they ran it. A human has to look at this notebook; where "
    "the machine itself ran out of memory, grade with fewer --workers."
)
NO_SCHEDULER = (
    "--scheduler: expected the address of a running Dask scheduler, as in tcp://name:8786, got "
    "{!r}: {}. Start one with `dask scheduler`, or leave the option out to use this machine alone."
)
OTHER_VERSIONS = (
    "--scheduler: {} has {}, and this machine has {}; install the same on both, from "
    "requirements.lock, and start the worker again."
)
LACKS = (
    "--scheduler: {} can't run submissions: {}. Install the course on it, as on this machine "
    '(pip install -c requirements.lock -e ".[grading]"), and start it again.'
)
NO_WORKERS = (
    "--scheduler: {} has had no workers for {} seconds; start some with `dask worker {} "
    "--nthreads 1`, then grade again: what was graded is kept."
)
LOST = (
    "the connection to the scheduler is lost ({}); see that it runs, then grade again: what was "
    "graded is kept."
)


class Cluster:
    """Runs submissions on several workers, each a process with one thread.

    It starts in the background as soon as its ``with`` block is entered. A worker that dies is
    replaced, and its submission is run again on another one; one that keeps costing workers gives
    a `SubmissionError`. Ctrl-C is for this process alone: the workers end with it.

    Args:
        workers: how many, on this machine.
        scheduler: the address of another cluster's scheduler, to use its workers instead. It is
            trusted: what it sends is unpickled here.
    """

    in_this_process = False

    def __init__(self, workers: int, scheduler: str | None = None):
        self._workers, self._scheduler = workers, scheduler
        self._local: LocalCluster | None = None
        self._client: Promise[Client] = Promise()

    def __enter__(self) -> Cluster:
        """Begin to start, in a thread."""
        threading.Thread(target=self._start, daemon=True, name="cluster").start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the workers with all that they run; what was graded is no worse if that fails."""
        started = self._client.exception() is None
        handles = _handles(self.processes) if started else []
        with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
            if started:
                _in_vain(self._client.result().close, timeout=2)
            if self._local is not None:
                _in_vain(self._local.sync, _end, self._local)
                _in_vain(self._local.close, timeout=2)
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)

    @property
    def processes(self) -> list[int]:
        """Return the numbers of the workers' processes; empty where they are elsewhere."""
        self._client.result()
        nannies = self._local.workers.values() if self._local is not None else ()
        return [nanny.pid for nanny in nannies if nanny.pid is not None]

    def run(self, tasks: Iterable[Task]) -> Generator[Ran, None, None]:
        """Run tasks; see `runner.Runner`.

        Raises:
            CourseError: there is no such cluster, or it can't run submissions.
        """
        waiting = iter(tasks)
        first = next(waiting, None)  # prepared while the workers start
        if first is None:
            return
        numbered = enumerate(chain([first], waiting))
        client = self._client.result()
        plugin = _WarmUp(first, self._local is not None)
        if self._local is None:
            self._look_at_workers(client, first.isolated)
        with contextlib.suppress(OSError):  # a worker that dies meanwhile; its successor gets it
            client.register_plugin(plugin)
        handout = _Handout(client)
        try:
            while handout.fill(numbered, self._width(client)):
                yield self._next(client, handout)
        finally:
            handout.stop()
            if self._local is None and client.status == "running":
                client.unregister_worker_plugin(plugin.name)

    def _width(self, client: Client) -> int:
        """Return how many submissions can run at a time."""
        if self._local is not None:
            return self._workers
        return max(1, sum(_sync(client, client.nthreads).values()))

    def _next(self, client: Client, handout: _Handout) -> Ran:
        """Wait for the next submission that has been run."""
        missed = 0
        while True:
            try:
                position, future = handout.ended.get(timeout=PATIENCE_SECONDS / 4)
                return position, _outcome(future)
            except Empty:
                missed = 0 if _sync(client, client.nthreads) else missed + 1
                if missed >= 4:
                    where = self._scheduler or "this machine"
                    raise CourseError(NO_WORKERS.format(where, PATIENCE_SECONDS, where)) from None

    def _look_at_workers(self, client: Client, isolated: bool) -> None:
        """Look whether workers that others started can run submissions.

        Raises:
            CourseError: there are none, or one can't.
        """
        try:
            client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        except TimeoutError:
            raise CourseError(
                NO_WORKERS.format(self._scheduler, PATIENCE_SECONDS, self._scheduler)
            ) from None
        ours = _versions()
        for worker, answer in client.run(_versions, on_error="return").items():
            if isinstance(answer, Exception):
                raise CourseError(LACKS.format(worker, answer))
            if answer != ours:
                raise CourseError(OTHER_VERSIONS.format(worker, answer, ours))
        if isolated:
            for worker, reason in client.run(why_not).items():
                if reason:
                    raise CourseError(LACKS.format(worker, f"no sandbox can be made, {reason}"))

    def _start(self) -> None:
        """Start, and keep what is needed to go on, or why there is nothing."""
        with without_interrupt():
            self._start_deaf()

    def _start_deaf(self) -> None:
        forkserver.start()
        dask.config.set(CONFIG)
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            if self._scheduler is not None:
                self._client.set_result(_client(self._scheduler))
                return
            self._local = LocalCluster(
                n_workers=self._workers,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=HTTP,
                worker_dashboard_address=HTTP,
                silence_logs=logging.CRITICAL,
                security=Security.temporary(),  # other users of this machine stay outside
            )
            self._client.set_result(Client(self._local, set_as_default=False))
        except BaseException as error:
            self._client.set_exception(error)


class _WarmUp(WorkerPlugin):
    """Gets a worker ready as soon as it is there, also one that replaces another."""

    def __init__(self, task: Task, ours: bool):
        self.name = f"cvgen-{uuid.uuid4()}"
        self._modules, self._isolated, self._ours = task.modules, task.isolated, ours

    def setup(self, worker: Any) -> None:
        """Be deaf to Ctrl-C, which is the coordinator's; import what tasks will need."""
        if self._ours and hasattr(signal, "pthread_sigmask"):
            signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN: kernels would inherit it
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if self._isolated and not why_not():
            warm_process(self._modules)  # it imports while this process does
        for module in ("cvgen_course.grading.oracle", *self._modules):
            if module.startswith("cvgen_course."):
                with contextlib.suppress(ImportError):  # a name in a module; or the task says why
                    importlib.import_module(module)


class _Handout:
    """Hands out tasks: one to each worker, and the next as soon as one is back.

    No worker has one in waiting: all that a dying worker takes along is what it ran.

    Args:
        client: the cluster's.

    Attributes:
        ended: what is done.
    """

    def __init__(self, client: Client):
        self.ended: SimpleQueue[tuple[int, Future[Finished]]] = SimpleQueue()
        self._client, self._name = client, f"submission-{uuid.uuid4()}"
        self._ready: deque[tuple[int, Task]] = deque()
        self._running: dict[int, Future[Finished]] = {}
        self._taken = self._width = 0
        self._lock = threading.RLock()

    def fill(self, tasks: Iterator[tuple[int, Task]], width: int) -> bool:
        """Take tasks until there are enough; return whether there are any left to wait for."""
        self._width = width
        self._submit()
        while self._taken < math.ceil(AHEAD * width):
            task = next(tasks, None)
            if task is None:
                break
            self._taken += 1
            self._ready.append(task)
            self._submit()
        self._taken -= 1
        return self._taken >= 0

    def stop(self) -> None:
        """Hand out no more."""
        with self._lock:
            self._ready.clear()
            self._width = 0

    def _submit(self) -> None:
        with self._lock:
            while self._ready and len(self._running) < self._width:
                position, task = self._ready.popleft()
                future = self._client.submit(run, task, key=f"{self._name}-{position}")
                self._running[position] = future
                future.add_done_callback(partial(self._end, position))

    def _end(self, position: int, future: Future[Finished]) -> None:
        with self._lock:
            del self._running[position]
            self._submit()
        self.ended.put((position, future))


def _outcome(future: Future[Finished]) -> Any:
    """Return what a task gave, or its error.

    Raises:
        CourseError: the cluster is gone.
    """
    try:
        return future.result()
    except KilledWorker:
        return SubmissionError(COSTS_WORKERS)
    except (asyncio.CancelledError, OSError) as error:
        if future.cancelled() or future.status != "error":
            raise CourseError(LOST.format(error)) from error
        return error
    except Exception as error:
        return error
    finally:
        future.release()


def _client(address: str) -> Client:
    """Connect to a scheduler.

    Raises:
        CourseError: there is none.
    """
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise CourseError(NO_SCHEDULER.format(address, error)) from error


def _sync(client: Client, ask: Any) -> Any:
    """Ask the scheduler something.

    Raises:
        CourseError: it is gone.
    """
    try:
        return ask()
    except (OSError, RuntimeError, asyncio.CancelledError) as error:
        raise CourseError(LOST.format(error)) from error


def _handles(processes: Iterable[int]) -> list[int]:
    """Return descriptors of processes, which name no other ones later; none but on Linux."""
    handles = []
    for process in processes if hasattr(os, "pidfd_open") else ():
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(process))
    return handles


def _in_vain(close: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Call what may take too long on a busy machine."""
    with contextlib.suppress(OSError, RuntimeError, asyncio.CancelledError):
        close(*args, **options)


def _versions() -> str:
    """Return the versions of what has to be the same on all machines."""
    python = ".".join(platform.python_version_tuple()[:2])
    return f"Python {python}, dask {version('dask')}, distributed {version('distributed')}"


async def _end(cluster: LocalCluster) -> None:
    """End the workers at once: nothing that they still run is wanted."""
    nannies = list(cluster.workers.values())
    await asyncio.gather(*(nanny.close(timeout=QUICKLY) for nanny in nannies))
