import pytest
import torch
import torch.nn.functional as F

from cvgen_course.segmentation import bed_of_nails, bilinear, nearest

UPSAMPLERS = [nearest, bilinear, bed_of_nails]
X = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])


def random_map(dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 5, 4, generator=rng, dtype=torch.float64).to(dtype)


def test_nearest_equals_one_written_by_hand():
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert nearest(X, 2)[0, 0].tolist() == expected


def test_bed_of_nails_equals_one_written_by_hand():
    expected = [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]
    assert bed_of_nails(X, 2)[0, 0].tolist() == expected


def test_bilinear_equals_one_written_by_hand():
    row = torch.tensor([[[[0.0, 4.0]]]])
    assert bilinear(row, 2)[0, 0].tolist() == [[0, 1, 3, 4], [0, 1, 3, 4]]


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 7])
def test_nearest_equals_torchs(factor):
    x = random_map()
    assert torch.equal(nearest(x, factor), F.interpolate(x, scale_factor=factor, mode="nearest"))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 7])
def test_bilinear_equals_torchs(factor):
    x = random_map()
    expected = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    torch.testing.assert_close(bilinear(x, factor), expected)


def test_bilinear_of_one_pixel_is_constant():
    assert bilinear(torch.full((1, 1, 1, 1), 3.0), 4).eq(3).all()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_bed_of_nails_equals_a_loop(factor):
    x = random_map()
    expected = torch.zeros(2, 3, 5 * factor, 4 * factor, dtype=x.dtype)
    for i in range(5):
        for j in range(4):
            expected[:, :, i * factor, j * factor] = x[:, :, i, j]
    assert torch.equal(bed_of_nails(x, factor), expected)


def test_upsamplers_differ_only_in_what_they_fill_in():
    x = random_map()
    assert torch.equal(nearest(x, 3)[:, :, ::3, ::3], x)
    assert torch.equal(bed_of_nails(x, 3)[:, :, ::3, ::3], x)
    torch.testing.assert_close(bilinear(x, 3)[:, :, 1::3, 1::3], x)


@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_upsamplers_have_the_right_gradient(upsample):
    x = random_map()[:1, :1, :3].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: upsample(x, 2), x)


@pytest.mark.parametrize("upsample", UPSAMPLERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_upsamplers_keep_the_dtype_and_the_input(upsample, dtype):
    x = random_map(dtype)
    before = x.clone()
    assert upsample(x, 2).dtype == dtype
    assert torch.equal(x, before)


@pytest.mark.parametrize("upsample", [nearest, bed_of_nails])
def test_upsamplers_take_masks_too(upsample):
    mask = torch.randint(5, (2, 1, 3, 3))
    assert upsample(mask, 2).dtype == torch.int64


@pytest.mark.parametrize("upsample", UPSAMPLERS)
def test_upsamplers_say_what_is_wrong_with_their_arguments(upsample):
    with pytest.raises(TypeError, match=r"x: expected .* tensor of shape .* got list"):
        upsample([[1.0]], 2)
    with pytest.raises(ValueError, match=r"x: expected .* tensor .* got shape \(5, 4\)"):
        upsample(torch.zeros(5, 4), 2)
    with pytest.raises(ValueError, match="factor: expected at least 1, got 0"):
        upsample(X, 0)
    with pytest.raises(TypeError, match="factor: expected an integer, got float"):
        upsample(X, 2.0)


def test_bilinear_says_that_it_needs_floats():
    with pytest.raises(TypeError, match=r"x: expected a floating-point .* got torch\.int64"):
        bilinear(X.long(), 2)
