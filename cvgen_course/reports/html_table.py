"""A report as an HTML table, for notebooks, feedback pages and the book.

JupyterLab's sanitizer and some feedback pages drop style sheets, so every style stands in its tag.
Text takes the page's own colour and grounds are translucent: that is readable on light and dark
themes. Ticks and crosses differ in form as well as in colour (Okabe and Ito's green and vermilion).
"""

from __future__ import annotations

import html
import math
import re

from cvgen_course.reports.report import Report, Row
from cvgen_course.reports.text_table import points_in_words, read_again, score

_RIGHT, _PARTLY, _WRONG = "#009E73", "#E69F00", "#D55E00"
_LINE = "1px solid rgba(128,128,128,.28)"
_CELL = (
    "border:0;background:transparent;padding:.45em .6em;vertical-align:top;line-height:1.45;"
    "overflow-wrap:anywhere;white-space:normal;max-width:none;"
)
_CODE = (
    "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;color:inherit;"
    "background:rgba(128,128,128,.16);border-radius:3px;padding:.05em .3em;white-space:pre-wrap;"
)
_SMALL = "font-size:.93em;opacity:.82;"
_LABEL = f"{_SMALL}flex:0 0 4.8em;white-space:nowrap;"
_STRIP = "padding:.5em .7em;line-height:1.45;"


def html_table(report: Report) -> str:
    """Return the report as one HTML element; every text in it is escaped."""
    total = math.fsum(row.weight for row in report.rows) or 1.0
    share = report.max_points / total
    previous, rows = "", []
    for row in report.rows:
        rows.append(_row(row, share, row.message == previous))
        previous = row.message
    colour = _colour(report)
    return (
        '<div class="cvgen-report tex2jax_ignore mathjax_ignore" role="group" '
        f'aria-label="{_escape(score(report))}" style="font-size:14px;text-align:left;'
        "max-width:56em;margin:.4em 0;border:1px solid rgba(128,128,128,.35);"
        f'border-left:5px solid {colour};border-radius:6px;overflow:hidden;">'
        f"{_head(report, colour)}{_strip(report.note, 'font-weight:600;')}"
        f"{_strip(report.diagnosis, 'font-weight:600;background:rgba(230,159,0,.16);')}"
        '<table style="width:100%;border-collapse:collapse;border:0;margin:0;table-layout:auto;'
        f'font-size:inherit;color:inherit;"><tbody>{"".join(rows)}</tbody></table>'
        f"{_strip(read_again(report), _SMALL)}</div>"
    )


def _head(report: Report, colour: str) -> str:
    filled = 100 * report.points / report.max_points if report.max_points else 0
    return (
        '<div style="display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2em 1.5em;'
        'padding:.55em .7em .5em;">'
        f'<span><code style="{_CODE}font-weight:600;">{_escape(report.exercise)}</code>&ensp;'
        f"{_text(report.title)}</span>"
        f'<span style="font-weight:600;white-space:nowrap;">{_escape(score(report))}</span></div>'
        '<div style="height:3px;background:rgba(128,128,128,.22);">'
        f'<div style="height:3px;width:{filled:.1f}%;background:{colour};"></div></div>'
    )


def _row(row: Row, share: float, repeated: bool) -> str:
    earned = points_in_words(row.weight * share)
    points = earned if row.passed else f"0 / {earned}"
    return (
        f'<tr style="background:transparent;border:0;border-top:{_LINE};">'
        f'<td style="{_CELL}width:1.6em;padding-right:0;text-align:center;">{_mark(row)}</td>'
        f'<td style="{_CELL}text-align:left;">{_title(row)}{_details(row, repeated)}</td>'
        f'<td style="{_CELL}{_SMALL}text-align:right;white-space:nowrap;">{points}</td></tr>'
    )


def _title(row: Row) -> str:
    return _text(row.title) if row.passed else f"<strong>{_text(row.title)}</strong>"


def _mark(row: Row) -> str:
    colour, sign, word = (_RIGHT, "✓", "passed") if row.passed else (_WRONG, "✗", "not passed")
    return (
        f'<span role="img" aria-label="{word}" title="{word}" style="display:inline-block;'
        f"width:1.45em;height:1.45em;line-height:1.45em;border-radius:50%;background:{colour};"
        f'color:#fff;font-size:.85em;font-weight:700;text-align:center;">{sign}</span>'
    )


def _details(row: Row, repeated: bool) -> str:
    if row.passed or not row.message:
        return ""
    if repeated:
        return f'<div style="{_SMALL}">the same as above</div>' + _numbers(row.numbers)
    message = f'<div style="margin-top:.15em;white-space:pre-wrap;">{_text(row.message)}</div>'
    pairs = (("expected", row.expected), ("got", row.got), ("hint", row.hint))
    lines = [
        f'<div style="display:flex;gap:.6em;margin-top:.15em;"><span style="{_LABEL}">'
        f'{label}</span><span style="flex:1;min-width:0;">{_text(text)}</span></div>'
        for label, text in pairs
        if text
    ]
    return message + "".join(lines) + _numbers(row.numbers)


def _numbers(text: str) -> str:
    """Return a case's numbers, folded away until somebody asks."""
    if not text:
        return ""
    return (
        f'<details style="margin-top:.25em;"><summary style="{_SMALL}cursor:pointer;">'
        "the numbers, to follow by hand</summary>"
        f'<pre style="{_CODE}display:block;margin:.3em 0 0;padding:.5em .7em;overflow-x:auto;'
        f'white-space:pre;line-height:1.4;">{_escape(text)}</pre></details>'
    )


def _strip(text: str, style: str) -> str:
    if not text:
        return ""
    return f'<div style="{_STRIP}border-top:{_LINE};{style}">{_text(text)}</div>'


def _colour(report: Report) -> str:
    if report.passed:
        return _RIGHT
    return _PARTLY if report.points > 0 else _WRONG


def _escape(text: str) -> str:
    return html.escape(text, quote=True)


def _text(text: str) -> str:
    """Escape a text; what stands between backticks becomes code."""
    return re.sub(r"`([^`\n]{1,400})`", rf'<code style="{_CODE}">\1</code>', _escape(text))
