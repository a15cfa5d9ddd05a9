import itertools

import pytest
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.pixelcnn.exercises.draws import (
    compared,
    compared_without_generator,
    following,
    require_shares,
)
from cvgen_course.pixelcnn.exercises.toy_model import ToyModel, certain, toy

N = 2000
SHAPE = (N, 1, 1, 3)


def make(base=(1.0, 0.0, -1.0), first=None):
    rng = torch.Generator().manual_seed(1)
    return ToyModel(**toy(rng, 3, list(base), first), channels=1).eval()


def probability(model, image, known):
    """Return the probability of what is unknown, level by level."""
    result = 1.0
    for j in range(3):
        if not known[j]:
            levels = torch.tensor(image).view(1, 1, 1, 3)
            result *= model(levels)[0, :, 0, 0, j].softmax(0)[image[j]].item()
    return result


def drawn(model, known=(False,) * 3, begin=(0, 0, 0), change=lambda probs: probs):
    """Return images from a list of all, drawn with their probabilities."""
    every = [
        image
        for image in itertools.product(range(3), repeat=3)
        if all(image[j] == begin[j] for j in range(3) if known[j])
    ]
    with torch.no_grad():
        probs = torch.tensor([probability(model, image, known) for image in every])
    assert probs.sum() == pytest.approx(1)
    rng = torch.Generator().manual_seed(2)
    chosen = torch.multinomial(change(probs), N, replacement=True, generator=rng)
    return torch.tensor(every)[chosen].view(SHAPE)


def require(model, images, known=(False,) * 3, begin=(0, 0, 0)):
    like = torch.tensor(begin).expand(SHAPE)
    require_shares(model, images, like, torch.tensor([known]))


@pytest.mark.parametrize("known", [(False,) * 3, (True, False, False), (False, True, False)])
def test_require_shares_accepts_draws_from_the_enumerated_distribution(known):
    model = make()
    require(model, drawn(model, known, (1, 2, 0)), known, (1, 2, 0))


def test_require_shares_says_where_draws_go_wrong():
    model = make()
    right = drawn(model)
    mixed = right.clone()
    mixed[..., 1:] = mixed[torch.randperm(N, generator=torch.Generator().manual_seed(3))][..., 1:]
    for images, message in (
        (drawn(model, change=lambda probs: probs.sqrt()), "drawn first does not come as often"),
        (mixed, "drawn first comes as often as the model says, but whole images do not"),
        (right[:1].expand(SHAPE), "all 2000 images are the same"),
        (right - 1, r"levels from -1 to 1, expected \[0, 3\)"),
        (right.float(), "the images are torch.float32"),
        (right[:, 0], r"of shape \(2000, 1, 3\), expected torch.int64 of shape \(2000, 1, 1, 3\)"),
    ):
        with pytest.raises(WrongAnswer, match=message):
            require(model, images)


def test_require_shares_wants_known_pixels_as_they_were():
    model, known = make(), (True, False, False)
    with pytest.raises(WrongAnswer, match="known pixels have other levels"):
        require(model, drawn(model, known, (1, 0, 0)), known, (2, 0, 0))


def test_following_asks_for_all_levels_but_the_first():
    model = make(certain(3), first=[0.0, 0.0, 0.0])
    images = torch.zeros(1, 1, 1, 3, dtype=torch.int64)
    for j in (1, 2):
        images[..., j] = model.logits(images)[:, :, 0, 0, j].argmax(dim=1)
    assert following(model, images, (1, 1, 1, 3)) == {"later levels": ["follow from those before"]}
    images[..., 2] = (images[..., 2] + 1) % 3
    assert following(model, images, (1, 1, 1, 3)) == {
        "later levels": ["do not follow from those before"]
    }


def test_compared_tells_generators_from_seeds():
    def from_rng(rng):
        return torch.randint(9, (3, 20), generator=rng)

    right = compared(from_rng, 5)
    assert right == {
        "the images": ["differ from one another"],
        "the next call": ["draws other images"],
        "another seed": ["draws other images"],
        "the same seed": ["draws the same images"],
    }
    assert compared(lambda rng: from_rng(None), 5) == {
        **right,
        "the same seed": ["draws other images"],
    }
    assert compared(lambda rng: torch.zeros(3, 20), 5) == {
        "the images": ["are all the same"],
        **{key: ["draws the same images"] for key in list(right)[1:]},
    }


def test_compared_without_generator_asks_for_torchs_own():
    right = {
        "the next call": ["draws other images"],
        "a call after torch.manual_seed": ["draws the same images"],
    }
    assert compared_without_generator(lambda rng: torch.rand(20, generator=rng), 5) == right
