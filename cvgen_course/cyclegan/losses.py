"""What keeps a translation to its content: the way there and back, and what need not change."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require

Translate = Callable[[Tensor], Tensor]
"""A generator: images (N, C, H, W) of one domain → images of the other, of the same shape."""


def cycle_loss(g_ab: Translate, g_ba: Translate, a: Tensor, b: Tensor) -> Tensor:
    """Return how far images are from what comes back, after a translation there and back.

    Args:
        g_ab: from domain A to B.
        g_ba: from B to A.
        a: images of A, float (N, C, H, W).
        b: images of B, float (M, C, H, W).

    Returns:
        0-dimensional, float32 at least: mean ``|G_BA(G_AB(a)) − a|`` plus mean
        ``|G_AB(G_BA(b)) − b|``, each over all numbers of its batch.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the domains have different channels, heights or widths, or there are no images.

    Source:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, arXiv:1703.10593, eq. 2.
    """
    require_domains(a, b)
    return distance(g_ba(g_ab(a)), a) + distance(g_ab(g_ba(b)), b)


def identity_loss(g_ab: Translate, g_ba: Translate, a: Tensor, b: Tensor) -> Tensor:
    """Return how much a generator changes images that are of its target domain already.

    G_AB makes images of B; so it is shown b, and should leave it as it is.

    Args:
        g_ab: from domain A to B.
        g_ba: from B to A.
        a: images of A, float (N, C, H, W).
        b: images of B, float (M, C, H, W).

    Returns:
        0-dimensional, float32 at least: mean ``|G_AB(b) − b|`` plus mean ``|G_BA(a) − a|``.

    Raises:
        TypeError: an argument is no floating-point tensor.
        ValueError: the domains have different channels, heights or widths, or there are no images.

    Source:
        Zhu et al., as of `cycle_loss`, section 5.2; after Taigman et al., "Unsupervised
        Cross-Domain Image Generation", ICLR 2017, arXiv:1611.02200.
    """
    require_domains(a, b)
    return distance(g_ab(b), b) + distance(g_ba(a), a)


def distance(x: Tensor, y: Tensor) -> Tensor:
    """Return the L1 distance of images of one shape, 0-dimensional, float32 at least."""
    require(translated=(x, "N C H W", "float"), original=(y, "N C H W", "float"))
    return (at_least_float32(x) - at_least_float32(y)).abs().mean()


def require_domains(a: Tensor, b: Tensor) -> None:
    """Raise unless two batches hold images of the same channels, height and width.

    Raises:
        TypeError: one is no floating-point tensor.
        ValueError: they do not, or there are no images.
    """
    require(a=(a, "N C H W", "float"), b=(b, "M C H W", "float"))
    for name, images in {"a": a, "b": b}.items():
        if not len(images):
            raise ValueError(f"{name}: expected at least one image, got {tuple(images.shape)}")
