"""Markdown as a feedback page shows it: formulas need no script, links within the page lead there.

nbconvert's own Markdown leaves formulas to MathJax, which a page would have to load and trust.
"""

from __future__ import annotations

import re
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from mistune.util import striptags, unescape
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from cvgen_course.grading.clean import attachments_of, clean_html, remembered
from cvgen_course.grading.formulas import to_mathml

MARK = "\ue000"  # a character for private use: nothing to HTML, and in no font
_PLACE = re.compile(rf"{MARK}(\d+){MARK}")
_TAG_OR_PLACE = re.compile(rf"<(?:\"[^\"]*\"|'[^']*'|[^'\">])*>|{_PLACE.pattern}")


@pass_context
def page_text(context: Context, source: str) -> str:
    """Return Markdown as clean HTML, with formulas as MathML."""
    attachments = attachments_of(context)
    return _rendered(source) if not attachments else _render(source, attachments)


def _render(source: str, attachments: dict[str, dict[str, str]]) -> str:
    renderer = _Renderer(attachments)
    return renderer.with_formulas(clean_html(MarkdownWithMath(renderer=renderer).render(source)))


@remembered
def _rendered(source: str) -> str:
    return _render(source, {})


class _Renderer(IPythonRenderer):
    """Keeps the places of formulas, to be set when all else is clean."""

    def __init__(self, attachments: dict[str, dict[str, str]]):
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments)
        self.formulas: list[str] = []

    def place_of(self, formula: str) -> str:
        """Return what stands for a formula until everything is clean."""
        self.formulas.append(formula)
        return f"{MARK}{len(self.formulas) - 1}{MARK}"

    def inline_math(self, body: str) -> str:
        """Return a formula within a line."""
        return self.place_of(to_mathml(body))

    def block_math(self, body: str) -> str:
        """Return a formula on a line of its own; only a numbered one can have a tag."""
        if r"\tag" in body:
            body = rf"\begin{{equation}}{body}\end{{equation}}"
        return self.place_of(to_mathml(body, display=True))

    def latex_environment(self, name: str, body: str) -> str:
        """Return an environment without dollar signs around it."""
        return self.place_of(to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True))

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading under the name by which the book's pages link to it."""
        words = unescape(striptags(_PLACE.sub("", text))).strip().lower()
        name = re.sub(r"[^\w -]", "", words).replace(" ", "-")
        return super().heading(text, level, **{**attrs, "id": name})

    def with_formulas(self, cleaned: str) -> str:
        """Return clean HTML with the formulas in their places; within a tag there is none."""

        def set_formula(found: re.Match[str]) -> str:
            if found[1] is None:
                return _PLACE.sub("", found[0])
            number = int(found[1][:9])
            return self.formulas[number] if number < len(self.formulas) else ""

        return _TAG_OR_PLACE.sub(set_formula, cleaned)
