import pytest
import torch

from cvgen_course.checks import WrongAnswer
from cvgen_course.pixelcnn.exercises.sight import sight


def test_sight_finds_the_pixels_that_are_seen():
    x = torch.ones(1, 2, 1, 3, dtype=torch.float64, requires_grad=True)
    y = torch.ones(1, 2, 1, 3, dtype=torch.float64, requires_grad=True)
    shifted = torch.cat([0 * x[..., :1], x[..., :-1]], dim=3)
    found = sight({"out": 3 * shifted + y.detach()}, {"x": x, "y": y})
    seen = found["pixels of x (columns) that those of out (rows) see"]
    assert seen.tolist() == [[False] * 3, [True, False, False], [False, True, False]]
    assert not found["pixels of y (columns) that those of out (rows) see"].any()


def test_sight_wants_an_output_that_depends_on_something():
    x = torch.ones(1, 1, 1, 2, requires_grad=True)
    with pytest.raises(WrongAnswer, match="out depends on none of x"):
        sight({"out": torch.ones(1, 1, 1, 2, requires_grad=True)}, {"x": x})
