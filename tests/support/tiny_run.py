"""A program that runs the tiny experiment: `python tiny_run.py FOLDER '{"options": …}'`."""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from safetensors.torch import save
from support import tiny_experiment
from support.tiny_experiment import tiny

from cvgen_course import machine
from cvgen_course.errors import CourseError
from cvgen_course.experiments.run import run


class SlowLoss:
    """A loss that takes its time, and presses Ctrl-C itself where it is told to."""

    def __init__(self, seconds, press_at):
        self.seconds, self.press_at, self.calls = seconds, press_at, 0

    def __call__(self, model, batch):
        self.calls += 1
        if self.calls == self.press_at and os.environ.get("LOCAL_RANK", "0") == "0":
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(self.seconds)
        return tiny_experiment.loss(model, batch)


def main():
    folder, given = Path(sys.argv[1]), json.loads(sys.argv[2])
    machine.describe = lambda: "a machine"
    model = getattr(tiny_experiment, given.pop("model", "noisy_model"))
    seconds, press_at = given.pop("seconds", 0.0), given.pop("press_at", 0)
    changes = given.pop("changes", {})
    experiment = tiny(model, loss=SlowLoss(seconds, press_at), **changes)
    found = run(experiment, folder, **{"num_workers": 0} | given)
    rank = os.environ.get("LOCAL_RANK", "0")
    state = {name: x.contiguous() for name, x in experiment.model.state_dict().items()}
    digest = hashlib.sha256(save(state)).hexdigest()
    (folder / f"weights-{rank}.txt").write_text(digest)
    if found is None:
        sys.exit(130)


if __name__ == "__main__":
    try:
        main()
    except CourseError as error:
        sys.exit(str(error))
