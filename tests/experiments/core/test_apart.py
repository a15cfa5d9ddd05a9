from types import SimpleNamespace

import torch
from torch import nn

from cvgen_course.cyclegan import ImagePool
from cvgen_course.experiments.core.apart import of_device, take_out


def test_take_out_leaves_the_weights_that_all_share():
    model = nn.Sequential(nn.Linear(2, 2), ImagePool(5))
    model[1].query(torch.rand(3, 3, 4, 4))
    state = model.state_dict()
    apart = take_out(state, SimpleNamespace(world_size=1))
    assert [*state] == ["0.weight", "0.bias"]
    assert [[*own] for own in apart] == [["1._extra_state"]]
    model.load_state_dict(state | of_device(apart, 0))


def test_take_out_of_a_model_without_any_is_nothing():
    assert take_out(nn.Linear(2, 2).state_dict(), SimpleNamespace(world_size=1)) == [{}]


def test_of_device_takes_the_last_where_there_were_fewer():
    apart = [{"x": 0}, {"x": 1}]
    assert [of_device(apart, device)["x"] for device in range(4)] == [0, 1, 1, 1]
