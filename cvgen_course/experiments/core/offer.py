"""What there is to train in a chapter."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cvgen_course.errors import CourseError
from cvgen_course.experiments.core.experiment import Experiment


class Offer(NamedTuple):
    """What can be trained in a chapter.

    Attributes:
        models: for each data set the names of the models that it can train; the first is the one
            that is trained where nobody names one.
        build: ``build(data, model, seed)`` → the experiment. The global generators are seeded.
    """

    models: dict[str, tuple[str, ...]]
    build: Callable[[str, str, int], Experiment]

    def choose(self, chapter: str, data: str, model: str | None) -> str:
        """Return the model that is meant.

        Raises:
            CourseError: the chapter has no such data set or model.
        """
        if data not in self.models:
            raise CourseError(
                f"--data: expected one of {', '.join(self.models)} for chapter {chapter}, "
                f"got {data!r}"
            )
        models = self.models[data]
        if model is not None and model not in models:
            raise CourseError(
                f"--model: expected one of {', '.join(models)} for {chapter} on {data}, "
                f"got {model!r}"
            )
        return models[0] if model is None else model
