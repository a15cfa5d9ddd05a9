import pytest
import torch
from support.exercises import (
    SEEDS,
    assert_full_points,
    assert_mutants_lose_points,
    assert_points_lost,
    graded,
)

from cvgen_course.cyclegan.exercises import EXERCISES

EXERCISE = EXERCISES["seen_pixels"]


def as_in_the_lecture(network, image, row, column):
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(x)[0, 0, row, column], x)
    return (gradient != 0).any(dim=1)[0]


def backward_for_the_image_alone(network, image, row, column):
    x = image.detach().clone()
    x.requires_grad = True
    network(x)[:, :, row, column].sum().backward(inputs=[x])
    return (x.grad.squeeze(0).abs().sum(dim=0) > 0).bool()


def puts_grad_back(network, image, row, column):
    """Whoever uses .backward() may put back what was there before."""
    before = [p.grad for p in network.parameters()]
    for parameter in network.parameters():
        parameter.grad = None
    x = image.clone().requires_grad_()
    network(x)[0, 0, row, column].backward()
    for parameter, grad in zip(network.parameters(), before, strict=True):
        parameter.grad = grad
    return x.grad[0].abs().amax(dim=0) != 0


def freezes_for_a_while(network, image, row, column):
    network.requires_grad_(False)
    x = torch.nn.Parameter(image.clone())
    network(x)[0][0][row][column].backward()
    network.requires_grad_(True)
    return torch.any(x.grad.ne(0), dim=1).squeeze(0)


def puts_the_image_back(network, image, row, column):
    image.requires_grad_()
    (gradient,) = torch.autograd.grad(network(image)[0, 0, row, column], image)
    image.requires_grad_(False)
    return gradient[0].bool().any(0)


def of_a_copy_of_the_network(network, image, row, column):
    import copy

    x = image.clone().requires_grad_()
    copy.deepcopy(network)(x)[0, 0, row, column].backward()
    return (x.grad != 0).any(dim=1).view(image.shape[2:])


def with_an_upstream_gradient(network, image, row, column):
    x = image.clone().requires_grad_()
    y = network(x)
    upstream = torch.zeros_like(y)
    upstream[..., row, column] = 1
    (gradient,) = torch.autograd.grad(y, x, grad_outputs=upstream)
    return gradient[0].count_nonzero(dim=0) > 0


def with_jacobian(network, image, row, column):
    slopes = torch.autograd.functional.jacobian(lambda x: network(x)[0, 0, row, column], image)
    return (slopes[0] != 0).any(dim=0)


def with_func_grad(network, image, row, column):
    slopes = torch.func.grad(lambda x: network(x)[0, 0, row, column])(image)
    return slopes[0].ne(0).any(dim=0)


def pixel_by_pixel(network, image, row, column):
    slopes = torch.func.grad(lambda x: network(x)[0, 0, row, column])(image)
    H, W = image.shape[2:]
    result = torch.zeros(H, W, dtype=torch.bool)
    for i in range(H):
        for j in range(W):
            result[i, j] = any(slope != 0 for slope in slopes[0, :, i, j].tolist())
    return result


def by_trying(network, image, row, column):
    """Change one number of the image a little, in float64, and see whether the map's changes."""
    import copy

    network, image = copy.deepcopy(network).double(), image.double()
    result = torch.zeros(image.shape[2:], dtype=torch.bool)
    with torch.no_grad():
        before = network(image)[0, 0, row, column]
        for c, i, j in torch.cartesian_prod(*map(torch.arange, image.shape[1:])).tolist():
            other = image.clone()
            other[0, c, i, j] += 1e-6
            result[i, j] |= network(other)[0, 0, row, column] != before
    return result


def changed(**others):
    """Return the right answer with parts of it replaced."""
    parts = {
        "image": lambda image: image.clone(),
        "number": lambda y, row, column: y[0, 0, row, column],
        "seen": lambda gradient: (gradient != 0).any(dim=0),
    } | others

    def answer(network, image, row, column):
        x = parts["image"](image).requires_grad_()
        (gradient,) = torch.autograd.grad(parts["number"](network(x), row, column), x)
        return parts["seen"](gradient[0])

    return answer


def zeroes_the_parameters_grad(network, image, row, column):
    for parameter in network.parameters():
        parameter.grad = None
    return as_in_the_lecture(network, image, row, column)


def leaves_the_parameters_frozen(network, image, row, column):
    network.requires_grad_(False)
    return as_in_the_lecture(network, image, row, column)


def leaves_evaluation(network, image, row, column):
    return as_in_the_lecture(network.eval(), image, row, column)


