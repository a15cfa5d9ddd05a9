"""`cvgen train`, as a user types it."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cvgen_course import cli

pytestmark = pytest.mark.follows_from(
    "cvgen_course.cli", "cvgen_course.experiments.chapters", "cvgen_course.experiments.core.run"
)


@pytest.fixture
def said(monkeypatch):
    """Keep what the command would have run."""
    found = {}

    def build_experiment(*arguments, **options):
        from support.tiny_experiment import tiny

        found["experiment"] = arguments, options
        return tiny()

    def run(experiment, folder, **options):
        found["run"] = folder.as_posix(), options
        return found.get("result", {})

    monkeypatch.setattr("cvgen_course.experiments.chapters.build_experiment", build_experiment)
    monkeypatch.setattr("cvgen_course.experiments.core.run.run", run)
    return found


def test_train_hands_its_options_on(said):
    words = "train detection --data bccd --model yolo --steps 5 --batch-size 2 --lr 0.1 --seed 4"
    words += " --devices 2 --precision bf16-mixed --out here --fresh"
    assert CliRunner().invoke(cli.app, words.split()).exit_code == 0
    given = {"seed": 4, "steps": 5, "batch_size": 2, "lr": 0.1}
    assert said["experiment"] == (("detection", "bccd", "yolo"), given)
    assert said["run"] == ("here", {"devices": 2, "precision": "bf16-mixed", "fresh": True})


def test_train_needs_a_chapter_and_data_only(said):
    assert CliRunner().invoke(cli.app, ["train", "02_detection", "--data", "bccd"]).exit_code == 0
    arguments, options = said["experiment"]
    assert arguments == ("02_detection", "bccd", None)
    assert options == {"seed": 0, "steps": None, "batch_size": None, "lr": None}
    defaults = {"devices": 1, "precision": "32-true", "fresh": False}
    assert said["run"] == ("runs/tiny-bccd", defaults)


def test_train_s_folder_has_a_name_that_every_system_takes(said):
    words = ["train", "cyclegan", "--data", "cifar10:horse,deer"]
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert said["run"][0] == "runs/tiny-cifar10-horse-deer"


def test_train_that_was_stopped_ends_as_a_shell_expects(said):
    said["result"] = None
    assert CliRunner().invoke(cli.app, ["train", "detection", "--data", "bccd"]).exit_code == 130


def test_train_says_what_package_it_needs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cvgen", "train", "detection", "--data", "bccd"])
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    monkeypatch.delitem(sys.modules, "cvgen_course.experiments.core.run", raising=False)
    monkeypatch.setattr("cvgen_course.experiments.chapters.build_experiment", lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1
    message = capsys.readouterr().err
    assert "cvgen train needs the package lightning_fabric" in message
    assert '-e ".[train]"' in message


@pytest.mark.slow
def test_train_from_the_command_line_on_two_devices(tmp_path):
    """The real thing, through the installed program, which starts itself again."""
    program = os.path.join(os.path.dirname(sys.executable), "cvgen")
    words = "train segmentation --data scenes --steps 2 --batch-size 2 --devices 2 --out here"
    done = subprocess.run(
        [program, *words.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "mean_iou" in done.stdout
    assert (tmp_path / "here" / "metrics.json").exists()
