"""Train an experiment: on a CPU, a GPU or several, stopped and resumed as often as need be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric

from cvgen_course import machine, profile
from cvgen_course.errors import CourseError
from cvgen_course.experiments.core import checkpoint, report, sheet
from cvgen_course.experiments.core.evaluate import Stopped
from cvgen_course.experiments.core.experiment import Experiment
from cvgen_course.experiments.core.interrupt import MESSAGE, postponed
from cvgen_course.experiments.core.session import Session

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
SAVE_EVERY = 60.0
"""Seconds between two checkpoints: what a power cut or ``kill -9`` costs at most."""


def run(
    experiment: Experiment,
    folder: Path,
    *,
    devices: int = 1,
    precision: str = "32-true",
    fresh: bool = False,
    save_every: float = SAVE_EVERY,
    num_workers: int | None = None,
) -> dict[str, float] | None:
    """Train, measure, and write ``metrics.json`` and ``model.safetensors``; sheets of samples, too.

    Where the folder has a checkpoint of the same settings, the run goes on from there, and ends
    with what it would have given without a break: on the CPU bit for bit. Ctrl-C ends the step
    that is being done, writes a checkpoint and says how to go on. Seeds the global generators.

    With several devices this program is started once for each of them (Fabric's strategy
    ``ddp``), and all of them return from this function.

    Args:
        experiment: what to train.
        folder: where everything goes.
        devices: how many GPUs; where there is none, how many processes on the CPU. They share
            each batch.
        precision: of the network, one of ``PRECISIONS``; losses and evaluation are in float32.
        fresh: whether to start anew where there is a checkpoint.
        save_every: seconds between two checkpoints.
        num_workers: processes that load data, for each device; None for as many as make sense.

    Returns:
        Metrics on the test set; None where the run was stopped by hand (on every device but the
        first, an empty dictionary: another exit code would end them all at once).

    Raises:
        CourseError: a number is out of range, there is a checkpoint of other settings, or the
            loss is no longer finite.
    """
    device = profile.device()
    _require_arguments(experiment, devices, precision, device)
    settings = experiment.settings() | {"precision": precision}
    state = None if fresh else checkpoint.load(folder, settings)
    where = _describe(device, devices)  # now: hours later it would be late to miss a package
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

    fabric = Fabric(accelerator=device.type, devices=devices, precision=precision)  # type: ignore[arg-type]
    fabric.launch()
    with postponed(MESSAGE if fabric.is_global_zero else "") as stop:
        session = Session(experiment, folder, settings, fabric, save_every, num_workers)
        if state is not None:
            session.restore(state)
        if fabric.is_global_zero:
            _begin(session, fresh)
        if where not in session.progress.machines:
            session.progress.machines.append(where)
        try:
            _go_to_the_end(session, stop)
        except Stopped:
            session.save()
            fabric.print(
                f"Stopped after step {session.progress.step} of {experiment.steps}. "
                "The same command without --fresh goes on from here."
            )
            return None if fabric.is_global_zero else {}
        if fabric.is_global_zero:
            _finish(session)
        return session.progress.metrics


def _go_to_the_end(session: Session, stop: Callable[[], bool]) -> None:
    if session.progress.metrics is not None:
        session.fabric.print("All steps have been done before; --fresh starts anew.")
        return
    session.train(stop)
    session.save()
    session.progress.metrics = session.evaluate("test", stop)
    session.save()


def _begin(session: Session, fresh: bool) -> None:
    """Clear the folder of what is not this run's, and say what begins."""
    checkpoint.sweep(session.folder)
    if fresh:
        for name in (checkpoint.NAME, report.METRICS, report.WEIGHTS, sheet.NAMES):
            for path in session.folder.glob(name):
                path.unlink()
    experiment, step = session.experiment, session.progress.step
    parameters = sum(parameter.numel() for parameter in session.model.parameters())
    print(
        f"{experiment.model_name} with {parameters:,} parameters on {experiment.data}: "
        f"{experiment.steps:,} steps with {experiment.batch_size} images each"
    )
    if step:
        print(f"Going on after step {step:,}: {str(session.folder / checkpoint.NAME)!r}")


def _finish(session: Session) -> None:
    """Write the results, and show them."""
    progress = session.progress
    metrics = progress.metrics or {}
    facts = {
        **session.settings,
        "num_parameters": sum(parameter.numel() for parameter in session.model.parameters()),
        "seconds": round(progress.seconds, 1),
        "machine": " | ".join(progress.machines),
        "validation": progress.records,
    }
    report.write_weights(session.folder, session.shown)
    report.write_metrics(session.folder, facts, metrics)
    print(f"On the test set of {session.experiment.data}, after {progress.seconds:.0f} seconds:")
    print(report.table(metrics))
    print(f"Weights and {report.METRICS} are in {str(session.folder)!r}.")


def _require_arguments(
    experiment: Experiment, devices: int, precision: str, device: torch.device
) -> None:
    positive = {
        "--steps": experiment.steps,
        "--batch-size": experiment.batch_size,
        "--lr": experiment.lr,
        "--devices": devices,
    }
    for name, number in positive.items():
        if not number > 0:
            raise CourseError(f"{name}: expected more than 0, got {number}")
    if experiment.batch_size % devices:
        raise CourseError(
            f"--batch-size: expected a multiple of the {devices} devices, which share each batch, "
            f"got {experiment.batch_size}"
        )
    if precision not in PRECISIONS:
        raise CourseError(
            f"--precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if device.type == "cpu" and precision == "16-mixed":
        raise CourseError("--precision: 16-mixed needs a GPU, and there is none; take bf16-mixed")
    if device.type == "cuda" and devices > torch.cuda.device_count():
        raise CourseError(
            f"--devices: expected at most {torch.cuda.device_count()}, the number of GPUs here, "
            f"got {devices}"
        )


def _describe(device: torch.device, devices: int) -> str:
    """Return this machine in one line, and what of it is used."""
    if device.type == "cuda":
        return f"{machine.describe()}; {devices} × {torch.cuda.get_device_name()}"
    return machine.describe() if devices == 1 else f"{machine.describe()}; {devices} processes"
