import copy

import pytest
import torch
from support.small_gans import GAMES, SIZE, Painter, biggan, dcgan
from torch import nn

from cvgen_course.experiments.gan import samples
from cvgen_course.experiments.gan.samples import (
    condition,
    draw_noise,
    draw_sheet,
    inputs,
    num_classes,
    settle,
)
from cvgen_course.gan import GAN

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(samples, "AT_ONCE", 6)


def test_num_classes_are_those_that_the_generator_knows():
    assert num_classes(biggan(num_classes=7)) == 7
    assert num_classes(dcgan()) is None


def test_condition_is_nothing_where_the_generator_knows_no_classes():
    labels = torch.arange(3)
    assert condition(dcgan(), labels) == ()
    (told,) = condition(biggan(), labels)
    assert told is labels


@pytest.mark.parametrize("name", GAMES)
def test_draw_noise_is_what_the_generator_takes(name):
    gan = GAMES[name]()
    z = draw_noise(gan, 500, torch.Generator().manual_seed(0))
    assert z.shape == (500, gan.generator.z_size)
    assert z.mean().item() == pytest.approx(0, abs=0.1)
    assert z.std().item() == pytest.approx(1, abs=0.1)
    assert torch.equal(z, draw_noise(gan, 500, torch.Generator().manual_seed(0)))
    assert gan.generator(*inputs(gan, z, torch.arange(500) % 10)).shape == (500, 1, SIZE, SIZE)


def norms(gan):
    return [layer for layer in gan.modules() if isinstance(layer, nn.BatchNorm2d)]


@pytest.mark.parametrize("name", GAMES)
def test_settle_gives_each_batch_norm_the_mean_of_its_batches_statistics(name):
    """In the first batch norm, which no other comes before: those of what comes into it."""
    gan, seen = GAMES[name](), []
    first = norms(gan.generator)[0]
    first.register_forward_pre_hook(lambda layer, arguments: seen.append(arguments[0].clone()))
    settle(gan)
    assert len(seen) == 16
    assert [len(x) for x in seen] == [6] * 16
    means = torch.stack([x.mean(dim=(0, 2, 3)) for x in seen])
    variances = torch.stack([x.transpose(0, 1).flatten(1).var(dim=1) for x in seen])
    torch.testing.assert_close(first.running_mean, means.mean(dim=0))
    torch.testing.assert_close(first.running_var, variances.mean(dim=0))


@pytest.mark.parametrize("name", GAMES)
def test_settle_changes_statistics_of_batch_norm_in_the_generator_alone(name):
    """Not the u of spectral norm, with which the weights have been normalised so far."""
    gan = GAMES[name]()
    before = copy.deepcopy(gan.state_dict())
    settle(gan)
    changed = {n for n, x in gan.state_dict().items() if not torch.equal(x, before[n])}
    assert {n.rpartition(".")[2] for n in changed} == {
        *("running_mean", "running_var", "num_batches_tracked")
    }
    assert all(n.startswith("generator.") for n in changed)
    assert not any(module.training for module in gan.modules())


@pytest.mark.parametrize("name", GAMES)
def test_settle_follows_from_the_weights_alone(name):
    """Not from the statistics before, how often it is done, or torch's own generator."""
    one, other = GAMES[name](), GAMES[name]()
    settle(one)
    other.train()
    other.generator(*inputs(other, torch.randn(9, other.generator.z_size), torch.arange(9)))
    for spectral, its in zip(other.modules(), one.modules(), strict=True):
        if hasattr(spectral, "u"):
            spectral.u.copy_(its.u)  # part of the weights
    torch.manual_seed(7)
    for _ in range(2):
        settle(other)
        assert all(map(torch.equal, other.state_dict().values(), one.state_dict().values()))


@pytest.mark.parametrize("name", GAMES)
def test_settle_leaves_torch_s_generator_as_it_was(name):
    gan = GAMES[name]()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    settle(gan)
    assert torch.equal(torch.rand(1), expected)


@torch.no_grad()
def test_draw_sheet_of_a_generator_without_classes_has_64_samples():
    sheet = draw_sheet(dcgan(3))
    assert sheet.shape == (8, 8, 3, SIZE, SIZE)
    assert len(sheet.flatten(0, 1).flatten(1).unique(dim=0)) == 64
    torch.randn(3)
    assert torch.equal(draw_sheet(dcgan(3)), sheet)


@torch.no_grad()
def test_draw_sheet_has_a_row_for_each_class():
    images = torch.rand(3, 1, 2, 2)
    sheet = draw_sheet(GAN(Painter(images), nn.Identity()))
    assert torch.equal(sheet, images[:, None].expand(3, 8, 1, 2, 2))


@torch.no_grad()
def test_draw_sheet_has_the_same_noise_in_each_row():
    class Noise(Painter):
        def forward(self, z, labels):
            return z[:, :, None, None]

    sheet = draw_sheet(GAN(Noise(torch.zeros(4, 1)), nn.Identity()))
    assert sheet.shape == (4, 8, 2, 1, 1)
    assert torch.equal(sheet, sheet[:1].expand_as(sheet))
    assert len(sheet[0].unique()) == 16
