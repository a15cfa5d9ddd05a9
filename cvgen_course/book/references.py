"""The papers that the course cites: one BibTeX file, looked up by a paper's address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cvgen_course.errors import BookError

if TYPE_CHECKING:
    from pybtex.database import Entry, Person

ADDRESS = re.compile(r"https?://(?:www\.)?(?:arxiv\.org/(?:abs|pdf)|(?:dx\.)?doi\.org)/\S+")


@dataclass(frozen=True)
class Reference:
    """One paper.

    Attributes:
        key: its key in the BibTeX file, e.g. ``"long2015"``.
        year: the year of publication.
        authors: surnames, in the paper's order.
        markdown: the entry of a list of references.
    """

    key: str
    year: str
    authors: tuple[str, ...]
    markdown: str


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
        missing = [name for name in ("title", "year") if name not in entry.fields]
        addresses = _addresses(entry)
        if missing or not addresses:
            lacking = ", ".join(missing) or "eprint, doi or url"
            raise BookError(f"{path}: entry {key}: add {lacking}")
        surnames = tuple(_plain(_surname(person)) for person in _authors(entry))
        reference = Reference(key, entry.fields["year"], surnames, _markdown(entry, addresses[0]))
        references.update(dict.fromkeys(addresses, reference))
    return references


def _authors(entry: Entry) -> list[Person]:
    return entry.persons.get("author", [])


def _addresses(entry: Entry) -> list[str]:
    fields = entry.fields
    found = []
    if "eprint" in fields:
        found.append(f"https://arxiv.org/abs/{fields['eprint']}")
    if "doi" in fields:
        found.append(f"https://doi.org/{fields['doi']}")
    if "url" in fields:
        found.append(fields["url"])
    return found


def _markdown(entry: Entry, address: str) -> str:
    """Return ``Surname A., Surname B. (2015). Title. *Venue*. <link>``."""
    fields = entry.fields
    names = [
        _plain(f"{' '.join(p.prelast_names + p.last_names)} {_initials(p)}")
        for p in _authors(entry)
    ]
    if len(names) > 8:
        names = [*names[:7], "et al."]
    venue = fields.get("journal") or fields.get("booktitle") or fields.get("howpublished") or ""
    venue = f" *{_plain(venue)}*." if venue else ""
    label = f"arXiv:{fields['eprint']}" if "eprint" in fields else address.split("//", 1)[-1]
    return (
        f"{', '.join(names).rstrip('.')}. ({fields['year']}). {_plain(fields['title'])}."
        f"{venue} [{label}]({address})"
    )


def _surname(person: Person) -> str:
    return " ".join(person.prelast_names + person.last_names)


def _initials(person: Person) -> str:
    return " ".join(f"{name[0]}." for name in person.first_names + person.middle_names)


def _plain(text: str) -> str:
    """Return BibTeX text without its braces and LaTeX accents."""
    from pybtex.richtext import Text

    return str(Text.from_latex(text))
