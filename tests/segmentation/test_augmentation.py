import pytest
import torch

from cvgen_course.segmentation import flip_and_turn


def batch(num=64, size=(3, 3)):
    masks = torch.arange(size[0] * size[1]).reshape(size).repeat(num, 1, 1)
    return masks[:, None].float().repeat(1, 2, 1, 1), masks


def test_flip_and_turn_moves_an_image_and_its_mask_alike():
    images, masks = flip_and_turn(batch(), torch.Generator().manual_seed(0))
    assert torch.equal(images[:, 0].long(), masks)
    assert torch.equal(images[:, 1].long(), masks)


@pytest.mark.parametrize(("size", "symmetries"), [((3, 3), 8), ((2, 3), 4)])
def test_flip_and_turn_uses_every_symmetry(size, symmetries):
    _images, masks = flip_and_turn(batch(size=size), torch.Generator().manual_seed(0))
    assert len({tuple(m.flatten().tolist()) for m in masks}) == symmetries
    assert masks.shape[1:] == size


def test_flip_and_turn_keeps_neighbours():
    _, masks = flip_and_turn(batch(size=(4, 4)), torch.Generator().manual_seed(0))
    steps = masks.diff(dim=-1).abs()
    assert all(len(s.unique()) == 1 and s.unique().item() in (1, 4) for s in steps)


def test_flip_and_turn_follows_from_the_generator_and_keeps_the_batch():
    images, masks = batch()
    before = images.clone(), masks.clone()
    first = flip_and_turn((images, masks), torch.Generator().manual_seed(1))
    again = flip_and_turn((images, masks), torch.Generator().manual_seed(1))
    assert torch.equal(first[0], again[0])
    assert torch.equal(images, before[0])
    assert torch.equal(masks, before[1])


def test_flip_and_turn_says_what_is_wrong_with_its_arguments():
    images, masks = batch()
    rng = torch.Generator()
    with pytest.raises(TypeError, match=r"images: expected a tensor .* got NoneType"):
        flip_and_turn((None, masks), rng)
    with pytest.raises(
        ValueError, match=r"masks: expected .*\(64, 3, 3\) .* got shape \(63, 3, 3\)"
    ):
        flip_and_turn((images, masks[1:]), rng)


def test_without_turns_images_are_only_mirrored():
    images = torch.arange(4.0).view(1, 1, 2, 2).expand(40, 1, 2, 2)
    masks = images[:, 0].long()
    new_images, new_masks = flip_and_turn(
        (images, masks), torch.Generator().manual_seed(0), turns=False
    )
    kinds = {tuple(image.flatten().tolist()) for image in new_images}
    assert kinds == {(0.0, 1.0, 2.0, 3.0), (1.0, 0.0, 3.0, 2.0)}
    assert torch.equal(new_images[:, 0].long(), new_masks)
