"""`GET /` and `/join`: the console; `/embed`, `/board`: only clocks.

A checkout has plain ES modules in `clients/console`. In packages and images the same folder has the
files that `infra/console/build.mjs` makes from them.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from starlette.responses import Response

from shared.http.request import ApiRequest
from shared.http.response_headers import page_headers
from shared.http.routing import Endpoint, Routes
from shared.http.static_documents import CachedStaticFiles, file_response
from shared.serverless.http_function import make_http_function

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "clients" / "console"
_CLIENT = _ROOT / "clients" / "js"


class _Library(CachedStaticFiles):
    """The modules of the client library, without its tests and their dependencies."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        is_module = path.endswith(".js") and not {"node_modules", "tests"} & set(Path(path).parts)
        return super().lookup_path(path) if is_module else ("", None)


routes = Routes()


@routes.get("/")
async def page(request: ApiRequest) -> Response:
    """Return the console's page; its scripts and styles are under `/console`."""
    return await _page(request, "index.html")


@routes.get("/embed")
async def embed(request: ApiRequest) -> Response:
    """Return the page of one session's clocks, which the pages of `EMBED_ORIGINS` may frame."""
    return await _page(request, "embed.html", framed_by=request.components.embed_origins)


@routes.get("/board")
async def board(request: ApiRequest) -> Response:
    """Return the page that shows many sessions at once."""
    return await _page(request, "board.html")


async def _page(request: ApiRequest, name: str, *, framed_by: Sequence[str] = ()) -> Response:
    headers = page_headers(request.components.subscriptions.origins, framed_by=framed_by)
    return await file_response(request, _FILES / name, headers)


# The same page asks for the code of a session.
routes.get("/join")(page)


def _serving(files: CachedStaticFiles) -> Endpoint:

    async def serve(request: ApiRequest) -> Response:
        return await files.at(request.path_params["rest"], request.scope)

    return serve


routes.get("/console/{rest}")(_serving(CachedStaticFiles(directory=_FILES)))
routes.get("/clients/js/{rest}")(_serving(_Library(directory=_CLIENT)))

handler = make_http_function(routes)
