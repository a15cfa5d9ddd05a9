r"""From Markdown that JupyterLab shows as it is to what the book needs.

An author writes ``\tag{1.3}``, "equation (1.3)", ``**Figure 1.2.** caption``, ``[Long et al., 2015](https://arxiv.org/…)``
and blockquotes that begin with a bold title. The book makes anchors, links, captions, a list of
references and boxes of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cvgen_course.book.references import ADDRESS, Reference
from cvgen_course.errors import BookError

CAPTION = re.compile(r"\A\s*(\*\*Figure (\d+\.\d+)\.\*\*.*?)(?:\n\s*\n|\Z)", re.DOTALL)
BOXES = {
    "goals": "cvgen-goals",
    "before": "cvgen-before",
    "exercise": "cvgen-exercise",
    "question": "cvgen-exercise",
    "what": "cvgen-see",
    "careful": "cvgen-careful",
    "slides": "cvgen-careful",
}
"""A box's colour, by the first word of its title; any other title gives a plain note."""
BIBLIOGRAPHY = """## References

```{bibliography}
:filter: docname in docnames
```
"""
"""A page's own list of references: what it cites itself."""

_TAGGED = re.compile(
    r"^\$\$[ \t]*\n?((?:(?!\$\$).)*?)\\tag\{([^}]+)\}\s*\$\$[ \t]*$", re.DOTALL | re.MULTILINE
)
_PROTECTED = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^[ \t]*(?P=fence)[ \t]*$"
    r"|(?P<tick>`+)(?!`).*?(?<!`)(?P=tick)(?!`)"
    r"|\$\$.*?\$\$|(?<![\\$\w])\$(?:[^$\n]|\n(?!\s*\n))+\$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)")
_EQUATION = re.compile(r"(\b(?:[Ee]q(?:uation)?s?\.?|and|or|to)\s+)?\((\d+\.\d+)\)(?!\])")
_FIGURE = re.compile(r"(?<!\[)(?<!\*\*)\bFigure (\d+\.\d+)\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d[a-z]?\)?$")


@dataclass
class Numbers:
    """The equations and figures of the whole book, by number: where each stands."""

    equations: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)

    def collect(self, page: str, texts: Iterable[str]) -> None:
        """Note the numbers that a page's Markdown cells define.

        Raises:
            BookError: a number is used twice.
        """
        for text in texts:
            for match in _TAGGED.finditer(text):
                _note(self.equations, "equation", match.group(2), page)
            caption = CAPTION.match(text)
            if caption:
                _note(self.figures, "Figure", caption.group(2), page)


def _note(known: dict[str, str], kind: str, number: str, page: str) -> None:
    if number in known:
        raise BookError(
            f"{page}: {kind} {number} is numbered twice (also in {known[number]}).\n"
            "  Count the numbers up within a chapter."
        )
    known[number] = page


def _equation_anchor(number: str) -> str:
    """Return the anchor of an equation, ``"1.3"`` → ``"eq-1-3"``."""
    return "eq-" + number.replace(".", "-")


def figure_anchor(number: str) -> str:
    """Return the anchor of a figure, ``"1.2"`` → ``"fig-1-2"``."""
    return "fig-" + number.replace(".", "-")


def slug(heading: str) -> str:
    """Return the book's anchor for JupyterLab's: ``"Unpooling:-why?"`` → ``"unpooling-why"``."""
    return re.sub(r"[^\w-]", "", heading.lower().replace("%20", "-"))


