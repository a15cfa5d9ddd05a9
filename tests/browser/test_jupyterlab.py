"""JupyterLab as a student uses it: run, solve, check, validate, save."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect
from support.jupyter_lab import jupyter_lab

ROOT = Path(__file__).resolve().parents[2]
CHAPTER, NOTEBOOK = "01_segmentation", "segmentation.ipynb"
EXERCISE, BODY = "unet_down", "skip = conv(x)\nreturn skip, F.max_pool2d(skip, 2)"
REMARK = "  # the skip comes first"
STUB = "raise NotImplementedError()"
RAN = re.compile(r"\[\d+\]:")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.follows_from(
        "lectures/01_segmentation",
        "nbgrader_config.py",
        "cvgen_course.grading.unpair",
        "cvgen_course.notebooks.regions",
    ),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture
def lecture(tmp_path):
    """The lecture in a student's folder."""
    shutil.copytree(ROOT / "lectures" / CHAPTER, tmp_path / "work" / CHAPTER)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path / "work")
    return tmp_path / "work" / CHAPTER / NOTEBOOK


@pytest.fixture
def lab(lecture, tmp_path):
    with jupyter_lab(lecture.parents[1], tmp_path / "home") as address:
        yield address


def choose(page, menu, entry):
    """Choose an entry of JupyterLab's menu bar."""
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def test_student_runs_solves_validates_and_saves(page, lab, lecture):
    page.goto(lab)
    page.get_by_text(CHAPTER, exact=True).dblclick()
    page.get_by_text(NOTEBOOK, exact=True).dblclick()
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    sources = [c.source for c in nbformat.read(lecture, 4).cells if c.cell_type == "code"]
    expect(cells).to_have_count(len(sources))

    choose(page, "Run", "Run All Cells")
    last = cells.last.locator(".jp-InputPrompt")
    expect(last).to_have_text(RAN, timeout=300_000)
    assert page.get_by_role("dialog").count() == 0

    (blank,) = (text for text in sources if text.startswith(f"def {EXERCISE}("))
    (asks,) = (text for text in sources if f'check("{EXERCISE}"' in text)
    stub, check = cells.nth(sources.index(blank)), cells.nth(sources.index(asks))
    expect(check).to_contain_text("Not solved yet")
    stub.locator(".cm-line", has_text=STUB).click()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.type(BODY)
    page.keyboard.press("Shift+Enter")
    expect(stub.locator(".cm-content")).not_to_contain_text(STUB)
    check.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(check).to_contain_text("1 of 1 points")
    marks = check.get_by_role("img", name="passed")
    assert marks.count() == check.get_by_role("row").count() > 3

    page.get_by_role("button", name="Validate").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Validation Results")
    for name in re.findall(r'check\("(\w+)"', "\n".join(sources)):
        if name == EXERCISE:
            expect(dialog).not_to_contain_text(f'check("{name}"')
        else:
            expect(dialog).to_contain_text(f'check("{name}"')
    expect(dialog).to_contain_text("Not solved yet")
    dialog.get_by_role("button", name="Ok").click()

    stub.locator(".cm-line", has_text=BODY.splitlines()[-1]).click()
    page.keyboard.press("End")
    page.keyboard.type(REMARK)
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(1)
    page.get_by_role("button", name="Save and create checkpoint").click()
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    saved = [c.source for c in nbformat.read(lecture, 4).cells if c.cell_type == "code"]
    assert saved[sources.index(blank)] == blank.replace(STUB, BODY.replace("\n", "\n    ") + REMARK)
