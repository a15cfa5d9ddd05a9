import subprocess
import sys
from functools import partial

import pytest
import torch
from support.toy_models import Autoencoder, Points, reconstruction_loss
from torch import nn

from cvgen_course.training import History, fit, trained

RECIPE = {"data": "points", "seed": 0, "steps": 3}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path))
    return tmp_path / "models"


class Trainer:
    """What trains, and notes how often."""

    def __init__(self):
        self.calls = 0

    def __call__(self, model):
        self.calls += 1
        arguments = {"steps": 3, "batch_size": 8, "lr": 1e-2, "seed": 0}
        return fit(model, Points(), reconstruction_loss, **arguments)


def same_weights(a, b):
    return all(map(torch.equal, a.state_dict().values(), b.state_dict().values()))


def test_trained_trains_once_and_reads_what_was_trained(cache):
    train = Trainer()
    torch.manual_seed(1)
    first = trained("toy", RECIPE, Autoencoder, train)
    torch.manual_seed(2)
    again = trained("toy", RECIPE, Autoencoder, train)
    assert train.calls == 1
    assert again is not first
    assert same_weights(first, again)
    assert not first.training
    assert not again.training
    assert [path.suffix for path in cache.iterdir()] == [".safetensors"]


def test_trained_gives_the_same_where_the_cache_was_emptied(cache):
    first = trained("toy", RECIPE, Autoencoder, Trainer())
    (path,) = cache.iterdir()
    path.unlink()
    torch.randn(3)
    assert same_weights(first, trained("toy", RECIPE, Autoencoder, Trainer()))


def test_trained_leaves_the_global_generator_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    trained("toy", RECIPE, Autoencoder, Trainer())
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("change", ["name", "seed", "data", "profile", "make"])
def test_trained_trains_anew_when_what_it_follows_from_has_changed(change, monkeypatch):
    train, name, recipe, make = Trainer(), "toy", dict(RECIPE), Autoencoder
    trained(name, recipe, make, train)
    if change == "name":
        name = "other"
    elif change == "profile":
        monkeypatch.setenv("CVGEN_PROFILE", "gpu")
    elif change == "make":
        make = partial(nn.Linear, 4, 4)
        monkeypatch.setattr(Trainer, "__call__", lambda self, model: setattr(self, "calls", 2))
    else:
        recipe[change] = "other"
    trained(name, recipe, make, train)
    assert train.calls == 2


@pytest.mark.parametrize("length", [0, 7, 200, -1])
def test_trained_trains_anew_where_the_file_is_torn(cache, length):
    train = Trainer()
    first = trained("toy", RECIPE, Autoencoder, train)
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    assert same_weights(first, trained("toy", RECIPE, Autoencoder, train))
    assert train.calls == 2
    assert path.read_bytes() == whole


def test_trained_notices_a_flipped_bit_of_a_weight(cache):
    train = Trainer()
    first = trained("toy", RECIPE, Autoencoder, train)
    (path,) = cache.iterdir()
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    assert same_weights(first, trained("toy", RECIPE, Autoencoder, train))
    assert train.calls == 2


def test_trained_trains_anew_where_the_weights_do_not_fit(cache, monkeypatch):
    module = sys.modules[trained.__module__]  # the package has a function of that name
    monkeypatch.setattr(module, "code_of", lambda *functions: "")
    first = trained("toy", RECIPE, Autoencoder, Trainer())
    other = trained("toy", RECIPE, partial(nn.Linear, 4, 4), lambda model: None)
    assert type(first) is Autoencoder
    assert other.weight.shape == (4, 4)


def test_trained_works_where_nothing_can_be_written(cache):
    cache.write_text("in the way")
    train = Trainer()
    first = trained("toy", RECIPE, Autoencoder, train)
    assert same_weights(first, trained("toy", RECIPE, Autoencoder, train))
    assert train.calls == 2


def test_trained_keeps_no_half_a_training(cache):
    trained("toy", RECIPE, Autoencoder, lambda model: History(interrupted=True))
    assert not cache.exists()


def test_trained_wants_numbers_and_texts():
    with pytest.raises(TypeError, match="not JSON serializable"):
        trained("toy", {"model": Autoencoder()}, Autoencoder, Trainer())


NOTEBOOK = """
from torch import nn
from cvgen_course import training
{before}
def make():
    return nn.Linear({width}, 2)

def train(model):  # {comment}
    print("trained")

training.trained("toy", {{}}, make, train)
"""


def test_trained_knows_a_notebook_s_own_functions_and_numbers(cache, capsys):
    def run(before="", width="2", comment=""):
        exec(NOTEBOOK.format(before=before, width=width, comment=comment), {"__name__": "notebook"})
        return "trained" in capsys.readouterr().out

    assert run()
    assert not run(comment="other words")
    assert run(before="W = 3", width="W")
    assert run(before="W = 4", width="W")
    assert not run(before="W = 3\nUNUSED = 1", width="W")


def test_trained_knows_it_again_in_another_process(cache, capsys):
    program = NOTEBOOK.format(before="W = {'a': 2}", width="W['a']", comment="")
    exec(program, {"__name__": "notebook"})
    assert "trained" in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "trained" not in done.stdout
