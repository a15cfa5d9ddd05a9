"""YOLO's output layer: what the numbers of a grid's cells mean as boxes and scores."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.precision import at_least_float32
from cvgen_course.require import require


def decode_yolo(raw: Tensor, num_boxes: int, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the boxes that a grid of cells predicts, and how sure it is of each class.

    The image is divided into S_h × S_w cells, and each cell predicts B boxes and one distribution
    over the classes, which its boxes share. A box's centre lies inside its cell; its size is
    relative to the whole image.

    Args:
        raw: the network's output, float (N, 5 B + C - 1, S_h, S_w). Channels 5 b to 5 b + 4 hold
            t_x, t_y, t_w, t_h, t_o of box b; behind all boxes come the logits of the C - 1 classes.
        num_boxes: B, at least 1.
        image_size: (H, W) of the image in pixels.

    Returns:
        Two tensors, float32 at least, ordered by rows, then columns, then boxes of the cell.

        - boxes, xyxy in pixels, (N, S_h · S_w · B, 4). The centre is
          ((column + σ(t_x)) W / S_w, (row + σ(t_y)) H / S_h), the size W σ(t_w)² by H σ(t_h)².
          They may reach over the image's border.
        - scores, (N, S_h · S_w · B, C - 1), in [0, 1]: the confidence σ(t_o) times the softmax of
          the cell's class logits.

    Raises:
        TypeError: ``raw`` is no floating-point tensor.
        ValueError: it has another number of dimensions or too few channels, ``num_boxes`` is less
            than 1, or a side of the image is not positive.

    Source:
        Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016,
        arXiv:1506.02640, section 2 and equation 1.

    Note:
        The paper's last layer is linear, and trained to give numbers in [0, 1] by a squared error.
        Here a sigmoid bounds them, and a softmax makes a distribution of the class logits. The
        paper, too, predicts the square root of width and height (section 2.2), so that an error
        of one pixel matters more in a small box than in a large one.
    """
    require(raw=(raw, "N 5B+C-1 S_h S_w", "float"))
    if num_boxes < 1:
        raise ValueError(f"num_boxes: expected at least 1, got {num_boxes}")
    if raw.shape[1] <= 5 * num_boxes:
        raise ValueError(
            f"raw: expected more than {5 * num_boxes} channels (5 for each of {num_boxes} boxes, "
            f"then the classes), got shape {tuple(raw.shape)}"
        )
    H, W = image_size
    if H <= 0 or W <= 0:
        raise ValueError(f"image_size: expected a positive (height, width), got {(H, W)}")
    S_h, S_w = raw.shape[2:]
    of_cells = at_least_float32(raw).permute(0, 2, 3, 1)  # (N, S_h, S_w, 5 B + C - 1)
    of_boxes = of_cells[..., : 5 * num_boxes].unflatten(-1, (num_boxes, 5)).sigmoid()
    x, y, w, h, confidence = of_boxes.unbind(-1)  # each (N, S_h, S_w, B)

    column = torch.arange(S_w, device=raw.device)[:, None]  # (S_w, 1)
    row = torch.arange(S_h, device=raw.device)[:, None, None]  # (S_h, 1, 1)
    centre = torch.stack([(column + x) * (W / S_w), (row + y) * (H / S_h)], dim=-1)
    half_size = torch.stack([W * w**2, H * h**2], dim=-1) / 2  # (N, S_h, S_w, B, 2)
    boxes = torch.cat([centre - half_size, centre + half_size], dim=-1)

    class_probs = of_cells[..., None, 5 * num_boxes :].softmax(dim=-1)  # (N, S_h, S_w, 1, C - 1)
    scores = confidence[..., None] * class_probs  # (N, S_h, S_w, B, C - 1)
    return boxes.flatten(1, 3), scores.flatten(1, 3)
