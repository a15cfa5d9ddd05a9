import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from cvgen_course.cyclegan import psnr_per_item, ssim_per_item

torch.set_num_threads(1)
MEASURES = (psnr_per_item, ssim_per_item)
every_measure = pytest.mark.parametrize("measure", MEASURES)


def pairs(N=3, C=3, H=24, W=17, seed=0, noise=0.3, dtype=torch.float64):
    """Return smooth images and the same with noise."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(N, C, 4, 4, generator=rng, dtype=torch.float64) * 2 - 1
    x = torch.nn.functional.interpolate(coarse, (H, W), mode="bilinear", align_corners=True)
    y = (x + noise * torch.randn(x.shape, generator=rng, dtype=torch.float64)).clamp(-1, 1)
    return x.to(dtype), y.to(dtype)


def scikit_images(x, y):
    """Return scikit-image's map of similarities, the mean over channels, (H, W)."""
    _, found = structural_similarity(
        *(x.numpy(), y.numpy()),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=2,
        channel_axis=0,
        full=True,
    )
    return found.mean(axis=0)


def pixel_by_pixel(x, y):
    """Return the similarity of two maps at each pixel, by loops over windows, float64 (H, W)."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()
    x, y = (np.pad(each, 5, mode="reflect") for each in (x, y))
    c1, c2 = 0.02**2, 0.06**2
    found = np.zeros((x.shape[0] - 10, x.shape[1] - 10))
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            u, v = (each[row : row + 11, column : column + 11] for each in (x, y))
            mu, nu = (window * u).sum(), (window * v).sum()
            var_u, var_v = (window * (u - mu) ** 2).sum(), (window * (v - nu) ** 2).sum()
            shared = (window * (u - mu) * (v - nu)).sum()
            light = (2 * mu * nu + c1) / (mu**2 + nu**2 + c1)
            found[row, column] = light * (2 * shared + c2) / (var_u + var_v + c2)
    return found


@pytest.mark.parametrize(("difference", "expected"), [(2, 0), (1, 6.0206), (0.2, 20), (0.002, 60)])
def test_psnr_by_hand(difference, expected):
    x = torch.full((1, 3, 4, 5), 1.0, dtype=torch.float64)
    assert psnr_per_item(x, x - difference).item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("shape", [(3, 3, 24, 17), (1, 1, 2, 2), (2, 4, 1, 3)])
def test_psnr_equals_scikit_images(shape):
    x, y = pairs(*shape)
    expected = [
        peak_signal_noise_ratio(one.numpy(), other.numpy(), data_range=2)
        for one, other in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(psnr_per_item(x, y), expected)


def test_psnr_with_a_mask_equals_scikit_images_of_the_part():
    x, y = pairs()
    mask = torch.zeros(3, 1, 24, 17)
    mask[..., 3:12, 2:9] = 1
    part = x[..., 3:12, 2:9], y[..., 3:12, 2:9]
    torch.testing.assert_close(psnr_per_item(x, y, mask), psnr_per_item(*part))
    expected = peak_signal_noise_ratio(part[0][1].numpy(), part[1][1].numpy(), data_range=2)
    assert psnr_per_item(x, y, mask)[1].item() == pytest.approx(expected)


def test_psnr_of_equal_images_is_infinite():
    x, _ = pairs()
    assert psnr_per_item(x, x).tolist() == [math.inf] * 3


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (0.5, -0.5), (1.0, 0.2), (-1.0, 1.0)])
def test_ssim_of_plain_images_by_hand(low, high):
    """Without any structure the brightness alone counts."""
    x, y = (torch.full((1, 2, 8, 9), level, dtype=torch.float64) for level in (low, high))
    c1 = 0.02**2
    expected = (2 * low * high + c1) / (low**2 + high**2 + c1)
    assert ssim_per_item(x, y).item() == pytest.approx(expected)


def test_ssim_of_an_image_and_itself_is_1_and_of_a_board_turned_over_nearly_minus_1():
    x, _ = pairs(noise=0)
    torch.testing.assert_close(ssim_per_item(x, x), torch.ones(3, dtype=torch.float64))
    board = ((torch.arange(12)[:, None] + torch.arange(12)) % 2 * 2.0 - 1).view(1, 1, 12, 12)
    assert -1 <= ssim_per_item(board, -board).item() < -0.95


@pytest.mark.parametrize("shape", [(2, 3, 8, 10), (1, 1, 6, 6)])
def test_ssim_equals_loops_over_windows(shape):
    x, y = pairs(*shape)
    maps = [
        [pixel_by_pixel(u, v) for u, v in zip(one.numpy(), other.numpy(), strict=True)]
        for one, other in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(ssim_per_item(x, y), np.mean(maps, axis=(1, 2, 3)))


@pytest.mark.parametrize("noise", [0.02, 0.3, 2.0])
@pytest.mark.parametrize("C", [1, 3])
def test_ssim_inside_equals_scikit_images(C, noise):
    """Five pixels from the border, where it does not matter how an image goes on."""
    x, y = pairs(C=C, noise=noise)
    inside = torch.zeros(3, 1, 24, 17)
    inside[..., 5:-5, 5:-5] = 1
    found = ssim_per_item(x, y, inside)
    expected = [
        scikit_images(one, other)[5:-5, 5:-5].mean() for one, other in zip(x, y, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_ssim_at_each_pixel_inside_equals_scikit_images():
    x, y = pairs(N=1)
    expected = scikit_images(x[0], y[0])
    for row, column in ((5, 5), (18, 11), (10, 7), (5, 11)):
        mask = torch.zeros(1, 1, 24, 17, dtype=torch.bool)
        mask[..., row, column] = True
        assert ssim_per_item(x, y, mask).item() == pytest.approx(expected[row, column])


@every_measure
def test_measures_take_weights_between(measure):
    x, y = pairs()
    rng = torch.Generator().manual_seed(1)
    mask = torch.rand(3, 1, 24, 17, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(measure(x, y, mask), measure(x, y, 7 * mask))
    torch.testing.assert_close(measure(x, y, torch.ones(3, 1, 24, 17)), measure(x, y))
    assert not torch.allclose(measure(x, y, mask), measure(x, y))


def test_ssim_with_weights_is_the_mean_of_pixels_by_weight():
    x, y = pairs(N=1, C=1, H=8, W=9)
    rng = torch.Generator().manual_seed(1)
    mask = torch.rand(1, 1, 8, 9, generator=rng, dtype=torch.float64)
    expected = np.average(pixel_by_pixel(x[0, 0].numpy(), y[0, 0].numpy()), weights=mask[0, 0])
    assert ssim_per_item(x, y, mask).item() == pytest.approx(expected)


def test_psnr_with_weights_by_hand():
    x = torch.zeros(1, 2, 1, 2, dtype=torch.float64)
    y = torch.tensor([[[[0.1, 0.4]], [[0.3, 0.2]]]], dtype=torch.float64)
    mask = torch.tensor([[[[3.0, 1.0]]]])
    error = (3 * (0.01 + 0.09) + (0.16 + 0.04)) / (2 * 4)
    expected = 10 * math.log10(4 / error)
    assert psnr_per_item(x, y, mask).item() == pytest.approx(expected)


@every_measure
def test_measures_where_no_pixel_counts_are_nan(measure):
    x, y = pairs()
    mask = torch.ones(3, 1, 24, 17, dtype=torch.bool)
    mask[1] = False
    assert measure(x, y, mask).isnan().tolist() == [False, True, False]


@every_measure
def test_measures_are_symmetric_and_judge_each_pair_by_itself(measure):
    x, y = pairs()
    torch.testing.assert_close(measure(x, y), measure(y, x))
    alone = torch.cat([measure(x[i : i + 1], y[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(measure(x, y), alone)
    torch.testing.assert_close(measure(x.flip(0), y.flip(0)), alone.flip(0))
    turned = measure(x.transpose(2, 3), y.transpose(2, 3))
    torch.testing.assert_close(turned, measure(x, y))


@every_measure
def test_measures_fall_with_noise(measure):
    found = torch.stack([measure(*pairs(noise=noise)) for noise in (0.02, 0.1, 0.5, 2.0)])
    assert (found.diff(dim=0) < 0).all()


@every_measure
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_measures_of_half_precision_are_float32(measure, dtype):
    x, y = pairs(dtype=dtype)
    found = measure(x, y, torch.ones(3, 1, 24, 17, dtype=dtype))
    assert found.dtype == torch.float32
    expected = measure(x.double(), y.double())
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@every_measure
def test_measures_of_float32_are_precise_to_five_places(measure):
    x, y = pairs(noise=0.002)
    found = measure(x.float(), y.float())
    torch.testing.assert_close(found.double(), measure(x, y), rtol=1e-4, atol=2e-5)


@every_measure
def test_measures_gradcheck(measure):
    x, y = (each.requires_grad_() for each in pairs(1, 1, 6, 7))
    mask = torch.rand(1, 1, 6, 7, generator=torch.Generator().manual_seed(1)).double()
    assert torch.autograd.gradcheck(lambda x, y: measure(x, y, mask), (x, y))


@every_measure
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"x": torch.zeros(3, 8, 8)}, ValueError, r"^x: expected .*\(N, C, H, W\), got shape"),
        ({"x": torch.zeros(2, 3, 8, 8).int()}, TypeError, "^x: expected a floating-point"),
        ({"y": torch.zeros(2, 3, 8, 9)}, ValueError, "^y: .*to go with x"),
        ({"y": torch.zeros(1, 3, 8, 8)}, ValueError, "^y: .*to go with x"),
        ({"mask": torch.zeros(2, 8, 8)}, ValueError, r"^mask: expected .*\(N, 1, H, W\)"),
        ({"mask": torch.zeros(2, 3, 8, 8)}, ValueError, r"^mask: .*\(N, 1, H, W\), got shape"),
        ({"mask": torch.zeros(1, 1, 8, 8)}, ValueError, r"^mask: .*to go with x \(2, 3, 8, 8\)"),
    ],
)
def test_measures_say_what_does_not_fit(measure, wrong, error, message):
    given = {"x": torch.zeros(2, 3, 8, 8), "y": torch.zeros(2, 3, 8, 8)} | wrong
    with pytest.raises(error, match=message):
        measure(**given)


@pytest.mark.parametrize("size", [(5, 8), (8, 5)])
def test_ssim_refuses_images_that_a_window_does_not_fit(size):
    x = torch.zeros(1, 1, *size)
    with pytest.raises(ValueError, match="x: expected H and W of at least 6, got"):
        ssim_per_item(x, x)
