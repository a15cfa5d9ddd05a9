"""HTML from notebooks, made harmless: for feedback pages, and for the Formgrader.

A notebook's text and outputs may hold any HTML. What is shown of it keeps its form, and its style
where that can't cover other things; what would run, load, send or lead elsewhere is shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from bleach import ALLOWED_TAGS, clean
from bleach.css_sanitizer import ALLOWED_CSS_PROPERTIES, CSSSanitizer
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

KNOWN_TAGS = """
    br caption center col colgroup dd del details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr
    img ins kbd mark p pre s samp small span sub summary sup table tbody td tfoot th thead tr u var
    wbr
"""
KNOWN_ATTRIBUTES = """
    align alt aria-label border class colspan height href id open role rowspan scope span src start
    style title valign width
"""
KNOWN_PROPERTIES = """
    background border border-bottom border-left border-radius border-right border-spacing border-top
    box-sizing flex flex-wrap gap justify-content margin margin-bottom margin-left margin-right
    margin-top max-width min-width opacity overflow-wrap padding padding-bottom padding-left
    padding-right padding-top table-layout
"""
TAGS = ALLOWED_TAGS | set(KNOWN_TAGS.split())
ATTRIBUTES = set(KNOWN_ATTRIBUTES.split())
PROPERTIES = ALLOWED_CSS_PROPERTIES | set(KNOWN_PROPERTIES.split())
MOST_KEPT, LONGEST_KEPT = 1024, 30_000
STYLE_SHEET = re.compile(r"<style\b.*?</style\s*>", re.IGNORECASE | re.DOTALL)


def remembered(function: Callable[..., str]) -> Callable[..., str]:
    """Return a function of a text that keeps what it gave, unless the text is long.

    The lecture's texts are in every student's notebook, and most outputs in that of many.
    """
    kept = lru_cache(MOST_KEPT)(function)
    return lambda text, *more: (kept if len(text) <= LONGEST_KEPT else function)(text, *more)


def clean_html(html: Any) -> str:
    """Return HTML with nothing in it that runs, loads, sends, or covers the rest of the page."""
    return _cleaned(html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html))


@remembered
def _cleaned(html: str) -> str:
    return clean(
        STYLE_SHEET.sub("", html),  # a table of pandas brings one; shown as text it is in the way
        tags=TAGS,
        attributes=_may_stay,
        protocols={"http", "https", "mailto", "data"},
        css_sanitizer=_Styles(),
    )


class _Styles:
    """A style sanitizer for bleach; a table has the same few styles again and again."""

    sanitize_css = staticmethod(
        remembered(CSSSanitizer(allowed_css_properties=PROPERTIES).sanitize_css)
    )


@pass_context
def markdown_to_html(context: Context, source: str) -> str:
    """Return Markdown as HTML, as nbconvert does, and clean."""
    attachments = attachments_of(context)
    return _rendered(source) if not attachments else _render(source, attachments)


def attachments_of(context: Context) -> dict[str, dict[str, str]]:
    """Return the pictures that were pasted into the cell that is being converted."""
    return context.get("cell", {}).get("attachments", {})


def _render(source: str, attachments: dict[str, Any]) -> str:
    renderer = IPythonRenderer(escape=False, attachments=attachments)
    return clean_html(MarkdownWithMath(renderer=renderer).render(source))


@remembered
def _rendered(source: str) -> str:
    return _render(source, {})


def _may_stay(tag: str, name: str, value: str) -> bool:
    """Return whether an attribute may stay.

    A picture must come with the page. A link must lead to a place on it, or into the web: other
    notebooks and files, which the text may name, don't lie beside the page.
    """
    if name == "src":
        return tag == "img" and value.startswith("data:image/")
    if name == "href":
        return tag == "a" and value.lower().startswith(("#", "https://", "http://", "mailto:"))
    return name in ATTRIBUTES
