"""Time training steps of chapter 01's U-Net in a process of its own, with two threads.

Usage: python training_step.py as_the_course_sets_it|as_openmp_sets_it

OpenMP reads its settings when torch is loaded; the course's stand in the environment as soon as
``cvgen_course`` is imported. So the order of two imports makes the difference.
"""

import sys
import time

if sys.argv[1] == "as_openmp_sets_it":
    import torch

import cvgen_course.data as data
from cvgen_course.segmentation import UNet, cross_entropy_dice_loss

if sys.argv[1] == "as_the_course_sets_it":
    import torch

STEPS, BATCH = 40, 16


def seconds_of_a_step() -> float:
    """Return the median over some steps, the first ones left out."""
    torch.set_num_threads(2)
    torch.manual_seed(0)
    scenes = data.load("scenes", "val")
    model = UNet(len(scenes.classes), 16, stem_stride=2).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images = scenes.images[:BATCH].contiguous(memory_format=torch.channels_last)
    masks = scenes.masks[:BATCH]
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        optimizer.zero_grad()
        cross_entropy_dice_loss(model(images), masks).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return sorted(times[STEPS // 4 :])[len(times[STEPS // 4 :]) // 2]


if __name__ == "__main__":
    print(seconds_of_a_step())
