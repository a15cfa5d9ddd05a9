import pytest
import torch
from torch import nn

from cvgen_course.training import averaged


def set_to(model, value):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)


def test_averaged_is_the_running_mean_by_hand():
    model = nn.Linear(1, 1)
    mean = averaged(model, decay=0.25)
    expected = None
    for step, value in enumerate([4.0, 8.0, 2.0, 6.0]):
        set_to(model, value)
        mean.update_parameters(model)
        share = min(0.25, (1 + step) / (10 + step))
        expected = value if step == 0 else share * expected + (1 - share) * value
        assert mean.module.weight.item() == pytest.approx(expected)
    assert model.weight.item() == 6.0


def test_averaged_forgets_the_first_weights_although_the_decay_is_slow():
    model = nn.Linear(1, 1)
    mean = averaged(model, decay=0.9999)
    set_to(model, 100.0)
    mean.update_parameters(model)
    for _ in range(300):
        set_to(model, 1.0)
        mean.update_parameters(model)
    assert mean.module.weight.item() == pytest.approx(1.0, abs=0.01)


def test_averaged_has_the_running_statistics_of_the_model_itself():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    mean = averaged(model, decay=0.9)
    for _ in range(5):
        model(torch.randn(8, 3) * 3 + 2)
        mean.update_parameters(model)
    for name, buffer in model.named_buffers():
        assert torch.equal(dict(mean.module.named_buffers())[name], buffer)
    assert mean.module[1].num_batches_tracked == 5


@pytest.mark.parametrize("decay", [-0.1, 1.0, 999])
def test_averaged_says_that_a_decay_is_out_of_range(decay):
    with pytest.raises(ValueError, match=rf"ema: expected a decay in \[0, 1\), got {decay}"):
        averaged(nn.Linear(1, 1), decay)
