"""JupyterLab on a free port, as on a machine where it was never opened before."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.command import SMOKE

OWN_FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
NO_NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
SECONDS_TO_START = 60


@contextmanager
def jupyter_lab(folder: Path, home: Path) -> Iterator[str]:
    """Run `jupyter lab` in a folder while the block runs.

    Args:
        folder: what it shows; a configuration of nbgrader there counts.
        home: an empty folder for settings and for what Jupyter notes.

    Yields:
        The address that opens it, with its token.
    """
    quiet = home / OWN_FOLDERS["JUPYTERLAB_SETTINGS_DIR"] / NO_NEWS
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    own = {name: str(home / part) for name, part in OWN_FOLDERS.items()}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0"]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env=os.environ | SMOKE | own, stdout=log, stderr=log
        ) as server,
    ):
        try:
            about = started(server, home)
            yield f"{about['url']}lab?token={about['token']}"
        finally:
            server.terminate()
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()


def started(server: subprocess.Popen, home: Path) -> dict[str, str]:
    """Return what Jupyter notes about a server, once it can be reached."""
    note = home / OWN_FOLDERS["JUPYTER_RUNTIME_DIR"] / f"jpserver-{server.pid}.json"
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        if note.is_file() and (text := note.read_text(encoding="utf-8")):
            return json.loads(text)
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{(home / 'log').read_text()}")
