import hashlib
import io
import os
import pickle
import random
import subprocess
import sys
import time

import pytest
import torch

from cvgen_course.errors import CourseError
from cvgen_course.experiments.core.checkpoint import HEADER, NAME, load, save, sweep

SETTINGS = {"model": "net", "steps": 6, "lr": 0.01}


def state(value=1.0):
    return {"model": {"weight": torch.full((3, 2), value)}, "progress": {"step": 4, "loss": None}}


def test_load_returns_what_was_saved(tmp_path):
    save(tmp_path / "new", SETTINGS, state())
    found = load(tmp_path / "new", SETTINGS)
    assert torch.equal(found["model"]["weight"], torch.ones(3, 2))
    assert found["progress"] == {"step": 4, "loss": None}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [NAME]


def test_load_returns_none_where_there_is_nothing(tmp_path):
    assert load(tmp_path, SETTINGS) is None
    assert load(tmp_path / "nowhere", SETTINGS) is None


def test_load_names_every_setting_that_differs(tmp_path):
    save(tmp_path, SETTINGS, state())
    with pytest.raises(CourseError) as error:
        load(tmp_path, {"model": "other", "steps": 6, "seed": 1})
    for part in ("model 'net' (now 'other')", "lr 0.01 (now None)", "seed None (now 1)", "--fresh"):
        assert part in str(error.value)
    assert "steps" not in str(error.value)


def test_load_notices_every_flipped_bit(tmp_path):
    save(tmp_path, SETTINGS, state())
    whole = (tmp_path / NAME).read_bytes()
    rng = random.Random(0)
    for position in (0, len(HEADER), len(whole) - 1, *rng.choices(range(len(whole)), k=50)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << rng.randrange(8)
        (tmp_path / NAME).write_bytes(damaged)
        with pytest.raises(CourseError, match=r"is damaged, or no checkpoint .* --fresh"):
            load(tmp_path, SETTINGS)


@pytest.mark.parametrize("length", [0, 5, len(HEADER), len(HEADER) + 32, 300])
def test_load_notices_a_torn_file(tmp_path, length):
    save(tmp_path, SETTINGS, state())
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:length])
    with pytest.raises(CourseError, match="is damaged"):
        load(tmp_path, SETTINGS)


def test_load_runs_no_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    content = io.BytesIO()
    torch.save({"settings": SETTINGS, "state": Trap()}, content, pickle_module=pickle)
    content = content.getvalue()
    (tmp_path / NAME).write_bytes(HEADER + hashlib.sha256(content).digest() + content)
    with pytest.raises(CourseError, match="is damaged, or no checkpoint"):
        load(tmp_path, SETTINGS)
    assert not (tmp_path / "sprung").exists()


def test_save_says_that_it_can_not_write(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match=r"can't be written .* another folder with --out"):
        save(tmp_path / "file", SETTINGS, state())


def test_save_that_fails_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    save(tmp_path, SETTINGS, state(1.0))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CourseError, match="No space left on device"):
        save(tmp_path, SETTINGS, state(2.0))
    assert load(tmp_path, SETTINGS)["model"]["weight"][0, 0] == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_sweep_deletes_old_halves_only(tmp_path):
    save(tmp_path, SETTINGS, state())
    old, young = tmp_path / f".{NAME}.a.part", tmp_path / f".{NAME}.b.part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (time.time() - 3600,) * 2)
    sweep(tmp_path)
    sweep(tmp_path / "nowhere")
    assert sorted(tmp_path.iterdir()) == [young, tmp_path / NAME]


SAVE_AND_KILL = """
import os, signal, sys, time, torch
from pathlib import Path
from cvgen_course.experiments.core.checkpoint import load, save
folder = Path(sys.argv[1])
for attempt in range(20):
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        for number in range(10**6):
            save(folder, {}, {"number": number, "weights": torch.full((300_000,), float(number))})
            os.write(say, b"%d\\n" % number)
    os.close(say)
    first = os.read(said, 2)  # one is whole
    time.sleep(0.001 * attempt)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    last = int((first + os.read(said, 10**6)).split()[-1])
    found = load(folder, {})
    assert found["number"] in (last, last + 1), (found["number"], last)
    assert found["weights"].unique().tolist() == [found["number"]]
"""


def test_kill_9_in_the_middle_leaves_a_whole_checkpoint(tmp_path):
    program = [sys.executable, "-c", SAVE_AND_KILL, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.iterdir())) > 1, "no process was killed in the middle"
    sweep(tmp_path, seconds=-1)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
