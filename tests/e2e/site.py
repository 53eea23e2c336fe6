"""A web site that isn't the service's."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Site:
    """A web site that isn't the service's; its pages are files of a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self._folder = folder

    def page(self, html: str) -> str:
        """Return the address of a page with this body."""
        path = self._folder / f"{len(list(self._folder.iterdir()))}.html"
        path.write_text(f"<!doctype html><title>Club</title><link rel=icon href=data:,>{html}")
        return f"{self.origin}/{path.name}"

    def script(self, code: str) -> str:
        """Return the address of a module with this code."""
        path = self._folder / f"{len(list(self._folder.iterdir()))}.js"
        path.write_text(code)
        return f"{self.origin}/{path.name}"


@contextmanager
def site_in(folder: Path) -> Iterator[Site]:
    """Serve the pages of `folder` on a port of its own."""
    handler = partial(_QuietHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Site(folder, server.server_port)
        server.shutdown()
