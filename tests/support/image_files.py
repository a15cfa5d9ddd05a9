"""Small pictures in files and arrays, for what reads them."""

import numpy as np
import torch
from PIL import Image


def pixels(N, *shape, seed=0):
    """Return random pixels, uint8 (N, *shape)."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (N, *shape), generator=rng, dtype=torch.uint8).numpy()


def fill(folder, images, suffix=".png"):
    """Write each image into a file of its own, named by its number; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(np.asarray(image)).save(folder / f"{number:03}{suffix}")
    return folder
