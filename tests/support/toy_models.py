"""The smallest autoencoder and the smallest game: points that lie on a line, and points like them.

They serve `fit` and the machinery of `cvgen train` alike: ``loss(model, batch)`` everywhere.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from cvgen_course import seeding
from cvgen_course.experiments.core.experiment import Experiment
from cvgen_course.training import Phase, constant
from cvgen_course.training.phase import total


class Point(NamedTuple):
    """An item, and with one dimension more a batch."""

    point: Tensor  # (4,)
    number: Tensor  # which it is


class Points(Dataset):
    """Noisy points around a line through (1, 2, 3, 4), in four dimensions."""

    def __init__(self, num=40, seed=0):
        rng = torch.Generator().manual_seed(seed)
        along = torch.randn(num, 1, generator=rng) + 1
        line = torch.tensor([[1.0, 2.0, 3.0, 4.0]]) / 4
        self.points = along * line + 0.05 * torch.randn(num, 4, generator=rng)

    def __len__(self):
        return len(self.points)

    def __getitem__(self, index):
        return Point(self.points[index], torch.tensor(index))


class Autoencoder(nn.Module):
    """Four numbers through one; batch norm and dropout, since they are easily resumed wrongly."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        self.decoder = nn.Sequential(nn.Dropout(0.1), nn.Linear(1, 4))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Game(nn.Module):
    """A generator of points from one random number, and a discriminator."""

    def __init__(self):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Linear(1, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)
        )
        self.discriminator = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def sample(self, num):
        return self.generator(torch.randn(num, 1))


def reconstruction_loss(model, batch):
    """Two named parts, as a VAE's loss has."""
    code = model.encoder(batch.point)
    return {
        "reconstruction": F.mse_loss(model.decoder(code), batch.point),
        "size": 1e-3 * code.square().mean(),
    }


def discriminator_loss(model, batch):
    """Non-saturating, and the fake points are not detached: the loop must keep players apart."""
    real, fake = model.discriminator(batch.point), model.discriminator(model.sample(len(batch[0])))
    return {"real": F.softplus(-real).mean(), "fake": F.softplus(fake).mean()}


def generator_loss(model, batch):
    return F.softplus(-model.discriminator(model.sample(len(batch.point)))).mean()


GAME = (
    Phase("discriminator", discriminator_loss, lr_factor=2.0, betas=(0.5, 0.9), schedule=constant),
    Phase("generator", generator_loss, betas=(0.5, 0.9), every=2, schedule=constant),
)


def diverging(phase, call):
    """Return the phase, whose gradient is NaN in the n-th call of its loss; its loss is not."""
    calls = []

    def loss(model, batch):
        calls.append(1)
        found = total(phase.loss(model, batch))
        if len(calls) == call:
            found = found + (0 * phase.parameters(model)[0]).sum().sqrt()
        return found

    return phase._replace(loss=loss)


def jitter(item, rng):
    """An augmentation of an item or of a batch."""
    return item._replace(point=item.point + 0.01 * torch.randn(item.point.shape, generator=rng))


def collate(items):
    points, numbers = zip(*items, strict=True)
    return Point(torch.stack(points), torch.stack(numbers))


def error(model, item):
    return F.mse_loss(model(item.point[None]), item.point[None]).item()


def evaluate_autoencoder(model, split, each, error=error):
    """Item by item, as most chapters do it."""
    errors = each(partial(error, model), Points(7, seed=len(split)))
    return {"error": sum(errors) / len(errors)}


def samples(model, number):
    return model.generator(torch.randn(10, 1, generator=seeding.generator("batch", number)))


def evaluate_game(model, split, each, samples=samples):
    """Over a set of samples, a batch of them at a time: how far their mean is from the real one."""
    drawn = torch.cat(list(each(partial(samples, model), range(5))))
    return {"distance": (drawn.mean(dim=0) - Points().points.mean(dim=0)).norm().item()}


def toy_experiment(kind, evaluate=None, phases=None, **changes):
    """Return an ``"autoencoder"`` or a ``"game"`` for `cvgen train`, of milliseconds."""
    seeding.seed_everything(0)
    model, its_phases, its_evaluate = {
        "autoencoder": (Autoencoder, (Phase("", reconstruction_loss),), evaluate_autoencoder),
        "game": (Game, GAME, evaluate_game),
    }[kind]
    attributes = {
        "chapter": "toy",
        "data": "points",
        "model_name": kind,
        "seed": 0,
        "model": model(),
        "train_set": Points(),
        "draw": jitter,
        "collate": collate,
        "phases": phases or its_phases,
        "evaluate": evaluate or its_evaluate,
        "steps": 6,
        "batch_size": 8,
        "lr": 1e-2,
        "every": 3,
        "ema": 0.9,
    }
    return Experiment(**attributes | changes)
