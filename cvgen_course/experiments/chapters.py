"""The experiments of all chapters, by name."""

from __future__ import annotations

from dataclasses import replace

from cvgen_course import chapters, seeding
from cvgen_course.errors import CourseError
from cvgen_course.experiments import segmentation
from cvgen_course.experiments.autoencoders import experiment as autoencoders
from cvgen_course.experiments.core.experiment import Experiment
from cvgen_course.experiments.core.offer import Offer
from cvgen_course.experiments.cyclegan import experiment as cyclegan
from cvgen_course.experiments.detection import experiment as detection
from cvgen_course.experiments.gan import experiment as gan
from cvgen_course.experiments.pixelcnn import experiment as pixelcnn

OFFERS: dict[str, Offer] = {
    "segmentation": segmentation.OFFER,
    "detection": detection.OFFER,
    "autoencoders": autoencoders.OFFER,
    "pixelcnn": pixelcnn.OFFER,
    "gan": gan.OFFER,
    "cyclegan": cyclegan.OFFER,
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
    name = chapters.find(chapter).name
    if name not in OFFERS:
        raise CourseError(
            f"chapter: expected one of {', '.join(OFFERS)}, got {chapter!r}; "
            "the other chapters have nothing to train at full size, or not yet"
        )
    model = OFFERS[name].choose(name, data, model)
    seeding.seed_everything(seeding.derive_seed(seed, "model"))
    built = OFFERS[name].build(data, model, seed)
    return replace(
        built,
        steps=built.steps if steps is None else steps,
        batch_size=built.batch_size if batch_size is None else batch_size,
        lr=built.lr if lr is None else lr,
    )
