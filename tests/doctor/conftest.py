import os
import sys
from pathlib import Path

import pytest


@pytest.fixture
def activated(monkeypatch):
    """This Python's environment is active: it is called ``python``."""
    path = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    monkeypatch.setenv("PATH", os.pathsep.join(path))


@pytest.fixture
def own_jupyter(monkeypatch, tmp_path):
    """The user's own folders of Jupyter, empty; they come before the environment's."""
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    for variable, name in (("JUPYTER_CONFIG_DIR", "config"), ("JUPYTER_DATA_DIR", "data")):
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


@pytest.fixture
def on(monkeypatch):
    """Pretend to be on a platform, e.g. ``on("win32")``."""
    return lambda platform: monkeypatch.setattr(sys, "platform", platform)


@pytest.fixture
def programs(monkeypatch):
    """Pretend that these programs alone are on the path, e.g. ``programs("bwrap")``."""

    def only(*names):
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name in names else None)

    return only
