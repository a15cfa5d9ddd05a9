"""The book as its readers meet it: in a wide window and on a phone, by day and by night."""

import json
import re

import pytest
from playwright.sync_api import expect
from support.smoke_book import MADE_OF
from support.visit import PHONE, visit

# One browser, one book and one server, so all in one process.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.follows_from("cvgen_course", *MADE_OF, "tests/support/visit.js"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("browser"),
]
# The address of the book only leads to its first page: who clicks in between clicks on nothing.
FIRST, CHAPTER = "intro.html", "01_segmentation/segmentation.html"


def pages(html):
    """Return the addresses of the pages below the book's own; one only leads to the first.

    Three in four are source code, coloured by one program in one frame: of these the longest stand
    for all. (The build itself has looked at the links and pictures of every page.)
    """
    found = [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]
    source = [path for path in found if "_modules" in path.parts and path.name != "index.html"]
    source.sort(key=lambda path: path.stat().st_size)
    return [
        path.relative_to(html).as_posix()
        for path in found
        if path not in source[:-3]
        if 'http-equiv="Refresh"' not in path.read_text(encoding="utf-8")
    ]


@pytest.fixture(scope="module")
def visits(browser, browser_context_args, html, site):
    """The pages, each looked at once."""
    seen = []
    with browser.new_context(**browser_context_args) as context:
        for name in pages(html):
            with context.new_page() as window:
                seen.append(visit(window, site, name))
    return seen


def complaints(visits, what):
    """Return one line for each: the page, and what is wrong with it."""
    return "\n".join(f"{seen.page}: {text}" for seen in visits for text in getattr(seen, what))


def test_address_of_the_book_leads_to_its_first_page(page, site):
    page.goto(site)
    expect(page).to_have_url(site + FIRST)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_every_page_leaves_the_console_empty(visits):
    assert not (found := complaints(visits, "console")), found


def test_every_page_gets_what_it_asks_for_from_below_the_books_path(visits):
    assert not (found := complaints(visits, "requests")), found


def test_every_picture_is_loaded(visits):
    assert sum(seen.pictures for seen in visits) > 20
    assert not (found := complaints(visits, "missing")), found


def test_every_equation_is_typeset(visits):
    assert sum(seen.equations for seen in visits) > 20
    assert not (found := complaints(visits, "raw")), found


def test_no_page_is_wider_than_a_phone(visits):
    assert not (found := complaints(visits, "wide")), found


def test_no_text_is_tiny_on_a_phone(visits):
    assert not (found := complaints(visits, "tiny")), found


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_core_finds_nothing_serious(visits, mode):
    assert not (found := complaints(visits, mode)), found


def test_search_finds_unet(page, site):
    page.goto(site + FIRST)
    page.get_by_role("button", name="Search").first.click()
    page.get_by_role("searchbox").fill("U-Net")
    page.keyboard.press("Enter")
    found = page.locator(f'#search-results a[href*="{CHAPTER}"]').first
    found.click()
    expect(page).to_have_url(re.compile(CHAPTER))
    expect(page.get_by_role("main")).to_contain_text("U-Net")


def test_folded_solutions_unfold(page, html, site):
    page.goto(site + CHAPTER)
    folded = page.get_by_role("article").locator("details")
    assert folded.count() > 10
    for place in folded.all():
        inside = place.locator(":scope > :not(summary)").first
        expect(inside).to_be_hidden()
        place.locator("summary").first.click()
        expect(inside).to_be_visible()


def test_navigation_opens_on_a_phone(page, site):
    page.set_viewport_size(PHONE)
    page.goto(site + FIRST)
    chapter = page.get_by_role("navigation", name="Main").locator(f'a[href*="{CHAPTER}"]')
    expect(chapter).not_to_be_in_viewport()
    page.get_by_role("button", name="Toggle primary sidebar").click()
    expect(chapter).to_be_in_viewport()
    chapter.click()
    expect(page).to_have_url(re.compile(CHAPTER))


BRIGHTNESS = """() => {
  let e = document.querySelector('h1'), colour
  do colour = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number)
  while (colour[3] === 0 && (e = e.parentElement))
  return colour[3] === 0 ? 1 : (colour[0] + colour[1] + colour[2]) / (3 * 255)
}"""


def wait_for_background(page, condition):
    """Wait until the background of the title is as bright as that, between 0 and 1."""
    page.wait_for_function(f"({BRIGHTNESS})() {condition}")


def test_book_is_dark_where_the_system_is(page, site):
    page.emulate_media(color_scheme="dark")
    page.goto(site + CHAPTER)
    wait_for_background(page, "< 0.2")
    page.emulate_media(color_scheme="light")
    wait_for_background(page, "> 0.8")


def test_reader_chooses_the_dark_mode_for_all_pages(page, site):
    page.goto(site + CHAPTER)
    wait_for_background(page, "> 0.8")
    page.get_by_role("button", name="Color mode").click()
    wait_for_background(page, "< 0.2")
    page.goto(site + FIRST)
    wait_for_background(page, "< 0.2")


def test_lecture_is_downloaded_from_its_page(page, site):
    page.goto(site + CHAPTER)
    with page.expect_download() as download:
        page.get_by_role("article").locator('a[href$=".ipynb"]').first.click()
    notebook = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert "raise NotImplementedError()" in str(notebook["cells"])
