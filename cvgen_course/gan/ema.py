"""A running mean of a generator, and the statistics that go with it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def ema_update(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move a running mean of a model a little towards the model, in place.

    Each number of the mean becomes decay · itself + (1 − decay) · the model's: parameters, and
    buffers too, as the running statistics of batch norm. Whole numbers (how many batches there
    were) are copied.

    Args:
        average: a copy of the model, of which no one else trains a parameter.
        model: as it is after a step; stays as it is.
        decay: in [0, 1], e.g. 0.999: about the last 1,000 steps count.

    Raises:
        ValueError: the decay is outside of [0, 1], or the two have different parts.

    Source:
        Yazici et al., "The Unusual Effectiveness of Averaging in GAN Training", ICLR 2019,
        arXiv:1806.04498, eq. 7; Brock et al., "Large Scale GAN Training for High Fidelity Natural
        Image Synthesis", ICLR 2019, arXiv:1809.11096, appendix C.
    """
    if not 0 <= decay <= 1:
        raise ValueError(f"decay: expected a number in [0, 1], got {decay}")
    means, values = average.state_dict(), model.state_dict()
    if _shapes(means) != _shapes(values):
        different = sorted({*_shapes(means).items()} ^ {*_shapes(values).items()})
        raise ValueError(f"average: expected a copy of the model, different is {different[0][0]!r}")
    for name, mean in means.items():
        if mean.is_floating_point():
            mean.lerp_(values[name], 1 - decay)
        else:
            mean.copy_(values[name])


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor, by name."""
    return {name: tuple(x.shape) for name, x in state.items()}


@torch.no_grad()
def standing_statistics(
    generator: nn.Module, draw: Callable[[], tuple[Tensor, ...]], num_batches: int = 16
) -> None:
    """Measure batch norm's statistics anew, for the weights that a generator has now.

    Running statistics are means over the weights of many steps, and averaged weights had no
    batches of their own at all. Here the generator makes some batches, and the plain mean of their
    statistics is kept. All else is in evaluation mode meanwhile, as it will be used.

    Args:
        generator: is left in evaluation mode, with new running statistics and the same weights.
        draw: ``draw()`` → the arguments of a batch: noise, and labels where it takes some.
        num_batches: 1 or more.

    Raises:
        ValueError: ``num_batches`` is less than 1.

    Source:
        Brock et al., "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR
        2019, arXiv:1809.11096, section 3.1 and appendix C ("standing statistics").
    """
    if num_batches < 1:
        raise ValueError(f"num_batches: expected at least 1, got {num_batches}")
    norms = [layer for layer in generator.modules() if isinstance(layer, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    generator.eval()
    for norm in norms:
        norm.train()  # no other layer: dropout or a power iteration would make other weights
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    try:
        for _ in range(num_batches):
            generator(*draw())
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        generator.eval()
