"""An experiment of milliseconds, with everything in it that a resumed run could get wrong."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset

from cvgen_course import seeding
from cvgen_course.experiments.core.experiment import Experiment
from cvgen_course.training import Phase


class Item(NamedTuple):
    image: torch.Tensor
    label: torch.Tensor


class Coloured(Dataset):
    """Noisy images, whose label says which channel is bright."""

    def __init__(self, num, seed):
        rng = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(3, (num,), generator=rng)
        bright = F.one_hot(self.labels, 3).float()[:, :, None, None]
        self.images = bright + 0.3 * torch.randn(num, 3, 4, 4, generator=rng)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return Item(self.images[index], self.labels[index])


def draw(item, rng):
    return item._replace(image=item.image + 0.1 * torch.randn(3, 4, 4, generator=rng))


def collate(items):
    images, labels = zip(*items, strict=True)
    return Item(torch.stack(images), torch.stack(labels))


def loss(model, batch):
    return F.cross_entropy(model(batch.image), batch.label)


def predict(model, item):
    return int(model(item.image[None]).argmax())


def measure(answers, items):
    right = [answer == item.label for answer, item in zip(answers, items, strict=True)]
    return {"accuracy": sum(map(float, right)) / len(right), "undefined": float("nan")}


def evaluate(model, split, each, predict=predict):
    items = {"val": Coloured(5, seed=2), "test": Coloured(6, seed=3)}[split]
    return measure(each(partial(predict, model), items), items)


def plain_model():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def noisy_model():
    """Batch norm has buffers; dropout draws from the global generator."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(16, 3),
    )


def wasteful_model():
    """A part of it has no influence on the loss."""
    model = plain_model()
    model[0].register_module("unused", nn.Linear(2, 2))
    return model


class Keeping(nn.Module):
    """Adds to its input the mean of what came the time before: on each device something else."""

    def __init__(self):
        super().__init__()
        self.before = torch.zeros(1)

    def forward(self, x):
        answer = x + self.before.to(x)
        if self.training:
            self.before = x.detach().mean().view(1)
        return answer

    def get_extra_state(self):
        return self.before.clone()

    def set_extra_state(self, state):
        self.before = state.clone()


def keeping_model():
    """Remembers something beside its weights, as a pool of images does."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), Keeping(), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def tiny(model=noisy_model, loss=loss, predict=predict, **changes):
    """Return the experiment; ``changes`` are attributes of `Experiment`."""
    seeding.seed_everything(changes.get("seed", 0))
    attributes = {
        "chapter": "tiny",
        "data": "coloured",
        "model_name": "net",
        "seed": 0,
        "model": model(),
        "train_set": Coloured(7, seed=1),
        "draw": draw,
        "collate": collate,
        "phases": (Phase("", loss),),
        "evaluate": partial(evaluate, predict=predict),
        "steps": 6,
        "batch_size": 4,
        "lr": 1e-2,
        "every": 2,
    }
    return Experiment(**attributes | changes)
