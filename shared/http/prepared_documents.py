"""Documents that take seconds to make, so a build of a package or image writes them beforehand.

Without a build, as in `make run`, an instance makes a document at its first request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

from shared.http.request import ApiRequest
from shared.http.routing import Route
from shared.http.static_documents import LazyDocument

PREPARED = Path(__file__).with_name("prepared")
"""The folder of the written documents; only builds have it."""


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """The document at `/<name>`; `make` returns it."""

    name: str
    make: Callable[[], bytes]
    media_type: str = "application/json"

    def write(self, folder: Path = PREPARED) -> Path:
        """Write the document into the folder, and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / self.name
        file.write_bytes(self.make())
        return file

    def route(self, folder: Path = PREPARED) -> Route:
        """Return the route that serves the document: the written one, or else a new one."""
        file = folder / self.name
        document = LazyDocument(lambda: file.read_bytes() if file.exists() else self.make())

        async def answer(request: ApiRequest) -> Response:
            return await document.response(request, {"Content-Type": self.media_type})

        return Route("GET", f"/{self.name}", answer)
