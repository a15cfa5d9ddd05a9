"""Runs in processes of their own: stopped, killed, and on several devices."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

TESTS = Path(__file__).parents[2]
PROGRAM = TESTS / "support" / "tiny_run.py"

pytestmark = [pytest.mark.slow, pytest.mark.follows_from("tests/support/tiny_run.py")]
against_the_whole = pytest.mark.xdist_group("uninterrupted run")

SLOWLY = {"seconds": 1.5, "save_every": 0.0}
"""So that a busy machine has time to send a signal, or two, in the middle of a step."""


def start(folder, **options):
    """Start a run of the tiny experiment in a process group of its own, as a shell does."""
    search = [str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAM), str(folder), json.dumps(options)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(search), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process):
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def result(folder):
    metrics = json.loads((folder / "metrics.json").read_text())
    return metrics["metrics"], metrics["validation"], (folder / "model.safetensors").read_bytes()


def wait_for(condition, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    code, out, err = finish(start(folder))
    assert (code, err) == (0, "")
    assert "6/6" in out
    return result(folder)


@against_the_whole
def test_ctrl_c_twice_in_a_terminal_loses_nothing(tmp_path, uninterrupted):
    """A terminal sends it to all processes: the run, and those that load data for it."""
    process = start(tmp_path, num_workers=2, **SLOWLY)
    wait_for(lambda: (tmp_path / "checkpoint.bin").exists())
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.1)
    code, out, err = finish(process)
    assert code == 130, err
    assert "The same command without --fresh goes on from here." in out
    assert err == "\nStopping as soon as a checkpoint is written …\n"
    code, out, err = finish(start(tmp_path))
    assert (code, err) == (0, "")
    assert "Going on after step" in out
    assert result(tmp_path) == uninterrupted


@against_the_whole
def test_kill_9_loses_no_more_than_the_time_since_the_last_checkpoint(tmp_path, uninterrupted):
    process = start(tmp_path, **SLOWLY)
    wait_for(lambda: (tmp_path / "checkpoint.bin").exists())
    os.killpg(process.pid, signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    assert finish(start(tmp_path))[0] == 0
    assert result(tmp_path) == uninterrupted


def test_two_devices_agree_and_give_what_one_gives(tmp_path):
    """Without batch norm and dropout two halves of a batch are as good as the whole."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert finish(start(one, model="wasteful_model"))[0] == 0
    code, out, err = finish(start(two, model="wasteful_model", devices=2))
    assert (code, err) == (0, "")
    assert out.count("net with") == out.count("Weights and") == 1  # one of them talks
    assert (two / "weights-0.txt").read_text() == (two / "weights-1.txt").read_text()
    weights = [load_file(folder / "model.safetensors") for folder in (one, two)]
    for name, value in weights[0].items():
        if "unused" not in name:
            torch.testing.assert_close(weights[1][name], value, atol=1e-5, rtol=1e-5)
    assert result(one)[0] == result(two)[0]


def test_two_devices_stop_together_and_go_on_as_if_never_stopped(tmp_path):
    """Where one of them alone hears the Ctrl-C, too."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert finish(start(whole, devices=2))[0] == 0
    code, out, err = finish(start(broken, devices=2, press_at=3))
    assert code == 130, err
    assert "Stopped after step 3 of 6." in out
    code, out, err = finish(start(broken, devices=2))
    assert code == 0, err
    assert result(broken) == result(whole)
    assert (broken / "weights-0.txt").read_text() == (broken / "weights-1.txt").read_text()


def test_two_devices_that_keep_something_of_their_own_have_it_again(tmp_path):
    """Not what the first one had, such as its pool of images; and the weights come out empty."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    options = {"devices": 2, "model": "keeping_model"}
    assert finish(start(whole, **options))[0] == 0
    assert finish(start(broken, press_at=3, **options))[0] == 130
    code, _, err = finish(start(broken, **options))
    assert (code, err) == (0, "")
    assert result(broken) == result(whole)
    kept = [(whole / f"weights-{rank}.txt").read_text() for rank in (0, 1)]
    assert kept == [(broken / f"weights-{rank}.txt").read_text() for rank in (0, 1)]
    assert kept[0] != kept[1]
    assert load_file(whole / "model.safetensors")["1._extra_state"].numel() == 0


def test_two_devices_go_on_where_one_had_begun(tmp_path):
    options = {"model": "keeping_model"}
    assert finish(start(tmp_path, press_at=3, **options))[0] == 130
    code, _, err = finish(start(tmp_path, devices=2, **options))
    assert (code, err) == (0, "")


def test_two_devices_hear_ctrl_c_in_a_terminal(tmp_path):
    process = start(tmp_path, devices=2, **SLOWLY)
    wait_for(lambda: (tmp_path / "checkpoint.bin").exists())
    os.killpg(process.pid, signal.SIGINT)
    code, out, err = finish(process)
    assert code == 130, err
    assert out.count("goes on from here") == 1
    assert err.count("Stopping") == 1
    code, _, err = finish(start(tmp_path))  # on one device alone: allowed
    assert code == 0, err


def test_two_devices_report_an_error_once(tmp_path):
    code, _, err = finish(start(tmp_path, devices=2, changes={"batch_size": 3}))
    assert code == 1
    assert err.count("--batch-size: expected a multiple of the 2 devices") == 1


def test_two_devices_play_a_game_and_share_its_samples(tmp_path):
    """Both players have the same weights everywhere; buffers are shared where they are measured."""
    code, out, err = finish(start(tmp_path, devices=2, game=True))
    assert (code, err) == (0, "")
    assert out.count("distance") == 3  # two evaluations and the last
    assert (tmp_path / "weights-0.txt").read_text() == (tmp_path / "weights-1.txt").read_text()
