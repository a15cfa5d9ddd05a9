import pytest
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.checks.probes import gradients, require_unchanged


def test_gradients_are_those_of_the_weighted_sum():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = torch.tensor([5.0, 7.0], requires_grad=True)
    found = gradients("the product", x * y, torch.tensor([1.0, 10.0]), x=x, y=y)
    assert found["the gradient of x"].tolist() == [5.0, 70.0]
    assert found["the gradient of y"].tolist() == [1.0, 20.0]


def test_gradients_are_zero_where_the_output_does_not_depend_on_an_input():
    x, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    found = gradients("the square", x**2, torch.ones(2), x=x, unused=unused)
    assert found["the gradient of unused"].tolist() == [0.0, 0.0, 0.0]


def test_gradients_take_an_output_of_lower_precision():
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    found = gradients("the output", x.float(), torch.ones(2, dtype=torch.float64), x=x)
    assert found["the gradient of x"].dtype == torch.float64


def test_gradients_name_a_wrong_shape():
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(WrongAnswer, match=r"the output has shape \(2,\), expected \(3,\)"):
        gradients("the output", 2 * x, torch.ones(3), x=x)


def test_gradients_say_when_the_output_is_cut_off():
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(WrongAnswer, match="autograd sees no way from the output"):
        gradients("the output", 2 * x.detach(), torch.ones(2), x=x)


def test_gradients_say_when_the_output_was_made_anew():
    x = torch.ones(0, requires_grad=True)
    fresh = torch.zeros((), requires_grad=True)
    with pytest.raises(WrongAnswer, match="the loss depends on none of x"):
        gradients("the loss", fresh, torch.ones(()), x=x)
    assert gradients("the loss", x.sum(), torch.ones(()), x=x)["the gradient of x"].shape == (0,)


def test_require_unchanged_names_an_input_with_other_values_or_another_shape():
    inputs = {"x": torch.ones(2), "y": torch.ones(3)}
    require_unchanged(inputs, {name: each.clone() for name, each in inputs.items()})
    for other in (torch.zeros(3), torch.ones(3, 1)):
        with pytest.raises(WrongAnswer, match="changed its input `y` in place"):
            require_unchanged(inputs, {"x": torch.ones(2), "y": other})
