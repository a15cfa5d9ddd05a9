"""What lies outside Python: disk, a browser, the sandbox."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from cvgen_course.doctor.commands import install_program, pip_install, python
from cvgen_course.doctor.finding import Finding
from cvgen_course.grading.sandbox.bubblewrap import why_not

GIB = 2**30
NEEDED, COMFORTABLE = 1 * GIB, 8 * GIB
"""Free disk: below the first, notebooks fail; below the second, an installation of PyTorch."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # as tests/browser looks for them


def check_disk() -> list[Finding]:
    """Look how much disk is free in this folder."""
    free = shutil.disk_usage(Path.cwd()).free
    what = f"{free / GIB:.1f} GiB of disk are free here"
    mend = f"{python()} -m pip cache purge"
    if free < NEEDED:
        return [Finding("wrong", f"{what}, a student needs {NEEDED / GIB:.0f}", mend)]
    if free < COMFORTABLE:
        what += f", an installation of PyTorch takes up to {COMFORTABLE / GIB:.0f}"
        return [Finding("optional", what, mend)]
    return [Finding("ok", what)]


def check_browser() -> list[Finding]:
    """Look whether the browser tests find Chromium: the system's, or Playwright's own."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None) or _playwright_chromium()
    if found:
        return [Finding("ok", f"Chromium for the browser tests: {found}")]
    mend = f"{pip_install('playwright')} && {python()} -m playwright install chromium"
    return [Finding("optional", "no Chromium: the browser tests are skipped", mend)]


def _playwright_chromium() -> Path | None:
    """Return the folder of a Chromium that Playwright has downloaded, if any."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or base / "ms-playwright")
    return next(folder.glob("chromium-*"), None)


def check_sandbox() -> list[Finding]:
    """Look whether there can be a sandbox; `cvgen grade` runs submissions in one."""
    reason = why_not()
    if not reason:
        return [Finding("ok", "bubblewrap, for the sandbox in which submissions are graded")]
    mend = ""
    if sys.platform.startswith("linux"):
        found = shutil.which("bwrap")
        mend = allow_namespaces() if found else install_program("bubblewrap")
    return [Finding("optional", f"no sandbox to grade submissions in: {reason}", mend)]


def allow_namespaces(switches: Path = Path("/proc/sys/kernel")) -> str:
    """Return the command that lets users make namespaces, where a switch of the kernel forbids it.

    Args:
        switches: the kernel's folder of switches.
    """
    for name, value in (
        ("apparmor_restrict_unprivileged_userns", 0),  # Ubuntu
        ("unprivileged_userns_clone", 1),  # Debian
    ):
        switch = switches / name
        if switch.is_file() and switch.read_text().strip() != str(value):
            return f"sudo sysctl -w kernel.{name}={value}"
    return ""
