"""The two domains of a data set: what there is to translate, and what a judge learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cvgen_course.data import UnpairedImages, load, two_classes
from cvgen_course.data.horse2zebra import Horse2Zebra
from cvgen_course.data.image_set import LabelledImages
from cvgen_course.data.pictures import to_bytes
from cvgen_course.errors import CourseError

Domains = UnpairedImages | Horse2Zebra
"""Items are ``UnpairedItem``; in memory, or in files."""
SEEN = 64
"""Height and width to which larger pictures are shrunk for a judge."""
FEWEST = 2
"""Images of a domain: of one alone there is no covariance."""


def load_domains(data: str, split: str) -> Domains:
    """Load a split of two domains.

    Args:
        data: a data set of two domains, or two classes of another one: ``"cifar10:horse,deer"``.
        split: ``"train"``, ``"val"`` or ``"test"``.

    Raises:
        CourseError: the data is missing, or has too few images of a domain.
    """
    name, _, classes = data.partition(":")
    items = load(name, split)
    if classes:
        try:
            items = two_classes(cast(LabelledImages, items), *classes.split(","))
        except ValueError as error:
            raise CourseError(f"--data: {data}, {split}: {error}") from None
    found = cast(Domains, items)
    if min(found.sizes) < FEWEST:
        counts = (f"{n} of {name}" for n, name in zip(found.sizes, found.classes, strict=True))
        raise CourseError(
            f"--data: expected at least {FEWEST} images of each domain in {data}, {split}, "
            f"got {' and '.join(counts)}. Restore the folder."
        )
    return found


def images_of(items: Domains, domain: str, numbers: Sequence[int]) -> Tensor:
    """Return some images of a domain, float (n, C, H, W).

    Args:
        items: both domains.
        domain: ``"a"`` or ``"b"``.
        numbers: which ones.

    Raises:
        CourseError: one has another size than the first image of a.
    """
    size = items[0].a.shape
    return torch.stack(
        [_checked(getattr(items[i], domain), items, domain, i, size) for i in numbers]
    )


def labelled(items: Domains) -> LabelledImages:
    """Return what a judge learns from: images with their domain as a label, as `shrunk` has them.

    Animals that are neither plain nor striped come with them, where there are any.

    Raises:
        CourseError: an image has another size than the first.
    """
    if isinstance(items, UnpairedImages):
        return items.labelled()
    size = items[0].a.shape
    found: dict[str, list[Tensor]] = {"a": [], "b": []}
    for i in range(len(items)):  # one at a time: all together, in full size, would take gigabytes
        for domain, image, num in zip("ab", items[i], items.sizes, strict=True):
            if i < num:
                found[domain].append(shrunk(_checked(image, items, domain, i, size)[None]))
    pixels = to_bytes(torch.cat([*found["a"], *found["b"]])).numpy()
    return LabelledImages(pixels, np.repeat([0, 1], items.sizes), items.classes)


def _checked(
    image: Tensor, items: Domains, domain: str, number: int, size: tuple[int, ...]
) -> Tensor:
    """Return an image that is as large as it should be."""
    if image.shape != size:
        raise CourseError(
            f"{items.classes['ab'.index(domain)]}: expected pictures of {tuple(size)} as the "
            f"first one, got {tuple(image.shape)}, number {number}. Resize it, or restore the "
            "folder."
        )
    return image


def shrunk(images: Tensor) -> Tensor:
    """Return pictures (N, C, H, W) as a judge sees them: at most 64 pixels high and wide."""
    return F.interpolate(images, (SEEN, SEEN), mode="area") if images.shape[-1] > SEEN else images
