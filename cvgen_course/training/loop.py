"""The training loop of the course."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm import tqdm

from cvgen_course import profile, seeding
from cvgen_course.training.batches import endless_batches, on_device
from cvgen_course.training.divergence import require_finite
from cvgen_course.training.ema import averaged
from cvgen_course.training.history import History
from cvgen_course.training.phase import Loss, Phase, phases_of, total

Augment = Callable[[Any, torch.Generator], Any]
OnStep = Callable[[int, nn.Module, History], Any]

ADVICE = "try a lower lr, and check that the images are in [-1, 1]"
"""What to do where a loss is no longer finite."""


def fit(
    model: nn.Module,
    train_set: Dataset[Any],
    loss: Loss | Sequence[Phase],
    *,
    steps: int,
    batch_size: int,
    lr: float,
    seed: int,
    augment: Augment | None = None,
    weight_decay: float = 1e-2,
    ema: float | None = None,
    on_step: OnStep | None = None,
    every: int | None = None,
    title: str = "",
) -> History:
    """Train a model with AdamW and one cycle of the learning rate.

    The learning rate rises for the first quarter of the steps and falls to nearly zero by the last,
    so the model is at its best at the end, not in between. The same seed, model, data and machine
    give the same result. Stopped by hand, the model keeps what it has learned so far.

    Args:
        model: whatever ``loss`` makes of it; is trained in place, where it is (CPU or GPU), and
            left in evaluation mode.
        train_set: its ``__getitems__(indices)``, where it has one, makes a batch, as that of a
            ``detection.DetectionSet``; else items are put together, each of their parts a tensor
            with one dimension more.
        loss: ``loss(model, batch)``, 0-dimensional; or a dictionary of such parts, of which the sum
            is minimised. For a game, several `Phase`: in each step they take turns with one batch.
        steps: number of batches.
        batch_size: items in a batch.
        lr: the highest learning rate.
        seed: where the order of the items, the augmentation and any dropout come from.
        augment: ``augment(batch, rng)`` → a variation of the batch, on the CPU; None for none.
        weight_decay: of AdamW.
        ema: the decay of a running mean of the weights, e.g. 0.999, which is what ``on_step`` sees
            and what the model is left with; None for the last weights themselves.
        on_step: ``on_step(step, model, history)``, called after every ``every`` steps and after the
            last, with the model in evaluation mode; ``History.records`` keeps what it returns.
        every: how often ``on_step`` is called; None for only after the last step.
        title: stands before the progress bar.

    Returns:
        The history of the training.

    Raises:
        ValueError: a number is out of range, ``train_set`` is empty, or the model has no such part
            as a phase trains.
        CourseError: a loss is no longer finite. It says whose, and which network diverged.

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101.
    """
    _require_positive(steps=steps, batch_size=batch_size, lr=lr)
    _require_positive(every=1 if every is None else every)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last)
    players = [_Player(phase, model, lr, weight_decay) for phase in phases_of(loss)]
    mean = None if ema is None else averaged(model, ema)
    shown = model if mean is None else mean.module
    rng = seeding.generator(seed, "fit")
    batches = endless_batches(train_set, batch_size, rng)
    history = History()

    chance = seeded(seeding.derive_seed(seed, "fit", "global"), device)
    with chance, _progress_bar(steps, title) as bar:
        try:
            for step in range(1, steps + 1):
                model.train()
                batch = next(batches)
                if augment is not None:
                    batch = augment(batch, rng)
                batch = on_device(batch, device)
                for player in players:
                    player.play(batch, step, steps)
                if mean is not None:
                    mean.update_parameters(model)
                _note(history, step, players)
                bar.update()
                bar.set_postfix({p.phase.name: f"{p.loss:.3f}" for p in players}, refresh=False)
                if on_step is not None and (step == steps or (every and step % every == 0)):
                    shown.eval()
                    history.records.append((step, on_step(step, shown, history)))
        except KeyboardInterrupt:
            history.interrupted = True
            bar.write(f"Stopped by hand after {len(history.steps)} of {steps} steps.")
        finally:
            if mean is not None:
                model.load_state_dict(shown.state_dict())
            model.eval()
    return history


class _Player:
    """A phase at work: its optimizer, and its last loss.

    Args:
        phase: what is trained by which loss.
        model: the whole model.
        lr: the highest learning rate.
        weight_decay: of AdamW.
    """

    def __init__(self, phase: Phase, model: nn.Module, lr: float, weight_decay: float) -> None:
        self.phase, self.model, self.lr = phase, model, lr
        self.parameters = phase.parameters(model)
        self.optimizer = phase.optimizer(model, lr, weight_decay)
        self.loss = math.nan
        self.parts: dict[str, float] = {}

    def play(self, batch: Any, step: int, steps: int) -> None:
        """Take a step down the phase's loss, unless it rests."""
        if self.phase.rests(step - 1):
            return
        self.phase.set_lr(self.optimizer, self.lr, step - 1, steps)
        parts = self.phase.loss(self.model, batch)
        value = total(parts)
        self.optimizer.zero_grad()
        value.backward(inputs=self.parameters)  # nobody else's gradients: they would add up
        self.loss = value.item()
        require_finite(self.loss, step, self.phase, self.model, ADVICE)
        self.optimizer.step()
        named = {} if isinstance(parts, Tensor) else parts
        self.parts = {name: part.item() for name, part in named.items()}


def _note(history: History, step: int, players: Sequence[_Player]) -> None:
    """Add a step to the history."""
    if len(players) == 1:
        (player,) = players
        history.add(step, player.loss, player.parts)
        return
    parts: dict[str, float] = {}
    for player in players:
        name = player.phase.name
        parts[name] = player.loss
        parts |= {f"{name}.{part}": value for part, value in player.parts.items()}
    history.add(step, sum(player.loss for player in players), parts)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's global generators (dropout draws from them) and put them back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
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


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name}: expected more than 0, got {number}")
