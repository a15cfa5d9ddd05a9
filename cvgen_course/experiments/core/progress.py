"""How far a run is: what a checkpoint holds besides weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Progress:
    """How far a run is. With the weights that is all: the rest follows from seed and step.

    No state of a random generator is kept, and no order of data: step n draws from generators
    that are seeded for step n (`order`, `session`). So each of several devices has its own, and a
    run may go on with another number of devices, or of processes that load data.

    Attributes:
        step: how many steps have been done.
        losses: the running mean of each phase's loss, by its name.
        seconds: how long all that took, over all sessions, the evaluations included.
        machines: on which machines, each once.
        records: step, losses and metrics on the validation set, for each evaluation.
        metrics: on the test set, after the last step.
    """

    step: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    machines: list[str] = field(default_factory=list)
    records: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] | None = None

    def count(self, losses: Mapping[str, float]) -> None:
        """Note that a step has been done, and the losses of the phases that took part in it."""
        for name, loss in losses.items():
            mean = self.losses.get(name)
            self.losses[name] = loss if mean is None else 0.98 * mean + 0.02 * loss
        self.step += 1
