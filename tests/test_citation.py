"""The version and the address stand in several places, and are the same in all of them."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

import cvgen_course

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION, ADDRESS = PROJECT["version"], PROJECT["urls"]["Repository"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
ERRATA = (ROOT / "jupyter_book" / "errata.md").read_text(encoding="utf-8")
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\] – (\d{4}-\d\d-\d\d)$", CHANGELOG, re.MULTILINE)


def test_package_has_the_version_of_pyproject():
    assert cvgen_course.__version__ == VERSION


def test_changelog_begins_with_the_version_of_pyproject():
    assert RELEASES[0][0] == VERSION
    numbers = [tuple(map(int, number.split("."))) for number, _ in RELEASES]
    assert numbers == sorted(numbers, reverse=True)


def test_changelog_has_a_place_for_what_is_new():
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert len(headings) == len(RELEASES) + 1


def test_citation_names_version_day_address_and_licence():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == VERSION
    assert CITATION["date-released"] == date.fromisoformat(RELEASES[0][1])
    assert CITATION["repository-code"] == ADDRESS
    assert " AND ".join(CITATION["license"]) == PROJECT["license"]


def test_citation_names_the_authors_of_the_licence():
    (author,) = CITATION["authors"]
    assert author["name"] in (ROOT / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        f"note   = {{Version {VERSION}}}",
        f"This is version {VERSION}",
        f"git checkout v{VERSION}",
        f"url    = {{{ADDRESS}}}",
        f"]({ADDRESS}/issues)",
        f"author = {{{{{CITATION['authors'][0]['name']}}}}}",
        f"year   = {{{CITATION['date-released'].year}}}",
    ],
)
def test_errata_cite_the_version_of_pyproject(text):
    assert text in ERRATA


def test_errata_and_citation_give_the_same_title():
    (title,) = re.findall(r"title  = \{(.*?)\},\n", ERRATA, re.DOTALL)
    assert " ".join(re.sub(r"[{}]", "", title).split()) == CITATION["title"]


def test_errata_list_every_correction_of_the_slides():
    """A box named Slides in a chapter is a line of the table."""
    table = ERRATA[ERRATA.index("## Errors in the slides") : ERRATA.index("## Which version")]
    rows = re.findall(r"^\| (\d\d) ", table, re.MULTILINE)
    boxes = [
        path.parent.name[:2]
        for path in sorted((ROOT / "solutions").glob("*/*.md"))
        for _ in re.findall(r"^> \*\*Slides\*\*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert sorted(rows) == boxes
