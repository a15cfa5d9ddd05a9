"""A small Sphinx extension: how papers are cited in the text and listed at a page's end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pybtex.plugin
import sphinxcontrib.bibtex.plugin
from pybtex.database import Entry
from pybtex.style import template
from pybtex.style.formatting import plain, toplevel
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

if TYPE_CHECKING:
    from sphinx.application import Sphinx


@dataclass
class _Citations(AuthorYearReferenceStyle):
    """Cited as authors write it in a notebook: Long et al. (2015)."""

    bracket_textual: BracketStyle = field(default_factory=lambda: BracketStyle("(", ")"))
    person: PersonStyle = field(default_factory=lambda: PersonStyle(other=" et al."))


class _Papers(plain.Style):
    """Listed by what the text cites: Long, J., Shelhamer, E. (2015). Title. *Venue*. Link."""

    def __init__(self) -> None:
        super().__init__(name_style="lastfirst", abbreviate_names=True)

    def get_misc_template(self, entry: Entry) -> Any:
        """Return how an entry looks."""
        venue = template.first_of[
            template.optional[template.field("journal")],
            template.optional[template.field("booktitle")],
            template.optional_field("howpublished"),
        ]
        return toplevel[
            template.words[template.names("author", sep=", "), self._year],
            template.sentence[template.field("title")],
            template.sentence[template.tag("em")[venue]],
            self.format_web_refs(entry),
        ]

    _year = template.join["(", template.field("year"), ")."]
    get_article_template = get_inproceedings_template = get_misc_template


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    referencing = "sphinxcontrib.bibtex.style.referencing"
    sphinxcontrib.bibtex.plugin.register_plugin(referencing, "cvgen", _Citations)
    pybtex.plugin.register_plugin("pybtex.style.formatting", "cvgen", _Papers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
