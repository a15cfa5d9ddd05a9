"""Show a built book in the browser."""

from __future__ import annotations

import functools
import http.server
import os
from collections.abc import Callable
from pathlib import Path

from cvgen_course.errors import BookError


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line per request."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Ask the browser to look for new pages after each build."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def serve(
    html: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_start: Callable[[str], None] = print,
) -> None:
    """Serve a folder of pages until Ctrl-C.

    Args:
        html: the folder, as ``build`` returns it.
        host: the address to listen on; this machine alone by default.
        port: 0 takes any free port.
        on_start: told the book's address once it can be opened.

    Raises:
        BookError: there is no book, or the port is taken.
    """
    if not (html / "index.html").is_file():
        raise BookError(f"{html}: no built book; run: cvgen book")
    handler = functools.partial(_Quiet, directory=os.fspath(html))
    try:
        server = http.server.ThreadingHTTPServer((host, port), handler)
    except OSError as error:
        raise BookError(f"port {port} can't be used ({error.strerror}); choose another") from error
    with server:
        on_start(f"http://{host}:{server.server_port}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
