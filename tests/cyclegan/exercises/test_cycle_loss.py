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

from cvgen_course import cyclegan as ref
from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["cycle_loss"]


def varied(
    measure=F.l1_loss,
    there=lambda fake: fake,
    target=lambda image, fake: image,
    total=lambda of_a, of_b: of_a + of_b,
):
    """Return the right answer but for what is given."""

    def answer(g_ab, g_ba, a, b):
        fake_b, fake_a = there(g_ab(a)), there(g_ba(b))
        of_a = measure(g_ba(fake_b), target(a, fake_b))
        return total(of_a, measure(g_ab(fake_a), target(b, fake_a)))

    return answer


def two_modules(g_ab, g_ba, a, b):
    l1 = nn.L1Loss()
    there_and_back = nn.Sequential(g_ab, g_ba)
    return l1(a, there_and_back(a)) + l1(nn.Sequential(g_ba, g_ab)(b), b)


def image_by_image(g_ab, g_ba, a, b):
    total = 0.0
    for first, second, images in ((g_ab, g_ba, a), (g_ba, g_ab, b)):
        for image in images.split(1):
            total = total + (second(first(image)) - image).abs().sum() / images.numel()
    return total


def translated_together(g_ab, g_ba, a, b):
    """Each generator is called once a round, about images of both domains together."""
    fake_b, fake_a = g_ab(a), g_ba(b)
    rec_a, same_a = g_ba(torch.cat([fake_b, a])).split([len(a), len(a)])
    rec_b, same_b = g_ab(torch.cat([fake_a, b])).split([len(b), len(b)])
    return (rec_a - a).abs().mean() + (rec_b - b).abs().mean() + 0 * (same_a.sum() + same_b.sum())


def in_place(g_ab, g_ba, a, b):
    return g_ba(g_ab(a)).sub_(a).abs_().flatten().mean(0) + g_ab(g_ba(b)).sub_(
        b
    ).abs_().flatten().mean(0)


def in_float64(g_ab, g_ba, a, b):
    return varied()(g_ab, g_ba, a.double(), b.double())


def by_maximum(g_ab, g_ba, a, b):
    def l1(x, y):
        return torch.maximum(x - y, y - x).mean()

    return l1(g_ba(g_ab(a)), a) + l1(g_ab(g_ba(b)), b)


def weighted_mean(g_ab, g_ba, a, b):
    N, M = len(a), len(b)
    gaps = torch.cat([g_ba(g_ab(a)) - a, g_ab(g_ba(b)) - b]).abs().mean(dim=(1, 2, 3))
    return gaps @ torch.cat([a.new_full((N,), 1 / N), a.new_full((M,), 1 / M)])


def twice_one_mean(g_ab, g_ba, a, b):
    return 2 * torch.cat([g_ba(g_ab(a)) - a, g_ab(g_ba(b)) - b]).abs().mean()


def first_ones(g_ab, g_ba, a, b):
    num = min(len(a), len(b))
    return varied()(g_ab, g_ba, a[:num], b[:num])


def back_without_gradient(g_ab, g_ba, a, b):
    """The second generator is held still: only the first learns."""

    def still(network, images):
        parameters = {name: each.detach() for name, each in network.named_parameters()}
        return torch.func.functional_call(network, parameters, (images,))

    return F.l1_loss(still(g_ba, g_ab(a)), a) + F.l1_loss(still(g_ab, g_ba(b)), b)


def one_fake_detached(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(a).detach()), a) + F.l1_loss(g_ab(g_ba(b)), b)


def same_generator_twice(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(g_ab(a)), a) + F.l1_loss(g_ba(g_ba(b)), b)


def batches_exchanged(g_ab, g_ba, a, b):
    return F.l1_loss(g_ba(g_ab(b)), b) + F.l1_loss(g_ab(g_ba(a)), a)


def backward_inside(g_ab, g_ba, a, b):
    loss = varied()(g_ab, g_ba, a, b)
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss


def changes_its_input(g_ab, g_ba, a, b):
    loss = varied()(g_ab, g_ba, a, b)
    a.clamp_(-1, 1)
    return loss


def fakes_clamped(g_ab, g_ba, a, b):
    return varied(there=lambda fake: fake.clamp(-1, 1))(g_ab, g_ba, a, b)


RIGHT = [
    varied(),
    *(two_modules, image_by_image, translated_together, in_place, in_float64, by_maximum),
    *(weighted_mean,),
]
WRONG = {
    "Huber": varied(F.smooth_l1_loss),
    "L2 norm": varied(lambda x, y: (x - y).norm()),
    "root of the mean square": varied(lambda x, y: (x - y).square().mean().sqrt()),
    "largest": varied(lambda x, y: (x - y).abs().max()),
    "median": varied(lambda x, y: (x - y).abs().median()),
    "over channels alone": varied(lambda x, y: (x - y).abs().mean(dim=(0, 2, 3)).sum()),
    "one for each image": varied(lambda x, y: (x - y).abs().mean(dim=(1, 2, 3)).sum()),
    "of shape (1,)": varied(total=lambda of_a, of_b: (of_a + of_b)[None]),
    "a pair": varied(total=lambda of_a, of_b: (of_a, of_b)),
    "a number": varied(total=lambda of_a, of_b: (of_a + of_b).item()),
    "difference": varied(total=lambda of_a, of_b: of_a - of_b),
    "product": varied(total=lambda of_a, of_b: of_a * of_b),
    "larger": varied(total=torch.maximum),
    "float16": varied(total=lambda of_a, of_b: (of_a + of_b).half()),
    "float32": varied(total=lambda of_a, of_b: (of_a + of_b).float()),
    "B detached": varied(total=lambda of_a, of_b: of_a + of_b.detach()),
    "fake as well": varied(
        target=lambda image, fake: (image + fake) / 2,
    ),
    **{
        answer.__name__: answer
        for answer in (
            *(twice_one_mean, first_ones, back_without_gradient, one_fake_detached),
            *(same_generator_twice, batches_exchanged, backward_inside, changes_its_input),
            *(fakes_clamped,),
        )
    },
}
EQUIVALENT = {
    "cycle_loss: distance(g_ba(g_ab(a)), a) -> distance(a, g_ba(g_ab(a)))": ("|x - y| is |y - x|"),
    "cycle_loss: distance(g_ab(g_ba(b)), b) -> distance(b, g_ab(g_ba(b)))": ("|x - y| is |y - x|"),
    "distance: at_least_float32(x) - at_least_float32(y) "
    "-> at_least_float32(y) - at_least_float32(x)": "likewise",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_cycle_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_cycle_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


def test_cycle_loss_must_not_come_from_the_librarys_losses():
    def by_identity(g_ab, g_ba, a, b):
        return ref.identity_loss(lambda x: g_ab(g_ba(x)), lambda x: g_ba(g_ab(x)), a, b)

    assert graded(EXERCISE, by_identity).points == 0.0


def test_cycle_loss_says_which_shape_a_generator_takes():
    def one_image(g_ab, g_ba, a, b):
        return F.l1_loss(g_ba(g_ab(a[0])), a[0])

    message = failed(graded(EXERCISE, one_image))[0]
    assert "the shape is (2, 3, 4), expected (N, 2, H, W)" in message


def test_cycle_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("distance",))
