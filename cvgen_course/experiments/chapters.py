"""The experiments of all chapters, by name."""

from __future__ import annotations

import re
from dataclasses import replace

from cvgen_course import seeding
from cvgen_course.experiments import detection, segmentation
from cvgen_course.experiments.experiment import Chapter, Experiment, find

CHAPTERS: dict[str, Chapter] = {
    "segmentation": segmentation.CHAPTER,
    "detection": detection.CHAPTER,
}


def build_experiment(
    chapter: str,
    data: str,
    model: str | None = None,
    *,
    seed: int = 0,
    steps: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
) -> Experiment:
    """Return a chapter's experiment. Seeds the global generators.

    Args:
        chapter: e.g. ``"detection"``, or ``"02_detection"``.
        data: a data set's name.
        model: a model's name; None for the one that belongs to the data set.
        seed: what everything random follows from.
        steps: number of batches; None for the experiment's own.
        batch_size: images in a batch; None likewise.
        lr: the highest learning rate; None likewise.

    Raises:
        CourseError: there is no such chapter, data set or model, or the data is missing.
    """
    found, model = find(CHAPTERS, re.sub(r"^\d+_", "", chapter), data, model)
    seeding.seed_everything(seeding.derive_seed(seed, "model"))
    built = found.build(data, model, seed)
    return replace(
        built,
        steps=built.steps if steps is None else steps,
        batch_size=built.batch_size if batch_size is None else batch_size,
        lr=built.lr if lr is None else lr,
    )
