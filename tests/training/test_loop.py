import copy
import math

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from cvgen_course.detection import Targets, flip_and_turn_objects
from cvgen_course.errors import CourseError
from cvgen_course.segmentation import UNet, flip_and_turn, pixel_cross_entropy, predict
from cvgen_course.training import History, fit


class InMemory(Dataset):
    """Images whose colour says the class of each pixel."""

    def __init__(self, num=20, size=8):
        rng = torch.Generator().manual_seed(0)
        self.masks = torch.randint(3, (num, size, size), generator=rng)
        self.images = nn.functional.one_hot(self.masks, 3).movedim(-1, 1).float() * 2 - 1

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, index):
        return self.images[index], self.masks[index]

    def __getitems__(self, indices):
        return self.images[indices], self.masks[indices]


class OnDisk(Dataset):
    """The same, item by item."""

    def __init__(self):
        self.items = InMemory()

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class WithObjects(Dataset):
    """Images of one colour, and an object for each: its class and its box say which image."""

    def __init__(self, num=10):
        number = torch.arange(num)
        self.images = (number / num)[:, None, None, None].repeat(1, 3, 8, 8)
        boxes = torch.tensor([1.0, 2.0, 5.0, 7.0]).repeat(num, 1, 1)
        self.targets = Targets(boxes, number[:, None] + 1)

    def __len__(self):
        return len(self.images)

    def __getitems__(self, indices):
        return self.images[indices], self.targets.at(torch.tensor(indices))


def pixel_loss(model, batch):
    images, masks = batch
    return pixel_cross_entropy(model(images), masks)


def colour_loss(model, batch):
    """What a loss over `Targets` may be: a dictionary."""
    images, targets = batch
    logits = model(images)
    wanted = targets.labels[:, 0, None, None] / 10
    return {
        "colour": (logits[:, 0] - wanted).square().mean(),
        "size": 0.01 * logits.square().mean(),
    }


def small_model(dropout=0.0):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Dropout(dropout), nn.Conv2d(8, 3, 1))


def fit_small(model, train_set=None, loss=pixel_loss, **changes):
    arguments = {"steps": 6, "batch_size": 4, "lr": 1e-2, "seed": 0} | changes
    arguments.setdefault("augment", flip_and_turn if loss is pixel_loss else None)
    return fit(model, InMemory() if train_set is None else train_set, loss, **arguments)


def same_parameters(a, b):
    return all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))


def test_fit_learns_what_can_be_learned():
    model = small_model()
    history = fit_small(model, steps=60, lr=5e-2)
    assert history.losses[-1] < 0.1 < history.losses[0]
    data = InMemory()
    assert torch.equal(predict(model, data.images), data.masks)


def test_fit_returns_a_history_of_every_step():
    history = fit_small(small_model())
    assert history.steps == [1, 2, 3, 4, 5, 6]
    assert len(history.losses) == 6
    assert all(type(value) is float for value in history.losses)
    assert history.parts == {}
    assert history.records == []
    assert not history.interrupted


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_fit_gives_the_same_again_whatever_was_drawn_before(dropout):
    first, second = small_model(dropout), small_model(dropout)
    losses = fit_small(first).losses
    torch.randn(7)
    assert fit_small(second).losses == losses
    assert same_parameters(first, second)


def test_fit_with_another_seed_gives_something_else():
    assert fit_small(small_model()).losses != fit_small(small_model(), seed=1).losses


def test_fit_leaves_the_global_generator_as_it_was():
    model = small_model(dropout=0.5)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fit_small(model)
    assert torch.equal(torch.rand(1), expected)


def test_fit_takes_items_or_tensors_and_gives_the_same():
    assert fit_small(small_model(), OnDisk()).losses == fit_small(small_model()).losses


def test_fit_shows_every_image_once_before_any_comes_again():
    data, seen = InMemory(num=7), []

    def note(batch, rng):
        seen.extend(batch[1][:, 0].flatten(1).tolist())
        return batch

    fit_small(small_model(), data, augment=note, batch_size=3, steps=7)
    rows = sorted(data.masks[:, 0].tolist())
    for start in (0, 7, 14):
        assert sorted(seen[start : start + 7]) == rows


def test_fit_takes_a_batch_larger_than_the_set():
    assert len(fit_small(small_model(), InMemory(num=3), batch_size=8).losses) == 6


def test_fit_minimises_the_sum_of_a_losss_parts_and_records_them():
    in_parts, summed = small_model(), small_model()
    data = WithObjects()
    changes = {"augment": flip_and_turn_objects, "steps": 30, "lr": 3e-2}
    history = fit_small(in_parts, data, colour_loss, **changes)
    alone = fit_small(
        summed, data, lambda *arguments: sum(colour_loss(*arguments).values()), **changes
    )
    assert set(history.parts) == {"colour", "size"}
    assert [len(part) for part in history.parts.values()] == [30, 30]
    assert all(type(value) is float for value in history.parts["size"])
    sums = [sum(step) for step in zip(*history.parts.values(), strict=True)]
    assert history.losses == pytest.approx(sums)
    assert history.losses == pytest.approx(alone.losses)
    assert alone.parts == {}
    assert history.losses[-1] < history.losses[0] / 5


