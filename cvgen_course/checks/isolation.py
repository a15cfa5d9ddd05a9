"""A clean room for a student's code: quiet, and with the same global state for every call."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

SEED = 20240229

_GENERATORS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.default_generator.get_state, torch.default_generator.set_state),
    (np.random.get_state, np.random.set_state),
    (random.getstate, random.setstate),
)
"""How to get and set the state of each; bound early, past what a student's code replaces."""


class _Sink(io.TextIOBase):
    """A stream that takes everything and keeps nothing."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow everything that is printed, warned, or written to descriptors 1 and 2 by C code.

    Anything on stderr in a grade cell means no points in a plain nbgrader, and megabytes of output
    make a page that nobody can open.
    """
    sink = _Sink()
    with (
        _descriptors_to_null(),
        _no_display(),
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        hook, thread_hook = sys.unraisablehook, threading.excepthook
        sys.unraisablehook = lambda _: None
        threading.excepthook = lambda _: None
        try:
            yield
        finally:
            sys.unraisablehook, threading.excepthook = hook, thread_hook


def _no_display() -> contextlib.AbstractContextManager[Any]:
    """Return a context that swallows what is displayed in a notebook, figures too."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return contextlib.nullcontext()
    from IPython.utils.capture import capture_output

    return capture_output(stdout=False, stderr=False, display=True)


@contextlib.contextmanager
def _descriptors_to_null() -> Iterator[None]:
    saved = {}
    try:
        null = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        yield
        return
    try:
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):
                saved[descriptor] = os.dup(descriptor)
                os.dup2(null, descriptor)
        yield
    finally:
        for descriptor, copy in saved.items():
            with contextlib.suppress(OSError):
                os.dup2(copy, descriptor)
            os.close(copy)
        os.close(null)


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Put the global random generators back to where they were.

    That takes longer than most answers do: it is done once around all calls of an answer.
    """
    states = [get() for get, _ in _GENERATORS]
    try:
        yield
    finally:
        for (_, put_back), state in zip(_GENERATORS, states, strict=True):
            with contextlib.suppress(Exception):  # the student's code exchanged the generator
                put_back(state)


@contextlib.contextmanager
def usual_modes() -> Iterator[None]:
    """Set default dtype, device, gradients and autocast to the usual, and put them back.

    A notebook may have set others, for a training say; no check's result depends on them.
    """
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with contextlib.ExitStack() as modes:
            modes.enter_context(torch.inference_mode(False))
            modes.enter_context(torch.enable_grad())
            if torch.is_autocast_enabled("cpu"):
                modes.enter_context(torch.autocast("cpu", enabled=False))
            if torch.empty(0).device.type != "cpu":  # or each call would take longer
                modes.enter_context(torch.device("cpu"))
            yield
    finally:
        torch.set_default_dtype(dtype)


@contextlib.contextmanager
def clean_state() -> Iterator[None]:
    """Set torch's modes to the usual, and seed all random generators; put the modes back.

    So a case's result depends on no earlier case, and on nothing that a cell above left behind.
    Code that draws from the global random generators draws the same numbers in every case; what
    they were before is for ``random_state_kept``.
    """
    device, recursion = torch.get_default_device(), sys.getrecursionlimit()
    try:
        torch.default_generator.manual_seed(SEED)
        np.random.seed(SEED)
        random.seed(SEED)
        with usual_modes(), np.errstate():
            yield
    finally:
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        with contextlib.suppress(RecursionError):
            sys.setrecursionlimit(recursion)
