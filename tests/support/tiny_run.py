"""A program that runs the tiny experiment: `python tiny_run.py FOLDER '{"options": …}'`."""

import hashlib
import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from safetensors.torch import save
from support import tiny_experiment
from support.tiny_experiment import tiny
from support.toy_models import GAME, toy_experiment

from cvgen_course import machine
from cvgen_course.errors import CourseError

sys.modules["torchmetrics"] = None
"""Fabric only asks for its version; to import it takes longer than all of a tiny run."""


class SlowLoss:
    """A loss that takes its time, and presses Ctrl-C itself where it is told to."""

    def __init__(self, loss, seconds, press_at):
        self.loss, self.seconds, self.press_at, self.calls = loss, seconds, press_at, 0

    def __call__(self, model, batch):
        self.calls += 1
        if self.calls == self.press_at and os.environ.get("LOCAL_RANK", "0") == "0":
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(self.seconds)
        return self.loss(model, batch)


def main():
    from cvgen_course.experiments.core.run import run

    folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    machine.describe = lambda: "a machine"
    model = getattr(tiny_experiment, given.pop("model", "noisy_model"))
    slow = partial(SlowLoss, seconds=given.pop("seconds", 0.0), press_at=given.pop("press_at", 0))
    changes = given.pop("changes", {})
    if given.pop("game", False):
        phases = tuple(phase._replace(loss=slow(phase.loss)) for phase in GAME)
        experiment = toy_experiment("game", phases=phases, **changes)
    else:
        experiment = tiny(model, loss=slow(tiny_experiment.loss), **changes)
    found = run(experiment, folder, **{"num_workers": 0} | given)
    rank = os.environ.get("LOCAL_RANK", "0")
    # Buffers are shared where a model is measured, and of a running mean, that is another model.
    model = experiment.model
    state = model.state_dict() if experiment.ema is None else dict(model.named_parameters())
    state = {name: x.contiguous() for name, x in state.items()}
    digest = hashlib.sha256(save(state)).hexdigest()
    (folder / f"weights-{rank}.txt").write_text(digest)
    if found is None:
        sys.exit(130)


if __name__ == "__main__":
    try:
        main()
    except CourseError as error:
        sys.exit(str(error))