def test_fit_cuts_batches_of_objects_that_belong_to_their_images():
    data, seen = WithObjects(num=7), []

    def note(batch, rng):
        images, targets = batch
        assert isinstance(targets, Targets)
        assert torch.equal((images[:, 0, 0, 0] * 7).round().long() + 1, targets.labels[:, 0])
        assert targets.boxes.shape == (len(images), 1, 4)
        seen.extend(targets.labels[:, 0].tolist())
        return batch

    fit_small(small_model(), data, colour_loss, augment=note, batch_size=3, steps=7)
    for start in (0, 7, 14):
        assert sorted(seen[start : start + 7]) == [1, 2, 3, 4, 5, 6, 7]


def test_fit_gives_the_loss_what_the_augmentation_made():
    def augment(batch, rng):
        images, targets = batch
        return images, targets._replace(labels=targets.labels * 0)

    def loss(model, batch):
        images, targets = batch
        assert not targets.labels.any()
        return {"all": model(images).square().mean()}

    history = fit_small(small_model(), WithObjects(), loss, augment=augment)
    assert history.parts == {"all": history.losses}


def test_fit_stopped_by_hand_has_as_many_parts_as_steps():
    class StopsInItsFourthStep(torch.optim.AdamW):
        def step(self, closure=None):
            if len(calls) == 4:
                raise KeyboardInterrupt
            return super().step(closure)

    calls = []

    def loss(model, batch):
        calls.append(1)
        return colour_loss(model, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", StopsInItsFourthStep)
        history = fit_small(small_model(), WithObjects(), loss, augment=None)
    assert history.interrupted
    assert len(history.steps) == len(history.losses) == 3
    assert [len(part) for part in history.parts.values()] == [3, 3]


def test_fit_calls_on_step_every_so_often_and_after_the_last():
    model, seen = small_model(), []

    def on_step(step, called_with, history):
        seen.append((step, called_with is model, called_with.training, len(history.losses)))
        return step * 10

    history = fit_small(model, steps=5, on_step=on_step, every=2)
    assert seen == [(2, True, False, 2), (4, True, False, 4), (5, True, False, 5)]
    assert history.records == [(2, 20), (4, 40), (5, 50)]


def test_fit_calls_on_step_once_where_no_interval_is_given():
    history = fit_small(small_model(), on_step=lambda step, model, history: "done")
    assert history.records == [(6, "done")]


def test_fit_does_not_depend_on_who_watches():
    watched, alone = small_model(dropout=0.5), small_model(dropout=0.5)
    data = InMemory()
    fit_small(watched, on_step=lambda step, model, _: predict(model, data.images), every=1)
    fit_small(alone)
    assert same_parameters(watched, alone)


def test_fit_leaves_the_model_in_evaluation_mode():
    model = small_model()
    fit_small(model)
    assert not model.training


def test_fit_stopped_by_hand_keeps_what_was_learned(capsys):
    model, calls = small_model(), []

    def stop(model, batch):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return pixel_loss(model, batch)

    before = copy.deepcopy(model)
    history = fit_small(model, loss=stop)
    assert history.interrupted
    assert history.steps == [1, 2, 3]
    assert not model.training
    assert not same_parameters(model, before)
    assert predict(model, InMemory().images).shape == (20, 8, 8)
    assert "Stopped by hand after 3 of 6 steps." in capsys.readouterr().out


def test_fit_stopped_in_on_step_counts_the_step():
    def stop(step, model, history):
        raise KeyboardInterrupt

    history = fit_small(small_model(), on_step=stop, every=2)
    assert history.interrupted
    assert history.steps == [1, 2]


def test_fit_warms_up_and_cools_down():
    rates = []

    class Spy(torch.optim.AdamW):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Spy)
        fit_small(small_model(), steps=40, lr=1.0)
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(1.0)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] < 0.1
    assert rates[-1] < 0.01
    assert peak < 20


def test_fit_shows_a_bar_with_its_title_on_stdout(capsys, monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    fit_small(small_model(), title="tiny")
    shown = capsys.readouterr()
    assert "tiny" in shown.out
    assert "6/6" in shown.out
    assert shown.err == ""


def test_fit_is_quiet_while_nbgrader_runs(capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    fit_small(small_model())
    assert capsys.readouterr() == ("", "")


def test_fit_stops_where_the_loss_is_no_longer_finite():
    with pytest.raises(CourseError, match=r"loss: .* got nan at step 1; try a lower lr"):
        fit_small(small_model(), loss=lambda model, batch: model(batch[0]).sum() * math.nan)
    with pytest.raises(CourseError, match=r"loss: .* got inf at step 1"):
        fit_small(
            small_model(), loss=lambda model, batch: {"a": model(batch[0]).exp().sum() * math.inf}
        )


def test_fit_can_train_without_augmentation_and_through_batch_norm():
    model = UNet(3, width=2, depth=1)
    history = fit_small(model, augment=None, steps=3)
    assert len(history.losses) == 3
    assert model(InMemory().images[:1]).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("name", ["steps", "batch_size", "lr", "every"])
def test_fit_says_which_number_is_out_of_range(name):
    with pytest.raises(ValueError, match=f"{name}: expected more than 0, got 0"):
        fit_small(small_model(), **{name: 0})


def test_fit_says_that_there_is_nothing_to_learn_from():
    with pytest.raises(ValueError, match="train_set: expected at least one item, got an empty"):
        fit_small(small_model(), InMemory(num=0))


def test_history_starts_empty():
    assert History() == History(steps=[], losses=[], parts={}, records=[], interrupted=False)
