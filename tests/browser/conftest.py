"""A browser for the tests: the system's Chromium or Playwright's own, without a network."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from support.site import serving
from support.smoke_book import smoke_book

SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_BROWSER = (
    "no Chromium on this machine; install one with `playwright install chromium` "
    "(with --with-deps on a bare Linux), or on Debian with `apt install chromium`"
)
ARGUMENTS = [
    "--no-sandbox",  # a container's root has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SUB_PATH = "some/where"
PATIENCE = 120_000  # milliseconds; on a busy machine a browser is many times slower

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium():
    """How to launch the browser; without one the tests that need it are skipped."""
    found = [path for name in SYSTEM_BROWSERS if (path := shutil.which(name))]
    if found:
        return {"executable_path": found[0]}
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    if not own.exists():
        pytest.skip(NO_BROWSER)
    return {}


# Playwright keeps an event loop running in its thread. pytest-playwright would keep it until the
# last test of the process; other tests run loops of their own, so here it ends with the module.
@pytest.fixture(scope="module")
def playwright(chromium):
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright, chromium, browser_type_launch_args):
    options = browser_type_launch_args | chromium
    browser = playwright.chromium.launch(**options, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_context_args():
    """Every window begins light, wide and without animations."""
    return {
        "color_scheme": "light",
        "reduced_motion": "reduce",
        "viewport": {"width": 1280, "height": 900},
    }


@pytest.fixture
def context(context):
    """Actions wait for a busy machine as long as expectations do."""
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture(scope="session")
def html(chromium, tmp_path_factory):
    """The pages of the real book, built in profile smoke."""
    return smoke_book(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="session")
def site(html, tmp_path_factory):
    """The address of the book, which is served below a path, as on a project's pages."""
    root = tmp_path_factory.mktemp("site")
    shutil.copytree(html, root / SUB_PATH)
    with serving(root) as address:
        yield f"{address}{SUB_PATH}/"
