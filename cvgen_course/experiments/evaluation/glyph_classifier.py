"""How the embedded glyph classifier was trained.

``python -m cvgen_course.experiments.evaluation.glyph_classifier PATH`` trains it anew, in about a
minute, and writes its weights. Those of the course stay as they are, or else distances measured
before and after would not compare.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course import seeding
from cvgen_course.data import ImageItem, load
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.evaluation import GlyphClassifier, extract_features, feature_statistics
from cvgen_course.files import replacing
from cvgen_course.training.loop import fit


def train_glyph_classifier(num_images: int = 30_000, steps: int = 3000) -> GlyphClassifier:
    """Return a classifier of glyphs whose features have variance 1 on average.

    Args:
        num_images: of the training set.
        steps: number of batches.

    Raises:
        KeyboardInterrupt: the training was stopped by hand.
    """
    train_set = cast(LabelledImages, load("glyphs", "train", size=num_images))
    seeding.seed_everything(0)
    model = GlyphClassifier()
    history = fit(
        model,
        train_set,
        _loss,
        steps=steps,
        batch_size=128,
        lr=3e-3,
        seed=0,
        weight_decay=1e-4,
        title="glyph classifier",
    )
    if history.interrupted:  # half a classifier would measure something else
        raise KeyboardInterrupt
    _, covariance = feature_statistics(extract_features(model.features, train_set.images))
    model.scale.copy_(covariance.diagonal().mean().sqrt())
    return model


def _loss(model: nn.Module, batch: ImageItem) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def main() -> None:
    """Train, and write the weights to the file that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m cvgen_course.experiments.evaluation.glyph_classifier PATH")
    state = train_glyph_classifier().state_dict()
    with replacing(Path(sys.argv[1])) as file:
        file.write(save({name: x.contiguous() for name, x in state.items()}))


if __name__ == "__main__":
    main()
