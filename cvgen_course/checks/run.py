"""The student's side of a check: run an implementation on cases, guarded. It knows no answer."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from contextlib import nullcontext
from time import monotonic
from types import FunctionType, TracebackType
from typing import Any

import torch
from torch import equal

from cvgen_course.checks.compare import same
from cvgen_course.checks.exercise import Case, Exercise
from cvgen_course.checks.forbidden import SWITCHED_OFF, CallWatcher
from cvgen_course.checks.isolation import clean_state, quiet, random_state_kept, usual_modes
from cvgen_course.checks.outcome import Outcome, WrongAnswer
from cvgen_course.checks.plain import copy_plain, to_plain
from cvgen_course.checks.time_limit import SECONDS, OutOfTimeError, TimeLimit
from cvgen_course.checks.words import shorten, type_name

SLOW = 5.0
"""Seconds: where the first round took longer, there is no second one."""

IN_LINE = "\nIn your line "
"""What stands before the student's line in the text of an exception."""

_NO_END = (
    "Your code came to no end here, and was stopped. Is there a loop whose condition never changes?"
)
_NOT_REACHED = Outcome("interrupted", text="This case was not reached.")


def run(
    exercise: Exercise,
    implementation: Any,
    cases: list[Case],
    *,
    watch: bool = True,
    twice: bool = True,
) -> list[Outcome]:
    """Run the probe on every case and return what became of each; no exception escapes.

    Each call gets its own copy of the inputs, the usual dtype and device, the same random numbers,
    and nowhere to print. All cases run a second time in reverse order, so that answers which depend
    on earlier calls are found out; nobody waits twice for an answer that is right but slow. A loop
    without end costs its case: what takes too long is stopped, and the next case is run.

    Args:
        exercise: its probe is run; its reference, mistakes and forbidden calls are watched for.
        implementation: the student's object.
        cases: only their inputs are used.
        watch: watch for forbidden calls.
        twice: run everything a second time and compare.

    Returns:
        One outcome for each case, in the same order.
    """
    make_watcher = _watcher_for(exercise) if watch else None
    outcomes = [_NOT_REACHED] * len(cases)
    begin = monotonic()
    with quiet(), random_state_kept(), usual_modes(), TimeLimit(SECONDS) as limit:
        for i, case in enumerate(cases):
            outcomes[i] = _try(exercise, implementation, case, limit, make_watcher)
            if outcomes[i].kind == "interrupted":
                return outcomes
        twice = twice and monotonic() - begin < SLOW
        for i in reversed(range(len(cases) if twice else 0)):
            if outcomes[i].kind not in ("value", "raised"):
                continue
            again = _try(exercise, implementation, cases[i], limit, make_watcher)
            if again.kind == "interrupted":
                return [*outcomes[:i], again, *outcomes[i + 1 :]]
            if again.kind == "out of time":  # it came to its end before: slow, not unstable
                continue
            if not alike(outcomes[i], again):
                outcomes[i] = Outcome("wrong", text=_unstable(outcomes[i], again))
    return outcomes


def alike(a: Outcome, b: Outcome) -> bool:
    """Return whether two outcomes are the same: values, exception's type, or complaint."""
    if a.kind != b.kind or a.changed != b.changed:
        return False
    if a.kind == "value":
        return same(a.value, b.value)
    return a.exception == b.exception if a.kind == "raised" else a.text == b.text


def _watcher_for(exercise: Exercise) -> Callable[[], CallWatcher]:
    """Return what makes a watcher for everything that an exercise forbids, named or not."""
    module = sys.modules[exercise.probe.__module__]
    own = [mistake.implementation for mistake in exercise.mistakes]
    own += [
        item
        for name, item in vars(module).items()
        if name.startswith("_")
        and getattr(item, "__module__", None) == module.__name__
        and item not in (exercise.probe, exercise.cases)
    ]
    functions = list({id(item): item for item in own if type(item) is FunctionType}.values())
    items = (exercise.reference, *exercise.forbidden)
    return lambda: CallWatcher(items, functions)


def _try(
    exercise: Exercise,
    implementation: Any,
    case: Case,
    limit: TimeLimit,
    make_watcher: Callable[[], CallWatcher] | None,
) -> Outcome:
    given = copy_plain(case.inputs)
    handed = dict(given)
    watcher = make_watcher() if make_watcher else None
    try:
        with clean_state():
            outcome = _probe(exercise, implementation, given, limit, watcher)
        changed = tuple(name for name in handed if not _untouched(handed[name], case.inputs[name]))
    except KeyboardInterrupt:
        return _interrupted()
    except BaseException as error:  # the student's code broke what the clean room needs
        return Outcome(
            "wrong", text=f"The check itself failed after your code ran: {_message(error)}"
        )
    if watcher and watcher.hits:
        return Outcome("forbidden", text=_forbidden_text(watcher.hits))
    return Outcome(outcome.kind, outcome.value, outcome.text, outcome.exception, changed)


