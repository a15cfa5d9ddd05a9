"""A small Sphinx extension: the download buttons and MathJax without the network."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MATHJAX = "mathjax/tex-chtml.js"
SAID_WRONGLY = {
    # A signature's parameters, one a line, are no terms with definitions.
    '<dl>\n<dd><em class="sig-param">': '<dl role="presentation">\n<dd><em class="sig-param">',
    # The bibliography is a list; what is in it are its items.
    'role="doc-biblioentry"': 'role="listitem"',
}
"""What Sphinx tells a screen reader, and what is so."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension with Sphinx."""
    if mathjax_folder():
        app.connect("config-inited", _use_own_mathjax)
        app.connect("build-finished", _copy_mathjax)
    app.connect("autodoc-skip-member", _skip_tuple_fields)
    # Before viewcode (priority 500) makes a page for every module it knows.
    app.connect("html-collect-pages", _forget_modules_without_source, priority=100)
    app.add_config_value("cvgen_downloads", {}, "html")
    # After the theme has made its own buttons (priority 500 and 501).
    app.connect("html-page-context", _download_buttons, priority=900)
    app.connect("html-page-context", _describe_lists, priority=900)
    app.connect("html-page-context", _name_arrows, priority=900)
    _leave_out_thebe(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def mathjax_folder() -> Path | None:
    """Return the folder of the installed MathJax, None where there is none.

    The package ``sphinx-mathjax-offline`` carries MathJax 3. Without it, pages load MathJax from
    its usual public address, and equations need the network.
    """
    found = importlib.util.find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "static" / "mathjax"


def _use_own_mathjax(app: Sphinx, config: Any) -> None:
    config.mathjax_path = MATHJAX


def _copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    if error or source is None or (target / "tex-chtml.js").exists():
        return
    fonts = Path("output/chtml/fonts/woff-v2")
    (target / fonts).mkdir(parents=True, exist_ok=True)
    for path in (source / fonts).iterdir():
        shutil.copyfile(path, target / fonts / path.name)
    shutil.copyfile(source / "tex-chtml.js", target / "tex-chtml.js")


def _skip_tuple_fields(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out a named tuple's fields: its docstring's Attributes describe them already."""
    text = getattr(member, "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def _forget_modules_without_source(app: Sphinx) -> list[tuple[object, ...]]:
    """Drop what viewcode would list without a page: a named tuple's made-up module."""
    modules = getattr(app.env, "_viewcode_modules", {})
    for name in [name for name, entry in modules.items() if not entry]:
        del modules[name]
    return []


def _download_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    files = app.config.cvgen_downloads.get(pagename)
    if not files:
        return
    up = "../" * pagename.count("/")
    buttons = [
        {
            "type": "link",
            "url": up + address,
            "text": label,
            "icon": "fas fa-download",
            "tooltip": f"Download: {label}",
            "label": "download-file-button",
        }
        for label, address in files.items()
    ]
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Download this lecture",
            "icon": "fas fa-download",
            "buttons": buttons,
            "label": "download-buttons",
        }
    )


def _describe_lists(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell a screen reader what a list is."""
    for said, so in SAID_WRONGLY.items():
        context["body"] = context.get("body", "").replace(said, so)


def _name_arrows(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give the navigation's arrows a name: they unfold the pages below a page."""
    navigation = context["generate_toctree_html"]

    def with_names(*args: Any, **options: Any) -> Any:
        tree = navigation(*args, **options)
        for arrow in tree.find_all("summary"):
            arrow["aria-label"] = f"Pages of {arrow.find_parent('li').a.get_text(strip=True)}"
        return tree

    context["generate_toctree_html"] = with_names


def _leave_out_thebe(app: Sphinx) -> None:
    """Take out the live code cells that Jupyter Book prepares on every page.

    The course does not use them; their script declares its constants twice, an error in each
    page's console, and names a repository that is not the course's.
    """
    from sphinx_thebe import init_thebe_core, update_thebe_context

    for listener in [one for several in app.events.listeners.values() for one in several]:
        if listener.handler in (init_thebe_core, update_thebe_context):
            app.disconnect(listener.id)
