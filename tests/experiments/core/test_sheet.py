import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_model
from support.checkpoints import same, state
from support.tiny_experiment import plain_model, tiny
from support.toy_models import GAME, Game, toy_experiment

from cvgen_course.errors import CourseError
from cvgen_course.experiments.core import run as run_module
from cvgen_course.experiments.core.run import run
from cvgen_course.experiments.core.sheet import GAP, tiled, write_sheet


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(run_module.machine, "describe", lambda: "a machine")


def test_tiled_by_hand():
    images = torch.tensor([-1.0, 0.0, 1.0, -1.2, 0.2, 5.0]).view(1, 2, 1, 1, 3)
    w = [255] * 2
    assert tiled(images)[..., 0].tolist() == [
        *[[255] * 12] * 2,
        [*w, 0, 128, 255, *w, 0, 153, 255, *w],  # 0 is 127.5, which rounds to even
        *[[255] * 12] * 2,
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_tiled_puts_each_image_where_a_loop_does(channels):
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, channels, 4, 5, generator=rng) * 2 - 1
    expected = torch.full((2 * 6 + 2, 3 * 7 + 2, channels), 255, dtype=torch.uint8)
    for row in range(2):
        for column in range(3):
            pixels = (images[row, column].permute(1, 2, 0) + 1) / 2 * 255
            top, left = GAP + row * 6, GAP + column * 7
            expected[top : top + 4, left : left + 5] = pixels.round().byte()
    assert torch.equal(tiled(images), expected)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_write_sheet_writes_a_picture_named_by_its_step(tmp_path, channels, mode):
    images = torch.rand(2, 2, channels, 3, 3) * 2 - 1
    write_sheet(tmp_path / "new", 1000, images)
    (path,) = (tmp_path / "new").iterdir()
    assert path.name == "samples-0001000.png"
    with Image.open(path) as picture:
        assert (picture.format, picture.mode) == ("PNG", mode)
        pixels = torch.from_numpy(np.array(picture)).view(12, 12, channels)
    assert torch.equal(pixels, tiled(images))


def test_write_sheet_says_that_a_folder_can_t_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CourseError, match=r"0000001\.png' can't be written .* --out"):
        write_sheet(tmp_path / "file", 1, torch.zeros(1, 1, 1, 2, 2))


def draw_sheet(model):
    """What a Game draws from three numbers, as images of two pixels by two."""
    assert not model.training
    assert not torch.is_grad_enabled()
    return model.generator(torch.tensor([[-1.0], [0.0], [1.0]])).view(1, 3, 1, 2, 2)


def sheets(folder):
    return {path.name: path.read_bytes() for path in folder.glob("samples-*")}


def test_run_writes_a_sheet_after_each_evaluation(tmp_path):
    experiment = toy_experiment("game", every=2, draw_sheet=draw_sheet)
    run(experiment, tmp_path, num_workers=0)
    found = sheets(tmp_path)
    assert sorted(found) == [f"samples-000000{step}.png" for step in (2, 4, 6)]
    assert len(set(found.values())) == 3


def test_run_s_last_sheet_is_that_of_the_model_that_is_kept(tmp_path):
    run(toy_experiment("game", draw_sheet=draw_sheet), tmp_path, num_workers=0)
    kept = Game().eval()
    load_model(kept, str(tmp_path / "model.safetensors"))
    with torch.no_grad():
        write_sheet(tmp_path / "kept", 6, draw_sheet(kept))
    assert sheets(tmp_path / "kept").items() <= sheets(tmp_path).items()


def test_run_with_sheets_learns_what_it_learns_without(tmp_path):
    for name, draw in (("with", draw_sheet), ("without", None)):
        run(toy_experiment("game", draw_sheet=draw), tmp_path / name, num_workers=0)
    assert same(state(tmp_path / "with"), state(tmp_path / "without"))


def test_run_without_draw_sheet_writes_none(tmp_path):
    run(tiny(plain_model), tmp_path, num_workers=0)
    assert sheets(tmp_path) == {}


def test_run_that_was_stopped_has_the_sheets_of_one_that_was_not(tmp_path):
    def stopping(model, batch):
        calls.append(1)
        if len(calls) == 4:
            raise MemoryError("as if killed")
        return GAME[0].loss(model, batch)

    calls = []
    phases = (GAME[0]._replace(loss=stopping), GAME[1])
    run(toy_experiment("game", draw_sheet=draw_sheet), tmp_path / "whole", num_workers=0)
    broken = toy_experiment("game", draw_sheet=draw_sheet, phases=phases)
    with pytest.raises(MemoryError):
        run(broken, tmp_path / "broken", num_workers=0, save_every=0.0)
    assert len(sheets(tmp_path / "broken")) == 1
    run(toy_experiment("game", draw_sheet=draw_sheet), tmp_path / "broken", num_workers=0)
    assert sheets(tmp_path / "broken") == sheets(tmp_path / "whole")


def test_run_fresh_takes_the_sheets_of_the_run_before_away(tmp_path):
    run(toy_experiment("game", every=2, draw_sheet=draw_sheet), tmp_path, num_workers=0)
    run(toy_experiment("game", draw_sheet=draw_sheet), tmp_path, num_workers=0, fresh=True)
    assert sorted(sheets(tmp_path)) == [f"samples-000000{step}.png" for step in (3, 6)]
