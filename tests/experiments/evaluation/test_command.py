"""`cvgen evaluate`, as a user types it."""

import json
import os
import re
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from support.image_files import fill
from typer.testing import CliRunner

from cvgen_course import cli
from cvgen_course.data.glyph_set import load_glyphs
from cvgen_course.experiments.evaluation import command, named_set


@pytest.fixture(scope="module")
def digits():
    """Return drawn digits, uint8 (120, 28, 28)."""
    return load_glyphs("test", size=120)._images[:, 0].numpy()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, digits):
    monkeypatch.setenv("CVGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(named_set, "load", lambda name, split: load_glyphs(split, size=100))
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "real", digits[:60])
    fill(tmp_path / "fake" / "sub", digits[60:])
    np.savez(tmp_path / "fake.npz", digits[60:])
    return tmp_path


def evaluate(*words):
    return CliRunner().invoke(cli.app, ["evaluate", *words])


def said(capsys, monkeypatch, *words):
    """Return what a user reads who types these words, and the exit code."""
    monkeypatch.setattr(sys, "argv", ["cvgen", "evaluate", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return capsys.readouterr().err, end.value.code


def found(path="found.json"):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def test_evaluate_shows_a_table(folder):
    done = evaluate("real", "fake")
    assert done.exit_code == 0, done.output
    for word in ("REAL  real  60 images, 28 × 28, grey, PNG", "Fréchet distance", "coverage"):
        assert word in done.output


@pytest.mark.parametrize("fake", ["fake", "fake.npz"])
def test_evaluate_gives_the_same_for_a_folder_and_an_array(folder, fake):
    for number, text in enumerate(("fake", fake)):
        evaluate("real", text, "--json", f"{number}.json", "--batch-size", str(7 + number))
    first, second = found("0.json")["metrics"], found("1.json")["metrics"]
    for name, estimate in first.items():
        assert second[name]["value"] == pytest.approx(estimate["value"], rel=1e-4, abs=1e-6), name


def test_evaluate_takes_names_of_data_sets(folder):
    done = evaluate("glyphs", "glyphs:test", "--json", "found.json", "--seed", "3")
    assert done.exit_code == 0, done.output
    content = found()
    assert content["real"]["source"] == "glyphs"
    assert content["real"]["num"] == content["fake"]["num"] == 100
    assert content["seed"] == 3
    assert content["metrics"]["precision"]["value"] > 0.8
    assert content["metrics"]["recall"]["value"] > 0.8


def test_evaluate_notices_that_a_class_is_missing(folder):
    glyphs = load_glyphs("test", size=400)
    images, labels = glyphs._images[:, 0].numpy(), glyphs.labels.numpy()
    np.savez("real.npz", images[:200])
    np.savez("all.npz", images[200:])
    np.savez("some.npz", images[200:][labels[200:] < 5])
    for name in ("all", "some"):
        evaluate("real.npz", f"{name}.npz", "--json", f"{name}.json")
    whole, some = (found(f"{name}.json")["metrics"] for name in ("all", "some"))
    assert some["recall"]["value"] < whole["recall"]["value"] - 0.2
    assert some["precision"]["value"] > whole["precision"]["value"] - 0.1
    assert some["frechet_distance"]["value"] > whole["frechet_distance"]["value"]
    assert some["inception_score"]["value"] < whole["inception_score"]["value"]


@pytest.fixture
def looked_at(monkeypatch):
    """Note which sides are looked at by a network."""
    names = []
    summarise = command.summarise

    def noting(source, *rest):
        names.append(source.argument)
        return summarise(source, *rest)

    monkeypatch.setattr(command, "summarise", noting)
    return names


def test_evaluate_looks_at_real_images_once(folder, looked_at):
    first = evaluate("real", "fake").output
    assert evaluate("real", "fake").output == first
    assert looked_at == ["REAL", "FAKE", "FAKE"]
    evaluate("real", "fake", "--seed", "1")
    assert looked_at[3:] == ["REAL", "FAKE"]


def test_evaluate_looks_again_where_an_image_is_another(folder, looked_at, digits):
    evaluate("real", "fake")
    Image.fromarray(255 - digits[0]).save(folder / "real" / "000.png")
    evaluate("real", "fake")
    assert looked_at == ["REAL", "FAKE"] * 2


def test_evaluate_looks_again_where_the_cache_is_damaged(folder, looked_at):
    first = evaluate("real", "fake").output
    (path,) = (folder / "cache" / "evaluation").iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert evaluate("real", "fake").output == first
    assert looked_at == ["REAL", "FAKE"] * 2


def test_evaluate_knows_a_copy(folder, looked_at):
    done = evaluate("real", "real")
    assert "the same images" in done.output
    assert looked_at == ["REAL"]


def test_evaluate_warns_of_what_changes_the_numbers(folder, digits):
    fill(folder / "fake", [np.stack([x, x, 255 - x], axis=2) for x in digits[:30]], ".jpg")
    (folder / "fake" / "x.png").write_bytes(b"no picture")
    output = " ".join(evaluate("real", "fake").output.split())
    assert "FAKE: 1 of 91 files can't be read, the first is 'x.png'" in output
    assert "FAKE: 30 coloured images, turned grey" in output
    assert "FAKE has JPEG files, REAL has none" in output
    assert "REAL has 60 images, FAKE 90" in output
    assert "60 images are too few for a covariance of 64 features" in output


@pytest.mark.parametrize("num", [1, 19])
def test_evaluate_of_too_few_images_is_an_error(folder, capsys, monkeypatch, digits, num):
    fill(folder / "few", digits[:num])
    message, code = said(capsys, monkeypatch, "real", "few")
    assert f"FAKE: expected 20 images or more that can be read, got {num};" in message
    assert code == 1


def test_evaluate_of_too_few_images_that_can_be_read_is_an_error(folder, capsys, monkeypatch):
    for number in range(41):
        (folder / "real" / f"{number:03}.png").write_bytes(b"no picture")
    message, code = said(capsys, monkeypatch, "real", "fake")
    assert "REAL: expected 20 images or more that can be read, got 19;" in message
    assert code == 1
    assert not (folder / "cache").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("real", "none"), "FAKE: expected a folder of images, .* got 'none'"),
        (("real", "fake", "--features", "x"), "--features: expected one of glyphs, inception"),
        (("real", "fake", "--features", "inception"), "--weights: expected a file .*, got none"),
        (("real", "fake", "--weights", "no.pth"), "weights: expected a file, got no.pth"),
        (("real", "fake", "--batch-size", "0"), "--batch-size: expected 1 or more, got 0"),
        (("real", "fake", "--json", "real"), "--json: expected a file's name, got the folder"),
    ],
)
def test_evaluate_s_errors_are_one_message(capsys, monkeypatch, words, message):
    text, code = said(capsys, monkeypatch, *words)
    assert code == 1
    assert len(text.splitlines()) == 1
    assert re.search(message, text)


@pytest.mark.parametrize("when", ["features", "metrics"])
def test_evaluate_that_was_stopped_says_so_and_loses_nothing(folder, monkeypatch, when):
    name = {"features": "summarise", "metrics": "compare"}[when]

    def pressed(*_):
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(command, name, pressed)
        done = evaluate("real", "fake", "--json", "found.json")
    assert done.exit_code == 130
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Stopped: no result was written")
    assert not (folder / "found.json").exists()
    assert not [*folder.rglob("*.part")]
    assert evaluate("real", "fake").exit_code == 0


def test_evaluate_says_what_package_it_needs(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "cvgen_course.experiments.evaluation.command", raising=False)
    message, code = said(capsys, monkeypatch, "real", "fake")
    assert "cvgen evaluate needs the package rich" in message
    assert '-e ".[train]"' in message
    assert code == 1


def test_train_has_nothing_to_train_for_evaluation(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cvgen", "train", "evaluation", "--data", "glyphs"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "have nothing to train at full size" in capsys.readouterr().err
