import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)
from torch import nn

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["masked_conv2d"]


def as_in_the_lecture(x, weight, mask, bias=None):
    padding = (weight.shape[2] // 2, weight.shape[3] // 2)
    return F.conv2d(x, weight * mask, bias, padding=padding)


def same_padding_and_masked_fill(x, weight, mask, bias=None):
    return F.conv2d(x, weight.masked_fill(mask == 0, 0.0), bias, padding="same")


def padded_by_hand(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    x = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    maps = F.conv2d(x, torch.where(mask.bool(), weight, 0.0))
    return maps if bias is None else maps + bias.view(1, -1, 1, 1)


def unfolded(x, weight, mask, bias=None):
    O, _, kh, kw = weight.shape  # noqa: E741
    columns = F.unfold(x, (kh, kw), padding=(kh // 2, kw // 2))  # (N, I·kh·kw, H·W)
    maps = (weight * mask).view(O, -1) @ columns
    if bias is not None:
        maps = maps + bias[:, None]
    return maps.view(len(x), O, *x.shape[2:])


def sum_over_the_kernel(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    H, W = x.shape[2:]
    padded = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    maps = 0
    for i in range(kh):
        for j in range(kw):
            kernel = weight[:, :, i, j] * mask[:, :, i, j]
            seen = padded[:, :, i : i + H, j : j + W]
            maps = maps + torch.einsum("oi,nihw->nohw", kernel, seen)
    return maps if bias is None else maps + bias[:, None, None]


def pixel_by_pixel(x, weight, mask, bias=None):
    kh, kw = weight.shape[2:]
    padded = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    rows = []
    for i in range(x.shape[2]):
        row = []
        for j in range(x.shape[3]):
            patch = padded[:, None, :, i : i + kh, j : j + kw]
            value = (patch * (weight * mask)).sum(dim=(2, 3, 4))
            row.append(value if bias is None else value + bias)
        rows.append(torch.stack(row, dim=2))
    return torch.stack(rows, dim=2)


def stays_in_float64(x, weight, mask, bias=None):
    bias = None if bias is None else bias.double()
    return as_in_the_lecture(x.double(), weight.double(), mask.double(), bias)


def by_fourier_transforms(x, weight, mask, bias=None):
    """A product of spectra is a convolution; that of a conjugate one is what networks call so."""
    (H, W), (kh, kw) = x.shape[2:], weight.shape[2:]
    size = (H + kh - 1, W + kw - 1)
    padded = F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2))
    kernels = torch.fft.rfft2(weight * mask, s=size).conj()
    spectrum = torch.einsum("nihw,oihw->nohw", torch.fft.rfft2(padded), kernels)
    maps = torch.fft.irfft2(spectrum, s=size)[:, :, :H, :W]
    return maps if bias is None else maps + bias[:, None, None]


def by_fourier_transforms_in_float64(x, weight, mask, bias=None):
    return by_fourier_transforms(x.double(), weight.double(), mask.double(), bias)


def transposed(x, weight, mask, bias=None):
    kernel = (weight * mask).transpose(0, 1).flip(2, 3)
    return F.conv_transpose2d(x, kernel, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))


def module_called_with_other_weights(x, weight, mask, bias=None):
    O, I, *size = weight.shape  # noqa: E741
    layer = nn.Conv2d(I, O, size, padding="same", bias=bias is not None, dtype=x.dtype)
    parameters = {"weight": weight * mask} | ({} if bias is None else {"bias": bias})
    return torch.func.functional_call(layer, parameters, (x,))


def output_by_output(x, weight, mask, bias=None):
    maps = []
    for o in range(len(weight)):
        kernel = (weight[o] * mask[o])[None]
        each = F.conv2d(x, kernel, padding=tuple(side // 2 for side in kernel.shape[2:]))
        maps.append(each + (0 if bias is None else bias[o]))
    return torch.cat(maps, dim=1)


class Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, mask):
        ctx.save_for_backward(mask)
        return weight * mask

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.saved_tensors[0], None


def own_function(x, weight, mask, bias=None):
    return F.conv2d(x, Masked.apply(weight, mask), bias, padding="same")


def varied(masked=None, padding=None, change=lambda maps: maps):
    """Return a right answer in which one part is another."""

    def answer(x, weight, mask, bias=None):
        kernel = masked(weight, mask) if masked else weight * mask
        if padding:
            return change(padding(x, kernel, bias))
        return change(F.conv2d(x, kernel, bias, padding="same"))

    return answer


def padded_as(mode):
    def convolve(x, kernel, bias):
        kh, kw = kernel.shape[2:]
        return F.conv2d(F.pad(x, (kw // 2, kw // 2, kh // 2, kh // 2), mode=mode), kernel, bias)

    return convolve


def below_and_right(x, kernel, bias):
    kh, kw = kernel.shape[2:]
    return F.conv2d(F.pad(x, (0, kw - 1, 0, kh - 1)), kernel, bias)


def whole_kernel(x, kernel, bias):
    return F.conv2d(x, kernel, bias, padding=tuple(kernel.shape[2:]))


def own_mask(weight, mask):
    """A mask of kind A, whatever mask comes."""
    mask = torch.ones_like(weight)
    y, x = weight.shape[2] // 2, weight.shape[3] // 2
    mask[:, :, y, x:] = 0
    mask[:, :, y + 1 :] = 0
    return weight * mask


def only_the_middle(weight, mask):
    whole = torch.ones_like(mask)
    y, x = weight.shape[2] // 2, weight.shape[3] // 2
    whole[:, :, y, x] = mask[:, :, y, x]
    return weight * whole


def only_later_rows(weight, mask):
    whole = mask.clone()
    y, x = weight.shape[2] // 2, weight.shape[3] // 2
    whole[:, :, y, x] = 1
    return weight * whole


def straight_through(weight, mask):
    return weight + (weight * mask - weight).detach()


def set_for_the_moment(x, weight, mask, bias=None):
    """The weights are put back afterwards, but autograd never saw the mask."""
    kept = weight.data.clone()
    weight.data *= mask
    maps = F.conv2d(x, weight, bias, padding="same")
    weight.data.copy_(kept)
    return maps


def in_place(x, weight, mask, bias=None):
    weight *= mask
    return F.conv2d(x, weight, bias, padding="same")


def in_place_without_gradient(x, weight, mask, bias=None):
    with torch.no_grad():
        weight.mul_(mask)
    return F.conv2d(x, weight, bias, padding="same")


def zeroed_where_masked(x, weight, mask, bias=None):
    weight.data[mask == 0] = 0
    return F.conv2d(x, weight, bias, padding="same")


def no_gradient(x, weight, mask, bias=None):
    with torch.no_grad():
        return as_in_the_lecture(x, weight, mask, bias)


def x_cut_off(x, weight, mask, bias=None):
    return as_in_the_lecture(x.detach(), weight, mask, bias)


def bias_cut_off(x, weight, mask, bias=None):
    return as_in_the_lecture(x, weight, mask, None if bias is None else bias.detach())


def bias_twice(x, weight, mask, bias=None):
    maps = as_in_the_lecture(x, weight, mask, bias)
    return maps if bias is None else maps + bias[:, None, None]


def bias_along_the_width(x, weight, mask, bias=None):
    maps = as_in_the_lecture(x, weight, mask)
    return maps if bias is None else maps + bias[0]


def bias_is_needed(x, weight, mask, bias):
    return as_in_the_lecture(x, weight, mask, bias)


def float32_on_the_way(x, weight, mask, bias=None):
    bias = None if bias is None else bias.float()
    return as_in_the_lecture(x.float(), weight.float(), mask.float(), bias).to(x.dtype)


def kept_masked(x, weight, mask, bias=None, kept={}):  # noqa: B006
    """The masked weights are made once for each weight, and kept."""
    if id(weight) not in kept:
        kept[id(weight)] = (weight, weight * mask)
    return as_in_the_lecture(x, kept[id(weight)][1], mask, bias)


def partial(x, weight, mask, bias=None):
    """Divide by the share of what was seen, as for images with holes."""
    share = as_in_the_lecture(torch.ones_like(x), torch.ones_like(weight), mask).clamp(min=1)
    maps = as_in_the_lecture(x, weight, mask) / share
    return maps if bias is None else maps + bias[:, None, None]


def masked_afterwards(x, weight, mask, bias=None):
    y, j = weight.shape[2] // 2, weight.shape[3] // 2
    maps = F.conv2d(x, weight, bias, padding="same")
    return maps * mask[:, :, y, j].amax(dim=1)[:, None, None]


RIGHT = [
    *(as_in_the_lecture, same_padding_and_masked_fill, padded_by_hand, unfolded),
    *(sum_over_the_kernel, pixel_by_pixel, stays_in_float64, by_fourier_transforms, transposed),
    by_fourier_transforms_in_float64,
    *(module_called_with_other_weights, output_by_output, own_function, varied()),
]
WRONG = {
    **{
        masked.__name__: varied(masked)
        for masked in (own_mask, only_the_middle, only_later_rows, straight_through)
    },
    "a mask of a half": varied(lambda weight, mask: weight * (mask + 0.5) / 1.5),
    "the mask is added": varied(lambda weight, mask: weight + mask),
    "a little remains": varied(lambda weight, mask: weight * mask.clamp(min=1e-3)),
    "the mask is flipped": varied(lambda weight, mask: weight * mask.flip(2, 3)),
    "the mask is mirrored": varied(lambda weight, mask: weight * mask.flip(3)),
    "the mask is upside down": varied(lambda weight, mask: weight * mask.flip(2)),
    "the weights are mirrored": varied(lambda weight, mask: (weight * mask).flip(3)),
    "the weights' size": varied(lambda weight, mask: weight.abs() * mask),
    "normalised": varied(lambda weight, mask: F.normalize(weight * mask, dim=1)),
    "the mask alone": varied(lambda weight, mask: mask + 0 * weight),
    "the last output's mask": varied(lambda weight, mask: weight * mask[-1:]),
    "the first input's mask": varied(lambda weight, mask: weight * mask[:, :1]),
    "around the edge": varied(padding=padded_as("circular")),
    "reflected at 3 × 3": varied(
        padding=lambda x, kernel, bias: padded_as(
            "reflect" if max(kernel.shape[2:]) <= min(x.shape[2:]) else "constant"
        )(x, kernel, bias)
    ),
    "below and right": varied(padding=below_and_right),
    "the whole kernel": varied(padding=whole_kernel),
    "a rectifier": varied(change=torch.relu),
    "no batch for one image": varied(change=lambda maps: maps.squeeze(0)),
    "no channel for one": varied(change=lambda maps: maps.squeeze(1)),
    "outputs first": varied(change=lambda maps: maps.transpose(0, 1)),
    "half precision": varied(change=lambda maps: maps.half()),
    "an array": varied(change=lambda maps: maps.detach().numpy()),
    **{
        answer.__name__: answer
        for answer in (
            *(set_for_the_moment, in_place, in_place_without_gradient, zeroed_where_masked),
            *(no_gradient, x_cut_off, bias_cut_off, bias_twice, bias_along_the_width),
            *(bias_is_needed, float32_on_the_way, kept_masked, partial, masked_afterwards),
        )
    },
}
EQUIVALENT = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_masked_conv2d_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(4))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_masked_conv2d_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("answer", [in_place, in_place_without_gradient, zeroed_where_masked])
def test_masked_conv2d_names_the_argument_that_was_changed(answer):
    messages = failed(graded(EXERCISE, answer))
    assert all("changed its input `weight` in place" in message for message in messages)


def test_masked_conv2d_says_that_probabilities_do_not_sum_to_1():
    messages = failed(graded(EXERCISE, varied(lambda weight, mask: weight)))
    (message,) = [m for m in messages if m.startswith("two layers: all images")]
    assert "1 was expected" in message


def test_masked_conv2d_must_not_come_from_the_librarys_layer():
    def answer(x, weight, mask, bias=None):
        O, I, *size = weight.shape  # noqa: E741
        layer = ref.MaskedConv2d("B", I, O, tuple(size)).to(x.dtype)
        layer.mask = mask
        bias = torch.zeros_like(weight[:, 0, 0, 0]) if bias is None else bias
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    assert graded(EXERCISE, answer).points == 0.0


def test_masked_conv2d_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
