from types import SimpleNamespace

import pytest

from cvgen_course.plotting import LiveCurve


def test_live_curve_records_and_draws_at_any_time():
    curve = LiveCurve("U-Net", "loss", log=True)
    for step in range(3):
        curve.update(step, loss=1 / (step + 1))
    curve.update(2, mIoU=0.5)
    curve.close()
    assert curve.values == {"loss": ([0, 1, 2], [1, 1 / 2, 1 / 3]), "mIoU": ([2], [0.5])}
    axes = curve.figure().axes[0]
    assert [line.get_label() for line in axes.lines] == ["loss", "mIoU"]
    assert axes.get_title() == "U-Net"
    assert axes.get_yscale() == "log"


def test_live_curve_is_quiet_outside_a_notebook(capfd):
    curve = LiveCurve(seconds=0)
    curve.update(1, loss=0.5)
    curve.close()
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def shown(monkeypatch):
    """Pretend to be in a kernel; what would be shown ends up in a list."""
    pictures = []
    handle = SimpleNamespace(update=pictures.append)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(
        "IPython.display.display", lambda picture, **_: pictures.append(picture) or handle
    )
    return pictures


def test_live_curve_redraws_one_picture_in_a_notebook(shown):
    curve = LiveCurve("U-Net", seconds=0)
    curve.update(1, loss=0.5)
    curve.update(2, loss=0.25)
    assert len(shown) == 2
    assert all(picture.data.startswith(b"\x89PNG") for picture in shown)


def test_live_curve_does_not_draw_at_every_step(shown):
    curve = LiveCurve(seconds=60)
    for step in range(50):
        curve.update(step, loss=0.5)
    assert shown == []
    curve.close()
    assert len(shown) == 1


def test_live_curve_is_quiet_while_nbgrader_executes(shown, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    curve = LiveCurve(seconds=0)
    curve.update(1, loss=0.5)
    curve.close()
    assert shown == []
