"""Transfer learning: a classifier on features that were learned without labels."""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch.nn import functional as F

from cvgen_course.autoencoders.networks import Encoder
from cvgen_course.require import require, require_range


class EncoderClassifier(nn.Module):
    """An encoder's convolutions, with a new linear layer that names the class.

    Args:
        encoder: trained or not; it is copied, and stays as it is.
        num_classes: of the labels.
        frozen: whether the convolutions stay as they are, and only the new layer learns; else all
            of it is fine-tuned.
    """

    def __init__(self, encoder: Encoder, num_classes: int, frozen: bool = False) -> None:
        super().__init__()
        if num_classes < 2:
            raise ValueError(f"num_classes: expected at least 2, got {num_classes}")
        self.features = copy.deepcopy(encoder.features).requires_grad_(not frozen)
        self.head = nn.Linear(encoder.num_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, num_classes) for images (N, C, size, size)."""
        require(x=(x, "N C H W", "float"))
        return self.head(self.features(x))

    def loss(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy, 0-dimensional.

        Args:
            x: images, float (N, C, size, size).
            labels: int64 (N,), in [0, num_classes).

        Raises:
            TypeError: ``labels`` is no int64 tensor.
            ValueError: a shape does not fit, or a label is out of range.
        """
        logits = self(x)
        require(labels=(labels, "N", "int64"), N=len(x))
        require_range("labels", labels, 0, self.head.out_features)
        return F.cross_entropy(logits, labels)
