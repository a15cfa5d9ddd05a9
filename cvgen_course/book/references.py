"""The papers that the course cites: one BibTeX file, looked up by a paper's address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cvgen_course.errors import BookError

if TYPE_CHECKING:
    from pybtex.database import Entry

ADDRESS = re.compile(r"https?://(?:www\.)?(?:arxiv\.org/(?:abs|pdf)|(?:dx\.)?doi\.org)/\S+")


@dataclass(frozen=True)
class Reference:
    """One paper.

    Attributes:
        key: its key in the BibTeX file, e.g. ``"long2015"``.
        authors: as one cites them, e.g. ``"Long et al."`` or ``"Yu and Koltun"``.
        year: the year of publication.
    """

    key: str
    authors: str
    year: str


def read_references(path: Path) -> dict[str, Reference]:
    """Read a BibTeX file.

    Returns:
        The papers by address: ``https://arxiv.org/abs/…`` (field ``eprint``),
        ``https://doi.org/…`` (field ``doi``), or the field ``url``.

    Raises:
        BookError: the file is not BibTeX, or an entry lacks what a reader needs to find the paper.
    """
    from pybtex.database import parse_file
    from pybtex.exceptions import PybtexError

    try:
        entries = parse_file(str(path), bib_format="bibtex").entries
    except PybtexError as error:
        raise BookError(f"{path}: not a BibTeX file: {error}") from error
    references = {}
    for key, entry in entries.items():
        given = {*entry.persons, *entry.fields}
        missing = [name for name in ("author", "title", "year") if name not in given]
        addresses = _addresses(entry)
        if missing or not addresses:
            lacking = ", ".join(missing) or "eprint, doi or url"
            raise BookError(f"{path}: entry {key}: add {lacking}")
        reference = Reference(key, _authors(entry), entry.fields["year"])
        references.update(dict.fromkeys(addresses, reference))
    return references


def _addresses(entry: Entry) -> list[str]:
    beginnings = {"eprint": "https://arxiv.org/abs/", "doi": "https://doi.org/", "url": ""}
    return [
        start + entry.fields[name] for name, start in beginnings.items() if name in entry.fields
    ]


def _authors(entry: Entry) -> str:
    from pybtex.richtext import Text

    names = [
        str(Text.from_latex(" ".join(person.prelast_names + person.last_names)))
        for person in entry.persons.get("author", [])
    ]
    return f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
