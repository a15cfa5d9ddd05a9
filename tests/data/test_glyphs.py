import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from cvgen_course.data import glyphs, load
from cvgen_course.data.items import ImageItem

DRAWN = "089d8f35b8f9f625"


def test_load_glyphs_is_a_drop_in_for_mnist():
    data = load("glyphs", "val", size=40)
    image, label = data[0]
    assert image.shape == (1, 28, 28)
    assert image.dtype == torch.float32
    assert label.dtype == torch.int64
    assert label.ndim == 0
    assert data.images.shape == (40, 1, 28, 28)
    assert data.images.min() == -1
    assert data.images.max() > 0.5
    assert torch.equal(data.images[7], data[7].image)
    assert data.classes == tuple("0123456789")


def test_labelled_images_hand_out_several_items_at_once():
    data = load("glyphs", "val", size=40)
    indices = [7, 0, -1, 7]
    several = data.__getitems__(indices)
    for item, index in zip(several, indices, strict=True):
        assert type(item) is ImageItem
        assert torch.equal(item.image, data[index].image)
        assert torch.equal(item.label, data[index].label)
    with pytest.raises(IndexError):
        data.__getitems__([0, 40])
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    batches = list(loader)
    assert torch.equal(torch.cat([batch.image for batch in batches]), data.images)
    assert torch.equal(torch.cat([batch.label for batch in batches]), data.labels)


def test_load_glyphs_draws_the_same_again_and_prefixes():
    again = load("glyphs", "val", size=10)
    assert torch.equal(again.images, load("glyphs", "val", size=40).images[:10])
    assert not torch.equal(again.images, load("glyphs", "test", size=10).images)


def test_draw_split_is_bit_identical_within_the_pinned_set(fingerprint):
    drawn = glyphs.draw_split("train", 100, seed=0)
    assert fingerprint({name: drawn[name] for name in ("images", "labels")}) == DRAWN


def test_draw_glyph_keeps_the_ink_inside():
    for seed in range(200):
        image, digit, *_ = glyphs.draw_glyph(seed)
        ink = image.astype(float)
        assert 0 <= digit <= 9
        assert 25 < ink.sum() / 255 < 330  # pixels
        edge = ink[[0, -1]].sum() + ink[:, [0, -1]].sum()
        assert edge / ink.sum() < 0.08


def test_slants_follow_the_ink():
    """A leaning glyph's ink moves to the right as it goes up: slope of x over height, by moments.

    Digits lean by themselves (a 4, a 7), so ones alone: they are one upright stroke.
    """
    data = load("glyphs", "val", size=800)
    chosen = data.labels == 1
    ink = data.images[chosen, 0] + 1  # (M, 28, 28)
    total = ink.sum(dim=(1, 2))
    place = torch.arange(28.0)
    x = (ink.sum(dim=1) * place).sum(dim=1) / total
    y = (ink.sum(dim=2) * place).sum(dim=1) / total
    across, down = place - x[:, None], place - y[:, None]
    shared = torch.einsum("mij,mi,mj->m", ink, down, across)
    lean = -torch.rad2deg((shared / torch.einsum("mij,mi->m", ink, down**2)).atan())
    assert torch.corrcoef(torch.stack([data.slants[chosen], lean]))[0, 1] > 0.9
    assert (data.slants[chosen] - lean).abs().mean() < 6


def test_thicknesses_follow_the_ink():
    """The heavier the ink for its length, the thicker: bold fonts lead, typewriters come last."""
    drawn = [glyphs.draw_glyph(seed) for seed in range(400)]
    thin = [glyph for glyph in drawn if glyph.thickness < 1.8]
    thick = [glyph for glyph in drawn if glyph.thickness > 3]
    assert np.mean([g.image.mean() for g in thick]) > 1.5 * np.mean([g.image.mean() for g in thin])
    assert all(0.8 < glyph.thickness < 6 for glyph in drawn)


def test_lean_is_that_of_italic_fonts():
    leaning = {font for font in glyphs.FONTS if glyphs.lean(font) > 5}
    assert leaning == {"DejaVuSans-Oblique", "DejaVuSerif-Italic", "STIXGeneralItalic"}


@pytest.mark.parametrize("font", glyphs.FONTS)
def test_outline_is_centred_and_has_the_digits_holes(font):
    for digit in range(10):
        contours = glyphs.outline(font, digit)
        points = np.concatenate(contours)
        np.testing.assert_allclose(points.max(axis=0) + points.min(axis=0), 0, atol=1e-9)
        assert np.ptp(points[:, 1]) == pytest.approx(0.7)
        holes = {0: 1, 4: 1, 6: 1, 8: 2, 9: 1}.get(digit, 0)
        if digit != 0 and not (digit == 4 and len(contours) == 1):  # slashed zeros, open fours
            assert len(contours) == 1 + holes


def test_glyphs_can_be_told_apart():
    train, test = load("glyphs", "train", size=600), load("glyphs", "test", size=200)
    model = LogisticRegression(C=0.01, max_iter=500)
    model.fit(train.images.flatten(1).numpy(), train.labels.numpy())
    assert model.score(test.images.flatten(1).numpy(), test.labels.numpy()) > 0.7
