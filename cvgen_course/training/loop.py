"""The training loop of the course, and what it leaves behind."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from cvgen_course import profile, seeding
from cvgen_course.detection.targets import Targets
from cvgen_course.errors import CourseError
from cvgen_course.require import require
from cvgen_course.training.augment import flip_and_turn

Augment = Callable[[Tensor, Any, torch.Generator], tuple[Tensor, Any]]


@dataclass
class History:
    """What happened during a training.

    Attributes:
        steps: the number of each step done, from 1.
        losses: the loss at each of these steps.
        parts: where the loss has named parts, each of them at each of these steps.
        records: (step, what ``on_step`` returned), for each call of it.
        interrupted: whether it was stopped by hand (Ctrl-C, or the notebook's stop button).
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    records: list[tuple[int, Any]] = field(default_factory=list)
    interrupted: bool = False


OnStep = Callable[[int, nn.Module, History], Any]


def fit(
    model: nn.Module,
    train_set: Dataset[Any],
    loss: Callable[[Any, Any], Tensor | dict[str, Tensor]],
    *,
    steps: int,
    batch_size: int,
    lr: float,
    seed: int,
    augment: Augment | None = flip_and_turn,
    weight_decay: float = 1e-2,
    on_step: OnStep | None = None,
    every: int | None = None,
    title: str = "",
) -> History:
    """Train a model on images and their targets with AdamW and one cycle of the learning rate.

    The learning rate rises for the first quarter of the steps and falls to nearly zero by the last,
    so the model is at its best at the end, not in between. The same seed, model, data and machine
    give the same result. Stopped by hand, the model keeps what it has learned so far.

    Args:
        model: image float32 (N, 3, H, W) → what ``loss`` takes, e.g. logits (N, C, H, W); is
            trained in place, where it is (CPU or GPU), and left in evaluation mode.
        train_set: items whose first two parts are an image and its mask. Where it has tensors
            ``images`` and ``masks``, batches are cut from them at once; so they are where it has
            ``images`` and padded ``targets``, as a ``detection.DetectionSet``.
        loss: ``loss(model(images), masks)`` or ``loss(model(images), targets)``, 0-dimensional;
            or a dictionary of such parts, of which the sum is minimised.
        steps: number of batches.
        batch_size: images in a batch.
        lr: the highest learning rate.
        seed: where the order of the images, the augmentation and any dropout come from.
        augment: ``augment(images, masks or targets, rng)`` → a variation of the batch; None for
            none.
        weight_decay: of AdamW.
        on_step: ``on_step(step, model, history)``, called after every ``every`` steps and after the
            last, with the model in evaluation mode; ``History.records`` keeps what it returns.
        every: how often ``on_step`` is called; None for only after the last step.
        title: stands before the progress bar.

    Returns:
        The history of the training.

    Raises:
        ValueError: a number is out of range, or ``train_set`` is empty.
        CourseError: the loss is no longer finite.

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101;
        Smith and Topin, "Super-Convergence", 2018, arXiv:1708.07120 (the cycle).
    """
    _require_positive(steps=steps, batch_size=batch_size, lr=lr)
    _require_positive(every=1 if every is None else every)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: one_cycle(step, steps))
    rng = seeding.generator(seed, "fit")
    batches = _batches(train_set, batch_size, rng)
    history = History()

    with _seeded(seed, device), _progress_bar(steps, title) as bar:
        try:
            for step in range(1, steps + 1):
                model.train()
                images, targets = next(batches)
                images, targets = images.to(device), targets.to(device)
                if augment is not None:
                    images, targets = augment(images, targets, rng)
                images = images.contiguous(memory_format=torch.channels_last)

                parts = loss(model(images), targets)
                value = parts if isinstance(parts, Tensor) else torch.stack([*parts.values()]).sum()
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                schedule.step()

                history.losses.append(_finite(value.item(), step))
                history.steps.append(step)
                if not isinstance(parts, Tensor):
                    for name, part in parts.items():
                        history.parts.setdefault(name, []).append(part.item())
                bar.update()
                bar.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
                if on_step is not None and (step == steps or (every and step % every == 0)):
                    model.eval()
                    history.records.append((step, on_step(step, model, history)))
        except KeyboardInterrupt:
            history.interrupted = True
            bar.write(f"Stopped by hand after {len(history.steps)} of {steps} steps.")
        finally:
            model.eval()
    return history


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 64) -> Tensor:
    """Label every pixel with the class of the largest logit.

    Args:
        model: image float32 (N, 3, H, W) → logits (N, C, H, W); is run in evaluation mode and left
            in the mode it was in.
        images: float32 (N, 3, H, W) in [-1, 1], on any device.
        batch_size: how many images at a time; has no influence on the result.

    Returns:
        Masks, int64 (N, H, W), on the device of ``images``.

    Raises:
        TypeError: ``images`` is no tensor.
        ValueError: it does not have four dimensions or is empty, or ``batch_size`` is less than 1.
    """
    require(images=(images, "N 3 H W", "float"))
    _require_positive(batch_size=batch_size)
    if len(images) == 0:
        raise ValueError("images: expected at least one image, got none")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        masks = [model(part.to(device)).argmax(dim=1) for part in images.split(batch_size)]
    finally:
        model.train(was_training)
    return torch.cat(masks).to(images.device)


def _batches(
    train_set: Dataset[Any], batch_size: int, rng: torch.Generator
) -> Iterator[tuple[Tensor, Any]]:
    """Yield batches for ever; every image once before any comes again."""
    num_items = len(train_set)  # type: ignore[arg-type]  # torch's Dataset promises no length
    if num_items == 0:
        raise ValueError("train_set: expected at least one item, got an empty set")
    images, masks = getattr(train_set, "images", None), getattr(train_set, "masks", None)
    targets = getattr(train_set, "targets", None)

    def forever() -> Iterator[tuple[Tensor, Any]]:
        waiting = torch.empty(0, dtype=torch.int64)
        while True:
            while len(waiting) < batch_size:
                waiting = torch.cat([waiting, torch.randperm(num_items, generator=rng)])
            chosen, waiting = waiting[:batch_size], waiting[batch_size:]
            if isinstance(images, Tensor) and isinstance(targets, Targets):
                yield images[chosen], targets.at(chosen)
            elif isinstance(images, Tensor) and isinstance(masks, Tensor):
                yield images[chosen], masks[chosen]
            else:
                items = [train_set[i] for i in chosen.tolist()]
                yield torch.stack([x[0] for x in items]), torch.stack([x[1] for x in items])

    return forever()


def one_cycle(step: int, steps: int, warm_up: float = 0.25) -> float:
    """Return the share of the highest learning rate: a half cosine up, and a half cosine down."""
    turn = warm_up * steps
    if step < turn:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * step / turn)) / 2
    progress = (step - turn) / (steps - turn)
    return max(1e-4, (1 + math.cos(math.pi * progress)) / 2)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators (dropout draws from them) and put them back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seeding.derive_seed(seed, "fit", "global"))
        yield


def _progress_bar(steps: int, title: str) -> tqdm:
    """Return a bar on stdout (stderr is red in a notebook); a silent one while nbgrader runs."""
    return tqdm(
        total=steps,
        desc=title or None,
        file=sys.stdout,
        mininterval=0.5,
        dynamic_ncols=True,
        disable=not profile.trains(),
    )


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise CourseError(
            f"loss: expected a finite number, got {loss} at step {step}; "
            "try a lower lr, and check that the images are in [-1, 1]"
        )
    return loss


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name}: expected more than 0, got {number}")
