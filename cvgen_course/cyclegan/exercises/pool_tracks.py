"""Where each image goes that is handed to a pool, and whether chance was fair to it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cvgen_course.checks import WrongAnswer, as_tensor

SURE = math.log(1e12)
"""What comes once in 1e12 times, at most, is taken for no coincidence."""

EARLY = 100
"""After so many batches it is asked whether something is wrong: then it is soon over."""

RULES: dict[str, tuple[str, dict[str, str]]] = {
    "while there is room, a new image": (
        "comes back, and is kept",
        {"another one comes back": "does not come back", "not kept": "is not kept"},
    ),
    "from a full pool": (
        "a new image comes back, or one that was kept until then",
        {"unknown": "another image comes back"},
    ),
    "a new image that comes back from a full pool": ("is not kept", {"new one kept": "is kept"}),
    "an old image that comes back": ("leaves the pool", {"old one stays": "stays in the pool"}),
    "the new image in its place": ("is kept", {"new one lost": "is not kept"}),
    "the other images in the pool": (
        "stay the same",
        {"old one lost": "are fewer than before", "gained": "are more than before"},
    ),
    "the pool holds": (
        "`capacity` images at most",
        {"one too many": "one more than `capacity`", "too many": "far more than `capacity` images"},
    ),
}
"""What is looked at: what is right of it, and the words for what may be amiss."""

LOST = {"kept": "not kept", "in place": "new one lost"}
"""What is amiss where an image is missing from the pool, by what became of it when it came in."""

FAIR, EACH = "are fair, one for each image", "is each as often"
AS_IT_SHOULD_BE = {"the coins": [FAIR], "the image that leaves the pool": [EACH]}
UNSEEN = "not looked at, for what is wrong besides"


def checked(value: object, like: Tensor, what: str) -> Tensor:
    """Return a student's images without their graph.

    Args:
        value: what the student made.
        like: has the shape and the dtype that it should have; it may be more precise.
        what: what it is, in words.

    Raises:
        WrongAnswer: it is no tensor, has another shape, or is less precise.
    """
    images = as_tensor(value, what).detach()
    if images.shape != like.shape:
        raise WrongAnswer(f"{what} has shape {tuple(images.shape)}, expected {tuple(like.shape)}")
    if torch.promote_types(images.dtype, like.dtype) != images.dtype:
        raise WrongAnswer(f"{what} is {images.dtype}, expected {like.dtype}")
    return images


def numbers_of(images: Tensor) -> list[int]:
    """Return the numbers of images (N, C, H, W), which stand in their first pixels; 0 for none."""
    firsts = images.flatten(1)[:, 0].tolist()
    return [int(first) if first % 1 == 0 else 0 for first in firsts]


def stacked(pool: Sequence[Any], like: Tensor) -> Tensor:
    """Return the images of a pool as one tensor (P, C, H, W).

    Args:
        pool: what is kept.
        like: an image, (C, H, W).

    Raises:
        WrongAnswer: as for `checked`.
    """
    for image in pool:
        if type(image) is not Tensor or image.shape != like.shape:  # quicker than `checked`
            checked(image, like, "an image that is kept")
    images = torch.stack([*pool]) if pool else like.new_empty(0, *like.shape)
    return checked(images, like.expand(len(pool), *like.shape), "what is kept")


def ties(images: Tensor, made: dict[str, Sequence[Tensor]]) -> set[str]:
    """Return by what a student's tensors are tied to the images that came in; these become 0.

    Args:
        images: what came in.
        made: the tensors, by what they do, such as ``"is kept"``.
    """
    before = {what: [each.detach().clone() for each in tensors] for what, tensors in made.items()}
    with torch.no_grad():
        images.zero_()
    found = set()
    for what, tensors in made.items():
        if any(each.requires_grad for each in tensors):
            found.add(f"what {what}, by a graph")
        if not all(map(torch.equal, tensors, before[what])):
            found.add(f"what {what}, by its memory")
    return found


@dataclass
class Tracks:
    """Follows images by their numbers, and notes what is not as it should be.

    An image's place is that of the one that left for it, whatever the order of a student's list.

    Attributes:
        capacity: how many images are kept at most.
        kept: the numbers of those that are kept.
        coins: for each batch, of the images that met a full pool: did they come back at once?
        places: where those had been that came back later.
        ages: how many of those that were kept then had come in before them.
        amiss: which of `RULES` were broken, and how.
    """

    capacity: int
    kept: list[int] = field(default_factory=list)
    coins: list[list[bool]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    ages: list[int] = field(default_factory=list)
    amiss: set[str] = field(default_factory=set)

    def follow(self, new: list[int], back: list[int], kept: list[int]) -> None:
        """Follow a batch.

        Args:
            new: the numbers of the images that were handed in, each higher than all before it.
            back: of those that came back, as many.
            kept: of those in the pool afterwards.
        """
        self.coins.append([])
        became = {came: self._became(came, went) for came, went in zip(new, back, strict=True)}
        for number in Counter(self.kept) - Counter(kept):
            self.amiss.add(LOST.get(became.get(number, ""), "old one lost"))
        for number in Counter(kept) - Counter(self.kept):
            if became.get(number) == "back":
                self.amiss.add("new one kept")
            else:
                self.amiss.add("old one stays" if number in back else "gained")
        if len(kept) > self.capacity:
            self.amiss.add("one too many" if len(kept) == self.capacity + 1 else "too many")
        if set(self.kept) != set(kept):
            self.kept = kept

    def _became(self, came: int, went: int) -> str:
        """Let an image come in and another one, or the same, go; say what became of the first."""
        if len(self.kept) < self.capacity:
            self.kept.append(came)
            if went != came:
                self.amiss.add("another one comes back")
            return "kept"
        self.coins[-1].append(went == came)
        if went == came:
            return "back"
        if went not in self.kept:
            self.amiss.add("unknown")
            return "unknown"
        place = self.kept.index(went)
        self.places.append(place)
        self.ages.append(sorted(self.kept).index(went))
        self.kept[place] = came
        return "in place"

    def rules(self) -> dict[str, list[str]]:
        """Return whether each of `RULES` was kept, in words."""
        found = {}
        for rule, (right, wrong) in RULES.items():
            found[rule] = [words for flaw, words in wrong.items() if flaw in self.amiss] or [right]
        return found

    def chances(self) -> dict[str, list[str]]:
        """Return whether coins and draws were fair, in words, after thousands of images.

        Of n independent events of probability p, a share of q or more (if q > p, else or less)
        comes with a probability of exp(-n KL(q ‖ p)) at most, by Chernoff's inequality; below 1e-12
        it is taken for no coincidence. With four images a batch and a capacity of five, 34 such
        shares are looked at, early and at the end, and a check asks twice: so a right answer fails
        once in 3e9 times, at most.

        The coins are tossed fairly, at each place in the batch, too; one does not follow from the
        one before it, nor from that of the same place in the batch before. Of 3500 coins, shares
        outside 0.437 and 0.563 are noticed: so a coin of 0.4 or 0.6 passes once in 1e5 times.

        The image that leaves the pool is in each place as often, and, so that a queue is noticed,
        as often the oldest as the second oldest, and so on. Of 1750 draws from five images, shares
        outside 0.13 and 0.28 are noticed, where 0.2 is right.
        """
        if self.amiss:
            return {key: [UNSEEN] for key in AS_IT_SHOULD_BE}
        coins = _of_coins(torch.tensor(self.coins))
        leaves = self._who_leaves() if coins == FAIR else UNSEEN
        return dict(zip(AS_IT_SHOULD_BE, ([coins], [leaves]), strict=True))

    def is_over(self) -> bool:
        """Return whether it is early, and something is wrong with the chances or `RULES`."""
        return len(self.coins) == EARLY and self.chances() != AS_IT_SHOULD_BE

    def _who_leaves(self) -> str:
        """Return which images leave the pool, in words."""
        n, K = len(self.places), self.capacity
        by_age, by_place = (Counter(ranks) for ranks in (self.ages, self.places))
        for rank, who in {0: "oldest", K - 1: "newest"}.items():
            if by_age[rank] == n:
                return f"is always the {who}"
        for place in range(K):
            if by_place[place] in (0, n):
                often = "always" if by_place[place] else "never"
                return f"is {often} the one in place {place}"
        shares = [found[rank] for found in (by_age, by_place) for rank in range(K)]
        if any(_is_no_coincidence(share, n, 1 / K) for share in shares):
            return "is not each as often"
        return EACH


def _of_coins(new: Tensor) -> str:
    """Return how coins were tossed, in words.

    Args:
        new: whether new images came back, bool (calls, images of a batch).
    """
    if new.all() or not new.any():
        return f"{'always' if new.any() else 'never'} let a new image come back"
    if (new[1:] == new[:1]).all():
        return "fall the same in every call"
    if (new[:, 1:] == new[:, :1]).all():
        return "fall the same for all images of a batch"
    if _is_no_coincidence(int(new.sum()), new.numel()):
        often = "often" if new.double().mean() > 0.5 else "seldom"
        return f"let a new image come back too {often}"
    alike = new[:, 1:] == new[:, :-1], new[1:] == new[:-1]
    for events in (*new.T, *alike):
        if _is_no_coincidence(int(events.sum()), events.numel()):
            return "follow from one another, or from the place in the batch"
    return FAIR


def _is_no_coincidence(num: int, n: int, p: float = 0.5) -> bool:
    """Return whether n events of probability p hardly ever come about so often, or so seldom."""
    share = num / n
    parts = ((share, p), (1 - share, 1 - p))
    return n * sum(q * math.log(q / right) for q, right in parts if q) > SURE
