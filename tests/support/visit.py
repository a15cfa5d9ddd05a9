"""What a reader meets on a page of the book: everything that a visit can complain about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, Request, Response

WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
SMALLEST_TEXT = 11  # CSS pixels
BAD = ("serious", "critical")
QUESTIONS = Path(__file__).with_suffix(".js")


@dataclass
class Visit:
    """A page, and what there is to complain about.

    Attributes:
        page: its address below the book's.
        pictures: how many it shows.
        equations: how many it shows.
        console: errors and warnings in the browser's console.
        requests: requests that failed, or went elsewhere than to the book.
        missing: pictures that are not there.
        raw: equations that are not typeset, or wrong.
        wide: what sticks out of a window of 360 pixels.
        tiny: text that is too small to read there.
        light: what axe-core finds in light mode, in a wide window.
        dark: what axe-core finds in dark mode, in a window of 360 pixels.
    """

    page: str
    pictures: int = 0
    equations: int = 0
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    wide: list[str] = field(default_factory=list)
    tiny: list[str] = field(default_factory=list)
    light: list[str] = field(default_factory=list)
    dark: list[str] = field(default_factory=list)


def visit(window: Page, site: str, name: str) -> Visit:
    """Open a page of a site, on a phone at night and then in a wide window by day."""
    seen = Visit(name)
    window.add_init_script(path=QUESTIONS)
    window.set_viewport_size(PHONE)
    window.emulate_media(color_scheme="dark")
    with listening(window, site, seen):
        window.goto(site + name)
        window.evaluate("visit.loaded()")
        seen.pictures = window.locator("img").count()
        seen.equations = window.locator("mjx-container").count()
        seen.missing = window.evaluate("visit.missingPictures()")
        seen.raw = window.evaluate("visit.rawEquations()")
        window.evaluate("visit.unfold()")
        seen.wide = window.evaluate("visit.stickingOut()")
        seen.tiny = window.evaluate(f"visit.tinyText({SMALLEST_TEXT})")
    window.add_style_tag(content="*, ::before, ::after { transition: none !important }")
    window.evaluate("visit.oneOfEach()")
    window.evaluate(AXE_SCRIPT)
    seen.dark = violations(window)
    window.set_viewport_size(WIDE)
    window.emulate_media(color_scheme="light")
    seen.light = violations(window)
    return seen


@contextmanager
def listening(window: Page, site: str, seen: Visit) -> Iterator[None]:
    """Note what a window says in its console, and the requests that go wrong.

    It ends before axe-core comes, which asks for style sheets under wrong addresses.
    """

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.console.append(f"{message.type}: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((site, "data:", "blob:")):
            seen.requests.append(f"elsewhere: {request.url}")

    def on_response(response: Response) -> None:
        if response.status >= 400:
            seen.requests.append(f"{response.status}: {response.url}")

    listeners = {
        "console": on_console,
        "pageerror": lambda error: seen.console.append(f"uncaught: {error}"),
        "request": on_request,
        "requestfailed": lambda request: seen.requests.append(f"{request.failure}: {request.url}"),
        "response": on_response,
    }
    for event, listener in listeners.items():
        window.on(event, listener)
    yield
    for event, listener in listeners.items():
        window.remove_listener(event, listener)


def violations(window: Page) -> list[str]:
    """Return the serious and critical violations that axe-core finds, one line each."""
    window.evaluate("visit.nextFrame()")
    found = window.evaluate("visit.violations()")
    return [
        f"{rule['id']} ({node['impact']}) at {node['target']}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if node["impact"] in BAD
    ]
