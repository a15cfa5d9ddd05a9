"""A feedback page as nbconvert makes it; what the pages of a class have in common is made once."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from bs4 import BeautifulSoup
from jinja2 import BytecodeCache, Environment, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from nbconvert import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbformat import NotebookNode

from cvgen_course.grading.clean import clean_html, remembered
from cvgen_course.grading.page_text import page_text

NO_ALT = "No description has been provided for this image"


class FeedbackPage(HTMLExporter):
    """nbconvert's `HTMLExporter`, with the same page in a fraction of the time.

    That one reads the whole page at its end, to close tags and to give pictures an alternative
    text. Here this happens to texts, code and tables one by one, and the page is read without them.
    """

    def from_notebook_node(  # type: ignore[override]  # as HTMLExporter's own
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return a notebook's page, and what nbconvert says of it."""
        language = nb.metadata.get("language_info", {})
        aside = _Aside(language.get("pygments_lexer", language.get("name")))
        self.filters = {
            **self.filters,
            "highlight_code": aside.code,
            "page_text": aside.text,
            "clean_html": aside.html,
        }
        page, resources = super().from_notebook_node(nb, resources, **kw)
        return aside.put_back(page), resources

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        environment.bytecode_cache = COMPILED
        return environment


class _Aside:
    """Filters for a template whose HTML stays out of the page until it is put back."""

    def __init__(self, lexer: str | None):
        self.lexer = lexer
        self.parts: list[str] = []
        self.mark = uuid4().hex  # nobody's text has it

    def code(self, source: str, metadata: dict[str, Any]) -> str:
        """Stand for code with its words marked."""
        return self.put(_highlighted(source, self.lexer, metadata.get("magics_language")))

    @pass_context
    def text(self, context: Context, source: str) -> str:
        """Stand for a text, as clean HTML."""
        return self.put(_well_formed(page_text(context, source)))

    def html(self, source: Any) -> str:
        """Stand for clean HTML, which may be one of these already."""
        known = isinstance(source, str) and self.mark in source
        return source if known else self.put(_well_formed(clean_html(source)))

    def put(self, html: str) -> str:
        """Keep some HTML, and return what stands for it; space around it stays in the page."""
        text = html.strip()
        self.parts.append(text)
        return html.replace(text, f"<!--{self.mark} {len(self.parts) - 1}-->") if text else html

    def put_back(self, page: str) -> str:
        """Return a page with everything in its place."""
        pieces = re.split(f"<!--{self.mark} (\\d+)-->", page)
        pieces[1::2] = [self.parts[int(number)] for number in pieces[1::2]]
        return "".join(pieces)


class _Compiled(BytecodeCache):
    """Templates that were read before in this process."""

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.code[bucket.key] = bucket.bytecode_to_string()


COMPILED = _Compiled()


@remembered
def _well_formed(html: str) -> str:
    """Return HTML with all tags closed, and an alternative text for every picture."""
    if "<" not in html and "&" not in html:
        return html
    soup = BeautifulSoup(html, features="html.parser")
    for picture in soup.select("img:not([alt])"):
        picture.attrs["alt"] = NO_ALT
    return str(soup)


@remembered
def _highlighted(source: str, lexer: str | None, magic: str | None) -> str:
    """Return code as HTML with its words marked, written as `_well_formed` would write it."""
    metadata = {"magics_language": magic} if magic else {}
    html: str = Highlight2HTML(pygments_lexer=lexer)(source, metadata=metadata)
    return html.replace("&#39;", "'").replace("&quot;", '"').replace('" highlight', '"highlight', 1)
