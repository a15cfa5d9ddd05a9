import os
from pathlib import Path

import pytest

from cvgen_course.doctor import torch_pair
from cvgen_course.doctor.child import Answer
from cvgen_course.doctor.torch_pair import check_torch, pinned_pair

ROOT = Path(__file__).parents[2]
PAIR = pinned_pair(ROOT)


def answers(monkeypatch, answer):
    monkeypatch.setattr(torch_pair, "ask", lambda program: answer)


def test_pinned_pair_is_the_locks():
    assert [pin.partition("==")[0] for pin in PAIR] == ["torch", "torchvision"]
    assert all(pin in (ROOT / "requirements.lock").read_text() for pin in PAIR)
    assert pinned_pair(None) == ["torch", "torchvision"]


def test_check_torch_finds_a_pair_that_works_here():
    (finding,) = check_torch()
    assert finding.status == "ok"
    assert "work together" in finding.what


@pytest.mark.usefixtures("activated")
def test_check_torch_finds_a_torn_pair(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (finding,) = check_torch()
    assert finding.status == "wrong"
    assert finding.what.endswith("RuntimeError: operator torchvision::nms does not exist")
    assert finding.mend == f"python -m pip install --force-reinstall {' '.join(PAIR)}"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_check_torch_survives_a_crash(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text("import os; os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (finding,) = check_torch()
    assert finding.status == "wrong"
    assert "ended by SIGABRT" in finding.what


@pytest.mark.usefixtures("activated")
def test_check_torch_says_what_is_missing(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(torch_pair, "find_spec", lambda name: None)
    (finding,) = check_torch()
    assert finding.what == "torch and torchvision: missing, so no chapter runs"
    assert finding.mend == "python -m pip install -c requirements.lock -e ."


def test_check_torch_names_the_gpu(monkeypatch):
    answers(monkeypatch, Answer(["2.14.1", "0.29.1", "NVIDIA H100"]))
    (finding,) = check_torch()
    assert finding.what.endswith("on NVIDIA H100")


def test_check_torch_knows_what_windows_lacks(monkeypatch, on):
    on("win32")
    error = "OSError: [WinError 126] The specified module could not be found. Error loading c10.dll"
    answers(monkeypatch, Answer(error=error))
    (finding,) = check_torch()
    assert finding.mend == "winget install Microsoft.VCRedist.2015+.x64"
