import pytest
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.cyclegan.exercises.translators import APART, ToyTranslator, drawn, loss_of


def make(**options):
    return drawn(torch.Generator().manual_seed(1), 3, 2, (2, 4, 3), **options)


def test_translator_treats_each_image_by_itself():
    data = make()
    translate = ToyTranslator(**data["g_ab"])
    images = torch.cat([data["a"], data["b"]])
    one_by_one = torch.cat([translate(image[None]) for image in images])
    torch.testing.assert_close(translate(images), one_by_one)
    assert one_by_one.shape == (5, 2, 4, 3)


def test_translator_computes_in_float64_if_asked_to():
    data = make()
    translate = ToyTranslator(**data["g_ab"])
    assert translate(data["a"]).dtype == torch.float32
    assert translate(data["a"].double()).dtype == torch.float64


def test_translator_returns_what_may_change_in_place():
    data = make()
    ToyTranslator(**data["g_ab"])(data["a"]).sub_(data["a"]).abs_().mean().backward()


@pytest.mark.parametrize("images", [torch.zeros(2, 4, 3), torch.zeros(1, 3, 4, 3), [1.0]])
def test_translator_takes_batches_alone(images):
    with pytest.raises(WrongAnswer, match=r"expected \(N, 2, H, W\)"):
        ToyTranslator(**make()["g_ab"])(images)


def test_drawn_numbers_are_apart_from_what_they_are_compared_with():
    for seed in range(20):
        data = drawn(torch.Generator().manual_seed(seed), 3, 2, (2, 2, 2))
        for name, images in (("g_ab", data["b"]), ("g_ba", data["a"])):
            translate = ToyTranslator(**data[name])
            assert ((translate(images) - images).abs() > APART).all()


def test_loss_of_returns_gradients_by_both_generators_where_they_are_asked_for():
    def loss(g_ab, g_ba, a, b):
        return g_ab(a).mean()

    assert loss_of(loss, **make()).keys() == {"the loss"}
    found = loss_of(loss, **make(gradient=True))
    assert found["the gradient of G_AB's gain"].any()
    assert not found["the gradient of G_BA's gain"].any()
    assert found["gradients left in the generators' .grad"] == ["none"]
