"""Masks of objects: their loss, cutting them out of an image, putting them back, their overlap."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from cvgen_course.detection.roi_align import roi_align
from cvgen_course.precision import at_least_float32
from cvgen_course.require import require, require_range


def mask_loss(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Return the binary cross-entropy of each object's mask, in the channel of its own class.

    The network draws a mask for every class, and only that of the right class is looked at: the
    classes do not compete for pixels. What the object is, the box head has to say.

    Args:
        logits: float (R, C - 1, M, M), for each object a mask a class; channel c - 1 belongs to
            class c.
        labels: the true classes, int64 (R,), in [1, C).
        targets: the true masks, float (R, M, M), in [0, 1].

    Returns:
        0-dimensional, at least 0, float32 at least: the mean over all objects and
        pixels; 0 where there is no object.

    Raises:
        TypeError: ``logits`` or ``targets`` is no floating-point tensor, or ``labels`` no int64
            tensor.
        ValueError: the shapes do not belong together, or a label is outside [1, C).

    Source:
        He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 3 ("L_mask").
    """
    require(
        logits=(logits, "R C-1 M M", "float"),
        labels=(labels, "R", "int64"),
        targets=(targets, "R M M", "float"),
    )
    require_range("labels", labels, 1, logits.shape[1] + 1, "leave out background")
    each = torch.arange(len(labels), device=logits.device)
    own = at_least_float32(logits[each, labels - 1])  # (R, M, M)
    loss = F.binary_cross_entropy_with_logits(own, targets.to(own.dtype), reduction="sum")
    return loss / max(1, own.numel())


def crop_masks(masks: Tensor, boxes: Tensor, mask_of: Tensor, size: int) -> Tensor:
    """Cut masks out with boxes and shrink or stretch them to one size: the targets of a mask head.

    Args:
        masks: bool (K, H, W).
        boxes: float (R, 4), x1, y1, x2, y2 in pixels.
        mask_of: which mask each box cuts from, int64 (R,), in [0, K).
        size: M, the side of what is cut out.

    Returns:
        float32 (R, M, M), in [0, 1]: the share of mask at four points of each cell, bilinear.

    Raises:
        TypeError: ``masks`` is no bool tensor, ``boxes`` no floating-point tensor, or ``mask_of``
            no int64 tensor.
        ValueError: the shapes do not belong together, or a mask does not exist.

    Source:
        He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 3.1: the target is the
        intersection of an RoI and its mask.

    Note:
        Pixel 0 covers the interval [0, 1) and has its centre at 0.5, so the box is moved by half a
        pixel first (``aligned=True``), and `paste_masks` puts a mask back where it came from.
        Implementations that leave this out learn masks half a pixel too far up and left.
    """
    require(
        masks=(masks, "K H W", "bool"),
        boxes=(boxes, "R 4", "float"),
        mask_of=(mask_of, "R", "int64"),
    )
    require_range("mask_of", mask_of, 0, len(masks))
    if not len(masks):  # then there is no box either
        masks = masks.new_zeros(1, *masks.shape[1:])
    cut = roi_align(masks[:, None].float(), boxes, mask_of, size, aligned=True).squeeze(1)
    return cut.clamp(0, 1)  # weights that add up to 1 but for their last bit


def paste_masks(
    probs: Tensor, boxes: Tensor, height: int, width: int, threshold: float = 0.5
) -> Tensor:
    """Put each object's small mask back into the image, where its box is.

    The mask is stretched over the box and read at the centres of the image's pixels. Reading is
    bilinear, and what is read along one axis does not depend on the other: two matrix products.

    Args:
        probs: float (R, M, M), the probability of mask in each cell of a box.
        boxes: float (R, 4), x1, y1, x2, y2 in pixels.
        height: H, of the image.
        width: W, of the image.
        threshold: pixels with a larger probability belong to the object.

    Returns:
        bool (R, H, W); False outside of the box, and everywhere where the box is empty.

    Raises:
        TypeError: ``probs`` or ``boxes`` is no floating-point tensor.
        ValueError: the shapes do not belong together.

    Source:
        He et al., "Mask R-CNN", ICCV 2017, arXiv:1703.06870, section 3.1 ("Inference").

    Note:
        Between a box's edge and the centres of its outermost cells the paper leaves the value
        open. Here it is that of the outermost cell; fading to 0 would gnaw at every object.
    """
    require(probs=(probs, "R M M", "float"), boxes=(boxes, "R 4", "float"))
    M = probs.shape[-1]
    probs = at_least_float32(probs)
    x1, y1, x2, y2 = boxes.to(probs.dtype).unbind(dim=1)
    rows = _reading_weights(y1, y2, height, M)  # (R, H, M)
    columns = _reading_weights(x1, x2, width, M)  # (R, W, M)
    inside = rows.any(dim=2)[:, :, None] & columns.any(dim=2)[:, None]  # (R, H, W)
    with torch.autocast(probs.device.type, enabled=False):  # it would round to bfloat16
        return (rows @ probs @ columns.mT > threshold) & inside


