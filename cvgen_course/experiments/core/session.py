"""One session of a run, on one of the devices: from where the run is to its end, or to Ctrl-C."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from cvgen_course import seeding
from cvgen_course.errors import CourseError
from cvgen_course.experiments.core import checkpoint
from cvgen_course.experiments.core.apart import of_device, take_out
from cvgen_course.experiments.core.evaluate import Stopped, evaluate, evaluating
from cvgen_course.experiments.core.experiment import Experiment
from cvgen_course.experiments.core.interrupt import ignore_interrupts
from cvgen_course.experiments.core.order import Drawn, Order
from cvgen_course.experiments.core.progress import Progress
from cvgen_course.experiments.core.sheet import write_sheet
from cvgen_course.training.divergence import require_finite, require_finite_weights
from cvgen_course.training.ema import averaged
from cvgen_course.training.phase import Phase, phases_of, total

MAX_WORKERS = {"cpu": 2, "cuda": 8}
ADVICE = "try a smaller --lr, another --seed, or --precision 32-true"
"""What to do where numbers are no longer finite."""


class _ModelAndLoss(nn.Module):
    """What is called once in a step: a model, and the loss that may call parts of it again.

    With several devices gradients are averaged for what happens inside of one call.

    Args:
        model: what is trained.
        shared: whether there are several devices.
    """

    def __init__(self, model: nn.Module, shared: bool) -> None:
        super().__init__()
        self.model, self.shared = model, shared

    def forward(self, loss_of: Callable[[nn.Module], Tensor | Mapping[str, Tensor]]) -> Tensor:
        """Return a loss of the model.

        Args:
            loss_of: knows its batch, which is no argument, since in mixed precision Fabric rounds
                all floating-point tensors that it can find in the arguments, and half a box's
                pixels would be lost.
        """
        loss = total(loss_of(self.model))
        if self.shared:
            # Devices wait for the gradient of every parameter, and a phase need not use all.
            loss = loss + 0 * torch.stack([p.sum() for p in self.model.parameters()]).sum()
        return loss


class Session:
    """One session of a run.

    Args:
        experiment: what is trained.
        folder: the run's folder.
        settings: what the result follows from.
        fabric: launched.
        save_every: seconds between two checkpoints.
        num_workers: processes that load data; None for as many as make sense.
    """

    def __init__(
        self,
        experiment: Experiment,
        folder: Path,
        settings: dict[str, Any],
        fabric: Fabric,
        save_every: float,
        num_workers: int | None,
    ) -> None:
        self.experiment, self.folder, self.settings = experiment, folder, settings
        self.fabric, self.save_every, self.num_workers = fabric, save_every, num_workers
        self.model = experiment.model.to(memory_format=torch.channels_last)
        self.optimizers = [
            phase.optimizer(self.model, experiment.lr, experiment.weight_decay)
            for phase in phases_of(experiment.phases)
        ]
        # Along a side of length 1 a stride says nothing. Masked kernels and their gradients write
        # it differently, which several devices would warn of.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        module = _ModelAndLoss(self.model, shared=fabric.world_size > 1)
        self.model_and_loss, *self.steppers = fabric.setup(module, *self.optimizers)
        self.mean = None if experiment.ema is None else averaged(self.model, experiment.ema)
        self.progress = Progress()
        self.clock = self.saved = time.monotonic()

    @property
    def shown(self) -> nn.Module:
        """What is measured and kept: the model, or the running mean of it."""
        return self.model if self.mean is None else self.mean.module

    def restore(self, state: dict[str, Any]) -> None:
        """Put a checkpoint's state back.

        Raises:
            CourseError: the model has changed since it was written.
        """
        try:
            own = of_device(state["apart"], self.fabric.global_rank)
            self.model.load_state_dict(state["model"] | own)
            for optimizer, its in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(its)
            if self.mean is not None:
                self.mean.load_state_dict(state["mean"])
            self.fabric.strategy.precision.load_state_dict(state["precision"])
            self.progress = Progress(**state["progress"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())
            raise CourseError(
                f"{str(self.folder / checkpoint.NAME)!r} doesn't fit: the model's code has changed "
                f"since it was written ({why:.200}). Start anew with --fresh."
            ) from error

    def save(self) -> None:
        """Write a checkpoint, on all devices at once: one of them writes for all."""
        now = time.monotonic()
        self.progress.seconds += now - self.clock
        self.clock = self.saved = now
        model = self.model.state_dict()
        apart = take_out(model, self.fabric)
        if self.fabric.is_global_zero:
            state = {
                "progress": asdict(self.progress),
                "model": model,
                "apart": apart,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "mean": None if self.mean is None else self.mean.state_dict(),
                "precision": self.fabric.strategy.precision.state_dict(),  # the scale of 16-mixed
            }
            checkpoint.save(self.folder, self.settings, state)

    def train(self, stop: Callable[[], bool]) -> None:
        """Do the steps that are left, and measure the model now and then.

        Raises:
            Stopped: ``stop`` said so; everything that was done is in ``progress``.
            CourseError: a loss or a weight is no longer finite.
        """
        progress, steps = self.progress, self.experiment.steps
        batches = self._batches(stop)
        with self._bar() as bar:
            while True:
                self._evaluate_where_due(bar, stop)
                if progress.step == steps:
                    return
                stopped = self._step(next(batches), stop)
                bar.update()
                bar.set_postfix(self._shown_losses(), refresh=False)
                if stopped:
                    raise Stopped
                if self._due():
                    self.save()

    def _due(self) -> bool:
        """Return whether it is time for a checkpoint, the same on all devices."""
        passed = time.monotonic() - self.saved > self.save_every
        due = torch.tensor(float(passed), device=self.fabric.device)
        return cast(Tensor, self.fabric.all_reduce(due, reduce_op="sum")).item() > 0

    def _step(self, batch: Any, stop: Callable[[], bool]) -> bool:
        """Do one step; return whether somebody wants to stop, the same on all devices."""
        step, rank = self.progress.step, self.fabric.global_rank
        seeding.seed_everything(seeding.derive_seed(self.experiment.seed, "step", step, rank))
        losses, stopped = {}, False
        for phase, stepper in zip(self.experiment.phases, self.steppers, strict=True):
            if not phase.rests(step):
                losses[phase.name], stopped = self._play(phase, stepper, batch, stop)
        if self.mean is not None:
            self.mean.update_parameters(self.model)
        self.progress.count(losses)
        return stopped

    def _play(
        self, phase: Phase, stepper: Any, batch: Any, stop: Callable[[], bool]
    ) -> tuple[float, bool]:
        """Take a step down one phase's loss; return it, and whether somebody wants to stop."""
        optimizer: torch.optim.Optimizer = stepper.optimizer
        phase.set_lr(optimizer, self.experiment.lr, self.progress.step, self.experiment.steps)
        self.model.zero_grad()  # all of it, since several devices compute gradients of all of it
        loss = self.model_and_loss(lambda model: phase.loss(model, batch))
        shared = self.fabric.world_size > 1
        self.fabric.backward(loss, inputs=None if shared else optimizer.param_groups[0]["params"])
        told = torch.stack([loss.detach(), loss.new_tensor(float(stop()))])
        told = cast(Tensor, self.fabric.all_reduce(told, reduce_op="mean"))
        mean_loss, stopped = told.tolist()
        with self._told_once():  # before the weights take it in
            require_finite(mean_loss, self.progress.step + 1, phase, self.model, ADVICE)
        stepper.step()
        return mean_loss, stopped > 0

    @contextmanager
    def _told_once(self) -> Iterator[None]:
        """Let an error that all devices have at once be one device's alone."""
        try:
            yield
        except CourseError:
            if self.fabric.is_global_zero:
                raise
            raise SystemExit(0) from None

    def _evaluate_where_due(self, bar: tqdm, stop: Callable[[], bool]) -> None:
        step, steps = self.progress.step, self.experiment.steps
        measured = {record["step"] for record in self.progress.records}
        if step in measured or step == 0 or (step % self.experiment.every and step != steps):
            return
        with self._told_once():
            require_finite_weights(step, self.experiment.phases, self.model, ADVICE)
        metrics = self.evaluate("val", stop)
        self._write_sheet()
        self.progress.records.append({"step": step, **self.progress.losses, **metrics})
        if self.fabric.is_global_zero:
            losses = ", ".join(f"{name} {value}" for name, value in self._shown_losses().items())
            best = ", ".join(f"{name} {value:.3f}" for name, value in list(metrics.items())[:3])
            bar.write(f"step {step}: {losses}; validation: {best}")

    def _write_sheet(self) -> None:
        draw = self.experiment.draw_sheet
        if draw is not None and self.fabric.is_global_zero:
            with evaluating(self.shown):
                write_sheet(self.folder, self.progress.step, draw(self.shown))

    def evaluate(self, split: str, stop: Callable[[], bool]) -> dict[str, float]:
        """Return the metrics on a split; see `evaluate`."""
        return evaluate(self.experiment, self.shown, split, self.fabric, stop)

    def _shown_losses(self) -> dict[str, str]:
        return {name: f"{value:.3f}" for name, value in self.progress.losses.items()}

    def _batches(self, stop: Callable[[], bool]) -> Iterator[Any]:
        experiment, fabric = self.experiment, self.fabric
        num_items = len(experiment.train_set)  # type: ignore[arg-type]  # no length promised
        order = Order(
            num_items,
            experiment.batch_size,
            self.progress.step,
            experiment.steps,
            experiment.seed,
            fabric.global_rank,
            fabric.world_size,
        )
        loader = DataLoader(
            Drawn(experiment.train_set, experiment.draw, experiment.seed),
            batch_sampler=order,
            collate_fn=experiment.collate,
            num_workers=self._num_workers(),
            worker_init_fn=ignore_interrupts,
            pin_memory=fabric.device.type == "cuda",
        )
        # `order` has divided the batches among the devices already.
        batches = iter(fabric.setup_dataloaders(loader, use_distributed_sampler=False))
        while True:
            try:
                yield next(batches)
            except StopIteration:
                return
            except RuntimeError:  # a worker that heard the Ctrl-C before it could ignore it
                if stop():
                    raise Stopped from None
                raise

    def _num_workers(self) -> int:
        if self.num_workers is not None:
            return self.num_workers
        affinity = getattr(os, "sched_getaffinity", None)
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        most = MAX_WORKERS.get(self.fabric.device.type, 2)
        return min(most, max(1, cores // self.fabric.world_size - 1))

    def _bar(self) -> tqdm:
        return tqdm(
            total=self.experiment.steps,
            initial=self.progress.step,
            desc=f"{self.experiment.model_name} on {self.experiment.data}",
            file=sys.stdout,
            mininterval=0.5 if sys.stdout.isatty() else 30.0,
            dynamic_ncols=True,
            disable=not self.fabric.is_global_zero,
        )
