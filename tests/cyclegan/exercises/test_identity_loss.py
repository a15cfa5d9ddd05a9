import pytest
import torch
import torch.nn.functional as F
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)
from torch import nn

from cvgen_course import cyclegan as ref
from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["identity_loss"]


def varied(measure=F.l1_loss, total=lambda of_b, of_a: of_b + of_a):
    """Return the right answer but for what is given."""

    def answer(g_ab, g_ba, a, b):
        return total(measure(g_ab(b), b), measure(g_ba(a), a))

    return answer


def two_modules(g_ab, g_ba, a, b):
    l1 = nn.L1Loss()
    return l1(a, g_ba(a)) + l1(b, g_ab(b))


def image_by_image(g_ab, g_ba, a, b):
    total = 0.0
    for translate, images in ((g_ba, a), (g_ab, b)):
        for image in images:
            gap = (translate(image.unsqueeze(0))[0] - image).abs()
            total = total + gap.mean() / len(images)
    return total


def in_place(g_ab, g_ba, a, b):
    return g_ab(b).sub_(b).abs_().sum() / b.numel() + g_ba(a).sub_(a).abs_().sum() / a.numel()


def in_float64(g_ab, g_ba, a, b):
    return varied()(g_ab, g_ba, a.double(), b.double())


def by_sign(g_ab, g_ba, a, b):
    gaps = g_ab(b) - b, g_ba(a) - a
    return sum((gap * gap.detach().sign()).mean() for gap in gaps)


def both_batches_through_both(g_ab, g_ba, a, b):
    """Each generator sees all images; those of its target domain count."""
    images = torch.cat([a, b])
    to_b, to_a = g_ab(images), g_ba(images)
    return F.l1_loss(to_b[len(a) :], b) + F.l1_loss(to_a[: len(a)], a)


def weighted_mean(g_ab, g_ba, a, b):
    gaps = torch.cat([g_ba(a) - a, g_ab(b) - b]).abs().mean(dim=(1, 2, 3))
    N, M = len(a), len(b)
    return gaps @ torch.cat([a.new_full((N,), 1 / N), a.new_full((M,), 1 / M)])


def twice_one_mean(g_ab, g_ba, a, b):
    return 2 * torch.cat([g_ba(a) - a, g_ab(b) - b]).abs().mean()


def first_ones(g_ab, g_ba, a, b):
    num = min(len(a), len(b))
    return varied()(g_ab, g_ba, a[:num], b[:num])


def exchanged_as_well(g_ab, g_ba, a, b):
    loss = varied()(g_ab, g_ba, a, b)
    return loss + F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(b), b)


def one_exchanged(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(b), b)


def other_exchanged(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(a), a) + F.l1_loss(g_ba(a), a)


def generators_exchanged(g_ab, g_ba, a, b):
    return varied()(g_ba, g_ab, a, b)


def cycle_from_fakes(g_ab, g_ba, a, b):
    """The generators are shown translations, as if these were real images of their targets."""
    fake_b, fake_a = g_ab(a).detach(), g_ba(b).detach()
    return F.l1_loss(g_ab(fake_b), fake_b) + F.l1_loss(g_ba(fake_a), fake_a)


def one_detached(g_ab, g_ba, a, b):
    return F.l1_loss(g_ab(b), b) + F.l1_loss(g_ba(a).detach(), a)


def backward_inside(g_ab, g_ba, a, b):
    loss = varied()(g_ab, g_ba, a, b)
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss


RIGHT = [
    varied(),
    *(two_modules, image_by_image, in_place, in_float64, by_sign, both_batches_through_both),
    *(weighted_mean,),
]
WRONG = {
    "Huber": varied(F.smooth_l1_loss),
    "L2 norm": varied(lambda x, y: (x - y).norm()),
    "root of the mean square": varied(lambda x, y: (x - y).square().mean().sqrt()),
    "largest": varied(lambda x, y: (x - y).abs().max()),
    "one for each image": varied(lambda x, y: (x - y).abs().mean(dim=(1, 2, 3)).sum()),
    "of shape (1,)": varied(total=lambda of_b, of_a: (of_b + of_a)[None]),
    "a pair": varied(total=lambda of_b, of_a: (of_b, of_a)),
    "a number": varied(total=lambda of_b, of_a: (of_b + of_a).item()),
    "difference": varied(total=lambda of_b, of_a: of_b - of_a),
    "larger": varied(total=torch.maximum),
    "float32": varied(total=lambda of_b, of_a: (of_b + of_a).float()),
    "A detached": varied(total=lambda of_b, of_a: of_b + of_a.detach()),
    **{
        answer.__name__: answer
        for answer in (
            *(twice_one_mean, first_ones, exchanged_as_well, one_exchanged, other_exchanged),
            *(generators_exchanged, cycle_from_fakes, one_detached, backward_inside),
        )
    },
}
EQUIVALENT = {
    "identity_loss: distance(g_ab(b), b) -> distance(b, g_ab(b))": ("|x - y| is |y - x|"),
    "identity_loss: distance(g_ba(a), a) -> distance(a, g_ba(a))": ("|x - y| is |y - x|"),
    "distance: at_least_float32(x) - at_least_float32(y) "
    "-> at_least_float32(y) - at_least_float32(x)": "likewise",
}


@pytest.mark.parametrize("answer", RIGHT)
def test_identity_loss_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(8))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_identity_loss_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer)


@pytest.mark.parametrize("answer", [generators_exchanged, RIGHT[0]])
def test_identity_loss_names_the_mistake_where_generators_are_exchanged(answer):
    diagnosis = graded(EXERCISE, answer).diagnosis
    assert ("pulls against the adversarial loss" in diagnosis) == (answer is generators_exchanged)


def test_identity_loss_must_not_come_from_the_librarys_losses():
    def by_cycle(g_ab, g_ba, a, b):
        return ref.cycle_loss(g_ab, lambda x: x, b, b) / 2 + ref.cycle_loss(lambda x: x, g_ba, a, a)

    assert graded(EXERCISE, by_cycle).points == 0.0


def test_identity_loss_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT, helpers=("distance",))
