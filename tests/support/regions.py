"""Random boxes for RoI Align and RoI pooling, hard ones among them."""

import torch


def random_regions(num_boxes, seed=0, dtype=torch.float64, shape=(3, 2, 7, 9), step=1):
    """Draw features of stride 4 and boxes around and outside their image, some upside down.

    Some of the boxes lie on multiples of ``step`` pixels: where the edges of a map's cells are, or
    where rounding has to decide.
    """
    rng = torch.Generator().manual_seed(seed)
    features = torch.randn(shape, generator=rng, dtype=torch.float64)
    corner = 60 * torch.rand(num_boxes, 2, generator=rng, dtype=torch.float64) - 15
    size = 50 * torch.rand(num_boxes, 2, generator=rng, dtype=torch.float64) ** 2
    boxes = torch.cat([corner, corner + size], dim=1)
    boxes[::7, 2:] = boxes[::7, :2]  # empty
    boxes[1::7, 2:] = boxes[1::7, :2] + 1  # one pixel
    boxes[2::7] = boxes[2::7].roll(2, dims=1)  # upside down
    boxes[3::7] += 200  # far outside
    boxes[4::7] = step * (boxes[4::7] / step).round()
    image_of = torch.randint(shape[0], (num_boxes,), generator=rng)
    return features.to(dtype), boxes.to(dtype), image_of