def changes_the_image(network, image, row, column):
    result = as_in_the_lecture(network, image, row, column)
    image.mul_(2)
    return result


def changes_the_parameters(network, image, row, column):
    result = as_in_the_lecture(network, image, row, column)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(1)
    return result


def leaves_the_images_grad(network, image, row, column):
    """The image needs no gradient any more, but still has one."""
    image.requires_grad_()
    network(image)[0, 0, row, column].backward(inputs=[image])
    image.requires_grad_(False)
    return (image.grad[0] != 0).any(dim=0)


def all_that_a_formula_says(network, image, row, column):
    """A square of 3×3, wherever."""
    result = torch.zeros(image.shape[2:], dtype=torch.bool)
    result[row : row + 3, column : column + 3] = True
    return result


RIGHT = [
    *(as_in_the_lecture, backward_for_the_image_alone, puts_grad_back, freezes_for_a_while),
    *(puts_the_image_back, of_a_copy_of_the_network, with_an_upstream_gradient, with_jacobian),
    *(with_func_grad, pixel_by_pixel, by_trying, changed()),
]
WRONG = {
    "an image of zeros": changed(image=torch.zeros_like),
    "an image of ones": changed(image=torch.ones_like),
    "another image": changed(image=lambda image: -image),
    "the row's sum": changed(number=lambda y, row, column: y[0, 0, row].sum()),
    "the column's sum": changed(number=lambda y, row, column: y[0, 0, :, column].sum()),
    "the map's mean": changed(number=lambda y, row, column: y.mean()),
    "the first number": changed(number=lambda y, row, column: y[0, 0, 0, 0]),
    "the one beside": changed(number=lambda y, row, column: y[0, 0, row, column - 1]),
    "counted from 1": changed(number=lambda y, row, column: y[0, 0, row - 1, column - 1]),
    "the last channel": changed(seen=lambda gradient: gradient[-1] != 0),
    "below 0": changed(seen=lambda gradient: (gradient < 0).any(dim=0)),
    "sum over channels": changed(seen=lambda gradient: gradient.sum(dim=0) != 0),
    "sum above 0": changed(seen=lambda gradient: gradient.sum(dim=0) > 0),
    "mean over channels": changed(seen=lambda gradient: gradient.mean(dim=0).abs() > 0),
    "with a tolerance": changed(seen=lambda gradient: (gradient.abs() > 1e-6).any(dim=0)),
    "isclose": changed(
        seen=lambda gradient: ~gradient.isclose(torch.zeros_like(gradient)).all(dim=0)
    ),
    "largest alone": changed(seen=lambda gradient: (gradient == gradient.amax()).any(dim=0)),
    "transposed": changed(seen=lambda gradient: (gradient != 0).any(dim=0).T),
    "numbers": changed(seen=lambda gradient: (gradient != 0).any(dim=0).float()),
    "whole numbers": changed(seen=lambda gradient: (gradient != 0).any(dim=0).long()),
    "counted": changed(seen=lambda gradient: (gradient != 0).sum(dim=0)),
    "where": changed(seen=lambda gradient: (gradient != 0).any(dim=0).nonzero()),
    "one image": changed(seen=lambda gradient: (gradient != 0).any(dim=0, keepdim=True)),
    "the square around it": changed(
        seen=lambda gradient: (gradient != 0).any(dim=0).any(dim=0).expand(*gradient.shape[1:])
    ),
    **{
        answer.__name__: answer
        for answer in (
            *(zeroes_the_parameters_grad, leaves_the_parameters_frozen, leaves_evaluation),
            *(changes_the_image, changes_the_parameters, leaves_the_images_grad),
            all_that_a_formula_says,
        )
    },
}
EQUIVALENT = {"seen_pixels: 0 -> -1": "of one image, and of a map with one channel"}


@pytest.mark.parametrize("answer", RIGHT)
def test_seen_pixels_right_answer_gets_full_points(answer):
    assert_full_points(EXERCISE, answer, (*SEEDS, *map(str, range(4))))


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_seen_pixels_wrong_answer_loses_points(answer):
    assert_points_lost(EXERCISE, answer, (*SEEDS, *map(str, range(4))))


def test_seen_pixels_says_what_has_changed():
    def answer(network, image, row, column):
        x = image.clone().requires_grad_()
        network(x)[0, 0, row, column].backward()
        return (x.grad[0] != 0).any(dim=0)

    report = graded(EXERCISE, answer)
    assert all("the parameters' .grad" in row.message for row in report.rows)


def test_seen_pixels_mutants_lose_points():
    assert_mutants_lose_points(EXERCISE, EQUIVALENT)
