"""A running mean of a model's weights, which is calmer than the weights themselves."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Return a copy of a model for the exponential moving average (EMA) of its weights.

    ``update_parameters(model)`` after each step lets it follow; ``module`` is the averaged model.
    The decay rises from 0.2 to its full value, else the first, random weights would be remembered
    for thousands of steps. Buffers, as batch norm's running statistics, are copied as they are:
    means themselves, they belong to the last step.

    Args:
        model: may be trained on.
        decay: how much of the mean stays at each step, e.g. 0.999: about the last 1,000 count.

    Raises:
        ValueError: ``decay`` is outside [0, 1).

    Source:
        Yazici et al., "The Unusual Effectiveness of Averaging in GAN Training", ICLR 2019,
        arXiv:1806.04498. The rise is that of TensorFlow's ``ExponentialMovingAverage``.
    """
    if not 0 <= decay < 1:
        raise ValueError(f"ema: expected a decay in [0, 1), got {decay}")

    def follow(mean: Tensor, weight: Tensor, step: Tensor | int) -> Tensor:
        share = min(decay, (1 + float(step)) / (10 + float(step)))
        return mean.lerp(weight, 1 - share)

    return AveragedModel(model, avg_fn=follow)
