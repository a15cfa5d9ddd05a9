import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    failed,
    graded,
)

from cvgen_course import pixelcnn as ref
from cvgen_course.pixelcnn.exercises import EXERCISES

EXERCISE = EXERCISES["vertical_conv2d"]


def lower(maps):
    return torch.cat([torch.zeros_like(maps[:, :, :1]), maps[:, :, :-1]], dim=2)


def padded_all_around_and_cut(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    maps = F.conv2d(x, weight, bias, padding=(kh - 1, kw // 2))[:, :, : x.shape[2]]
    return maps, lower(maps)


def kernel_with_zeros_below(x, weight, bias=None):
    """A masked convolution: all of a kernel twice as high but what looks down."""
    kh, kw = weight.shape[2:]
    maps = F.conv2d(x, F.pad(weight, (0, 0, 0, kh - 1)), bias, padding=(kh - 1, kw // 2))
    above = torch.zeros_like(maps)
    above[:, :, 1:] = maps[:, :, :-1]
    return maps, above


def weight_by_weight(x, weight, bias=None):
    (N, _, H, W), (O, _, kh, kw) = x.shape, weight.shape  # noqa: E741
    padded = F.pad(x, (kw // 2, kw // 2, kh - 1, 0))
    maps = torch.zeros(N, O, H, W, dtype=x.dtype)
    for i in range(kh):
        for j in range(kw):
            part = padded[:, :, i : i + H, j : j + W]
            maps = maps + torch.einsum("nihw,oi->nohw", part, weight[:, :, i, j])
    if bias is not None:
        maps = maps + bias[:, None, None]
    return maps, lower(maps)


def unfolded(x, weight, bias=None):
    (N, _, H, W), (O, _, kh, kw) = x.shape, weight.shape  # noqa: E741
    windows = F.unfold(F.pad(x, (kw // 2, kw // 2, kh - 1, 0)), (kh, kw))
    maps = (weight.flatten(1) @ windows).view(N, O, H, W)
    if bias is not None:
        maps = maps + bias.view(1, -1, 1, 1)
    return maps, F.pad(maps, (0, 0, 1, 0))[:, :, :-1]


def rolled_and_cleared(x, weight, bias=None):
    maps, _ = padded_all_around_and_cut(x, weight, bias)
    above = torch.roll(maps, shifts=1, dims=-2)
    above[:, :, 0] = 0
    return [maps, above]


def input_shifted_and_cleared(x, weight, bias=None):
    """`above` as a convolution of its own, of x one row lower."""
    maps, _ = padded_all_around_and_cut(x, weight, bias)
    above, _ = padded_all_around_and_cut(lower(x), weight, bias)
    below = (torch.arange(x.shape[2]) > 0).to(x.dtype)[:, None]
    return maps, above * below


def one_convolution_for_both(x, weight, bias=None):
    """A row of maps more, above the first; it sees nothing, and its place is that of the 0."""
    side = weight.shape[3] // 2
    both = F.conv2d(F.pad(x, (side, side, weight.shape[2], 0)), weight, bias)
    above = both[:, :, :-1].clone()
    above[:, :, 0] = 0
    return both[:, :, 1:], above


def shift_as_a_convolution(x, weight, bias=None):
    maps, _ = padded_all_around_and_cut(x, weight, bias)
    channels = maps.shape[1]
    down = torch.tensor([1.0, 0.0, 0.0], dtype=x.dtype).view(1, 1, 3, 1).repeat(channels, 1, 1, 1)
    return maps, F.conv2d(maps, down, padding=(1, 0), groups=channels)


def stays_in_float64(x, weight, bias=None):
    bias = None if bias is None else bias.double()
    return padded_all_around_and_cut(x.double(), weight.double(), bias)


def a_layer_of_torch(x, weight, bias=None):
    """With nn.ZeroPad2d, and the parameters put into a call of nn.Conv2d."""
    kh, kw = weight.shape[2:]
    conv = torch.nn.Conv2d(weight.shape[1], len(weight), (kh, kw), bias=bias is not None)
    parameters = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    padded = torch.nn.ZeroPad2d((kw // 2, kw // 2, kh - 1, 0))(x)
    maps = torch.func.functional_call(conv, parameters, (padded,))
    return maps, torch.nn.ZeroPad2d((0, 0, 1, 0))(maps)[..., :-1, :]


def varied(maps=None, above=lower):
    """Return a right answer in which one of the two results is another."""

    def answer(x, weight, bias=None):
        found = maps(x, weight, bias) if maps else padded_all_around_and_cut(x, weight, bias)[0]
        return found, above(found)

    return answer


def repeats_the_border(x, weight, bias=None):
    kh, kw = weight.shape[2:]
    return F.conv2d(F.pad(x, (kw // 2, kw // 2, kh - 1, 0), mode="replicate"), weight, bias)


def same_of_torch(x, weight, bias=None):
    return F.conv2d(x, weight, bias, padding="same")


def usual_padding(x, weight, bias=None):
    return F.conv2d(x, weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))


def looks_right(x, weight, bias=None):
    return F.conv2d(F.pad(x, (0, weight.shape[3] - 1, weight.shape[2] - 1, 0)), weight, bias)


def rows_and_columns_exchanged(x, weight, bias=None):
    return F.conv2d(F.pad(x, (weight.shape[2] - 1, 0, 1, 1)), weight, bias)


def turned_upside_down(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight.flip(2), bias)[0]


def mirrored(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight.flip(3), bias)[0]


def three_columns(x, weight, bias=None):
    return F.conv2d(F.pad(x, (1, 1, weight.shape[2] - 1, 0)), weight, bias)


def one_row_above(x, weight, bias=None):
    return F.conv2d(F.pad(x, (weight.shape[3] // 2, weight.shape[3] // 2, 1, 0)), weight, bias)


def bias_subtracted(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight, None if bias is None else -bias)[0]


def bias_twice(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight, None if bias is None else 2 * bias)[0]


def bias_in_the_middle_alone(x, weight, bias=None):
    """What is padded has no bias."""
    maps = padded_all_around_and_cut(x, weight, None)[0]
    if bias is not None:
        maps[:, :, weight.shape[2] - 1 :] += bias[:, None, None]
    return maps


def middle_column_masked(x, weight, bias=None):
    weight = weight.clone()
    weight[:, :, -1, weight.shape[3] // 2] = 0
    return padded_all_around_and_cut(x, weight, bias)[0]


def weight_detached(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight.detach(), bias)[0]


def x_detached(x, weight, bias=None):
    return padded_all_around_and_cut(x.detach(), weight, bias)[0]


def float32(x, weight, bias=None):
    bias = None if bias is None else bias.float()
    return padded_all_around_and_cut(x.float(), weight.float(), bias)[0].to(x.dtype)


def lower_by_columns(maps):
    return F.pad(maps, (1, 0))[..., :-1]


def first_row_repeated(maps):
    return torch.cat([maps[:, :, :1], maps[:, :, :-1]], dim=2)


def last_row_cleared(maps):
    return torch.cat([maps[:, :, :-1], torch.zeros_like(maps[:, :, :1])], dim=2)


def first_row_cleared(maps):
    return torch.cat([torch.zeros_like(maps[:, :, :1]), maps[:, :, 1:]], dim=2)


def ones_on_top(maps):
    return torch.cat([torch.ones_like(maps[:, :, :1]), maps[:, :, :-1]], dim=2)


def of_the_first_image(maps):
    return lower(maps[:1].expand_as(maps))


def maps_alone(x, weight, bias=None):
    return padded_all_around_and_cut(x, weight, bias)[0]


def above_added(x, weight, bias=None):
    maps, above = padded_all_around_and_cut(x, weight, bias)
    return maps, maps + above


def with_x(x, weight, bias=None):
    return *padded_all_around_and_cut(x, weight, bias), x


def stacked(x, weight, bias=None):
    return torch.stack(padded_all_around_and_cut(x, weight, bias))


def changes_x(x, weight, bias=None):
    maps, above = padded_all_around_and_cut(x.detach().clone().requires_grad_(), weight, bias)
    x.data.zero_()
    return maps, above


def changes_the_weight(x, weight, bias=None):
    """As masks are in much published code."""
    pair = padded_all_around_and_cut(x, weight, bias)
    weight.data[:, :, -1] = 0
    return pair


def bias_is_needed(x, weight, bias):
    return padded_all_around_and_cut(x, weight, bias)


def without_gradient(x, weight, bias=None):
    with torch.no_grad():
        return padded_all_around_and_cut(x, weight, bias)


RIGHT = [
    *(padded_all_around_and_cut, kernel_with_zeros_below, weight_by_weight, unfolded),
    *(rolled_and_cleared, input_shifted_and_cleared, one_convolution_for_both),
    *(shift_as_a_convolution, stays_in_float64, a_layer_of_torch, varied()),
]
WRONG = {
    **{
        maps.__name__: varied(maps)
        for maps in (
            *(repeats_the_border, same_of_torch, usual_padding, looks_right),
            *(rows_and_columns_exchanged, turned_upside_down, mirrored, three_columns),
            *(one_row_above, bias_subtracted, bias_twice, bias_in_the_middle_alone),
            *(middle_column_masked, weight_detached, x_detached, float32),
        )
    },
    **{
        above.__name__: varied(above=above)
        for above in (
            *(lower_by_columns, first_row_repeated, last_row_cleared, first_row_cleared),
            *(ones_on_top, of_the_first_image),
        )
    },
    **{
        answer.__name__: answer
        for answer in (
            *(maps_alone, above_added, with_x, stacked, changes_x, changes_the_weight),
            *(bias_is_needed, without_gradient),
        )
    },
}
EQUIVALENT: dict[str, str] = {}


@pytest.mark.parametrize("answer", RIGHT)
def test_vertical_conv2d_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer)


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_vertical_conv2d_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_vertical_conv2d_says_that_two_results_are_expected():
    messages = failed(graded(EXERCISE, maps_alone))
    assert "Your function should return two tensors: return maps, above." in messages[0]


def test_vertical_conv2d_must_not_come_from_the_librarys_layer():
    def answer(x, weight, bias=None):
        layer = ref.VerticalConv2d(weight.shape[1], len(weight), weight.shape[3])
        layer.weight.data, layer.bias.data = weight.data, torch.zeros(len(weight)).to(x)
        layer(x)
        return padded_all_around_and_cut(x, weight, bias)

    assert graded(EXERCISE, answer).points == 0.0


def test_vertical_conv2d_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