def _probe(
    exercise: Exercise,
    implementation: Any,
    given: dict[str, Any],
    limit: TimeLimit,
    watcher: CallWatcher | None,
) -> Outcome:
    try:
        with watcher or nullcontext(), limit.one_call():
            value = exercise.probe(implementation, given)
        return Outcome("value", to_plain(value))
    except WrongAnswer as answer:
        return Outcome("wrong", text=_sentence(text_of(answer)))
    except KeyboardInterrupt:
        raise
    except OutOfTimeError as error:
        return Outcome("out of time", text=_NO_END + _where(error))
    except (
        BaseException
    ) as error:  # SystemExit, RecursionError, MemoryError and the like are a student's, too
        return _raised(error, exercise.name)


def _raised(error: BaseException, asked: str) -> Outcome:
    innermost = _innermost(error.__traceback__)
    # torch's functions in C say so, too, e.g. that "lerp" is not implemented for 'Long'
    unsolved = type(error) is NotImplementedError and "not implemented for" not in text_of(error)
    if unsolved and not _of_torch(innermost):
        if other := _other_blank(error.__traceback__, asked):
            text = f"Your code calls `{other}`, which is not solved yet."
            return Outcome("raised", text=text, exception="NotImplementedError")
        return Outcome("blank", text="Not solved yet.")
    name = type_name(error)
    if isinstance(error, SystemExit):
        text = "Your code called exit(); use return."
    elif isinstance(error, RecursionError):
        text = "Your code called itself without end (RecursionError)."
    elif isinstance(error, MemoryError) or "can't allocate memory" in text_of(error):
        text = "Your code needed more memory than there is."
    else:
        text = _sentence(_message(error))
    return Outcome("raised", text=text + _where(error), exception=name)


def _interrupted() -> Outcome:
    return Outcome(
        "interrupted",
        text="Your code was interrupted here; it ran too long, or has a loop without end.",
    )


def _message(error: BaseException) -> str:
    text = text_of(error)
    return f"{type_name(error)}: {text}" if text else type_name(error)


def text_of(error: BaseException) -> str:
    """Return an exception's text, even where its ``__str__`` raises or returns megabytes."""
    try:
        return shorten(str(error))
    except BaseException:
        return ""


def _where(error: BaseException) -> str:
    """Return the line of the student's code in which an exception arose, where one can be found."""
    try:
        lines: list[str] = []
        step = error.__traceback__
        while step is not None and len(lines) < 2000:
            module = step.tb_frame.f_globals.get("__name__", "")
            if isinstance(module, str) and module == "__main__":
                filename = step.tb_frame.f_code.co_filename
                lines.append(linecache.getline(filename, step.tb_lineno).strip())
            step = step.tb_next
        return f"{IN_LINE}`{shorten(lines[-1], 100)}`" if lines and lines[-1] else ""
    except Exception:
        return ""


def _innermost(step: TracebackType | None) -> TracebackType | None:
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step


def _other_blank(step: TracebackType | None, asked: str) -> str:
    """Return which function, called by the student's answer, is the blank; empty if it is none."""
    names = []
    while step is not None:
        names.append(step.tb_frame.f_code.co_name)
        step = step.tb_next
    return shorten(names[-1], 60) if asked in names[:-1] and names[-1] != asked else ""


def _of_torch(step: TracebackType | None) -> bool:
    """Return whether torch raised it: an operator that a device lacks is no blank exercise."""
    return step is not None and str(step.tb_frame.f_globals.get("__name__")).startswith("torch.")


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", "…", ")")) else text + "."


def _forbidden_text(hits: list[str]) -> str:
    if SWITCHED_OFF in hits:
        return f"Your code replaces or calls `{SWITCHED_OFF}`, which this check needs."
    names = ", ".join(f"`{name}`" for name in hits)
    return f"Your code calls {names}; the exercise is to do it without."


def _unstable(first: Outcome, second: Outcome) -> str:
    what = "gave different results" if first.kind == second.kind else "ended differently"
    return (
        f"Two calls with the same inputs {what}; does your code keep something between calls "
        "(a global variable, a default argument that is changed), or use values that nobody chose "
        "(torch.empty? random numbers?)?"
    )


def _untouched(given: Any, original: Any) -> bool:
    """Return whether plain data is still exactly what it was; requires_grad does not matter."""
    if isinstance(original, torch.Tensor):
        if (
            type(given) is not torch.Tensor
            or given.shape != original.shape
            or given.dtype != original.dtype
        ):
            return False
        given = given.detach()
        if equal(given, original):
            return True
        return bool(((given == original) | ((given != given) & (original != original))).all())
    if isinstance(original, dict):
        return given.keys() == original.keys() and all(
            _untouched(given[k], original[k]) for k in original
        )
    if isinstance(original, list | tuple):
        return len(given) == len(original) and all(map(_untouched, given, original))
    return True