def mask_iou(masks1: Tensor, masks2: Tensor) -> Tensor:
    """Return the intersection over union of each mask with each other mask.

    Args:
        masks1: bool (N, H, W).
        masks2: bool (M, H, W).

    Returns:
        float64 (N, M), in [0, 1]; 0 for two empty masks.

    Raises:
        TypeError: an argument is no bool tensor.
        ValueError: the masks have different sizes.
    """
    shared = mask_intersection(masks1, masks2)
    union = mask_area(masks1)[:, None] + mask_area(masks2) - shared
    return shared / union.clamp(min=1)


def mask_area(masks: Tensor) -> Tensor:
    """Return the number of pixels of each mask.

    Args:
        masks: bool (K, H, W).

    Returns:
        Whole numbers, float64 (K,).

    Raises:
        TypeError: ``masks`` is no bool tensor.
        ValueError: it has not three dimensions.
    """
    require(masks=(masks, "K H W", "bool"))
    return masks.flatten(1).view(torch.uint8).sum(dim=1, dtype=torch.int32).double()


def mask_intersection(masks1: Tensor, masks2: Tensor) -> Tensor:
    """Return how many pixels each mask shares with each other mask.

    A pixel is one bit, so a word of the computer holds 64 of them, and two words are compared and
    the bits of the result counted at once.

    Args:
        masks1: bool (N, H, W).
        masks2: bool (M, H, W).

    Returns:
        Whole numbers, float64 (N, M), on the device of ``masks1``; they are counted on the CPU.

    Raises:
        TypeError: an argument is no bool tensor.
        ValueError: the masks have different sizes.
    """
    require(masks1=(masks1, "N H W", "bool"), masks2=(masks2, "M H W", "bool"))
    words1, words2 = _words(masks1), _words(masks2)
    shared = np.zeros((len(words1), len(words2)))
    for m, mask in enumerate(words2):
        shared[:, m] = np.bitwise_count(words1 & mask).sum(axis=1, dtype=np.int64)
    return torch.from_numpy(shared).to(masks1.device)


def _words(masks: Tensor) -> NDArray[np.uint64]:
    """Return the pixels of each mask as bits, 64 in a word, zeros at the end."""
    num_words = -(-masks.shape[1:].numel() // 64)
    bits = np.packbits(masks.cpu().flatten(1).numpy(), axis=1)  # uint8, 8 pixels each
    padded = np.zeros((len(masks), 8 * num_words), dtype=np.uint8)
    padded[:, : bits.shape[1]] = bits
    return padded.view(np.uint64)


def _reading_weights(start: Tensor, end: Tensor, num_pixels: int, num_cells: int) -> Tensor:
    """Return how much of each cell of a box is read at each pixel, (R, num_pixels, num_cells).

    A row has at most two neighbouring cells that are not 0. They sum to 1 inside of the box; all
    are 0 where a pixel's centre lies outside.
    """
    cells = torch.arange(num_cells, device=start.device, dtype=start.dtype)
    centres = torch.arange(num_pixels, device=start.device, dtype=start.dtype) + 0.5
    start, end = start[:, None], end[:, None]
    inside = (centres >= start) & (centres < end)  # (R, num_pixels)
    length = (end - start).where(end > start, 1)
    at = (centres - start) / length * num_cells - 0.5  # in cells; cell 0 has its centre at 0
    at = at.clamp(0, num_cells - 1)
    weights = (1 - (at[:, :, None] - cells).abs()).clamp(min=0)
    return weights * inside[:, :, None]
