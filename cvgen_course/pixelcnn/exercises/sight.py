"""Which pixels of its inputs an output sees, by gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from cvgen_course.checks.probes import gradients


def sight(outputs: dict[str, Tensor], inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return which pixels of its inputs each pixel of an output depends on.

    Args:
        outputs: by their names in words; maps of one image, (1, C, H, W).
        inputs: by their names; leaves, maps of the same size.

    Returns:
        For each pair of an output and an input, bool (H · W, H · W): in row p, the pixels of the
        input on which pixel p of the output depends.

    Raises:
        WrongAnswer: an output has another shape, or depends on none of the inputs.
    """
    answer = {}
    for name, output in outputs.items():
        rows = []
        for pixel in range(output[0, 0].numel()):
            upstream = torch.zeros_like(output)
            upstream.flatten(2)[:, :, pixel] = 1
            rows.append(gradients(name, output, upstream, **inputs))
        for key in inputs:
            seen = [row[f"the gradient of {key}"].flatten(2).any(dim=1)[0] for row in rows]
            answer[f"pixels of {key} (columns) that those of {name} (rows) see"] = torch.stack(seen)
    return answer