@dataclass
class Translator:
    """Translates the Markdown of one page.

    Attributes:
        page: the page's source file, for messages.
        numbers: the book's equations and figures.
        references: the papers by address.
        cited: the keys of the papers that the page has cited so far.
    """

    page: str
    numbers: Numbers
    references: dict[str, Reference]
    cited: set[str] = field(default_factory=set)

    def translate(self, text: str) -> str:
        """Return a Markdown cell's text as MyST.

        Raises:
            BookError: an equation, figure or paper that the text mentions does not exist.
        """
        text = _TAGGED.sub(self._equation, boxes(text))
        return outside_code_and_math(text, self._prose)

    def bibliography(self) -> str:
        """Return the section of references, empty where the page cites nothing."""
        return BIBLIOGRAPHY if self.cited else ""

    def _prose(self, text: str) -> str:
        text = _LINK.sub(self._link, text)
        text = _EQUATION.sub(self._equation_reference, text)
        return _FIGURE.sub(self._figure_reference, text)

    @staticmethod
    def _equation(match: re.Match[str]) -> str:
        # Sphinx would wrap several lines in `split`, where \tag is not allowed: hence :nowrap:.
        body, number = match.group(1).strip(), match.group(2)
        display = f"\\[\n{body} \\tag{{{number}}}\n\\]"
        return f"\n({_equation_anchor(number)})=\n```{{math}}\n:nowrap:\n\n{display}\n```\n"

    def _equation_reference(self, match: re.Match[str]) -> str:
        before, number = match.group(1) or "", match.group(2)
        if number in self.numbers.equations:
            return f"{before}[({number})](#{_equation_anchor(number)})"
        if before.lower().startswith("eq"):
            raise BookError(f"{self.page}: there is no equation ({number}); is its \\tag right?")
        return match.group()

    def _figure_reference(self, match: re.Match[str]) -> str:
        number = match.group(1)
        if number not in self.numbers.figures:
            raise BookError(
                f"{self.page}: there is no Figure {number}; is its caption's number right?"
            )
        return f"[Figure {number}](#{figure_anchor(number)})"

    def _link(self, match: re.Match[str]) -> str:
        text, address = match.groups()
        if ADDRESS.fullmatch(address):
            return self._citation(text, address)
        if ".ipynb#" in address or address.startswith("#"):
            target, _, heading = address.partition("#")
            return f"[{text}]({target}#{slug(heading)})"
        return match.group()

    def _citation(self, text: str, address: str) -> str:
        paper = self.references.get(address)
        if paper is None:
            raise BookError(
                f"{self.page}: the paper {address} is not in references.bib.\n"
                "  Add it there, or link to the address that stands there (without a version)."
            )
        self.cited.add(paper.key)
        roles = {
            f"{paper.authors}, {paper.year}": f"{{cite:alp}}`{paper.key}`",
            f"{paper.authors} ({paper.year})": f"{{cite:t}}`{paper.key}`",
        }
        if text in roles:
            return roles[text]
        if _YEAR.search(text):
            raise BookError(
                f"{self.page}: [{text}]({address}) is by {paper.authors}, {paper.year} in "
                f"references.bib.\n  Write {' or '.join(roles)}."
            )
        return f"[{text}]({address}){{cite:empty}}`{paper.key}`"


def boxes(text: str) -> str:
    """Turn every blockquote whose first line is a bold title alone into a box."""
    lines, result, index = text.split("\n"), [], 0
    while index < len(lines):
        title = re.fullmatch(r">\s?\*\*(.+?)\*\*\s*(.*)", lines[index])
        opens = index == 0 or not lines[index - 1].startswith(">")
        if not (title and opens and not title.group(2)):
            result.append(lines[index])
            index += 1
            continue
        body = []
        index += 1
        while index < len(lines) and lines[index].startswith(">"):
            body.append(re.sub(r"^>\s?", "", lines[index]))
            index += 1
        first_word = re.split(r"\W", title.group(1).strip().lower())[0]
        style = BOXES.get(first_word, "cvgen-note")
        result += ["", f":::::{{admonition}} {title.group(1).strip('. ')}", f":class: {style}", ""]
        result += [*body, ":::::", ""]
    return "\n".join(result)


def outside_code_and_math(text: str, change: Callable[[str], str]) -> str:
    """Apply ``change`` to a text in which code and mathematics are replaced by placeholders."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x02{len(kept) - 1}\x03"

    changed = change(_PROTECTED.sub(keep, text))
    return re.sub(r"\x02(\d+)\x03", lambda match: kept[int(match.group(1))], changed)
