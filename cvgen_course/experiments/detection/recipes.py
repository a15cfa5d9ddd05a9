"""How each data set of chapter 02 is trained on: sizes of images, anchors and batches."""

from __future__ import annotations

from typing import NamedTuple

Levels = tuple[tuple[float, ...], ...]


class DetectionRecipe(NamedTuple):
    """How a data set is trained on. All lengths are pixels of the image as the network sees it.

    Attributes:
        shorter: an image is shrunk until its shorter side is that long; None: as published.
            Metrics are measured in the published image all the same.
        window: height and width of what is cut out to learn from; multiples of the last stride.
        turns: whether an image upside down is an image; else it is only mirrored.
        sizes: sides of the anchors, for the maps of stride 4, 8, …
        ssd_sizes: likewise for SSD, whose maps begin at stride 8.
        ratios: heights of the anchors divided by their widths.
        num_objects: how many detections an image may have, in the model and when it is measured.
        num_proposals: how many boxes of an image a second stage looks into; it learns from half as
            many.
        steps: number of batches.
        batch_size: windows in a batch.
        lr: the highest learning rate.
    """

    shorter: int | None
    window: tuple[int, int]
    turns: bool
    sizes: Levels
    ssd_sizes: Levels
    ratios: tuple[float, ...]
    num_objects: int
    num_proposals: int
    steps: int
    batch_size: int
    lr: float


RECIPES = {
    # 64 × 64; objects measure 12 to 26 pixels
    "scenes": DetectionRecipe(
        shorter=None,
        window=(64, 64),
        turns=True,
        sizes=((12, 15, 18), (21, 26, 32)),
        ssd_sizes=((13, 18), (24, 32)),
        ratios=(1.0,),
        num_objects=50,
        num_proposals=64,
        steps=6000,
        batch_size=16,
        lr=2e-3,
    ),
    # 480 × 640, seen at half that size: platelets measure 15 to 27, red cells 42 to 61, white cells
    # 59 to 125 pixels. The camera has no up and down.
    "bccd": DetectionRecipe(
        shorter=240,
        window=(240, 320),
        turns=True,
        sizes=((16, 20, 26), (40, 50, 62), (75, 95, 120)),
        ssd_sizes=((16, 24, 44), (56, 80, 110)),
        ratios=(1.0,),
        num_objects=100,
        num_proposals=96,
        steps=2500,
        batch_size=8,
        lr=1e-3,
    ),
    # Mostly 256 × 256, some up to 1040 × 1388: seen as published, since a nucleus has 6 to 30
    # pixels and can't spare any; learned from windows. Up to 375 nuclei in an image, so COCO's
    # limit of 100 detections would count found ones as missed.
    "dsb2018": DetectionRecipe(
        shorter=None,
        window=(256, 256),
        turns=True,
        sizes=((7, 10, 14), (18, 23, 30)),
        ssd_sizes=((8, 12, 17), (22, 30, 40)),
        ratios=(1.0,),
        num_objects=400,
        num_proposals=400,
        steps=2500,
        batch_size=4,
        lr=1e-3,
    ),
    # 170 photographs of 300 to 500 pixels; pedestrians stand, from a third of its height up.
    "penn_fudan": DetectionRecipe(
        shorter=256,
        window=(256, 256),
        turns=False,
        sizes=((28, 36), (48, 62), (80, 110)),
        ssd_sizes=((36, 56), (80, 110)),
        ratios=(1.8, 2.8),
        num_objects=100,
        num_proposals=64,
        steps=2500,
        batch_size=8,
        lr=1e-3,
    ),
    # Photographs of about 375 × 500, seen a third smaller: from bottles to buses, 10 to 300 pixels.
    "voc_detection": DetectionRecipe(
        shorter=256,
        window=(256, 256),
        turns=False,
        sizes=((16, 24, 36), (48, 64, 90), (110, 150, 200)),
        ssd_sizes=((32, 56, 80), (110, 150, 200)),
        ratios=(0.5, 1.0, 2.0),
        num_objects=100,
        num_proposals=128,
        steps=40_000,
        batch_size=16,
        lr=1e-3,
    ),
}
